"""ReplicaSets: as many pods as wanted."""

from __future__ import annotations

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.api import ApiRefused
from installer.rehearsal.player.cluster import (
    PODS,
    REPLICA_SETS,
    Cluster,
    Key,
    is_leaving,
    key_of,
    owner_of,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.podparts import is_over, is_ready
from installer.rehearsal.player.pods import condition, create_pod, delete_pod, pod_from

_SOURCE = "replicaset-controller"


class ReplicaSets:
    """The ReplicaSet controller."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.desk = Desk("replicasets", self._work, cluster.clock)
        cluster.tell((REPLICA_SETS,), lambda obj, _: self.desk.add(key_of(obj)))
        cluster.tell((PODS,), self._look_at_pod)

    def _look_at_pod(self, pod: Object, _gone: bool) -> None:
        owner = owner_of(pod)
        if owner is not None and owner["kind"] == "ReplicaSet":
            self.desk.add((pod["metadata"]["namespace"], owner["name"]))

    async def _work(self, key: Key) -> None:
        wanted = self._cluster.get(REPLICA_SETS, *key)
        if wanted is None or is_leaving(wanted):
            return
        pods = [
            pod
            for pod in self._cluster.owned_by(PODS, wanted)
            if not is_leaving(pod) and not is_over(pod)
        ]
        missing = int(wanted["spec"]["replicas"]) - len(pods)
        problem = ""
        if missing > 0:
            problem = await self._create(wanted, missing)
        for pod in sorted(pods, key=_expendable)[: max(0, -missing)]:
            await delete_pod(self._cluster, wanted, pod, _SOURCE)
        await self._tell(key, problem)

    async def _create(self, owner: Object, count: int) -> str:
        """Makes pods; the words of a refusal, after which it tries again later."""
        try:
            for _ in range(count):
                pod = pod_from(owner, owner["spec"]["template"])
                pod["metadata"]["generateName"] = owner["metadata"]["name"] + "-"
                await create_pod(self._cluster, owner, pod, _SOURCE)
        except ApiRefused as refused:
            if refused.code not in (403, 422):
                raise
            self.desk.back_off(key_of(owner))
            return refused.message
        self.desk.fine(key_of(owner))
        return ""

    async def _tell(self, key: Key, problem: str) -> None:
        owner = self._cluster.get(REPLICA_SETS, *key)
        if owner is None:
            return
        pods = [p for p in self._cluster.owned_by(PODS, owner) if not is_leaving(p)]
        pods = [pod for pod in pods if not is_over(pod)]
        ready = sum(1 for pod in pods if is_ready(pod))
        present = (owner.get("status") or {}).get("conditions") or []
        conditions = [one for one in present if one["type"] != "ReplicaFailure"]
        if problem:
            conditions = condition(
                present, "ReplicaFailure", True, "FailedCreate", problem, self._cluster.stamp()
            )
        status: Object = {
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "observedGeneration": owner["metadata"]["generation"],
        }
        if conditions or present:
            status["conditions"] = conditions
        await self._cluster.status(REPLICA_SETS, owner, status)


def _expendable(pod: Object) -> tuple[bool, bool, str]:
    """Pods that are not placed or not ready go first, then the youngest."""
    age = pod["metadata"]["creationTimestamp"]
    return bool(pod["spec"].get("nodeName")), is_ready(pod), "".join(chr(255 - ord(c)) for c in age)
