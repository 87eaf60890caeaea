"""The verdict over whole plans: the cases in `cases/`, and what holds for every plan."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from installer.budget.demand import measure
from installer.budget.envelope import load_envelope
from installer.budget.quantities import whole
from installer.budget.room import LiveNode, NodeShape, envelope_from_nodes
from installer.budget.storage import plan_volumes
from installer.budget.verdict import Verdict, judge
from installer.modules.claims import Claim, VolumePlan
from tests.budget.pieces import Piece, container, mounting, pod_spec, recreated, thing, workload

CASES = sorted(Path(__file__).with_name("cases").glob("*.yaml"))
FREE_NODE = NodeShape(2, 12)


def piece(entry: dict[str, Any]) -> Piece:
    given: dict[str, Any] = {
        "kind": "Deployment",
        "namespace": "health",
        "replicas": 1,
        "mounts": [],
        **entry,
    }
    more: dict[str, Any] = {}
    if given["kind"] in ("Deployment", "StatefulSet"):
        more["replicas"] = given["replicas"]
    if given["kind"] == "Deployment" and not given.get("rolling"):
        more["strategy"] = {"type": "Recreate"}
    spec = pod_spec(container(given["cpu"], given["memory"]), **mounting(*given["mounts"]))
    return workload(
        given["kind"],
        given["name"],
        spec,
        module=given["module"],
        namespace=given["namespace"],
        **more,
    )


def verdict_of(case: dict[str, Any]) -> Verdict:
    bare = [Piece("infrastructure", "case.yaml", body) for body in case.get("manifests", [])]
    demand = measure([*(piece(entry) for entry in case.get("workloads", [])), *bare])
    claims = [
        Claim(entry["module"], entry["namespace"], entry["name"], whole(entry["size"]), "data")
        for entry in case.get("claims", [])
    ]
    live = "live" in case
    volumes = plan_volumes(claims, sharing=case.get("sharing", True), floor_gib=0 if live else 50)
    consent = Decimal(case.get("consent", "0"))
    if live:
        nodes = [LiveNode(**entry) for entry in case["live"]]
        return judge(demand, volumes, None, envelope_from_nodes(nodes), consent)
    shapes = [NodeShape(**entry) for entry in case["nodes"]]
    envelope = load_envelope(case.get("envelope", "always-free-2026"))
    return judge(demand, volumes, shapes, envelope, consent)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_plan_is_judged_as_the_case_says(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    found, expected = verdict_of(case), case["expect"]
    assert (found.fits, found.costs_money) == (expected["fits"], expected["costs_money"])
    assert found.consented is expected.get("consented", not found.costs_money)
    if "monthly" in expected:
        assert found.bill.monthly_usd == Decimal(expected["monthly"])
    for name, wanted in expected.get("rows", {}).items():
        row = found.row(name)
        seen = {key: getattr(row, key) for key in wanted if key != "shares"}
        if "shares" in wanted:
            seen["shares"] = dict(row.share_by_module)
        assert {"resource": name, **seen} == {"resource": name, **wanted}
    for words in expected.get("reasons", []):
        assert any(words in reason for reason in found.reasons), found.reasons
    if expected.get("reasons") == []:
        assert found.reasons == ()


def test_every_row_says_in_words_what_its_numbers_are() -> None:
    case = yaml.safe_load((CASES[0].parent / "fits-with-room.yaml").read_text(encoding="utf-8"))
    assert [row.words for row in verdict_of(case).rows] == [
        "CPU 650 m of 1,530 m left by Oracle's own pods,"
        " 50 m more during a job that ends (Job make-topology)",
        "memory 2.5 GiB of 8.9 GiB left by Oracle's own pods,"
        " 64 MiB more during a job that ends (Job make-topology)",
        "pods 3 of 104 left by Oracle's own pods,"
        " 1 more during a job that ends (Job make-topology)",
        "storage 150 GB of 200 GB free of charge, boot volumes included",
        "volumes 2 of 32 that the nodes can attach",
        "money 0.00 USD a month, 0.00 USD agreed to",
    ]


def test_a_part_leads_down_to_the_object_and_its_file() -> None:
    found = judge(
        measure([recreated("api", "100m", "1Gi", replicas=2, module="etl")]),
        VolumePlan(()),
        FREE_NODE,
        load_envelope(),
    )
    (part,) = found.row("CPU").parts
    assert (part.module, part.amount) == ("etl", 200)
    assert part.what == "2 x Deployment health/api (etl/api.yaml.j2)"


def test_the_disk_is_a_row_once_somebody_asks_for_it() -> None:
    spec = pod_spec({"resources": {"requests": {"ephemeral-storage": "33Gi"}}})
    demand = measure([workload("Pod", "hungry", spec)])
    found = judge(demand, VolumePlan(()), FREE_NODE, load_envelope())
    assert found.row("disk").over
    assert not found.fits


def test_an_autoscalers_end_is_told_but_need_not_fit() -> None:
    target = {"kind": "Deployment", "name": "api"}
    scaler = thing(
        "HorizontalPodAutoscaler",
        "api",
        {"minReplicas": 2, "maxReplicas": 5, "scaleTargetRef": target},
    )
    found = judge(
        measure([recreated("api", "400m", "64Mi"), scaler]),
        VolumePlan(()),
        FREE_NODE,
        load_envelope(),
    )
    cpu = found.row("CPU")
    assert (cpu.used, cpu.at_most, found.fits) == (800, 2000, True)
    assert cpu.words.endswith("up to 2,000 m when autoscaled")


def test_rules_that_are_not_understood_are_a_reason_against() -> None:
    demand = measure([recreated("a", "1m", "1Mi", pod={"schedulerName": "mine"})])
    found = judge(demand, VolumePlan(()), FREE_NODE, load_envelope())
    assert not found.fits
    assert "cannot judge" in found.reasons[0]


def test_the_bill_of_a_cluster_of_your_own_is_not_called_nothing() -> None:
    envelope = envelope_from_nodes([LiveNode("n1", 1000, 2**30)])
    money = judge(measure([]), VolumePlan(()), None, envelope).row("money")
    assert "what your own cluster costs is not counted" in money.words


pieces = st.lists(
    st.builds(
        lambda module, cpu, memory, replicas, kind, mounts: piece(
            {
                "module": module,
                "name": f"w{cpu}-{memory}",
                "cpu": f"{cpu}m",
                "memory": f"{memory}Mi",
                "replicas": replicas,
                "kind": kind,
                "mounts": mounts,
                "rolling": cpu % 2,
            }
        ),
        st.sampled_from("abc"),
        st.integers(0, 700),
        st.integers(0, 4000),
        st.integers(0, 3),
        st.sampled_from(["Deployment", "StatefulSet", "DaemonSet", "Job"]),
        st.lists(st.sampled_from(["x", "y"]), unique=True, max_size=1),
    ),
    max_size=6,
)
node_lists = st.sampled_from(
    [(FREE_NODE,), (NodeShape(1, 6, count=2),), (FREE_NODE, NodeShape(1, 6)), (NodeShape(4, 24),)]
)
claim_lists = st.lists(
    st.builds(
        Claim,
        st.sampled_from("abc"),
        st.sampled_from(["health", "auth"]),
        st.uuids().map(str),
        st.integers(0, 90 * 2**30),
        st.just("data"),
    ),
    max_size=5,
)


def verdict_on(
    objects: list[Piece], claims: list[Claim], nodes: tuple[NodeShape, ...], sharing: bool = True
) -> Verdict:
    volumes = plan_volumes(claims, sharing=sharing, floor_gib=50)
    return judge(measure(objects), volumes, nodes, load_envelope())


@settings(max_examples=150, deadline=None)
@given(pieces, pieces, node_lists)
def test_more_demand_never_makes_a_plan_fit(
    some: list[Piece], more: list[Piece], nodes: tuple[NodeShape, ...]
) -> None:
    if not verdict_on(some, [], nodes).fits:
        assert not verdict_on(some + more, [], nodes).fits


@settings(max_examples=150, deadline=None)
@given(pieces, claim_lists, node_lists, st.booleans())
def test_shares_add_up_to_the_total(
    objects: list[Piece], claims: list[Claim], nodes: tuple[NodeShape, ...], sharing: bool
) -> None:
    for row in verdict_on(objects, claims, nodes, sharing).rows:
        assert sum(amount for _, amount in row.share_by_module) == row.used


@settings(max_examples=100, deadline=None)
@given(pieces, node_lists)
def test_what_fits_is_placed_within_every_node(
    objects: list[Piece], nodes: tuple[NodeShape, ...]
) -> None:
    found = verdict_on(objects, [], nodes)
    if found.fits:
        for seat in found.placement.seats:
            assert min(seat.free.cpu_milli, seat.free.memory_bytes, seat.pods, seat.volumes) >= 0
        placed = sum(bundle.pods for bundle, _ in found.placement.where)
        # More than there are, where a share of replicas was rounded up.
        assert placed >= found.row("pods").used
    else:
        assert found.reasons


@settings(max_examples=100, deadline=None)
@given(pieces, claim_lists, node_lists)
def test_the_same_plan_gets_the_same_verdict(
    objects: list[Piece], claims: list[Claim], nodes: tuple[NodeShape, ...]
) -> None:
    assert verdict_on(objects, claims, nodes) == verdict_on(objects, claims, nodes)
