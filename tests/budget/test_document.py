"""The verdict for programs says what the verdict says, and always in the same bytes."""

from __future__ import annotations

import json
from typing import Any

from installer.budget.demand import Balancer, Demand, Origin, measure
from installer.budget.document import verdict_document
from installer.budget.envelope import load_envelope
from installer.budget.room import NodeShape
from installer.budget.storage import plan_volumes
from installer.budget.verdict import judge
from installer.modules.claims import Claim
from tests.budget.pieces import recreated


def document(*, large: bool = False) -> dict[str, Any]:
    demand = measure([recreated("api", "100m", "1Gi"), recreated("web", "50m", "1Gi", module="b")])
    door = Balancer(Origin("b", "b/door.yaml.j2", "Service", "health", "door"), "fixed")
    if large:
        demand = Demand(demand.workloads, (door,))
    volumes = plan_volumes([Claim("b", "health", "x", 1, "files")], sharing=True, floor_gib=50)
    shape = NodeShape(4, 24) if large else NodeShape(2, 12)
    text = json.dumps(verdict_document(judge(demand, volumes, shape, load_envelope())))
    return dict(json.loads(text))


def test_the_same_verdict_gives_the_same_bytes() -> None:
    assert json.dumps(document()) == json.dumps(document())


def test_rows_shares_and_parts_are_there_for_programs() -> None:
    cpu, *_ = document()["rows"]
    assert (cpu["resource"], cpu["used"], cpu["limit"]) == ("CPU", 150, 1530)
    assert cpu["share_by_module"] == {"infrastructure": 100, "b": 50}
    assert cpu["parts"][1] == {
        "module": "b",
        "what": "1 x Deployment health/web (b/web.yaml.j2)",
        "amount": 50,
    }


def test_money_keeps_its_cents_and_says_when_it_is_not_exact() -> None:
    free, dear = document()["bill"], document(large=True)["bill"]
    assert (free["monthly_usd"], free["exact"]) == ("0.00", True)
    assert (dear["monthly_usd"], dear["exact"]) == ("28.05", False)
    assert dear["lines"][-1]["usd"] is None


def test_the_placement_names_every_object_once() -> None:
    assert document()["placement"] == {
        "node-1": [
            "Deployment health/api (infrastructure/api.yaml.j2)",
            "Deployment health/web (b/web.yaml.j2)",
            "kube-dns-autoscaler",
        ]
    }
