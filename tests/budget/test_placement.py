"""Pods go where the scheduler lets them, and pods that belong together go together."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installer.budget.demand import Demand, measure
from installer.budget.placement import place, unknown_rules
from installer.budget.room import LiveNode, Room, envelope_from_nodes
from installer.budget.rules import Taint
from tests.budget.pieces import (
    Piece,
    container,
    keeping_away,
    mounting,
    needing_company,
    pod_spec,
    recreated,
    thing,
    workload,
)

GIB = 2**30


def nodes(*millis: int, **more: Any) -> Room:
    given = [LiveNode(f"n{i}", m, 8 * GIB, **more) for i, m in enumerate(millis, 1)]
    return envelope_from_nodes(given).room


def where(pieces: list[Piece], room: Room) -> dict[str, set[str]]:
    """Workload name -> nodes its pods are on."""
    placed = place(measure(pieces), room)
    assert placed.complete, placed.problems
    found: dict[str, set[str]] = {}
    for bundle, node in placed.where:
        for title in bundle.title.split(", "):
            found.setdefault(title.split("/")[1].split(" ")[0], set()).add(node)
    return found


def problems(pieces: list[Piece], room: Room) -> tuple[str, ...]:
    return place(measure(pieces), room).problems


def test_everything_is_placed_when_it_fits() -> None:
    found = where([recreated("a", "600m", "1Gi"), recreated("b", "600m", "1Gi")], nodes(1000, 1000))
    assert found["a"] != found["b"]


def test_a_pod_larger_than_every_node_is_named_although_the_sum_would_do() -> None:
    (problem,) = problems([recreated("big", "1100m", "1Gi")], nodes(1000, 1000))
    assert problem.startswith("no node has room for Deployment health/big (infrastructure/big")
    assert "1,100 m, 1 GiB" in problem


def test_the_search_finds_what_largest_first_misses() -> None:
    # Largest first puts 5 and 4 together and loses 1; only 5 + 3 + 2 and 4 + 4 + 2 fill both.
    sizes = [500, 400, 400, 300, 200, 200]
    pieces = [recreated(f"p{i}", f"{size}m", "1Mi") for i, size in enumerate(sizes)]
    assert not problems(pieces, nodes(1000, 1000))


def test_a_search_without_a_way_out_says_so() -> None:
    pieces = [recreated(f"p{i}", "340m", "1Mi") for i in range(5)]
    (problem,) = problems(pieces, nodes(1000, 660))
    assert "no node has room" in problem


def test_pods_that_mount_one_volume_share_a_node() -> None:
    pieces = [
        recreated("a", "300m", "1Mi", pod=mounting("data")),
        recreated("b", "300m", "1Mi", pod=mounting("data", "more")),
        recreated("c", "300m", "1Mi", pod=mounting("more")),
    ]
    found = where(pieces, nodes(1000, 1000))
    assert found["a"] == found["b"] == found["c"]
    assert problems(pieces, nodes(800, 800))


def test_the_same_claim_name_in_another_namespace_is_another_volume() -> None:
    pieces = [
        recreated("a", "600m", "1Mi", pod=mounting("data")),
        recreated("b", "600m", "1Mi", pod=mounting("data"), namespace="auth"),
    ]
    assert not problems(pieces, nodes(1000, 1000))


def test_a_volume_for_many_nodes_binds_nobody() -> None:
    claim = thing(
        "PersistentVolumeClaim",
        "data",
        {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
    )
    pods = [recreated(n, "600m", "1Mi", pod=mounting("data")) for n in "ab"]
    assert problems(pods, nodes(1000, 1000))
    assert not problems([*pods, claim], nodes(1000, 1000))


def test_pods_that_demand_company_get_it() -> None:
    group = {"group": "g"}
    pieces = [
        recreated("a", "300m", "1Mi", pod=needing_company("g"), labels=group),
        recreated("b", "300m", "1Mi", pod=needing_company("g"), labels=group),
        recreated("other", "600m", "1Mi"),
    ]
    found = where(pieces, nodes(700, 700))
    assert found["a"] == found["b"] != found["other"]


def test_the_first_pod_that_demands_its_own_kind_may_start() -> None:
    alone = recreated("a", "1m", "1Mi", pod=needing_company("g"), labels={"group": "g"})
    assert not problems([alone], nodes(1000))


def test_company_that_does_not_exist_is_missed() -> None:
    (problem,) = problems([recreated("a", "1m", "1Mi", pod=needing_company("g"))], nodes(1000))
    assert "pods that are not in the plan" in problem


def test_pods_that_keep_apart_need_a_node_each() -> None:
    piece = recreated("a", "1m", "1Mi", replicas=2, pod=keeping_away("g"), labels={"group": "g"})
    assert where([piece], nodes(1000, 1000))["a"] == {"n1", "n2"}
    assert problems([piece], nodes(1000))


@pytest.mark.parametrize(("shy", "other"), [("2m", "1m"), ("1m", "2m")])
def test_a_pod_is_kept_away_from_others_whichever_comes_first(shy: str, other: str) -> None:
    pieces = [
        recreated("shy", shy, "1Mi", pod=keeping_away("g")),
        recreated("other", other, "1Mi", labels={"group": "g"}),
    ]
    assert problems(pieces, nodes(1000))
    assert not problems(pieces, nodes(1000, 1000))


def test_pods_that_must_and_may_not_share_a_node_are_told() -> None:
    pod = {**keeping_away("g"), **mounting("data")}
    piece = recreated("a", "1m", "1Mi", replicas=2, pod=pod, labels={"group": "g"})
    (problem,) = problems([piece], nodes(1000, 1000))
    assert problem.endswith("may not share a node, but must")


def test_host_ports_are_taken_once() -> None:
    port = {"containerPort": 80, "hostPort": 80}
    spec = pod_spec(container("1m", "1Mi", ports=[port]))
    piece = workload("Deployment", "door", spec, replicas=2, strategy={"type": "Recreate"})
    assert problems([piece], nodes(1000))
    assert not problems([piece], nodes(1000, 1000))


@pytest.mark.parametrize(
    ("pod", "allowed"),
    [
        ({"nodeSelector": {"disk": "fast"}}, True),
        ({"nodeSelector": {"disk": "slow"}}, False),
        ({"nodeName": "n1"}, True),
        ({"nodeName": "n9"}, False),
    ],
)
def test_a_node_selector_and_a_node_name_are_obeyed(pod: dict[str, Any], allowed: bool) -> None:
    room = nodes(1000, labels={"disk": "fast"})
    assert bool(problems([recreated("a", "1m", "1Mi", pod=pod)], room)) is not allowed


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ({"key": "disk", "operator": "In", "values": ["fast", "slow"]}, True),
        ({"key": "disk", "operator": "NotIn", "values": ["fast"]}, False),
        ({"key": "disk", "operator": "Exists"}, True),
        ({"key": "disk", "operator": "DoesNotExist"}, False),
        ({"key": "gen", "operator": "Gt", "values": ["1"]}, True),
        ({"key": "gen", "operator": "Lt", "values": ["2"]}, False),
    ],
)
def test_node_affinity_is_obeyed(expression: dict[str, Any], allowed: bool) -> None:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    pod = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}
    room = nodes(1000, labels={"disk": "fast", "gen": "2"})
    assert bool(problems([recreated("a", "1m", "1Mi", pod=pod)], room)) is not allowed


@pytest.mark.parametrize(
    ("toleration", "allowed"),
    [
        ({"key": "k", "value": "v", "effect": "NoSchedule"}, True),
        ({"key": "k", "value": "w"}, False),
        ({"key": "k", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "k", "value": "v", "effect": "NoExecute"}, False),
        ({}, False),
    ],
)
def test_taints_bar_pods_that_do_not_tolerate_them(
    toleration: dict[str, Any], allowed: bool
) -> None:
    room = nodes(1000, taints=(Taint("k", "v", "NoSchedule"),))
    piece = recreated("a", "1m", "1Mi", pod={"tolerations": [toleration]})
    assert bool(problems([piece], room)) is not allowed


def test_a_preferred_taint_bars_nobody() -> None:
    room = nodes(1000, taints=(Taint("k", "v", "PreferNoSchedule"),))
    assert not problems([recreated("a", "1m", "1Mi")], room)


def test_a_daemon_set_skips_nodes_that_bar_it_and_sits_on_all_others() -> None:
    free = LiveNode("free", 1000, GIB)
    barred = LiveNode("barred", 1000, GIB, taints=(Taint("k", "v", "NoSchedule"),))
    piece = workload("DaemonSet", "agent", pod_spec(container("10m", "1Mi")))
    assert where([piece], envelope_from_nodes([free, barred]).room)["agent"] == {"free"}


def test_pods_and_volumes_per_node_are_limits_too() -> None:
    piece = recreated("a", "1m", "1Mi", replicas=3)
    assert problems([piece], nodes(1000, pods=2))
    two = recreated("a", "1m", "1Mi", pod=mounting("x", "y"))
    assert problems([two], nodes(1000, volumes=1))


def passing(pieces: list[Piece], room: Room) -> tuple[str, ...]:
    found = place(measure(pieces), room)
    assert found.seats
    return found.problems


def job(name: str, cpu: str, **pod: Any) -> Piece:
    return workload("Job", name, pod_spec(container(cpu, "1Mi"), **pod))


def test_jobs_need_room_one_after_the_other_not_all_at_once() -> None:
    base = recreated("a", "700m", "1Mi")
    assert not passing([base, *(job(f"j{i}", "300m") for i in range(5))], nodes(1000))
    (problem,) = passing([base, job("large", "301m")], nodes(1000))
    assert problem.startswith("a job that ends of Job health/large")


def test_a_job_must_fit_where_its_volume_is() -> None:
    base = [
        recreated("db", "800m", "1Mi", pod=mounting("data")),
        recreated("b", "600m", "1Mi"),
    ]
    assert not passing([*base, job("free", "300m")], nodes(1000, 1000))
    assert passing([*base, job("bound", "300m", **mounting("data"))], nodes(1000, 1000))


def test_other_pods_are_moved_in_thought_to_make_room_for_a_job() -> None:
    pieces = [recreated("a", "300m", "1Mi"), recreated("b", "300m", "1Mi"), job("j", "900m")]
    room = nodes(1000, 1000)
    assert not passing(pieces, room)


@pytest.mark.parametrize(
    ("pod", "on_one", "on_two"),
    [
        (needing_company("g", "topology.kubernetes.io/zone"), 1, 1),
        ({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "x"}]}, 0, 1),
        ({"topologySpreadConstraints": [{"whenUnsatisfiable": "ScheduleAnyway"}]}, 0, 0),
        ({"schedulerName": "mine"}, 1, 1),
        ({}, 0, 0),
    ],
)
def test_rules_that_are_not_understood_are_never_promised(
    pod: dict[str, Any], on_one: int, on_two: int
) -> None:
    demand = measure([recreated("a", "1m", "1Mi", pod=pod)])
    assert len(unknown_rules(demand, 1)) == on_one
    assert len(unknown_rules(demand, 2)) == on_two


def test_volumes_of_a_stateful_sets_own_count_where_its_pods_are() -> None:
    template = {"metadata": {"name": "own"}, "spec": {}}
    spec = pod_spec(container("1m", "1Mi"))
    piece = workload("StatefulSet", "db", spec, replicas=3, volumeClaimTemplates=[template])
    assert problems([piece], nodes(1000, volumes=2))
    assert not problems([piece], nodes(1000, 1000, volumes=2))


small_pods = st.lists(
    st.tuples(
        st.integers(1, 60),  # millicores
        st.integers(1, 60),  # MiB
        st.sampled_from([(), (), ("x",), ("y",), ("x", "y")]),
        st.sampled_from(["", "", "needs", "shuns"]),
        st.booleans(),
    ),
    max_size=6,
)
small_nodes = st.lists(
    st.tuples(st.integers(20, 120), st.integers(20, 120), st.integers(1, 4)), min_size=1, max_size=3
)


def pod_piece(number: int, entry: tuple[int, int, tuple[str, ...], str, bool]) -> Piece:
    cpu, memory, claims, company, grouped = entry
    rules = {"needs": needing_company("g"), "shuns": keeping_away("g"), "": {}}[company]
    return recreated(
        f"p{number}",
        f"{cpu}m",
        f"{memory}Mi",
        pod={**rules, **mounting(*claims)},
        labels={"group": "g"} if grouped or company == "needs" else {},
    )


def some_way(
    pods: list[tuple[int, int, tuple[str, ...], str, bool]], sizes: list[tuple[int, int, int]]
) -> bool:
    """Whether any of all assignments obeys the rules: slow, and written down independently."""
    return any(
        _obeys(pods, sizes, way) for way in itertools.product(range(len(sizes)), repeat=len(pods))
    )


def _obeys(
    pods: list[tuple[int, int, tuple[str, ...], str, bool]],
    sizes: list[tuple[int, int, int]],
    way: tuple[int, ...],
) -> bool:
    for at, (cpu, memory, most) in enumerate(sizes):
        inside = [pod for pod, node in zip(pods, way, strict=True) if node == at]
        if (
            len(inside) > most
            or sum(p[0] for p in inside) > cpu
            or sum(p[1] for p in inside) > memory
        ):
            return False
        grouped = [pod[4] or pod[3] == "needs" for pod in inside]
        for pod, is_grouped in zip(inside, grouped, strict=True):
            if pod[3] == "shuns" and sum(grouped) > is_grouped:
                return False
    homes: dict[str, set[int]] = {}
    for (_, _, claims, company, is_grouped), node in zip(pods, way, strict=True):
        for name in (*claims, *(["company"] if company == "needs" or is_grouped else [])):
            homes.setdefault(name, set()).add(node)
    if not any(pod[3] == "needs" for pod in pods):
        homes.pop("company", None)
    return all(len(at) == 1 for at in homes.values())


@settings(max_examples=300, deadline=None)
@given(small_pods, small_nodes)
def test_a_placement_is_found_exactly_when_there_is_one(
    pods: list[tuple[int, int, tuple[str, ...], str, bool]], sizes: list[tuple[int, int, int]]
) -> None:
    live = [
        LiveNode(f"n{i}", cpu, memory * 2**20, pods=most)
        for i, (cpu, memory, most) in enumerate(sizes)
    ]
    demand = measure([pod_piece(i, pod) for i, pod in enumerate(pods)])
    found = place(demand, envelope_from_nodes(live).room)
    assert found.complete is some_way(pods, sizes)


def test_nothing_fits_on_no_nodes_but_nothing_asked_does() -> None:
    assert place(Demand(), Room(())).complete
    assert not place(measure([recreated("a", "1m", "1Mi")]), Room(())).complete


def test_a_hopeless_search_ends() -> None:
    # Four of these fill a node, so that ten nodes hold 40 of the 41.
    pieces = [recreated(f"p{i}", f"{201 + i % 3}m", "1Mi") for i in range(41)]
    found = place(measure(pieces), nodes(*[1000] * 10))
    assert found.problems[0].startswith("no placement was found before giving up the search")


def some_even_way(loads: list[tuple[int, int, int]], sizes: list[int]) -> bool:
    """Whether workloads (cpu, replicas, surge) can be shared out evenly: slow, written anew."""
    subsets = [
        subset
        for size in range(1, len(sizes) + 1)
        for subset in itertools.combinations(range(len(sizes)), size)
    ]
    for way in itertools.product(subsets, repeat=len(loads)):
        used = [0] * len(sizes)
        for (cpu, replicas, _), nodes_of in zip(loads, way, strict=True):
            for node in nodes_of:
                used[node] += cpu * -(-replicas // len(nodes_of))
        left = [size - taken for size, taken in zip(sizes, used, strict=True)]
        rolls = all(
            surge == 0 or all(cpu == 0 or cpu <= left[node] for node in nodes_of)
            for (cpu, _, surge), nodes_of in zip(loads, way, strict=True)
        )
        if rolls and min(left) >= 0:
            return True
    return False


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 4), st.integers(0, 1)), max_size=4),
    st.lists(st.integers(20, 150), min_size=1, max_size=3),
)
def test_replicas_are_placed_exactly_when_they_can_be_shared_out_evenly(
    loads: list[tuple[int, int, int]], sizes: list[int]
) -> None:
    pieces = [
        workload(
            "Deployment",
            f"w{at}",
            pod_spec(container(f"{cpu}m", "1Mi")),
            replicas=replicas,
            strategy={"rollingUpdate": {"maxSurge": surge, "maxUnavailable": 1 - surge}},
        )
        for at, (cpu, replicas, surge) in enumerate(loads)
    ]
    found = place(measure(pieces), nodes(*sizes))
    assert found.complete is some_even_way(loads, sizes)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 4), st.integers(0, 1)), max_size=5),
    st.lists(st.integers(20, 150), min_size=2, max_size=3),
)
def test_whatever_the_pins_allow_finds_room(
    loads: list[tuple[int, int, int]], sizes: list[int]
) -> None:
    pieces = [
        recreated(f"w{at}", f"{cpu}m", "1Mi", replicas=replicas)
        for at, (cpu, replicas, _) in enumerate(loads)
    ]
    found = place(measure(pieces), nodes(*sizes))
    if not found.complete:
        return
    most = dict.fromkeys((f"n{i}" for i in range(1, len(sizes) + 1)), 0)
    for origin, there in found.places.items():
        cpu, replicas, _ = loads[int(origin.name.removeprefix("w"))]
        for node in there:
            most[node] += cpu * -(-replicas // len(there))
    assert all(most[f"n{i}"] <= size for i, size in enumerate(sizes, 1))
