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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from installer.modules.addresses import NOT_KNOWN, Addresses
from installer.modules.catalogue import Module
from installer.modules.choices import Options, Setting, seen_values
from installer.modules.compiled import compiled_templates
from installer.modules.conditions import OptionValue, holds
from installer.modules.documents import documents_in
from installer.modules.images import ImageChoice, KnownImage
from installer.modules.problems import ModulesInvalid, Problem
from installer.modules.publishing import Published
from installer.modules.quantities import bytes_of
from installer.modules.traffic import Flow, by_pods

# Pods of different users share volumes through this one group; it belongs to no image.
SHARED_GROUP = 10001


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


class _Named:
    """Attribute access to named values; a misspelt one is an error that names the right one."""

    def __init__(self, what: str, values: Mapping[str, Any]) -> None:
        self._what = what
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            near = get_close_matches(name, self._values, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise jinja2.UndefinedError(f"{self._what} has no {name}{hint}")
        return self._values[name]


def documents(given: RenderInput) -> list[tuple[str, int, dict[str, Any]]]:
    """(template, wave of its workloads, object) of every document the module's templates hold."""
    environment = _environment(given.module)
    names = _names(given, environment)
    chosen = given.chosen
    found = []
    for entry in given.module.file.templates:
        if not holds(entry.when, chosen):
            continue
        shown = f"{given.module.name}/{entry.file}"
        for body in _objects(shown, _fill(environment, names, shown, entry.file)):
            found.append((shown, entry.wave, body))
    return found


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


def _objects(shown: str, text: str) -> list[dict[str, Any]]:
    try:
        return documents_in(text)
    except yaml.YAMLError as error:
        raise ModulesInvalid([Problem(shown, f"the rendered text is not YAML: {error}")]) from error


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


def _names(given: RenderInput, environment: jinja2.Environment) -> dict[str, Any]:
    names: dict[str, Any] = {
        "options": _Named("options", dict(given.options)),
        "answers": given.setting,
        "host": lambda label: f"{label}.{given.setting.domain}",
        "traffic": given.traffic,
        "by_pods": by_pods,
        "platform": given.platform,
        "published": given.published,
        "facts": given.facts,
        "namespace": given.module.namespace,
        "shared_group": SHARED_GROUP,
        "image": _image(given),
        "claim": _claim(given),
        "size": bytes_of,
        "file": lambda name: given.module.text_of(f"files/{name}"),
        "labels": lambda name: {"app.kubernetes.io/name": name},
        "checksum": checksum,
        "pod_security": pod_security,
        "container_security": container_security,
        "other": _other(given),
        "refuse": _refuse(given),
    }
    return {**names, "filled": _filled(environment, names)}


def _filled(environment: jinja2.Environment, names: Mapping[str, Any]) -> Callable[..., str]:
    def filled(name: str, **values: Any) -> str:
        return environment.get_template(f"files/{name}").render({**names, **values})

    return filled


def _image(given: RenderInput) -> Callable[[str], str]:
    def image(name: str) -> str:
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

    return image


def _claim(given: RenderInput) -> Callable[[str], Place]:
    places = {place.claim: place for place in given.places}

    def claim(name: str) -> Place:
        if name not in places:
            raise _misuse(given, f"claim {name!r} is not listed under claims")
        return places[name]

    return claim


def _other(given: RenderInput) -> Callable[[str], _Named]:
    others = dict(given.others)

    def other(name: str) -> _Named:
        if name not in others:
            raise _misuse(given, f"module {name!r} is neither under needs nor under looks_at")
        known = others[name]
        return _Named(name, {"enabled": known.enabled, **dict(known.options)})

    return other


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
