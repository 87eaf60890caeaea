"""What a node has left, by formula and by reading."""

from __future__ import annotations

import pytest

from installer.budget.amounts import Amounts
from installer.budget.envelope import load_envelope
from installer.budget.room import (
    LiveNode,
    NodeShape,
    allocatable,
    computed_allocatable,
    envelope_from_nodes,
    kube_reserved_gib,
    kube_reserved_milli,
    room_of,
)

FACTS = load_envelope().nodes
GIB = 2**30


@pytest.mark.parametrize(
    ("cpus", "milli"), [(1, 60), (2, 70), (3, 80), (4, 85), (5, 90), (6, 92), (7, 95), (16, 117)]
)
def test_kubernetes_share_of_the_cpus(cpus: int, milli: int) -> None:
    assert kube_reserved_milli(cpus, FACTS) == milli


@pytest.mark.parametrize(
    ("memory", "gib"),
    # 25 % of 4, 20 % of the next 4, 10 % of the next 8, 6 % up to 128, 2 % above, cut to whole GiB
    [(1, 0), (4, 1), (6, 1), (8, 1), (9, 1), (10, 2), (12, 2), (16, 2), (24, 3), (32, 3), (128, 9)],
)
def test_kubernetes_share_of_the_memory_is_cut_to_whole_gib(memory: int, gib: int) -> None:
    assert kube_reserved_gib(memory, FACTS) == gib


def test_above_128_gb_two_percent_more() -> None:
    # 1 + 0.8 + 0.8 + 6.72 + 0.02 x 100 = 11.32
    assert kube_reserved_gib(228, FACTS) == 11


@pytest.mark.parametrize(
    ("shape", "milli", "tenths_of_gib"),
    [((1, 6), 840, 43), ((2, 12), 1830, 92), ((4, 24), 3815, 199)],
)
def test_allocatable_by_formula(shape: tuple[int, int], milli: int, tenths_of_gib: int) -> None:
    found = computed_allocatable(NodeShape(*shape), FACTS)
    assert found.cpu_milli == milli
    assert found.memory_bytes * 10 // GIB == tenths_of_gib


@pytest.mark.parametrize(("memory", "seen"), [(8, 7657), (12, 11669)])
def test_the_line_of_unseen_memory_goes_through_both_measured_machines(
    memory: int, seen: int
) -> None:
    unseen = FACTS.unseen_memory
    assert memory * 1024 - unseen.fixed_mib - unseen.per_gb_mib * memory == seen


def test_a_reading_wins_over_the_formula() -> None:
    assert allocatable(NodeShape(2, 12), FACTS).memory_bytes == 9_647_964 * 1024
    assert allocatable(NodeShape(1, 6), FACTS) == computed_allocatable(NodeShape(1, 6), FACTS)


def test_the_reading_and_the_formula_agree_within_two_mib() -> None:
    read = allocatable(NodeShape(2, 12), FACTS)
    computed = computed_allocatable(NodeShape(2, 12), FACTS)
    assert read.cpu_milli == computed.cpu_milli
    assert abs(read.memory_bytes - computed.memory_bytes) < 2 * 2**20


def test_the_free_node_has_1530_millicores_and_8_9_gib_left() -> None:
    free = room_of([NodeShape(2, 12)], load_envelope()).free
    assert free.cpu_milli == 1530
    assert free.memory_bytes * 10 // GIB == 89


def test_two_small_nodes_have_less_left_than_one_large() -> None:
    free = room_of([NodeShape(1, 6, count=2)], load_envelope()).free
    assert free.cpu_milli == 1100
    assert free.memory_bytes * 10 // GIB == 81


def test_every_figure_of_a_shape_is_explained_with_source_and_date() -> None:
    how = room_of([NodeShape(2, 12)], load_envelope()).how
    assert how[0].startswith("1 x A1 of 2 OCPU and 12 GB: allocatable 1,830 m, 9.2 GiB each")
    assert "measured" in how[0]
    assert any(line.startswith("coredns, once a node: 100 m, 70 MiB (") for line in how)


def test_a_live_cluster_offers_what_is_not_requested_on_ready_nodes() -> None:
    nodes = [
        LiveNode("one", 4000, 8 * GIB, pods=110, requested_cpu=900, requested_memory=GIB,
                 running_pods=10),
        LiveNode("two", 4000, 8 * GIB, ready=False),
    ]  # fmt: skip
    room = envelope_from_nodes(nodes).room
    assert (room.free.cpu_milli, room.free.memory_bytes) == (3100, 7 * GIB)
    assert room.pods == 100
    assert "two: not ready, not counted" in room.how


def test_an_overfull_node_takes_nothing_from_the_others() -> None:
    nodes = [LiveNode("full", 1000, GIB, requested_cpu=1500), LiveNode("idle", 1000, GIB)]
    assert envelope_from_nodes(nodes).room.free.cpu_milli == 1000


def test_what_is_not_requested_is_not_looked_for() -> None:
    assert Amounts(0, 5).within(Amounts(-100, 5))
    assert not Amounts(1, 5).within(Amounts(0, 5))
