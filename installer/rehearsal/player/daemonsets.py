"""DaemonSets: one pod on each node that takes it."""

from __future__ import annotations

from typing import Any

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.api import ApiRefused
from installer.rehearsal.player.cluster import (
    DAEMON_SETS,
    NODES,
    PODS,
    Cluster,
    Key,
    is_leaving,
    key_of,
    owner_of,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.podparts import digest, is_over, is_ready, untolerated, wants_node
from installer.rehearsal.player.pods import create_pod, delete_pod, pod_from

_SOURCE = "daemonset-controller"
_HASH = "controller-revision-hash"
_TOLERATED = (
    "not-ready",
    "unreachable",
    "disk-pressure",
    "memory-pressure",
    "pid-pressure",
    "unschedulable",
)


class DaemonSets:
    """The DaemonSet controller."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.desk = Desk("daemonsets", self._work, cluster.clock)
        cluster.tell((DAEMON_SETS,), lambda obj, _: self.desk.add(key_of(obj)))
        cluster.tell((PODS,), self._look_at_pod)
        cluster.tell((NODES,), self._look_at_node)

    def _look_at_pod(self, pod: Object, _gone: bool) -> None:
        owner = owner_of(pod)
        if owner is not None and owner["kind"] == "DaemonSet":
            self.desk.add((pod["metadata"]["namespace"], owner["name"]))

    def _look_at_node(self, _node: Object, _gone: bool) -> None:
        for wanted in self._cluster.all(DAEMON_SETS):
            self.desk.add(key_of(wanted))

    async def _work(self, key: Key) -> None:
        wanted = self._cluster.get(DAEMON_SETS, *key)
        if wanted is None or is_leaving(wanted):
            return
        revision = digest(wanted["spec"]["template"])
        names = self._eligible(wanted)
        pods = {_node_of(pod): pod for pod in self._cluster.owned_by(PODS, wanted)}
        try:
            for name in names:
                if name not in pods:
                    await self._create(wanted, name, revision)
            self.desk.fine(key)
        except ApiRefused as refused:
            if refused.code not in (403, 422):
                raise
            self.desk.back_off(key)
        await self._remove(wanted, names, pods, revision)
        await self._tell(key, names, revision)

    def _eligible(self, wanted: Object) -> list[str]:
        pod = pod_from(wanted, wanted["spec"]["template"])
        _tolerate(pod)
        return [
            node["metadata"]["name"]
            for node in self._cluster.all(NODES)
            if wants_node(pod, node) and untolerated(pod, node) is None
        ]

    async def _create(self, wanted: Object, node: str, revision: str) -> None:
        pod = pod_from(wanted, wanted["spec"]["template"], {_HASH: revision})
        pod["metadata"]["generateName"] = wanted["metadata"]["name"] + "-"
        _tolerate(pod)
        field = {"key": "metadata.name", "operator": "In", "values": [node]}
        required: Any = {"nodeSelectorTerms": [{"matchFields": [field]}]}
        affinity = {"requiredDuringSchedulingIgnoredDuringExecution": required}
        pod["spec"]["affinity"] = {"nodeAffinity": affinity}
        await create_pod(self._cluster, wanted, pod, _SOURCE)

    async def _remove(
        self, wanted: Object, names: list[str], pods: dict[str, Object], revision: str
    ) -> None:
        """Pods where none should be, ended ones, and outdated ones one at a time."""
        rolling = wanted["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        busy = any(is_leaving(p) or not is_ready(p) for p in pods.values())
        for node, pod in pods.items():
            outdated = pod["metadata"]["labels"].get(_HASH) != revision
            if is_leaving(pod):
                continue
            if node not in names or is_over(pod):
                await delete_pod(self._cluster, wanted, pod, _SOURCE)
            elif rolling and outdated and (not busy or not is_ready(pod)):
                await delete_pod(self._cluster, wanted, pod, _SOURCE)
                busy = True

    async def _tell(self, key: Key, names: list[str], revision: str) -> None:
        wanted = self._cluster.get(DAEMON_SETS, *key)
        if wanted is None:
            return
        pods = [p for p in self._cluster.owned_by(PODS, wanted) if not is_leaving(p)]
        ready = sum(1 for pod in pods if is_ready(pod))
        updated = sum(1 for p in pods if p["metadata"]["labels"].get(_HASH) == revision)
        status = {
            "observedGeneration": wanted["metadata"]["generation"],
            "desiredNumberScheduled": len(names),
            "currentNumberScheduled": len(pods),
            "numberMisscheduled": 0,
            "numberReady": ready,
            "numberAvailable": ready,
            "numberUnavailable": len(names) - ready,
            "updatedNumberScheduled": updated,
        }
        await self._cluster.status(DAEMON_SETS, wanted, status)


def _tolerate(pod: Object) -> None:
    own = pod["spec"].setdefault("tolerations", [])
    for name in _TOLERATED:
        own.append({"key": f"node.kubernetes.io/{name}", "operator": "Exists"})


def _node_of(pod: Object) -> str:
    """The node a pod is on or made for."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    affinity = pod["spec"]["affinity"]["nodeAffinity"]
    terms = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    return str(terms[0]["matchFields"][0]["values"][0])
