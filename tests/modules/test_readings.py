"""What is remembered of a filled template is what filling it in again would give."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Hashable, Mapping
from typing import Any

import pytest

from installer.answers.model import Answers
from installer.modules import ModulesInvalid, Rendered, catalogue, rendering, templates
from installer.modules.readings import Question, Readings
from installer.plan import make_plan
from tests.modules.conftest import answers_for
from tests.modules.selections import wander


def reader(world: Mapping[str, Hashable], read: dict[Question, Hashable]) -> Hashable:
    """A small program: what it asks for next follows from what it was told."""

    def ask(name: str) -> Hashable:
        read[(name,)] = world[name]
        return world[name]

    return (ask("left"), ask("depth")) if ask("turn") == "left" else ask("right")


def result_of(readings: Readings[Hashable], world: Mapping[str, Hashable]) -> tuple[bool, Hashable]:
    """Whether it was known, and the result."""
    known = readings.find(lambda question: world[question[0]])
    if known is not None:
        return True, known
    read: dict[Question, Hashable] = {}
    result = reader(world, read)
    readings.keep(read.items(), result)
    return False, result


def test_only_what_was_read_decides_whether_a_result_is_known() -> None:
    readings: Readings[Hashable] = Readings(100)
    world: dict[str, Hashable] = {"turn": "left", "left": 1, "depth": 2, "right": 3}
    assert result_of(readings, world) == (False, (1, 2))
    assert result_of(readings, world | {"right": 4}) == (True, (1, 2))
    assert result_of(readings, world | {"depth": 5}) == (False, (1, 5))
    assert result_of(readings, world | {"turn": "right"}) == (False, 3)
    assert result_of(readings, world | {"turn": "right", "left": 9}) == (True, 3)
    assert result_of(readings, world) == (True, (1, 2))


def test_a_result_without_questions_is_everybodys() -> None:
    readings: Readings[str] = Readings(100)
    assert readings.find(lambda question: "never asked") is None
    readings.keep([], "always")
    assert readings.find(lambda question: "never asked") == "always"


def test_what_is_kept_does_not_grow_without_end() -> None:
    readings: Readings[Hashable] = Readings(10)
    world: dict[str, Hashable] = {"turn": "right", "left": 1, "depth": 2, "right": 0}
    for number in range(35):
        result_of(readings, world | {"right": number})
    known = [result_of(readings, world | {"right": number})[0] for number in range(30, 35)]
    assert known == [True] * 5
    assert result_of(readings, world | {"right": 3}) == (False, 3)


def drawn(seed: int, number: int) -> list[Answers]:
    """Answers that go together, each a step away from the one before."""
    lot = random.Random(seed)
    steps = ((one, lot.choice(["oke", "existing"])) for one in wander(seed))
    answered = (answers_for(catalogue(), target=target, modules=one) for one, target in steps)
    return list(itertools.islice((one for one in answered if is_accepted(one)), number))


def is_accepted(answers: Answers) -> bool:
    """Whether no template refuses them: some go together in general, but not with their domain."""
    try:
        make_plan(answers)
    except ModulesInvalid:
        return False
    return True


def whole(rendered: Rendered) -> str:
    """All of it, in its order."""
    return json.dumps([[e.module, e.source, e.wave, e.body] for e in rendered.objects])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_memory_and_without_the_same_is_rendered(seed: int) -> None:
    answers = drawn(seed, 12)
    with_memory = [whole(make_plan(one).rendered) for one in reversed(answers)]
    for one, remembered in zip(reversed(answers), with_memory, strict=True):
        rendering._render_module.cache_clear()
        templates._readings.cache_clear()
        templates._document.cache_clear()
        assert whole(make_plan(one).rendered) == remembered


def test_an_option_no_template_reads_fills_none_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = catalogue()
    filled: list[str] = []
    real = templates._fill

    def fill_and_tell(environment: Any, names: Any, shown: str, name: str) -> str:
        filled.append(shown)
        return real(environment, names, shown, name)

    make_plan(answers_for(everything))
    monkeypatch.setattr(templates, "_fill", fill_and_tell)
    chosen = {"infrastructure": {"rabbitmq_storage": "3Gi"}}
    make_plan(answers_for(everything, modules=chosen))
    assert len(filled) <= 2, filled
