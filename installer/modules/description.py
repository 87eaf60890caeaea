"""The form of `module.yaml`: what an installer must know of a module besides its manifests."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from installer.modules.closed import Closed
from installer.modules.conditions import OptionValue, mistakes
from installer.modules.quantities import bytes_of
from installer.modules.secret_values import Described, Shape

_NAME = r"^[a-z][a-z0-9-]*$"
_IDENTIFIER = r"^[a-z][a-z0-9_]*$"
_KEY = r"^[A-Za-z0-9._-]+$"

_POD = r"^[a-z][a-z0-9-]*/([a-z][a-z0-9-]*|\*)$"


class NamespaceEntry(Closed):
    """A namespace the module lives in; anything weaker than `restricted` must give its reason."""

    name: str = Field(pattern=_NAME, max_length=63)
    pod_security: Literal["restricted", "baseline", "privileged"] = "restricted"
    reason: str = ""

    @model_validator(mode="after")
    def _weaker_needs_a_reason(self) -> NamespaceEntry:
        if self.pod_security != "restricted" and not self.reason:
            raise ValueError("a namespace below the restricted level needs a reason")
        return self


class LowerEntry(Closed):
    """A value that asks for less; `costs` says what the person loses, `hurts` how much of it.

    1 is hardly noticed, 9 is a part of the platform that is gone.
    """

    value: OptionValue
    costs: str = Field(min_length=1)
    hurts: int = Field(ge=1, le=9)


class WithoutEntry(Closed):
    """What is lost without the module, for a person who must choose; `hurts` as for options."""

    costs: str = Field(min_length=1)
    hurts: int = Field(default=9, ge=1, le=9)


class OptionEntry(Closed):
    """One thing a person may choose; `profiles` gives other defaults for named profiles.

    `minimum` and `maximum` bound an integer, or a size in whole GiB. `pattern` is what a text must
    match as a whole, and `must` the end of the sentence "This must ..." for one that does not.
    `lower` names values that ask for less, the mildest first; they are proposed where a plan does
    not fit.
    """

    name: str = Field(pattern=_IDENTIFIER)
    kind: Literal["choice", "integer", "switch", "text", "size"]
    default: OptionValue
    profiles: dict[str, OptionValue] = Field(default_factory=dict)
    title: str
    help: str
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""
    must: str = ""
    costs: str = ""
    lower: tuple[LowerEntry, ...] = ()

    @model_validator(mode="after")
    def _a_pattern_has_words(self) -> OptionEntry:
        if bool(self.pattern) != bool(self.must) or (self.pattern and self.kind != "text"):
            raise ValueError("a text may have a pattern, and then says what it must be")
        return self

    @model_validator(mode="after")
    def _values_are_allowed(self) -> OptionEntry:
        for value in (self.default, *self.profiles.values()):
            mistake = option_mistake(self, value)
            if mistake:
                raise ValueError(f"default of {self.name}: {mistake}")
        for entry in self.lower:
            mistake = option_mistake(self, entry.value)
            if mistake:
                raise ValueError(f"lower value of {self.name}: {mistake}")
        return self


def option_mistake(option: OptionEntry, value: object) -> str:
    """Why `value` is not allowed for the option, as a clause; empty when it is."""
    if option.kind == "switch":
        return "" if isinstance(value, bool) else "must be true or false"
    if option.kind == "integer":
        if isinstance(value, bool) or not isinstance(value, int):
            return "must be a whole number"
        return _outside(option, value, value)
    if not isinstance(value, str):
        return "must be text"
    if option.kind == "choice" and value not in option.choices:
        return f"must be one of {', '.join(option.choices)}"
    if option.pattern and re.fullmatch(option.pattern, value) is None:
        return f"must {option.must}"
    return _size_mistake(option, value) if option.kind == "size" else ""


def _size_mistake(option: OptionEntry, value: str) -> str:
    try:
        size = bytes_of(value)
    except ValueError as error:
        return str(error)
    return _outside(option, size / 2**30, value)


def _outside(option: OptionEntry, measure: float, shown: object) -> str:
    unit = " GiB" if option.kind == "size" else ""
    if option.minimum is not None and measure < option.minimum:
        return f"{shown} is below the smallest allowed value, {option.minimum}{unit}"
    if option.maximum is not None and measure > option.maximum:
        return f"{shown} is above the largest allowed value, {option.maximum}{unit}"
    return ""


class Switchable(Closed):
    """An entry that applies only under a condition; `installer.modules.conditions` has its form."""

    when: str = ""


class ImageEntry(Switchable):
    """An image of the lock file the module uses; its bare name is enough for one always used."""

    name: str = Field(pattern=_NAME)

    @model_validator(mode="before")
    @classmethod
    def _a_name_is_enough(cls, given: object) -> object:
        return {"name": given} if isinstance(given, str) else given


class Placed(Switchable):
    """An entry in one of the module's namespaces, by default the first."""

    namespace: str = ""


class ClaimEntry(Placed):
    """Storage the module needs: of a fixed size, or of the size an option holds."""

    name: str = Field(pattern=_NAME, max_length=63)
    size: str = ""
    size_option: str = ""
    what: str

    @model_validator(mode="after")
    def _one_size(self) -> ClaimEntry:
        if bool(self.size) == bool(self.size_option):
            raise ValueError("give either size or size_option")
        if self.size:
            bytes_of(self.size)
        return self


class QuestionEntry(Closed):
    """Words for a secret that a person may supply instead of having it generated."""

    title: str
    help: str = ""


class SecretValueEntry(Closed):
    """One key of a Secret.

    `text` is the value (fixed), the host names it is for (certificate), a text with `${key}` places
    for other keys of the same Secret (template), or `namespace/secret/key` of another Secret
    (copy). `file` reads the text from the module's files/ folder instead. `supplied` is what the
    person gives and empty otherwise, or, if it is `required`, a mistake; `shape` says what it must
    look like, and a certificate must be for every public name. `authority` is a certificate
    authority of the installation's own, `signed` a certificate it gave to the public names whose
    labels `text` lists, and `public` its own certificate, both with `by` naming the key of the
    authority.
    """

    key: str = Field(pattern=_KEY)
    make: Described
    text: str = ""
    file: str = ""
    question: QuestionEntry | None = None
    question_id: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$")
    shape: Shape = "line"
    required: bool = False
    by: str = ""

    @model_validator(mode="after")
    def _text_where_needed(self) -> SecretValueEntry:
        needs_text = self.make in ("fixed", "template", "copy", "certificate", "signed")
        if needs_text != bool(self.text or self.file) or (self.text and self.file):
            raise ValueError(
                f"{self.key}: {self.make} needs text or file"
                if needs_text
                else f"{self.key}: {self.make} takes neither text nor file"
            )
        if (needs_text or self.make == "authority") and self.question:
            raise ValueError(f"{self.key}: only generated values can be asked for")
        if self.make == "supplied" and not self.question:
            raise ValueError(f"{self.key}: what is supplied needs a question")
        if self.required and self.make != "supplied":
            raise ValueError(f"{self.key}: only what is supplied can be required")
        if (self.make in ("signed", "public")) != bool(self.by):
            raise ValueError(
                f"{self.key}: signed and public, and nothing else, name their authority in by"
            )
        if self.make == "copy" and self.text.count("/") != 2:
            raise ValueError(f"{self.key}: a copy names its source as namespace/secret/key")
        return self


class SecretEntry(Placed):
    """One Secret object; the installer fills it in the cluster, never on this disk."""

    id: str = Field(pattern=_IDENTIFIER)
    name: str = Field(pattern=_NAME, max_length=253)
    values: tuple[SecretValueEntry, ...] = Field(min_length=1)


class LoginEntry(Closed):
    """What a person logs in with: `secret` is the id of a Secret of the module.

    `key` holds the password there. The user's name is `user`, or the value of `user_key`.
    """

    secret: str = Field(pattern=_IDENTIFIER)
    key: str = Field(pattern=_KEY)
    user: str = ""
    user_key: str = Field(default="", pattern=rf"{_KEY}|^$")

    @model_validator(mode="after")
    def _one_user(self) -> LoginEntry:
        if bool(self.user) == bool(self.user_key):
            raise ValueError("a login gives either user or user_key")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the Secret that are read to log in."""
        return (self.user_key, self.key) if self.user_key else (self.key,)


class EndpointEntry(Placed):
    """A place other modules or people reach: a Service port inside, or a host name outside.

    What `people` open in a browser they reach under `host`, the label in front of the domain, or
    else by a tunnel of kubectl's. `login` says with what a person logs in there.
    """

    name: str = Field(pattern=_NAME)
    title: str
    service: str
    port: int = Field(ge=1, le=65535)
    scheme: str
    people: bool = False
    host: str = Field(default="", pattern=r"^([a-z][a-z0-9-]*)?$")
    login: LoginEntry | None = None


class HealthEntry(Placed):
    """How to see that the module works: a Service port that answers, optionally at an HTTP path."""

    title: str
    service: str
    port: int = Field(ge=1, le=65535)
    kind: Literal["tcp", "http"]
    path: str = ""


class TemplateEntry(Switchable):
    """One template; `wave` says when its workloads are applied."""

    file: str = Field(pattern=r"^[a-z0-9_-]+\.yaml\.j2$")
    wave: int = Field(ge=0, le=9)


class TrafficEntry(Switchable):
    """One allowed connection, as `namespace/pod`; the pod is its app.kubernetes.io/name, * is any.

    `port` is the one the target's container listens on, which need not be that of its Service.
    Instead of a pod, `from` may be `outside` (whoever reaches the front door) or `kubernetes-api`
    (for parts that serve a piece of the cluster's own API), and `to` one of `kubernetes-api`,
    `kubelets` (port 10250 of the nodes) and `internet`.
    """

    source: str = Field(alias="from", pattern=rf"{_POD}|^(outside|kubernetes-api)$")
    target: str = Field(alias="to", pattern=rf"{_POD}|^(kubernetes-api|kubelets|internet)$")
    port: int = Field(ge=1, le=65535)
    protocol: Literal["TCP", "UDP"] = "TCP"
    why: str = Field(min_length=1)


class VariablesEntry(Closed):
    """Every variable the program of an image reads, from its source.

    Without a `required` one it does not start; one that is in neither list it would ignore.
    """

    image: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class LastingEntry(Placed):
    """A variable of a workload that must not change once it is installed.

    `what` names it and `because` says what a change destroys, for people. `unless` is a text among
    the options: it confirms a change by holding the new value, so that it confirms no other.
    """

    workload: str = Field(pattern=r"^(Deployment|StatefulSet|DaemonSet)/[a-z][a-z0-9-]*$")
    variable: str
    what: str = Field(min_length=1)
    because: str = Field(min_length=1)
    unless: str


class RefusalEntry(Closed):
    """Answers that do not go together: under `when` the plan is refused with this sentence."""

    when: str = Field(min_length=1)
    because: str = Field(min_length=1)


class NoticeEntry(Closed):
    """Something a person should know under `when`; shown with the plan, refuses nothing."""

    when: str = ""
    says: str = Field(min_length=1)


class ModuleFile(Closed):
    """The whole of a `module.yaml`.

    `borrows` names namespaces of others in which the module also places objects; `platform` stands
    for those of all modules of the installation, and a module that borrows them need not have one
    of its own. `gives_way_to` is the name of an APIService: where somebody else serves it, as many
    clusters do for themselves, the module makes nothing.
    """

    version: Literal[1]
    title: str
    purpose: str
    enabled: bool = True
    without: WithoutEntry | None = None
    needs: tuple[str, ...] = ()
    looks_at: tuple[str, ...] = ()
    namespaces: tuple[NamespaceEntry, ...] = ()
    options: tuple[OptionEntry, ...] = ()
    images: tuple[ImageEntry, ...] = ()
    claims: tuple[ClaimEntry, ...] = ()
    secrets: tuple[SecretEntry, ...] = ()
    endpoints: tuple[EndpointEntry, ...] = ()
    waves: dict[int, str]
    templates: tuple[TemplateEntry, ...] = Field(min_length=1)
    health: tuple[HealthEntry, ...] = ()
    borrows: tuple[str, ...] = ()
    gives_way_to: str = ""
    traffic: tuple[TrafficEntry, ...] = ()
    variables: tuple[VariablesEntry, ...] = ()
    lasting: tuple[LastingEntry, ...] = ()
    refuses: tuple[RefusalEntry, ...] = ()
    notices: tuple[NoticeEntry, ...] = ()

    @model_validator(mode="after")
    def _lives_somewhere(self) -> ModuleFile:
        if not self.namespaces and "platform" not in self.borrows:
            raise ValueError("a module needs a namespace, unless it borrows those of the platform")
        return self

    def mistakes(self) -> list[str]:
        """What no single key can see: names that point nowhere, and names used twice."""
        return [*_doubles(self), *_dangling(self), *_logins_nowhere(self)]


def _doubles(module: ModuleFile) -> list[str]:
    groups = {
        "options": [option.name for option in module.options],
        "claims": [claim.name for claim in module.claims],
        "secrets": [secret.id for secret in module.secrets],
        "templates": [template.file for template in module.templates],
        "variables": [table.image for table in module.variables],
    }
    return [
        f"{group}: {name} appears more than once"
        for group, names in groups.items()
        for name in sorted({name for name in names if names.count(name) > 1})
    ]


def _dangling(module: ModuleFile) -> list[str]:
    kinds: dict[str, str] = {option.name: option.kind for option in module.options}
    namespaces = {"", *(namespace.name for namespace in module.namespaces)}
    switched: tuple[Switchable, ...] = (
        *module.images,
        *module.claims,
        *module.secrets,
        *module.endpoints,
        *module.templates,
        *module.health,
        *module.traffic,
        *module.lasting,
    )
    conditions = [
        *(entry.when for entry in switched),
        *(refusal.when for refusal in module.refuses),
        *(notice.when for notice in module.notices),
    ]
    modules = {*module.needs, *module.looks_at}
    placed: tuple[Placed, ...] = (
        *module.claims,
        *module.secrets,
        *module.endpoints,
        *module.health,
        *module.lasting,
    )
    return [
        *(mistake for when in conditions for mistake in mistakes(when, kinds, modules)),
        *(
            f"namespace {entry.namespace} is not listed under namespaces"
            for entry in placed
            if entry.namespace not in namespaces
        ),
        *(
            f"claims.{claim.name}: {claim.size_option} is not a size among the options"
            for claim in module.claims
            if claim.size_option and kinds.get(claim.size_option) != "size"
        ),
        *(
            f"templates.{template.file}: wave {template.wave} has no title under waves"
            for template in module.templates
            if template.wave not in module.waves
        ),
        *(
            f"lasting.{entry.variable}: {entry.unless} is not a text among the options"
            for entry in module.lasting
            if kinds.get(entry.unless) != "text"
        ),
        *(
            f"variables: {table.image} is not listed under images"
            for table in module.variables
            if table.image not in {image.name for image in module.images}
        ),
    ]


def _logins_nowhere(module: ModuleFile) -> list[str]:
    """Logins that name a Secret or a key the module does not make."""
    made = {entry.id: {value.key for value in entry.values} for entry in module.secrets}
    found = []
    for endpoint in module.endpoints:
        login = endpoint.login
        if login is None:
            continue
        if login.secret not in made:
            found.append(f"endpoints.{endpoint.name}: {login.secret} is not among the secrets")
            continue
        found += [
            f"endpoints.{endpoint.name}: {key} is no key of the secret {login.secret}"
            for key in login.keys
            if key not in made[login.secret]
        ]
    return found
