"""The budget is fast enough to be worked out at every key press; ratios of one run."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest

from installer.budget.demand import measure
from installer.budget.envelope import load_envelope
from installer.budget.room import NodeShape
from installer.budget.storage import plan_volumes
from installer.budget.verdict import judge
from installer.modules.claims import Claim
from tests.budget.pieces import Piece, container, mounting, pod_spec, workload

pytestmark = pytest.mark.benchmark


def platform(times: int) -> tuple[list[Piece], list[Claim]]:
    """About forty workloads of every kind, `times` over, each time in a namespace of its own."""
    pieces: list[Piece] = []
    claims: list[Claim] = []
    for turn in range(times):
        space = f"health-{turn}"
        for i in range(40):
            kind = ("Deployment", "StatefulSet", "Job", "CronJob")[i % 4]
            spec = pod_spec(
                container("30m", "64Mi"),
                initContainers=[container("10m", "32Mi")],
                **mounting(*(["data"] if i % 5 == 0 else [])),
            )
            pieces.append(workload(kind, f"w{i}", spec, module=f"m{turn}-{i % 8}", namespace=space))
        claims += [Claim(f"m{turn}-0", space, f"c{i}", i * 2**30, "") for i in range(8)]
    return pieces, claims


def work(pieces: list[Piece], claims: list[Claim], nodes: NodeShape) -> bool:
    """All that a changed answer costs apart from rendering."""
    volumes = plan_volumes(claims, sharing=True, floor_gib=50)
    return judge(measure(pieces), volumes, nodes, load_envelope()).fits


def least(action: Callable[[], Any], times: int = 25) -> float:
    """Seconds of this process' work in the least disturbed of several turns."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        action()
        spent.append(time.process_time() - start)
    return min(spent)


def test_a_verdict_costs_about_as_much_as_copying_the_manifests_once() -> None:
    pieces, claims = platform(1)
    node = NodeShape(2, 12)
    assert work(pieces, claims, node)
    verdict = least(lambda: work(pieces, claims, node))
    copying = least(lambda: copy.deepcopy(pieces))
    print(f"verdict {verdict * 1000:.2f} ms, copying {copying * 1000:.2f} ms")
    assert verdict <= 3 * copying


def test_ten_times_the_modules_and_nodes_take_at_most_fifteen_times_the_time() -> None:
    small, large = platform(1), platform(10)
    one, ten = NodeShape(2, 12), NodeShape(2, 12, count=10)
    assert work(*large, ten)
    before = least(lambda: work(*small, one))
    after = least(lambda: work(*large, ten))
    print(f"once {before * 1000:.2f} ms, ten times {after * 1000:.2f} ms")
    assert after <= 15 * before
