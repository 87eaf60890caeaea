"""What templates can call, and how a module's templates become Kubernetes objects.

Templates are ordinary Kubernetes YAML in jinja2. A name that does not exist is an error, never an
empty string. Lists and mappings print as JSON, which is YAML as well.

What a template can use:

    options.NAME              the module's own option, as chosen
    answers.domain            name, target, domain, email of the installation; nothing secret
    host("LABEL")             a public name: the label in front of the domain
    other("MODULE").NAME      an option of a module under `needs` or `looks_at`; `.enabled` too
    image("NAME")             the reference of an image of the lock file, after mirror and override
    claim("NAME")             .claim_name, .sub_path and .size_bytes of the claim's folder
    size(TEXT)                bytes in a size such as the value of an option of that kind
    file("PATH")              the text of a file below files/
    filled("PATH", name=...)  the same, filled in as a template of its own
    TEXT | quoted             a text as a YAML string, whatever is in it
    labels("NAME")            the label by which a workload and its Service find each other
    pod_security(uid, gid)    securityContext of a pod; container_security() that of a container
    refuse("SENTENCE")        answers that do not go together, where `refuses` cannot compare them
    facts, namespace, checksum(...), shared_group; facts.addresses says where nodes are
    traffic, platform         what may connect, and all namespaces: for modules that borrow platform
    by_pods(traffic)          the same by the pods at either end: (pods, what leaves, what comes)
    published                 the parts people reach, for these modules too; .label is for host()
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import jinja2
import yaml

from installer.modules.addresses import NOT_KNOWN, Addresses
from installer.modules.catalogue import Module
from installer.modules.choices import Options, Setting, seen_values
from installer.modules.compiled import compiled_templates
from installer.modules.conditions import OptionValue, holds
from installer.modules.description import TemplateEntry
from installer.modules.documents import parts_in
from installer.modules.images import ImageChoice, KnownImage
from installer.modules.problems import ModulesInvalid, Problem
from installer.modules.publishing import Published
from installer.modules.quantities import bytes_of
from installer.modules.readings import Question, Readings
from installer.modules.traffic import Flow, by_pods

# Pods of different users share volumes through this one group; it belongs to no image.
SHARED_GROUP = 10001

# As many results are kept of each template.
_MOST_READINGS = 128


@dataclass(frozen=True)
class Allowance:
    """What a month holds free of charge and what more than that costs, for modules that show it.

    Prices are US dollars as decimal texts, without tax; empty when one is not known. A GB of a
    volume is a GiB, and none is billed as less than `volume_floor_gb`.
    """

    title: str
    hours: int
    ocpu_hours: int
    memory_gb_hours: int
    volume_gb: int
    volume_floor_gb: int
    boot_volume_gb: int
    ocpu_hour_usd: str = ""
    memory_gb_hour_usd: str = ""
    volume_gb_month_usd: str = ""


@dataclass(frozen=True)
class ClusterFacts:
    """What rendering must know of the cluster.

    `storage_class` may be empty (the cluster's default); so may `architecture` (mixed or unknown).
    `allowance` is there where the cluster is billed by a provider who gives one.
    `served_by_others` are the names of APIServices that are there and not ours.
    `images` is what registries said of images, which is then pinned.
    """

    storage_class: str = ""
    architecture: str = ""
    allowance: Allowance | None = None
    addresses: Addresses = NOT_KNOWN
    served_by_others: tuple[str, ...] = ()
    images: tuple[KnownImage, ...] = ()


@dataclass(frozen=True)
class Others:
    """What a template may know of another module: whether it is on, and its options."""

    enabled: bool
    options: Options


@dataclass(frozen=True)
class Place:
    """Where a claim's folder is: `claim_name` and `sub_path` go into a pod.

    `shared` says that other claims live on the same volume.
    """

    claim: str
    claim_name: str
    sub_path: str
    size_bytes: int
    shared: bool


@dataclass(frozen=True)
class RenderInput:
    """Everything one module's objects depend on; equal inputs give equal objects."""

    module: Module
    options: Options
    setting: Setting
    images: ImageChoice
    places: tuple[Place, ...]
    facts: ClusterFacts
    others: tuple[tuple[str, Others], ...]
    traffic: tuple[Flow, ...] = ()
    platform: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()

    @property
    def chosen(self) -> dict[str, OptionValue]:
        """What conditions are about, as `choices.chosen_values` has it."""
        values = dict(self.options)
        for name, other in self.others:
            values.update(seen_values(name, other.enabled, dict(other.options)))
        return values


class _Source:
    """Answers what templates ask for, and notes the questions with their answers."""

    def __init__(self, given: RenderInput) -> None:
        self._options = dict(given.options)
        self._others = {
            name: {"enabled": other.enabled, **dict(other.options)} for name, other in given.others
        }
        self._places = {place.claim: place for place in given.places}
        self._wholes = {
            "answers": _Whole(given.setting),
            "facts": _Whole(given.facts),
            "traffic": _Whole(given.traffic),
            "platform": _Whole(given.platform),
            "published": _Whole(given.published),
        }
        self._given = given
        self.read: dict[Question, Hashable] = {}

    def ask(self, question: Question) -> Any:
        """What the question is answered with; raises what a template's author must read."""
        if question not in self.read:
            self.read[question] = self.answer(question)
        return self.read[question]

    def answer(self, question: Question) -> Hashable:
        """The same, of which nothing is noted."""
        match question:
            case ("option", name):
                return _named("options", self._options, name)
            case ("whole", name):
                return self._wholes[name]
            case ("image", name):
                return self._image(name)
            case ("claim", name, attribute):
                return cast(Hashable, getattr(self._claim(name), attribute))
            case ("domain",):
                return self._given.setting.domain
            case (_, module, name):
                return _named(module, self._other(module), name)
        raise AssertionError(question)

    def whole(self, name: str) -> None:
        """Note that one of the values is read that count as a whole."""
        if name in self._wholes:
            self.ask(("whole", name))

    def names(self) -> dict[str, Any]:
        """What templates may call."""
        given = self._given
        return {
            **{name: whole.value for name, whole in self._wholes.items()},
            _NOTE: self.whole,
            "options": _Named(lambda name: self.ask(("option", name))),
            "host": lambda label: f"{label}.{self.ask(('domain',))}",
            "by_pods": by_pods,
            "namespace": given.module.namespace,
            "shared_group": SHARED_GROUP,
            "image": lambda name: self.ask(("image", name)),
            "claim": self._named_claim,
            "size": bytes_of,
            "file": lambda name: given.module.text_of(f"files/{name}"),
            "labels": lambda name: {"app.kubernetes.io/name": name},
            "checksum": checksum,
            "pod_security": pod_security,
            "container_security": container_security,
            "other": self._named_other,
            "refuse": _refuse(given),
        }

    def _image(self, name: str) -> str:
        given = self._given
        if name not in given.module.images:
            raise _misuse(given, f"image {name!r} is not listed under images")
        locked = given.module.images[name]
        if not given.images.runs_on(locked, given.facts.architecture):
            raise _misuse(
                given,
                f"image {locked.reference} is not made for {given.facts.architecture} machines; "
                f"name one that is under images.overrides.{name}",
            )
        return given.images.reference(locked)

    def _claim(self, name: str) -> Place:
        if name not in self._places:
            raise _misuse(self._given, f"claim {name!r} is not listed under claims")
        return self._places[name]

    def _named_claim(self, claim: str) -> _Named:
        self._claim(claim)
        return _Named(lambda name: self.ask(("claim", claim, name)))

    def _other(self, name: str) -> Mapping[str, OptionValue]:
        if name not in self._others:
            raise _misuse(self._given, f"module {name!r} is neither under needs nor under looks_at")
        return self._others[name]

    def _named_other(self, module: str) -> _Named:
        self._other(module)
        return _Named(lambda name: self.ask(("other", module, name)))


_NOTE = "_read"


class _Context(jinja2.runtime.Context):
    """Tells which of the names a template looks up are read as a whole."""

    def resolve_or_missing(self, key: str) -> Any:
        """The value of a name, as jinja2 finds it."""
        note = self.parent.get(_NOTE)
        if note is not None:
            note(key)
        return super().resolve_or_missing(key)


class _Whole:
    """A value that is read as a whole, such as all traffic; hashed once, however often compared."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self._hash = hash(value)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Whole) and (
            self.value is other.value or self.value == other.value
        )


class _Named:
    """Attribute access to what is asked for by name."""

    def __init__(self, ask: Callable[[str], Any]) -> None:
        self._ask = ask

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._ask(name)


def _named(what: str, values: Mapping[str, OptionValue], name: str) -> OptionValue:
    """A misspelt name is an error that names the right one."""
    if name not in values:
        near = get_close_matches(name, values, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise jinja2.UndefinedError(f"{what} has no {name}{hint}")
    return values[name]


@dataclass(frozen=True, eq=False)
class Document:
    """One object of a template. As long as its text stays it is the same one, whatever else the
    template came to."""

    body: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Filled:
    """What one template came to: its objects, whose workloads have their turn at `wave`.

    The same one is given for the same input; it is to be read only.
    """

    source: str
    wave: int
    documents: tuple[Document, ...]

    @property
    def bodies(self) -> tuple[dict[str, Any], ...]:
        """The objects as plain values."""
        return tuple(one.body for one in self.documents)


def documents(given: RenderInput) -> list[Filled]:
    """Every template of the module that takes part, filled in.

    A template is filled in again only when something it reads is another than before.
    """
    source = _Source(given)
    chosen = given.chosen
    return [
        _filled_in(given.module, entry, source)
        for entry in given.module.file.templates
        if holds(entry.when, chosen)
    ]


def _filled_in(module: Module, entry: TemplateEntry, source: _Source) -> Filled:
    known = _readings(module, entry.file)
    try:
        found = known.find(source.answer)
    except (ModulesInvalid, jinja2.UndefinedError):
        found = None  # It is said again where a person can see which line asked.
    if found is None:
        environment = _environment(module)
        names = source.names()
        names["filled"] = _fill_file(environment, names)
        shown = f"{module.name}/{entry.file}"
        source.read = {}
        text = _fill(environment, names, shown, entry.file)
        found = Filled(shown, entry.wave, _objects(module, shown, text))
        known.keep(source.read.items(), found)
    return found


@lru_cache(maxsize=256)
def _readings(module: Module, file: str) -> Readings[Filled]:  # noqa: ARG001 - the key of the cache
    return Readings(_MOST_READINGS)


def _fill(environment: jinja2.Environment, names: Mapping[str, Any], shown: str, name: str) -> str:
    try:
        return environment.get_template(name).render(names)
    except jinja2.TemplateSyntaxError as error:
        raise ModulesInvalid([Problem(f"{shown}:{error.lineno}", str(error))]) from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise ModulesInvalid([Problem(_spot(error, shown), str(error))]) from error


def _spot(error: BaseException, shown: str) -> str:
    """The file and line the error came from: jinja2 gives templates frames of their own."""
    spot = shown
    folder = shown.partition("/")[0] + "/"
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(folder):
            spot = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return spot


def _objects(module: Module, shown: str, text: str) -> tuple[Document, ...]:
    try:
        return tuple(_document(module, shown, part) for part in parts_in(text))
    except yaml.YAMLError as error:
        raise ModulesInvalid([Problem(shown, f"the rendered text is not YAML: {error}")]) from error


@lru_cache(maxsize=4096)
def _document(module: Module, shown: str, part: str) -> Document:  # noqa: ARG001 - key of the cache
    return Document(json.loads(part))


@lru_cache(maxsize=64)
def _environment(module: Module) -> jinja2.Environment:
    """Kept for each module: compiling its templates takes longer than filling them in."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_loader(module)),
        undefined=jinja2.StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is YAML, not HTML
        bytecode_cache=compiled_templates(Path(__file__)),
    )
    environment.context_class = _Context
    environment.filters["quoted"] = _quoted
    return environment


def _loader(module: Module) -> Callable[[str], tuple[str, str, Callable[[], bool]]]:
    def load(name: str) -> tuple[str, str, Callable[[], bool]]:
        return module.text_of(name), f"{module.name}/{name}", lambda: True

    return load


def _quoted(value: Any) -> str:
    if isinstance(value, jinja2.Undefined):
        # Any use of it raises the error that says which name is missing.
        str(value)
    return json.dumps(value)


def _printed(value: Any) -> Any:
    if isinstance(value, (dict, list, tuple, bool)):
        return json.dumps(value)
    return value


def _fill_file(environment: jinja2.Environment, names: Mapping[str, Any]) -> Callable[..., str]:
    def filled(name: str, **values: Any) -> str:
        return environment.get_template(f"files/{name}").render({**names, **values})

    return filled


def _refuse(given: RenderInput) -> Callable[[str], str]:
    def refuse(sentence: str) -> str:
        raise ModulesInvalid([Problem(f"modules.{given.module.name}", sentence)])

    return refuse


def _misuse(given: RenderInput, sentence: str) -> ModulesInvalid:
    return ModulesInvalid([Problem(f"{given.module.name}/module.yaml", sentence)])


def checksum(*texts: str) -> str:
    """Sixteen hexadecimal digits that change when one of the texts does."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]


def pod_security(user: int, group: int) -> dict[str, Any]:
    """The securityContext of a pod at the restricted level whose image runs as user:group.

    The shared group lets pods of different users keep their folders on one volume. OnRootMismatch
    leaves the modes inside alone once the volume belongs to it, which the databases' 0700 and the
    broker's 0400 files rely on.
    """
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "fsGroup": SHARED_GROUP,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """The securityContext of a container at the restricted level with a read-only root."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
