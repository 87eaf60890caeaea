"""The order of things follows from what each step needs, in both directions."""

from __future__ import annotations

import pytest

from installer.engine.order import in_order
from installer.engine.step import Step
from installer.oracle.access import Access, account_opener
from installer.oracle.wanted import ClusterPlan, NetworkPlan, NodePlan
from installer.steps.oracle_part import oracle_part


def steps(compartment: str = "health-platform", *, private: bool = False) -> dict[str, Step]:
    account = account_opener(Access())
    network = NetworkPlan(private_nodes=private)
    listed = oracle_part(account, compartment, network, ClusterPlan(), NodePlan())
    return {step.id: step for step in in_order(listed)}


def needed_for(step: str) -> set[str]:
    """Everything that must be there before the step, so is removed after it."""
    known = steps(private=True)
    found: set[str] = set()
    open_ends = [step]
    while open_ends:
        for need in known[open_ends.pop()].needs:
            if need not in found:
                found.add(need)
                open_ends.append(need)
    return found


@pytest.mark.parametrize(
    ("first_removed", "then"),
    [
        ("node-pool", "cluster"),
        ("cluster-access", "cluster"),
        ("cluster", "leftovers"),
        ("leftovers", "reserved-address"),
        ("reserved-address", "compartment"),
        ("leftovers", "subnet-api"),
        ("leftovers", "subnet-nodes"),
        ("leftovers", "subnet-balancers"),
        ("subnet-nodes", "security-rules-nodes"),
        ("subnet-api", "route-table"),
        ("route-table", "internet-gateway"),
        ("subnet-nodes", "route-table-private"),
        ("route-table-private", "nat-gateway"),
        ("route-table-private", "service-gateway"),
        ("security-rules-api", "vcn"),
        ("internet-gateway", "vcn"),
        ("vcn", "compartment"),
        ("compartment", "account"),
    ],
)
def test_a_removal_walks_in_the_order_oracle_asks_for(first_removed: str, then: str) -> None:
    assert then in needed_for(first_removed)


def test_listing_the_steps_opens_no_account() -> None:
    assert len(steps()) == 18
    assert len(steps(private=True)) == 21


@pytest.mark.parametrize(
    ("compartment", "only_looks"), [("health-platform", False), ("ocid1.compartment.oc1..x", True)]
)
def test_only_a_compartment_of_our_own_is_ever_removed(compartment: str, only_looks: bool) -> None:
    assert steps(compartment)["compartment"].checks_only is only_looks
