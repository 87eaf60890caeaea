"""Advice is the least hurtful set of declared changes that really fits."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installer.answers.model import Answers, answers_model
from installer.budget.advice import Advice, Change, advise, good
from installer.budget.demand import measure
from installer.budget.envelope import load_envelope
from installer.budget.lowering import changed, possible_changes
from installer.budget.room import NodeShape
from installer.budget.verdict import Verdict, judge
from installer.modules import catalogue
from installer.modules.claims import VolumePlan
from installer.modules.description import OptionEntry, WithoutEntry
from installer.plan import advice_for, make_plan
from tests.budget.pieces import recreated

NODE = NodeShape(2, 12)


def answers(given: dict[str, Any]) -> Answers:
    model = answers_model([module.questions for module in catalogue()])
    return model.model_validate(given)


def change(path: str, value: int, hurts: int) -> Change:
    return Change(path, "now", str(value), path, "It costs something.", hurts)


def verdict(millis: dict[str, int]) -> Verdict:
    pieces = [recreated(name, f"{cpu}m", "1Mi") for name, cpu in sorted(millis.items())]
    return judge(measure(pieces), VolumePlan(()), NODE, load_envelope())


class Made:
    """Workloads whose CPU is one answer each, and what was thought through."""

    def __init__(self, start: dict[str, int]) -> None:
        self.start = start
        self.tried = 0

    def evaluate(self, changes: Sequence[Change]) -> Verdict:
        self.tried += 1
        return verdict({**self.start, **{each.path: int(each.value) for each in changes}})

    def advice(self, changes: Sequence[Change]) -> tuple[Advice, ...]:
        return advise(self.evaluate([]), changes, self.evaluate)


def test_what_fits_needs_no_advice() -> None:
    assert Made({"a": 100}).advice([change("a", 1, 1)]) == ()


def test_the_least_hurtful_set_comes_first_and_none_holds_another() -> None:
    made = Made({"a": 900, "b": 900, "c": 100})
    options = [change("a", 500, 3), change("b", 600, 2), change("b", 300, 5), change("c", 10, 1)]
    found = made.advice(options)
    assert [{(c.path, c.value) for c in one.changes} for one in found] == [
        {("a", "500")},
        {("b", "600"), ("c", "10")},
        {("b", "300")},
    ]
    assert [one.hurts for one in found] == [3, 3, 5]


def test_nothing_is_advised_where_all_changes_are_not_enough() -> None:
    assert Made({"a": 2000, "b": 900}).advice([change("b", 1, 1)]) == ()


def test_advice_tells_how_the_rows_stand_that_were_in_the_way() -> None:
    (advice,) = Made({"a": 2000}).advice([change("a", 700, 1)])
    assert advice.after == ("CPU 700 m of 1,530 m left by Oracle's own pods",)


loads = st.dictionaries(st.sampled_from("abcd"), st.integers(200, 900), min_size=1)
steps = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 800), st.integers(1, 5)),
    max_size=6,
    unique_by=lambda step: (step[0], step[1]),
)


@settings(max_examples=120, deadline=None)
@given(loads, steps)
def test_the_first_advice_hurts_as_little_as_the_best_of_all_sets(
    start: dict[str, int], given: list[tuple[str, int, int]]
) -> None:
    made = Made(start)
    options = [change(*step) for step in given if step[0] in start]
    found = made.advice(options)
    sets = [
        chosen
        for size in range(1, len(options) + 1)
        for chosen in itertools.combinations(options, size)
        if len({each.path for each in chosen}) == size and good(made.evaluate(chosen))
    ]
    if good(made.evaluate([])) or not sets:
        assert found == ()
    else:
        assert found[0].hurts == min(sum(each.hurts for each in chosen) for chosen in sets)
        assert all(good(made.evaluate(one.changes)) for one in found)


@pytest.mark.parametrize(
    "given",
    [
        {"modules": {"infrastructure": {"object_storage": "160Gi"}}},
        {"modules": {"infrastructure": {"storage_sharing": "separate"}}},
        {"cluster": {"nodes": 2}},
        {"cluster": {"node_ocpus": 4, "node_memory_gb": 24, "boot_volume_gb": 180}},
    ],
)
def test_the_advised_answers_make_a_plan_that_fits(given: dict[str, Any]) -> None:
    plan = make_plan(answers(given))
    assert not good(plan.verdict)
    found = advice_for(plan)
    assert found
    for one in found:
        after = make_plan(changed(plan.answers, one.changes)).verdict
        assert after.fits
        assert after.bill.monthly_usd == Decimal("0.00")
    assert found == advice_for(plan)


def test_a_change_says_what_it_costs_and_where_the_answer_is() -> None:
    plan = make_plan(answers({"modules": {"infrastructure": {"storage_sharing": "separate"}}}))
    ((one,), *_) = [advice.changes for advice in advice_for(plan)]
    assert one.words() == (
        "Volumes of databases and stores: shared instead of separate"
        " (modules.infrastructure.storage_sharing)."
        " One server that fills the common volume stops them all."
    )


def test_agreed_money_needs_no_advice() -> None:
    plan = make_plan(answers({"cluster": {"nodes": 2}, "money": {"accept_monthly_usd": "100"}}))
    assert advice_for(plan) == ()


def test_only_values_below_the_present_one_are_proposed() -> None:
    small = answers({"modules": {"infrastructure": {"object_storage": "6Gi"}}})
    found = possible_changes(small, catalogue(), None)
    values = [each.value for each in found if each.path.endswith("object_storage")]
    assert values == ["5Gi"]


def test_every_declared_change_is_an_answer_that_may_be_given() -> None:
    given = answers({})
    for one in possible_changes(given, catalogue(), load_envelope()):
        assert changed(given, [one]) != given


def test_a_module_that_says_what_is_lost_without_it_may_be_switched_off() -> None:
    (module,) = [each for each in catalogue() if each.name == "infrastructure"]
    without = WithoutEntry(costs="Nothing is kept.", hurts=9)
    spare = replace(module, file=module.file.model_copy(update={"without": without}))
    found = possible_changes(answers({}), [spare], None)
    (off,) = [each for each in found if each.path == "modules.infrastructure.enabled"]
    assert (off.was, off.value, off.costs, off.hurts) == ("true", "false", "Nothing is kept.", 9)
    assert changed(answers({}), [off]).module("infrastructure").enabled is False


def test_sets_that_do_not_go_together_are_passed_over() -> None:
    made = Made({"a": 900, "b": 900})

    def evaluate(changes: Sequence[Change]) -> Verdict | None:
        # Taking a away needs b to be taken away too, as with modules that need each other.
        paths = {each.path for each in changes}
        return None if paths == {"a"} else made.evaluate(changes)

    options = [change("a", 0, 1), change("b", 800, 1)]
    (found,) = advise(made.evaluate([]), options, evaluate)
    assert {each.path for each in found.changes} == {"a", "b"}


def test_a_lower_value_that_the_option_forbids_is_refused() -> None:
    entry = {"value": "1Gi", "costs": "x", "hurts": 1}
    with pytest.raises(ValueError, match="lower value of space: 1Gi is below"):
        OptionEntry.model_validate(
            {
                "name": "space",
                "kind": "size",
                "default": "5Gi",
                "minimum": 2,
                "title": "Space",
                "help": "Space.",
                "lower": [entry],
            }
        )
