"""What nodes have left for the platform: computed for a shape, or read from a live cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from installer.budget.amounts import Amounts, total
from installer.budget.envelope import Envelope, NodeFile
from installer.budget.quantities import GIB, KIB, MIB, show_bytes, show_cpu
from installer.budget.rules import HOSTNAME, Taint


@dataclass(frozen=True)
class NodeShape:
    """`count` A1 nodes of this size; an OCPU of A1 is one CPU."""

    ocpus: int
    memory_gb: int
    boot_volume_gb: int = 50
    count: int = 1


@dataclass(frozen=True)
class NodeRoom:
    """One node: what is free on it, and what decides whether a pod may go there."""

    name: str
    free: Amounts
    pods: int
    volumes: int
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True)
class ClusterPod:
    """A pod of Oracle's that runs once in the cluster, on a node we cannot choose."""

    name: str
    amounts: Amounts


@dataclass(frozen=True)
class Room:
    """All nodes. `left_by` says who took the rest; `how` explains the figures line by line."""

    nodes: tuple[NodeRoom, ...]
    cluster_pods: tuple[ClusterPod, ...] = ()
    left_by: str = "the nodes"
    how: tuple[str, ...] = ()

    @property
    def free(self) -> Amounts:
        """What is left in all nodes together; an overfull node lends nothing to the others."""
        left = total([node.free.at_least_nothing() for node in self.nodes])
        return (left - total([pod.amounts for pod in self.cluster_pods])).at_least_nothing()

    @property
    def pods(self) -> int:
        """How many more pods all nodes together take."""
        return sum(node.pods for node in self.nodes) - len(self.cluster_pods)

    @property
    def volumes(self) -> int:
        """How many more volumes all nodes together can attach."""
        return sum(node.volumes for node in self.nodes)


def allocatable(shape: NodeShape, facts: NodeFile) -> Amounts:
    """What one node of the shape reports as allocatable: measured if it was, else computed."""
    disk = facts.node.ephemeral_gib * GIB
    for read in facts.measured:
        if (read.ocpus, read.memory_gb) == (shape.ocpus, shape.memory_gb):
            return Amounts(read.cpu_milli, read.memory_kib * KIB, disk)
    return computed_allocatable(shape, facts)


def computed_allocatable(shape: NodeShape, facts: NodeFile) -> Amounts:
    """The same by formula alone.

    CPU: Kubernetes' share, cut to whole millicores, and the system's. Memory: what the machine
    shows, less Kubernetes' bands (cut to whole GiB), the system's share and the eviction line.
    """
    unseen = facts.unseen_memory
    seen_mib = shape.memory_gb * 1024 - unseen.fixed_mib - unseen.per_gb_mib * shape.memory_gb
    memory = facts.memory_reserved
    kept_mib = kube_reserved_gib(shape.memory_gb, facts) * 1024
    kept_mib += memory.system_mib + memory.eviction_mib
    cpu_kept = kube_reserved_milli(shape.ocpus, facts) + facts.cpu_reserved.system_milli
    return Amounts(
        max(0, shape.ocpus * 1000 - cpu_kept),
        max(0, seen_mib - kept_mib) * MIB,
        facts.node.ephemeral_gib * GIB,
    )


def kube_reserved_milli(cpus: int, facts: NodeFile) -> int:
    """Millicores kept for Kubernetes on a node of so many CPUs."""
    known = facts.cpu_reserved.kube_milli
    further = max(0, cpus - len(known))
    return known[min(cpus, len(known)) - 1] + further * facts.cpu_reserved.further_micro // 1000


def kube_reserved_gib(memory_gb: int, facts: NodeFile) -> int:
    """Whole GiB kept for Kubernetes on a node of so much memory."""
    hundredths, lower = 0, 0
    for band in facts.memory_reserved.bands:
        upper = memory_gb if band.up_to_gb is None else min(memory_gb, band.up_to_gb)
        hundredths += max(0, upper - lower) * band.percent
        lower = max(lower, upper)
    return hundredths // 100


def room_of(shapes: Sequence[NodeShape], envelope: Envelope) -> Room:
    """Room for the platform on fresh nodes of these shapes, after Oracle's own pods."""
    facts = envelope.nodes
    system = facts.system_pods
    on_each = [pod for pod in system if pod.per == "node"]
    taken = total([Amounts(pod.cpu_milli, pod.memory_mib * MIB) for pod in on_each])
    nodes = tuple(
        NodeRoom(
            name=f"node-{number}",
            free=allocatable(shape, facts) - taken,
            pods=facts.node.pods - len(on_each),
            volumes=facts.node.volumes,
            labels={
                "kubernetes.io/arch": "arm64",
                "kubernetes.io/os": "linux",
                HOSTNAME: f"node-{number}",
            },
        )
        for number, shape in enumerate(_one_by_one(shapes), start=1)
    )
    once = tuple(
        ClusterPod(pod.name, Amounts(pod.cpu_milli, pod.memory_mib * MIB))
        for pod in system
        if pod.per == "cluster"
    )
    return Room(nodes, once, "Oracle's own pods", _explain(shapes, envelope))


def _one_by_one(shapes: Sequence[NodeShape]) -> list[NodeShape]:
    return [shape for shape in shapes for _ in range(shape.count)]


def _explain(shapes: Sequence[NodeShape], envelope: Envelope) -> tuple[str, ...]:
    facts = envelope.nodes
    lines = []
    for shape in shapes:
        given = allocatable(shape, facts)
        lines.append(
            f"{shape.count} x A1 of {shape.ocpus} OCPU and {shape.memory_gb} GB: allocatable"
            f" {show_cpu(given.cpu_milli)}, {show_bytes(given.memory_bytes)} each"
            f" ({_basis(shape, facts)})"
        )
    lines += [
        f"{pod.name}, once a {pod.per}: {show_cpu(pod.cpu_milli)}, {pod.memory_mib} MiB"
        f" ({pod.source}, {pod.as_of})"
        for pod in facts.system_pods
    ]
    return tuple(lines)


def _basis(shape: NodeShape, facts: NodeFile) -> str:
    for read in facts.measured:
        if (read.ocpus, read.memory_gb) == (shape.ocpus, shape.memory_gb):
            return f"measured, {read.source}, {read.as_of}"
    return f"computed, {facts.memory_reserved.source}, {facts.memory_reserved.as_of}"


@dataclass(frozen=True)
class LiveNode:
    """A node as a live cluster reports it: allocatable figures and what runs on it already.

    Pods of the installation that is being planned must not be counted as running: the plan asks
    for their room again.
    """

    name: str
    cpu_milli: int
    memory_bytes: int
    pods: int = 110
    disk_bytes: int | None = None
    requested_cpu: int = 0
    requested_memory: int = 0
    requested_disk: int = 0
    running_pods: int = 0
    volumes: int = 32
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    ready: bool = True


# A cluster that does not report its nodes' disks does not count them either.
_UNCOUNTED = 2**62


def disk_counted(free_bytes: int) -> bool:
    """Whether that much free disk is a figure of a node, and not the mark of one that has none."""
    return free_bytes < _UNCOUNTED // 2


@dataclass(frozen=True)
class LiveEnvelope:
    """The limits of a cluster that exists: its nodes, and no allowance or price we could know.

    One that was not `seen` has no nodes yet: the demand can be shown, nothing can be judged.
    """

    room: Room
    floor_gib: int = 0
    seen: bool = True


NOT_LOOKED_AT = LiveEnvelope(
    Room((), (), "a cluster nobody has looked at", ("the cluster has not been looked at",)),
    seen=False,
)
"""An existing cluster before anybody asked it for its nodes."""


def envelope_from_nodes(nodes: Sequence[LiveNode], *, floor_gib: int = 0) -> LiveEnvelope:
    """Limits of an existing cluster: allocatable less what is requested, on its ready nodes."""
    usable = [node for node in nodes if node.ready]
    rooms = tuple(_live_room(node) for node in usable)
    how = tuple(
        f"{node.name}: allocatable {show_cpu(node.cpu_milli)}, {show_bytes(node.memory_bytes)};"
        f" requested already {show_cpu(node.requested_cpu)}, {show_bytes(node.requested_memory)}"
        for node in usable
    )
    left_out = tuple(f"{node.name}: not ready, not counted" for node in nodes if not node.ready)
    return LiveEnvelope(Room(rooms, (), "what runs in the cluster", how + left_out), floor_gib)


def _live_room(node: LiveNode) -> NodeRoom:
    disk = _UNCOUNTED if node.disk_bytes is None else node.disk_bytes - node.requested_disk
    return NodeRoom(
        name=node.name,
        free=Amounts(
            node.cpu_milli - node.requested_cpu, node.memory_bytes - node.requested_memory, disk
        ),
        pods=node.pods - node.running_pods,
        volumes=node.volumes,
        labels={HOSTNAME: node.name, **node.labels},
        taints=node.taints,
    )
