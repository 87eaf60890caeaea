"""No Service of any profile asks Oracle for a balancer that could cost anything."""

from __future__ import annotations

from typing import Any

import pytest

from installer.budget.balancers import SHAPE, TYPE, surprises
from installer.budget.envelope import load_envelope
from installer.commands.money import refuse_billable_balancers
from installer.engine.errors import CostsMoney
from installer.modules.rendering import Rendered
from installer.modules.stamping import RenderedObject
from tests.budget.test_profiles import PROFILES, plan_of

FREE = load_envelope().allowance.balancers
NLB = {TYPE: "nlb"}
FLEXIBLE = {SHAPE: "flexible", f"{SHAPE}-flex-min": "10", f"{SHAPE}-flex-max": "10"}


def door(annotations: dict[str, str], name: str = "door", kind: str = "LoadBalancer") -> Any:
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "health", "annotations": annotations},
        "spec": {"type": kind, "ports": [{"port": 443}]},
    }
    return RenderedObject("edge", "door.yaml.j2", 1, body)


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_asks_for_a_balancer_that_could_be_billed(profile: str) -> None:
    plan = plan_of(profile)
    assert surprises(plan.rendered.objects, FREE) == () or plan.verdict.consented
    if profile != "full":
        assert surprises(plan.rendered.objects, FREE) == ()
    refuse_billable_balancers(plan)


@pytest.mark.parametrize("notes", [NLB, FLEXIBLE, {**FLEXIBLE, f"{SHAPE}-flex-min": "10Mbps"}])
def test_one_network_balancer_or_the_smallest_flexible_one_is_no_surprise(
    notes: dict[str, str],
) -> None:
    assert surprises([door(notes), door({}, "inside", "ClusterIP")], FREE) == ()


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({}, "fixed shape 100Mbps"),
        ({SHAPE: "400Mbps"}, "fixed shape 400Mbps"),
        ({TYPE: "LB"}, "unknown type LB"),
        ({SHAPE: "flexible"}, "flex-max bandwidth: nothing"),
        ({**FLEXIBLE, f"{SHAPE}-flex-max": "100"}, "flex-max bandwidth of 100 Mbps; 10 are free"),
        ({**FLEXIBLE, f"{SHAPE}-flex-min": "ten"}, "flex-min bandwidth: ten"),
        ({SHAPE: "flexible", f"{SHAPE}-flex-max": "10"}, "flex-min bandwidth: nothing"),
    ],
)
def test_everything_else_is_told(notes: dict[str, str], said: str) -> None:
    assert any(said in words for words in surprises([door(notes)], FREE))


def test_a_second_balancer_is_one_too_many() -> None:
    (told,) = surprises([door(NLB), door(NLB, "second")], FREE)
    assert "health/door, Service health/second" in told


def test_a_plan_with_a_surprise_is_not_carried_out_unless_the_bill_was_agreed_to() -> None:
    import dataclasses

    plan = plan_of("free")
    objects = (*plan.rendered.objects, door({}))
    spoilt = dataclasses.replace(plan, rendered=Rendered(objects, plan.rendered.secrets))
    with pytest.raises(CostsMoney) as caught:
        refuse_billable_balancers(spoilt)
    assert "fixed shape" in caught.value.why
    verdict = dataclasses.replace(spoilt.verdict, costs_money=True, consented=True)
    refuse_billable_balancers(dataclasses.replace(spoilt, verdict=verdict))
