"""What a person may give up, as the modules declare it, and answers with such changes made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from installer.answers.asking import Question, by_path
from installer.answers.model import Answers
from installer.budget.advice import Change
from installer.budget.envelope import Envelope
from installer.modules import Module, enabled
from installer.modules.choices import options
from installer.modules.description import LowerEntry, OptionEntry
from installer.modules.quantities import bytes_of

USUAL = "This is the usual value."

Some = TypeVar("Some", bound=BaseModel)


def possible_changes(
    answers: Answers, modules: Sequence[Module], envelope: Envelope | None
) -> tuple[Change, ...]:
    """Every lower value of every option of the enabled modules, and each module's absence.

    With an envelope also the machines' way back to the shape that is free in it.
    """
    asked = by_path(type(answers))
    chosen = enabled(answers, modules)
    found = [
        change
        for module in chosen
        for change in _of_module(module, dict(options(answers, module)), asked)
    ]
    if envelope is not None:
        found += _of_machines(answers, envelope, asked)
    return tuple(found)


def _of_module(
    module: Module, values: Mapping[str, object], asked: Mapping[str, Question]
) -> Iterator[Change]:
    for option in module.file.options:
        path = f"modules.{module.name}.{option.name}"
        question = asked.get(path)
        for entry in _lower_than(option, values[option.name]) if question else ():
            yield Change(
                path,
                question.show(values[option.name]) if question else "",
                question.show(entry.value) if question else "",
                option.title,
                entry.costs,
                entry.hurts,
            )
    without = module.file.without
    if without is not None and f"modules.{module.name}.enabled" in asked:
        path = f"modules.{module.name}.enabled"
        yield Change(path, "true", "false", module.title, without.costs, without.hurts)


def _lower_than(option: OptionEntry, now: object) -> tuple[LowerEntry, ...]:
    """The declared values that ask for less than the one of now, the usual one among them."""
    if option.kind in ("integer", "size"):
        usual = LowerEntry(value=option.default, costs=USUAL, hurts=1)
        steps = (usual, *(e for e in option.lower if e.value != option.default))
        return tuple(e for e in steps if _size(e.value) < _size(now)) if option.lower else ()
    values = [entry.value for entry in option.lower]
    return option.lower[values.index(now) + 1 :] if now in values else option.lower


def _size(value: object) -> int:
    return value if isinstance(value, int) else bytes_of(str(value))


def _of_machines(
    answers: Answers, envelope: Envelope, asked: Mapping[str, Question]
) -> Iterator[Change]:
    hours, free = envelope.hours_per_month, envelope.allowance.a1
    back = (
        ("nodes", 1, "One machine alone has no other to take over."),
        ("node_ocpus", free.ocpu_hours // hours, "This is what is free of charge."),
        ("node_memory_gb", free.memory_gb_hours // hours, "This is what is free of charge."),
        ("boot_volume_gb", envelope.nodes.node.boot_minimum_gb, "Less space for images."),
    )
    for name, value, costs in back:
        question = asked[f"cluster.{name}"]
        now = getattr(answers.cluster, name)
        if now != value:
            shown = question.show(value)
            yield Change(question.path, question.show(now), shown, question.title, costs, 2)


def changed(answers: Answers, changes: Sequence[Change]) -> Answers:
    """The same answers with these changes. Raises BadAnswer for a value that is not allowed."""
    asked = by_path(type(answers))
    for change in changes:
        question = asked[change.path]
        answers = _replaced(answers, question.keys, question.parse(change.value))
    return answers


def _replaced(section: Some, keys: Sequence[str], value: object) -> Some:
    first, *rest = keys
    field = next(
        name for name, info in type(section).model_fields.items() if first in (name, info.alias)
    )
    inner = _replaced(getattr(section, field), rest, value) if rest else value
    return section.model_copy(update={field: inner})
