"""The short ways advice takes come to the same as a whole verdict."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal

import pytest

from installer.answers.model import Answers
from installer.budget.advice import Change, advise
from installer.budget.demand import measure
from installer.budget.envelope import load_envelope
from installer.budget.lowering import changed, possible_changes
from installer.budget.room import NOT_LOOKED_AT, LiveEnvelope, LiveNode, envelope_from_nodes
from installer.budget.verdict import Verdict, affordable, tally
from installer.modules import ModulesInvalid, catalogue
from installer.plan import NOT_ASKED, Plan, Surroundings, advice_for, make_plan, node_shape
from tests.modules.conftest import answers_for
from tests.modules.selections import wander

SMALL = envelope_from_nodes(
    [LiveNode("a", 900, 2 * 2**30, requested_cpu=100), LiveNode("b", 4000, 8 * 2**30)]
)


def drawn(seed: int, number: int, target: str, **more: object) -> list[Answers]:
    """Some answers for this target."""
    found = (answers_for(catalogue(), target=target, modules=one, **more) for one in wander(seed))
    return list(itertools.islice(found, number))


def planned(answers: Answers, live: LiveEnvelope | None = None) -> Plan:
    """The plan, in a cluster of these nodes where it is one that exists."""
    return make_plan(answers, Surroundings(live=live) if live else NOT_ASKED)


def rows_of(verdict: Verdict) -> dict[str, int]:
    """What the rows say, added up."""
    return {
        row.resource: int((row.used + row.passing) * (100 if row.unit == "USD" else 1))
        for row in verdict.rows
    }


@pytest.mark.parametrize("nodes", [1, 3])
def test_the_tally_is_what_the_rows_add_up_to(nodes: int) -> None:
    for answers in drawn(5, 15, "oke", cluster={"nodes": nodes}):
        plan = planned(answers)
        found = tally(
            measure(plan.rendered.objects),
            plan.volumes,
            node_shape(answers),
            load_envelope(),
            images=plan.images,
        )
        assert found == rows_of(plan.verdict)


@pytest.mark.parametrize("live", [SMALL, NOT_LOOKED_AT])
def test_the_tally_of_a_cluster_that_exists_is_what_its_rows_add_up_to(live: LiveEnvelope) -> None:
    for answers in drawn(6, 15, "existing"):
        plan = planned(answers, live)
        demand = measure(plan.rendered.objects)
        found = tally(demand, plan.volumes, None, live, images=plan.images)
        assert found == rows_of(plan.verdict)


@pytest.mark.parametrize("agreed", [0, 8, 300])
def test_what_is_ruled_out_by_machines_and_volumes_is_never_agreed_to(agreed: int) -> None:
    ruled_out = 0
    for answers in drawn(7, 40, "oke", cluster={"nodes": 2}, money={"accept_monthly_usd": agreed}):
        plan = planned(answers)
        shape, consent = node_shape(answers), Decimal(agreed)
        if not affordable(plan.volumes, shape, load_envelope(), consent):
            ruled_out += 1
            assert not plan.verdict.consented
    assert ruled_out or agreed == 300


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_advice_is_the_same_without_any_short_way(seed: int) -> None:
    everything = catalogue()
    compared = 0
    for answers in drawn(seed, 60, "oke"):
        plan = planned(answers)
        if plan.verdict.fits and plan.verdict.consented:
            continue

        def evaluate(changes: Sequence[Change], plan: Plan = plan) -> Verdict | None:
            try:
                return planned(changed(plan.answers, changes)).verdict
            except ModulesInvalid:
                return None

        possible = possible_changes(plan.answers, everything, load_envelope())
        assert advice_for(plan) == advise(plan.verdict, possible, evaluate)
        compared += 1
        if compared == 4:
            break
    assert compared
