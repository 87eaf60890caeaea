"""What rendering takes from the answers, as plain values that can be compared and cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar, cast

from installer.answers.model import Answers
from installer.answers.module_questions import ModuleAnswers
from installer.modules.catalogue import Module
from installer.modules.claims import Claim
from installer.modules.conditions import Conditional, OptionValue, holds
from installer.modules.description import ClaimEntry, ImageEntry
from installer.modules.hosts import public_domain
from installer.modules.images import ImageChoice, KnownImage, PlannedImage, planned_image
from installer.modules.problems import Problem, refuse
from installer.modules.quantities import bytes_of

Options = tuple[tuple[str, OptionValue], ...]


_Sections = tuple[ModuleAnswers | None, ...]
FoundT = TypeVar("FoundT")


class _Known(Generic[FoundT]):
    """What was worked out for a module from these very answers, as long as it is needed.

    Answers are told apart by being the same object: comparing what is in them takes longer than
    working it out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # The answers are kept beside the result, so that no others can have the same ids.
        self._found: dict[tuple[Module, tuple[int, ...]], tuple[_Sections, FoundT]] = {}

    def found(self, module: Module, sections: _Sections, work: Callable[[], FoundT]) -> FoundT:
        """The result, worked out at the first time."""
        key = (module, tuple(map(id, sections)))
        known = self._found.get(key)
        if known is None:
            if len(self._found) >= self._most:
                self._found.clear()
            known = self._found[key] = (sections, work())
        return known[1]


_KNOWN_OPTIONS = _Known[Options](1024)


@dataclass(frozen=True)
class Setting:
    """Answers outside the modules that templates may use as `answers.domain` and so on.

    `domain` is the public one, which `installer.modules.hosts` finds also where none was given.
    `network` is the address block of the network at Oracle, where the installation has one.
    `backup_bucket` says whether it makes a bucket there, which deletes what is older than
    `backup_days`.
    """

    name: str
    target: str
    domain: str
    email: str
    pull_secret: bool
    network: str = ""
    backup_bucket: bool = False
    backup_days: int = 30


def setting(answers: Answers) -> Setting:
    """The answers templates may see; none of them is a secret."""
    at_oracle = answers.target in ("oke", "rehearsal")
    return Setting(
        name=answers.name,
        target=str(answers.target),
        domain=public_domain(answers),
        email=answers.access.email,
        pull_secret=bool(answers.images.pull_user),
        network=answers.cluster.vcn_cidr if at_oracle else "",
        backup_bucket=at_oracle and answers.backups.bucket,
        backup_days=answers.backups.keep_days,
    )


def image_choice(answers: Answers, known: Sequence[KnownImage] = ()) -> ImageChoice:
    """What the answers say about where images come from, and what registries said of them."""
    overrides = tuple(sorted(answers.images.overrides.items()))
    return ImageChoice(answers.images.registry, overrides, tuple(known))


@lru_cache(maxsize=256)
def planned_images(
    chosen: tuple[Module, ...],
    choice: ImageChoice,
    rendered: frozenset[str],
    platforms: tuple[str, ...],
) -> tuple[PlannedImage, ...]:
    """The images of the chosen modules that rendered manifests name, each once."""
    found: dict[str, PlannedImage] = {}
    for module in chosen:
        for image in module.images.values():
            planned = planned_image(image, module.name, choice, platforms)
            if planned.reference in rendered:
                found.setdefault(planned.reference, planned)
    return tuple(found.values())


def options(answers: Answers, module: Module) -> Options:
    """The module's options with their chosen values, in the order of module.yaml.

    Answers made without this module's questions give its defaults.
    """
    chosen = _answers_of(answers, module.name)
    # Answers that differ in one module share the objects that hold the answers of all others.
    return _KNOWN_OPTIONS.found(module, (chosen,), lambda: _options(chosen, module))


def _options(chosen: ModuleAnswers | None, module: Module) -> Options:
    values = chosen.options() if chosen else {}
    return tuple(
        (option.name, cast(OptionValue, values.get(option.name, option.default)))
        for option in module.file.options
    )


def is_enabled(answers: Answers, module: Module) -> bool:
    """Whether the module is switched on; one the answers do not know follows its own default."""
    chosen = _answers_of(answers, module.name)
    return chosen.enabled if chosen else module.file.enabled


def enabled(answers: Answers, modules: Sequence[Module]) -> tuple[Module, ...]:
    """The enabled modules, in the order given.

    Raises ModulesInvalid when one of them needs a module that is switched off, or when options
    contradict each other.
    """
    known, key = _draft_of(answers).enabled, tuple(modules)
    if key not in known:
        known[key] = _enabled(answers, modules)
    return known[key]


def _enabled(answers: Answers, modules: Sequence[Module]) -> tuple[Module, ...]:
    chosen = tuple(module for module in modules if is_enabled(answers, module))
    names = {module.name for module in chosen}
    refuse(
        [
            Problem(
                f"modules.{module.name}",
                f"{module.name} needs {need}, which is switched off; "
                f"set modules.{need}.enabled to true, or modules.{module.name}.enabled to false",
            )
            for module in chosen
            for need in module.file.needs
            if need not in names
        ]
    )
    refuse_contradictions(answers, chosen)
    return chosen


class Values(dict[str, OptionValue]):
    """What a module's conditions are about: its options, the modules it sees as `@name`, and their
    options as `@name.option`. To be read only, so that what follows from it is worked out once."""

    def __init__(self, values: Mapping[str, OptionValue]) -> None:
        super().__init__(values)
        # By the id of the entries asked about; they are kept, so that no others can have the same.
        self.applying: dict[int, tuple[object, tuple[Conditional, ...]]] = {}
        self.claims: tuple[Claim, ...] | None = None


_KNOWN_VALUES = _Known[Values](1024)


@dataclass(frozen=True)
class _Draft:
    """What is known already of answers that nobody changes."""

    answers: Answers | None
    values: dict[Module, Values] = field(default_factory=dict)
    enabled: dict[tuple[Module, ...], tuple[Module, ...]] = field(default_factory=dict)


# One draft is thought through at a time, and asked about the same modules again and again.
_last = _Draft(None)


def _draft_of(answers: Answers) -> _Draft:
    global _last
    draft = _last
    if draft.answers is not answers:
        draft = _last = _Draft(answers)
    return draft


def chosen_values(answers: Answers, module: Module) -> Values:
    """What this module's conditions are about."""
    found = _draft_of(answers).values
    if module not in found:
        found[module] = _gathered(answers, module)
    return found[module]


def _gathered(answers: Answers, module: Module) -> Values:
    sections = tuple(_answers_of(answers, name) for name in (module.name, *module.sees))
    return _KNOWN_VALUES.found(module, sections, lambda: _values(answers, module, sections))


def _values(answers: Answers, module: Module, sections: _Sections) -> Values:
    values = dict(options(answers, module))
    for name, other in zip(module.sees, sections[1:], strict=True):
        values.update(seen_values(name, other is None or other.enabled, _plain(other)))
    return Values(values)


EntryT = TypeVar("EntryT", bound=Conditional)


def applying(answers: Answers, module: Module, entries: tuple[EntryT, ...]) -> tuple[EntryT, ...]:
    """Those of a module's entries whose condition holds, in their order."""
    chosen = chosen_values(answers, module)
    known = chosen.applying.get(id(entries))
    if known is None:
        found = tuple(entry for entry in entries if holds(entry.when, chosen))
        known = chosen.applying[id(entries)] = (entries, found)
    return cast("tuple[EntryT, ...]", known[1])


def seen_values(
    name: str, enabled: bool, chosen: Mapping[str, OptionValue]
) -> dict[str, OptionValue]:
    """A module as the conditions of another one name it."""
    return {f"@{name}": enabled, **{f"@{name}.{each}": value for each, value in chosen.items()}}


def _answers_of(answers: Answers, name: str) -> ModuleAnswers | None:
    try:
        return answers.module(name)
    except KeyError:
        return None


def _plain(found: ModuleAnswers | None) -> Mapping[str, OptionValue]:
    return cast(Mapping[str, OptionValue], found.options()) if found else {}


def refuse_contradictions(answers: Answers, chosen: Sequence[Module]) -> None:
    """Raises ModulesInvalid with everything the modules refuse about their answers."""
    refuse(
        [
            Problem(f"modules.{module.name}", entry.because)
            for module in chosen
            for entry in applying(answers, module, module.file.refuses)
        ]
    )


def notices(answers: Answers, chosen: Sequence[Module]) -> tuple[str, ...]:
    """What the modules have to say about their answers, in their order."""
    return tuple(
        entry.says for module in chosen for entry in applying(answers, module, module.file.notices)
    )


def images_to_bring(answers: Answers, chosen: Sequence[Module]) -> dict[str, str]:
    """Images nobody publishes and nobody has named yet: name -> the answer that, when false, does
    without it."""
    return {
        entry.name: f"modules.{module.name}.{_switch_of(entry, module)}"
        for module in chosen
        for entry in applying(answers, module, module.file.images)
        if module.images[entry.name].brought and entry.name not in answers.images.overrides
    }


def _switch_of(entry: ImageEntry, module: Module) -> str:
    """The option that alone decides about an image, or else the module's own switch."""
    switches = {option.name for option in module.file.options if option.kind == "switch"}
    return entry.when if entry.when in switches else "enabled"


def claims_of(answers: Answers, module: Module) -> tuple[Claim, ...]:
    """The claims of one module with the sizes chosen."""
    chosen = chosen_values(answers, module)
    if chosen.claims is None:
        chosen.claims = tuple(
            Claim(
                module=module.name,
                namespace=entry.namespace or module.namespace,
                name=entry.name,
                size_bytes=_size(entry, chosen),
                what=entry.what,
            )
            for entry in applying(answers, module, module.file.claims)
        )
    return chosen.claims


def _size(entry: ClaimEntry, chosen: Mapping[str, OptionValue]) -> int:
    return bytes_of(str(chosen[entry.size_option]) if entry.size_option else entry.size)
