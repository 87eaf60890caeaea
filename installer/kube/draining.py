"""Empties a node before its machine goes: closed for new pods, then its pods evicted politely.

Eviction asks the disruption budgets, which a plain deletion does not. Pods of DaemonSets belong to
the node and those the kubelet made itself cannot be evicted; both are left, as in a kubectl drain.
https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/
https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from installer.kube.faults import Refusal, as_error
from installer.kube.objects import Ref, at
from installer.kube.reading import Reading, for_each
from installer.kube.stamp import FIELD_MANAGER, Stamp
from installer.kube.wire import MERGE, Request

Body = Mapping[str, Any]
_MIRROR = "kubernetes.io/config.mirror"
_FINISHED = ("Succeeded", "Failed")
# A budget says no with 429; two budgets for one pod with 500.
_HELD = (429, 500)


@dataclass(frozen=True)
class PodOnNode:
    """A pod that has to leave. `ours` carries our stamp; an `orphan` nothing would bring back.

    `held` says why the cluster does not let it go; `going` is one that is ending already.
    """

    namespace: str
    name: str
    ours: bool
    orphan: bool
    going: bool
    held: str = ""

    @property
    def words(self) -> str:
        """Such as "health-api/health-api-0"."""
        return f"{self.namespace}/{self.name}"


class Draining:
    """Closes, empties and opens nodes of one cluster."""

    def __init__(self, reading: Reading, stamp: Stamp) -> None:
        self._reading = reading
        self._stamp = stamp

    async def node_of(self, machine: str) -> str:
        """The name of the node that runs on the machine with that OCID; "" for none.

        Oracle's clusters write the OCID into providerID, some with a scheme before it.
        """
        for node in await self._reading.all_of("v1", "Node"):
            if str(at(node, "spec", "providerID", default="")).endswith(machine):
                return str(node["metadata"]["name"])
        return ""

    async def close(self, node: str, *, closed: bool) -> None:
        """Let the scheduler put nothing new there, or something again."""
        path = await self._reading.kinds.path(Ref("v1", "Node", "", node))
        body = {"spec": {"unschedulable": closed or None}}
        doing = f"{'close' if closed else 'open'} the node {node} for new pods"
        query = {"fieldManager": FIELD_MANAGER}
        await self._reading.wire.json(Request("PATCH", path, doing, query, body, MERGE))

    async def others_open(self, node: str) -> bool:
        """Whether another node could take pods."""
        return any(
            each["metadata"]["name"] != node
            and not at(each, "spec", "unschedulable", default=False)
            for each in await self._reading.all_of("v1", "Node")
        )

    async def pods(self, node: str) -> list[PodOnNode]:
        """Those that have to leave before the machine may go."""
        found = await self._reading.all_of("v1", "Pod")
        return [self._seen(pod) for pod in found if _has_to_leave(pod, node)]

    async def evict(self, pods: Sequence[PodOnNode]) -> list[PodOnNode]:
        """Ask each to leave, once; returns those that may not, each with the reason."""
        answers = await for_each(self._evict, [each for each in pods if not each.going])
        return [each for each in answers if each.held]

    async def delete(self, pod: PodOnNode) -> None:
        """Take it away whatever a budget says; only for pods of ours, which come back elsewhere."""
        path = await self._reading.kinds.path(Ref("v1", "Pod", pod.namespace, pod.name))
        await self._reading.wire.found(Request("DELETE", path, f"remove the pod {pod.words}"))

    async def attached(self, node: str) -> list[str]:
        """Volumes that are still tied to the node, by name."""
        found = await self._reading.all_of("storage.k8s.io/v1", "VolumeAttachment")
        return sorted(
            str(at(each, "spec", "source", "persistentVolumeName", default="a volume"))
            for each in found
            if at(each, "spec", "nodeName", default="") == node
        )

    async def _evict(self, pod: PodOnNode) -> PodOnNode:
        path = await self._reading.kinds.path(Ref("v1", "Pod", pod.namespace, pod.name))
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": pod.namespace},
        }
        doing = f"evict the pod {pod.words}"
        request = Request("POST", f"{path}/eviction", doing, body=body, patient=False)
        try:
            await self._reading.wire.attempt(request)
        except Refusal as refusal:
            if refusal.status == 404:
                return pod
            if refusal.status not in _HELD:
                raise as_error(refusal, doing) from refusal
            return replace(pod, held=_reason(refusal))
        return pod

    def _seen(self, pod: Body) -> PodOnNode:
        metadata = pod["metadata"]
        return PodOnNode(
            namespace=str(metadata["namespace"]),
            name=str(metadata["name"]),
            ours=self._stamp.is_on(pod),
            orphan=_controller(pod) == "",
            going=bool(metadata.get("deletionTimestamp")),
        )


def _has_to_leave(pod: Body, node: str) -> bool:
    if at(pod, "spec", "nodeName", default="") != node:
        return False
    if _MIRROR in (pod["metadata"].get("annotations") or {}):
        return False
    if at(pod, "status", "phase", default="") in _FINISHED:
        return False
    return _controller(pod) != "DaemonSet"


def _controller(pod: Body) -> str:
    """The kind of what would make the pod again, "" for nothing."""
    references = pod["metadata"].get("ownerReferences") or []
    return next((str(each["kind"]) for each in references if each.get("controller")), "")


def _reason(refusal: Refusal) -> str:
    causes = [str(cause.get("message") or "") for cause in refusal.causes]
    return "; ".join(each for each in causes if each) or refusal.message
