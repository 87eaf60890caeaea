"""What every profile comes to. A change of a module's manifests that breaks one fails here."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files

import pytest

from installer.answers.model import answers_model
from installer.answers.sources import gather
from installer.budget.advice import good
from installer.commands.sources import profile_layers
from installer.modules import catalogue
from installer.plan import Plan, make_plan

FREE = ("free", "free-minimal", "reduced-ha")
PROFILES = sorted(
    entry.name.removesuffix(".yaml")
    for entry in files("profiles").iterdir()
    if entry.name.endswith(".yaml")
)


def plan_of(profile: str) -> Plan:
    model = answers_model([module.questions for module in catalogue()])
    return make_plan(gather(model, profile_layers(profile)).answers)


def slack(plan: Plan) -> str:
    """How much is left of everything that has a limit."""
    rows = [row for row in plan.verdict.rows if row.limit is not None]
    return "; ".join(
        f"{row.resource} {row.limit - row.used - row.passing} {row.unit} left of {row.limit}"
        for row in rows
        if row.limit is not None
    )


def test_the_profiles_are_those_that_are_judged_here() -> None:
    assert sorted([*FREE, "full", "local"]) == PROFILES


@pytest.mark.parametrize("profile", FREE)
def test_a_free_profile_fits_and_costs_nothing(profile: str) -> None:
    plan = plan_of(profile)
    print(f"\n{profile}: {slack(plan)}")
    numbers = "\n".join([*(row.words for row in plan.verdict.rows), *plan.verdict.reasons])
    assert plan.verdict.fits, numbers
    assert plan.verdict.bill.exact, numbers
    assert plan.verdict.bill.monthly_usd == Decimal("0.00"), numbers
    # Every module is part of it.
    assert [module.name for module in plan.modules] == [module.name for module in catalogue()]


def test_the_least_profile_asks_for_no_more_of_anything_than_the_usual_one() -> None:
    least, usual = plan_of("free-minimal").verdict, plan_of("free").verdict
    for row in least.rows:
        assert row.used <= usual.row(row.resource).used
    assert least.row("CPU").used < usual.row("CPU").used


def test_the_profile_of_two_machines_spreads_over_both() -> None:
    plan = plan_of("reduced-ha")
    assert plan.places == ("node-1", "node-2")
    assert {node for pin in plan.pins.values() for node in pin.values} == set(plan.places)


def test_the_paid_profile_runs_but_agrees_to_no_money_by_itself() -> None:
    verdict = plan_of("full").verdict
    assert verdict.fits
    assert verdict.bill.exact
    assert verdict.bill.monthly_usd > 0
    assert not good(verdict)


def test_the_profile_for_a_cluster_of_your_own_orders_nothing() -> None:
    plan = plan_of("local")
    assert plan.verdict.bill.lines == ()
    assert not plan.verdict.judged


@pytest.mark.parametrize(("profile", "hours"), [("free", 6), ("reduced-ha", 12), ("full", 0)])
def test_the_hours_a_further_machine_is_free_are_told(profile: str, hours: int) -> None:
    plan = plan_of(profile)
    assert plan.spare_hours == hours
    assert f"is free for {hours} hours" in plan.text()
