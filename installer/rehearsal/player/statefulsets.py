"""StatefulSets: numbered pods with claims of their own, one after the other."""

from __future__ import annotations

import copy

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.api import ApiRefused
from installer.rehearsal.player.cluster import (
    CLAIMS,
    PODS,
    STATEFUL_SETS,
    Cluster,
    Key,
    is_leaving,
    key_of,
    owner_of,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.podparts import digest, is_over, is_ready
from installer.rehearsal.player.pods import create_pod, delete_pod, pod_from

_SOURCE = "statefulset-controller"
_HASH = "controller-revision-hash"


class StatefulSets:
    """The StatefulSet controller."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.desk = Desk("statefulsets", self._work, cluster.clock)
        cluster.tell((STATEFUL_SETS,), lambda obj, _: self.desk.add(key_of(obj)))
        cluster.tell((PODS,), self._look_at_pod)

    def _look_at_pod(self, pod: Object, _gone: bool) -> None:
        owner = owner_of(pod)
        if owner is not None and owner["kind"] == "StatefulSet":
            self.desk.add((pod["metadata"]["namespace"], owner["name"]))

    async def _work(self, key: Key) -> None:
        wanted = self._cluster.get(STATEFUL_SETS, *key)
        if wanted is None or is_leaving(wanted):
            return
        revision = f"{key[1]}-{digest(wanted['spec']['template'])}"
        try:
            await self._move(wanted, revision)
            self.desk.fine(key)
        except ApiRefused as refused:
            if refused.code not in (403, 422):
                raise
            self.desk.back_off(key)
        await self._tell(key, revision)

    async def _move(self, wanted: Object, revision: str) -> None:
        """One step: the first missing or outdated pod, unless an earlier one is not ready."""
        pods = {_ordinal(pod): pod for pod in self._cluster.owned_by(PODS, wanted)}
        replicas = int(wanted["spec"]["replicas"])
        parallel = wanted["spec"].get("podManagementPolicy") == "Parallel"
        for number in range(replicas):
            pod = pods.get(number)
            if pod is None:
                await self._create(wanted, number, revision)
            elif is_over(pod) and not is_leaving(pod):
                await delete_pod(self._cluster, wanted, pod, _SOURCE)
            if not parallel and (pod is None or not is_ready(pod) or is_leaving(pod)):
                return
        if any(is_leaving(pod) for pod in pods.values()):
            return
        surplus = [pods[number] for number in sorted(pods, reverse=True) if number >= replicas]
        for pod in surplus[: None if parallel else 1]:
            await delete_pod(self._cluster, wanted, pod, _SOURCE)
        if not surplus:
            await self._update(wanted, pods, revision)

    async def _update(self, wanted: Object, pods: dict[int, Object], revision: str) -> None:
        """Replaces the last outdated pod; the next follows when its successor is ready."""
        strategy = wanted["spec"]["updateStrategy"]
        if strategy["type"] != "RollingUpdate":
            return
        partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
        for number in sorted((n for n in pods if n >= partition), reverse=True):
            pod = pods[number]
            if pod["metadata"]["labels"].get(_HASH) != revision:
                await delete_pod(self._cluster, wanted, pod, _SOURCE)
                return
            if not is_ready(pod):
                return

    async def _create(self, wanted: Object, number: int, revision: str) -> None:
        name = f"{wanted['metadata']['name']}-{number}"
        labels = {
            _HASH: revision,
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(number),
        }
        pod = pod_from(wanted, wanted["spec"]["template"], labels)
        pod["metadata"]["name"] = name
        pod["spec"] |= {"hostname": name, "subdomain": wanted["spec"].get("serviceName", "")}
        volumes = pod["spec"].setdefault("volumes", [])
        for template in wanted["spec"].get("volumeClaimTemplates") or []:
            claim = f"{template['metadata']['name']}-{name}"
            await self._claim(wanted, template, claim)
            source = {"persistentVolumeClaim": {"claimName": claim}}
            volumes.append({"name": template["metadata"]["name"], **source})
        await create_pod(self._cluster, wanted, pod, _SOURCE)

    async def _claim(self, wanted: Object, template: Object, name: str) -> None:
        metadata = copy.deepcopy(template["metadata"])
        metadata |= {"name": name, "namespace": wanted["metadata"]["namespace"]}
        selector = wanted["spec"]["selector"].get("matchLabels") or {}
        metadata["labels"] = {**metadata.get("labels", {}), **selector}
        claim = {"metadata": metadata, "spec": copy.deepcopy(template["spec"])}
        await self._cluster.ensure(CLAIMS, claim)

    async def _tell(self, key: Key, revision: str) -> None:
        wanted = self._cluster.get(STATEFUL_SETS, *key)
        if wanted is None:
            return
        pods = [p for p in self._cluster.owned_by(PODS, wanted) if not is_leaving(p)]
        ready = sum(1 for pod in pods if is_ready(pod))
        updated = sum(1 for p in pods if p["metadata"]["labels"].get(_HASH) == revision)
        before = wanted.get("status") or {}
        done = updated == ready == int(wanted["spec"]["replicas"])
        current = revision if done else before.get("currentRevision", revision)
        status = {
            "observedGeneration": wanted["metadata"]["generation"],
            "replicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "updatedReplicas": updated,
            "currentReplicas": updated if current == revision else len(pods) - updated,
            "currentRevision": current,
            "updateRevision": revision,
            "collisionCount": 0,
        }
        await self._cluster.status(STATEFUL_SETS, wanted, status)


def _ordinal(pod: Object) -> int:
    return int(pod["metadata"]["name"].rsplit("-", 1)[1])
