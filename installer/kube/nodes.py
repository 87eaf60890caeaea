"""What the nodes of a live cluster offer, and what others already ask of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.kube.objects import at
from installer.kube.quantities import milli, whole

_FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Amounts:
    """CPU in thousandths, memory and ephemeral disk in bytes, and a number of pods."""

    cpu_milli: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0
    pods: int = 0

    def plus(self, other: Amounts) -> Amounts:
        """The sum."""
        return Amounts(
            self.cpu_milli + other.cpu_milli,
            self.memory_bytes + other.memory_bytes,
            self.disk_bytes + other.disk_bytes,
            self.pods + other.pods,
        )

    def at_least(self, other: Amounts) -> Amounts:
        """The larger of the two in each resource."""
        return Amounts(
            max(self.cpu_milli, other.cpu_milli),
            max(self.memory_bytes, other.memory_bytes),
            max(self.disk_bytes, other.disk_bytes),
            max(self.pods, other.pods),
        )


@dataclass(frozen=True)
class NodeTaint:
    """A node's refusal of pods that do not tolerate it."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True)
class LiveNode:
    """A node as it is now. `cpu_milli`, `memory_bytes`, `disk_bytes` and `pods` are what it
    allots to pods; the `requested_` fields and `running_pods` belong to pods that are not ours.
    """

    name: str
    ready: bool
    schedulable: bool
    architecture: str
    kubelet_version: str
    cpu_milli: int
    memory_bytes: int
    disk_bytes: int
    pods: int
    requested_cpu: int
    requested_memory: int
    requested_disk: int
    running_pods: int
    labels: Mapping[str, str]
    taints: tuple[NodeTaint, ...]


def live_nodes(
    nodes: Sequence[Mapping[str, Any]], foreign_pods: Sequence[Mapping[str, Any]]
) -> tuple[LiveNode, ...]:
    """Nodes by name, each with the requests of the given pods that run on it."""
    asked: dict[str, Amounts] = {}
    for pod in foreign_pods:
        node = at(pod, "spec", "nodeName", default="")
        if node and at(pod, "status", "phase") not in _FINISHED:
            asked[node] = asked.get(node, Amounts()).plus(requests_of(pod["spec"]))
    ordered = sorted(nodes, key=lambda node: str(node["metadata"]["name"]))
    return tuple(_live(node, asked.get(node["metadata"]["name"], Amounts())) for node in ordered)


def _live(node: Mapping[str, Any], asked: Amounts) -> LiveNode:
    offered = _amounts(at(node, "status", "allocatable", default={}))
    return LiveNode(
        name=node["metadata"]["name"],
        ready=is_ready(node),
        schedulable=not at(node, "spec", "unschedulable", default=False),
        architecture=at(node, "status", "nodeInfo", "architecture", default=""),
        kubelet_version=at(node, "status", "nodeInfo", "kubeletVersion", default=""),
        cpu_milli=offered.cpu_milli,
        memory_bytes=offered.memory_bytes,
        disk_bytes=offered.disk_bytes,
        pods=offered.pods,
        requested_cpu=asked.cpu_milli,
        requested_memory=asked.memory_bytes,
        requested_disk=asked.disk_bytes,
        running_pods=asked.pods,
        labels=dict(at(node, "metadata", "labels", default={})),
        taints=tuple(
            NodeTaint(taint["key"], taint.get("value", ""), taint["effect"])
            for taint in at(node, "spec", "taints", default=[])
        ),
    )


def is_ready(node: Mapping[str, Any]) -> bool:
    """Whether the node says that it can run pods."""
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in at(node, "status", "conditions", default=[])
    )


def requests_of(spec: Mapping[str, Any]) -> Amounts:
    """What the scheduler sets aside for a pod.

    Ordinary init containers run one after another and before the others, so only the largest
    counts; sidecars (init containers that restart always) stay and add up.
    https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
    """
    running = Amounts(pods=1)
    for container in spec.get("containers") or []:
        running = running.plus(_requests(container))
    sidecars = peak = Amounts()
    for container in spec.get("initContainers") or []:
        if container.get("restartPolicy") == "Always":
            sidecars = sidecars.plus(_requests(container))
            peak = peak.at_least(sidecars)
        else:
            peak = peak.at_least(sidecars.plus(_requests(container)))
    return running.plus(sidecars).at_least(peak).plus(_amounts(spec.get("overhead") or {}))


def _requests(container: Mapping[str, Any]) -> Amounts:
    limits = at(container, "resources", "limits", default={})
    # A limit without a request is also the request.
    return _amounts({**limits, **at(container, "resources", "requests", default={})})


def _amounts(quantities: Mapping[str, Any]) -> Amounts:
    return Amounts(
        milli(quantities.get("cpu", 0)),
        whole(quantities.get("memory", 0)),
        whole(quantities.get("ephemeral-storage", 0)),
        whole(quantities.get("pods", 0)),
    )
