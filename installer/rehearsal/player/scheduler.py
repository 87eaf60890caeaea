"""Puts pods on nodes by requests, selectors, taints and volumes, in the real scheduler's words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.quantity import milli, whole
from installer.rehearsal.player.api import ApiRefused
from installer.rehearsal.player.cluster import (
    CLAIMS,
    CLASSES,
    NODES,
    PODS,
    VOLUMES,
    Cluster,
    Key,
    is_leaving,
    key_of,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.podparts import (
    Request,
    claims_of,
    is_over,
    request_of,
    selects_node,
    untolerated,
    wants_node,
)

_NAME = "default-scheduler"
_ROUND: Key = ("", "")
SELECTED_NODE = "volume.kubernetes.io/selected-node"


@dataclass(frozen=True)
class Room:
    """What a node has left."""

    free: Request
    pods: int


class Scheduler:
    """One round looks at all waiting pods, oldest first."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.desk = Desk("scheduler", self._round, cluster.clock)
        self._assumed: dict[str, tuple[str, Request]] = {}
        cluster.tell((PODS, NODES, CLAIMS, VOLUMES, CLASSES), self._look)

    def _look(self, obj: Object, gone: bool) -> None:
        if obj["kind"] == "Pod" and (gone or obj["spec"].get("nodeName")):
            self._assumed.pop(obj["metadata"]["uid"], None)
            if not (gone or is_over(obj)):
                return
        self.desk.add(_ROUND)

    async def _round(self, _: Key) -> None:
        waiting = [pod for pod in self._cluster.all(PODS) if self._is_waiting(pod)]
        for pod in sorted(waiting, key=_urgency):
            await self._place(pod)

    def _is_waiting(self, pod: Object) -> bool:
        ours = pod["spec"].get("schedulerName", _NAME) == _NAME
        placed = pod["spec"].get("nodeName") or is_leaving(pod) or is_over(pod)
        return ours and not placed

    async def _place(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        problem = self._claims_problem(pod)
        if problem:
            await self._refuse(pod, f"0/{self._count()} nodes are available: {problem}.")
            return
        node = self._assumed[uid][0] if uid in self._assumed else self._choose(pod)
        if node is None:
            await self._refuse(pod, self._why_not(pod))
            return
        self._assumed[uid] = (node, request_of(pod))
        if await self._claims_bound(pod, node):
            await self._bind(pod, node)

    async def _bind(self, pod: Object, node: str) -> None:
        try:
            await self._cluster.bind(pod, node)
        except ApiRefused as refused:
            if refused.code not in (400, 404, 409):
                raise
            return
        name = "/".join(key_of(pod))
        words = f"Successfully assigned {name} to {node}"
        await self._cluster.event(pod, "Scheduled", words, _NAME)

    def _count(self) -> int:
        return len(self._cluster.all(NODES))

    # Choosing

    def _choose(self, pod: Object) -> str | None:
        fitting = [
            (self._room(node).free.cpu_milli, node["metadata"]["name"])
            for node in self._cluster.all(NODES)
            if not self._objections(pod, node)
        ]
        return max(fitting)[1] if fitting else None

    def _why_not(self, pod: Object) -> str:
        nodes = self._cluster.all(NODES)
        if not nodes:
            return "no nodes available to schedule pods"
        counts = Counter(words for node in nodes for words in self._objections(pod, node))
        told = ", ".join(sorted(f"{count} {words}" for words, count in counts.items()))
        total = len(nodes)
        hopeless = all(self._is_hopeless(pod, node) for node in nodes)
        hint = (
            f"{total} Preemption is not helpful for scheduling"
            if hopeless
            else f"{total} No preemption victims found for incoming pod"
        )
        return (
            f"0/{total} nodes are available: {told}. "
            f"preemption: 0/{total} nodes are available: {hint}."
        )

    def _is_hopeless(self, pod: Object, node: Object) -> bool:
        return any(not words.startswith(("Insuff", "Too")) for words in self._objections(pod, node))

    def _objections(self, pod: Object, node: Object) -> list[str]:
        """Why a pod cannot run on a node: the first filter that says no, in all its words."""
        taint = untolerated(pod, node)
        if node["spec"].get("unschedulable"):
            return ["node(s) were unschedulable"]
        if taint is not None:
            return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"]
        if not wants_node(pod, node):
            return ["node(s) didn't match Pod's node affinity/selector"]
        short = self._shortages(request_of(pod), self._room(node))
        if short:
            return short
        if self._volumes_elsewhere(pod, node):
            return ["node(s) had volume node affinity conflict"]
        return []

    def _shortages(self, wanted: Request, room: Room) -> list[str]:
        found = ["Too many pods"] if room.pods < 1 else []
        if wanted.cpu_milli > room.free.cpu_milli and wanted.cpu_milli:
            found.append("Insufficient cpu")
        if wanted.memory > room.free.memory and wanted.memory:
            found.append("Insufficient memory")
        if wanted.storage > room.free.storage and wanted.storage:
            found.append("Insufficient ephemeral-storage")
        return found

    def _room(self, node: Object) -> Room:
        name, has = node["metadata"]["name"], node["status"].get("allocatable") or {}
        taken, count = Request(), 0
        for pod in self._cluster.all(PODS):
            if pod["spec"].get("nodeName") == name and not is_over(pod):
                taken, count = taken + request_of(pod), count + 1
        for assumed, request in self._assumed.values():
            if assumed == name:
                taken, count = taken + request, count + 1
        free = Request(
            milli(has.get("cpu", 0)) - taken.cpu_milli,
            whole(has.get("memory", 0)) - taken.memory,
            whole(has.get("ephemeral-storage", 0)) - taken.storage,
        )
        return Room(free, whole(has.get("pods", 0)) - count)

    # Volumes

    def _claims(self, pod: Object) -> list[tuple[str, Object | None]]:
        namespace = pod["metadata"]["namespace"]
        return [(name, self._cluster.get(CLAIMS, namespace, name)) for name in claims_of(pod)]

    def _claims_problem(self, pod: Object) -> str:
        for name, claim in self._claims(pod):
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if is_leaving(claim):
                return f'persistentvolumeclaim "{name}" is being deleted'
            if not claim["spec"].get("volumeName") and not self._waits_for_us(claim):
                return "pod has unbound immediate PersistentVolumeClaims"
        return ""

    def _waits_for_us(self, claim: Object) -> bool:
        found = self._cluster.get(CLASSES, "", claim["spec"].get("storageClassName") or "")
        return (found or {}).get("volumeBindingMode") == "WaitForFirstConsumer"

    async def _claims_bound(self, pod: Object, node: str) -> bool:
        """Whether all claims are bound; asks for those that are not to be made for this node."""
        bound = True
        for _, claim in self._claims(pod):
            if claim is None or (claim.get("status") or {}).get("phase") == "Bound":
                continue
            bound = False
            annotations = claim["metadata"].get("annotations") or {}
            if annotations.get(SELECTED_NODE) != node:
                patch = {"metadata": {"annotations": {SELECTED_NODE: node}}}
                await self._cluster.patch(CLAIMS, claim, patch)
        return bound

    def _volumes_elsewhere(self, pod: Object, node: Object) -> bool:
        """Whether a volume of the pod lies in another domain, or is in use on another node."""
        wanted = set(claims_of(pod))
        if not wanted:
            return False
        if any(self._lies_elsewhere(claim, node) for _, claim in self._claims(pod)):
            return True
        namespace, name = pod["metadata"]["namespace"], node["metadata"]["name"]
        return any(
            other["spec"].get("nodeName", name) != name and wanted & set(claims_of(other))
            for other in self._cluster.all(PODS, namespace)
            if not is_over(other)
        )

    def _lies_elsewhere(self, claim: Object | None, node: Object) -> bool:
        """Whether the claim's volume can only be had in other zones than the node's."""
        name = claim["spec"].get("volumeName") if claim is not None else None
        volume = self._cluster.get(VOLUMES, "", name) if name else None
        affinity = (volume["spec"].get("nodeAffinity") or {}) if volume is not None else {}
        required = affinity.get("required") or {}
        return bool(required) and not selects_node(required, node)

    async def _refuse(self, pod: Object, words: str) -> None:
        """Says why in the pod's condition and, once, in an event."""
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": words,
            "lastProbeTime": None,
            "lastTransitionTime": self._cluster.stamp(),
        }
        present = (pod.get("status") or {}).get("conditions") or []
        old = next((one for one in present if one["type"] == "PodScheduled"), None)
        if old is not None and old.get("message") == words:
            return
        others = [one for one in present if one["type"] != "PodScheduled"]
        await self._cluster.status(PODS, pod, {"conditions": [*others, condition]})
        await self._cluster.event(pod, "FailedScheduling", words, _NAME, warning=True)


def _urgency(pod: Object) -> tuple[int, str, str]:
    return (
        -int(pod["spec"].get("priority") or 0),
        pod["metadata"]["creationTimestamp"],
        pod["metadata"]["name"],
    )
