"""Bills equal those worked out by hand, and never claim to know more than they do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from installer.budget.billing import AlreadyThere, bill, spare_node_hours, to_the_cent
from installer.budget.demand import Balancer, Origin
from installer.budget.envelope import load_envelope
from installer.budget.room import NodeShape

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("bills.yaml").read_text())
SOMEWHERE = Origin("access", "access/door.yaml.j2", "Service", "health", "door")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_a_bill_worked_out_by_hand(case: dict[str, Any]) -> None:
    found = bill(
        load_envelope(case.get("envelope", "always-free-2026")),
        nodes=[NodeShape(**shape) for shape in case.get("nodes", [])],
        volumes_gib=case.get("volumes", []),
        balancers=[Balancer(SOMEWHERE, **given) for given in case.get("balancers", [])],
        already=AlreadyThere(**case.get("already", {})),
        extra_node_hours=case.get("extra_node_hours", 0),
        enhanced_cluster=case.get("enhanced_cluster", False),
    )
    assert found.monthly_usd == Decimal(case["monthly"])
    assert [line.resource for line in found.unknown] == case.get("unknown", [])
    assert found.exact is not bool(case.get("unknown"))


def test_there_are_at_least_twenty_cases_worked_out_by_hand() -> None:
    assert len({case["title"] for case in CASES}) >= 20


def test_a_line_names_the_resource_the_sum_and_the_date_of_the_price() -> None:
    found = bill(load_envelope(), nodes=[NodeShape(4, 24)])
    assert found.lines[0].words() == (
        "A1 OCPUs: 2,976 OCPU-hours, 1,500 free, 1,476 at 0.01 USD: 14.76 USD (price of 2026-10-01)"
    )
    assert found.words() == "28.05 USD a month"


def test_a_bill_with_an_unknown_price_says_at_least() -> None:
    found = bill(load_envelope(), balancers=[Balancer(SOMEWHERE, "fixed")])
    assert found.words() == (
        "at least 0.00 USD a month; the price of Load balancer of a fixed shape is not known"
    )


def test_a_month_has_room_for_a_second_node_for_six_hours() -> None:
    node = NodeShape(2, 12)
    assert spare_node_hours(load_envelope(), [node], node) == 6
    assert spare_node_hours(load_envelope(), [NodeShape(4, 24)], node) == 0


@given(st.decimals(0, 10**6, places=6))
def test_cents_are_rounded_up_and_by_less_than_one(amount: Decimal) -> None:
    assert Decimal(0) <= to_the_cent(amount) - amount < Decimal("0.01")


shapes = st.builds(
    NodeShape, st.integers(1, 8), st.integers(1, 64), st.integers(50, 200), st.integers(1, 3)
)


@given(st.lists(shapes, max_size=3), st.lists(st.integers(1, 400), max_size=5), shapes)
def test_ordering_more_never_costs_less(
    nodes: list[NodeShape], volumes: list[int], more: NodeShape
) -> None:
    envelope = load_envelope()
    before = bill(envelope, nodes=nodes, volumes_gib=volumes).monthly_usd
    assert bill(envelope, nodes=[*nodes, more], volumes_gib=volumes).monthly_usd >= before
    assert bill(envelope, nodes=nodes, volumes_gib=[*volumes, 50]).monthly_usd >= before
