"""What rendering takes from the answers, as plain values that can be compared and cached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from installer.answers.model import Answers
from installer.answers.module_questions import ModuleAnswers
from installer.modules.catalogue import Module
from installer.modules.claims import Claim
from installer.modules.description import ClaimEntry, OptionValue
from installer.modules.images import ImageChoice
from installer.modules.problems import Problem, refuse
from installer.modules.quantities import bytes_of

Options = tuple[tuple[str, OptionValue], ...]


@dataclass(frozen=True)
class Setting:
    """Answers outside the modules that templates may use as `answers.domain` and so on."""

    name: str
    target: str
    domain: str
    email: str
    pull_secret: bool


def setting(answers: Answers) -> Setting:
    """The answers templates may see; none of them is a secret."""
    return Setting(
        name=answers.name,
        target=str(answers.target),
        domain=answers.access.domain,
        email=answers.access.email,
        pull_secret=bool(answers.images.pull_user),
    )


def image_choice(answers: Answers) -> ImageChoice:
    """What the answers say about where images come from."""
    return ImageChoice(answers.images.registry, tuple(sorted(answers.images.overrides.items())))


def options(answers: Answers, module: Module) -> Options:
    """The module's options with their chosen values, in the order of module.yaml.

    Answers made without this module's questions give its defaults.
    """
    chosen = _chosen(answers, module)
    values = chosen.options() if chosen else {}
    return tuple(
        (option.name, cast(OptionValue, values.get(option.name, option.default)))
        for option in module.file.options
    )


def is_enabled(answers: Answers, module: Module) -> bool:
    """Whether the module is switched on; one the answers do not know follows its own default."""
    chosen = _chosen(answers, module)
    return chosen.enabled if chosen else module.file.enabled


def _chosen(answers: Answers, module: Module) -> ModuleAnswers | None:
    try:
        return answers.module(module.name)
    except KeyError:
        return None


def enabled(answers: Answers, modules: Sequence[Module]) -> tuple[Module, ...]:
    """The enabled modules, in the order given.

    Raises ModulesInvalid when one of them needs a module that is switched off.
    """
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
    return chosen


def switched_on(when: str, chosen: Mapping[str, OptionValue]) -> bool:
    """Whether an entry with this `when` applies; one without always does."""
    return not when or bool(chosen[when])


def claims_of(answers: Answers, module: Module) -> tuple[Claim, ...]:
    """The claims of one module with the sizes chosen."""
    chosen = dict(options(answers, module))
    return tuple(
        Claim(
            module=module.name,
            namespace=entry.namespace or module.namespace,
            name=entry.name,
            size_bytes=_size(entry, chosen),
            what=entry.what,
        )
        for entry in module.file.claims
        if switched_on(entry.when, chosen)
    )


def _size(entry: ClaimEntry, chosen: Mapping[str, OptionValue]) -> int:
    return bytes_of(str(chosen[entry.size_option]) if entry.size_option else entry.size)
