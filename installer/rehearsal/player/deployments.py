"""Deployments: a ReplicaSet for each template, rolled over by the strategy."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.cluster import (
    DEPLOYMENTS,
    PODS,
    REPLICA_SETS,
    Cluster,
    Key,
    is_leaving,
    key_of,
    owner_of,
    reference_to,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.podparts import as_count, digest
from installer.rehearsal.player.pods import condition

_SOURCE = "deployment-controller"
_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"


class Deployments:
    """The Deployment controller."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.desk = Desk("deployments", self._work, cluster.clock)
        cluster.tell((DEPLOYMENTS,), lambda obj, _: self.desk.add(key_of(obj)))
        cluster.tell((REPLICA_SETS,), self._look_at_set)

    def _look_at_set(self, obj: Object, _gone: bool) -> None:
        owner = owner_of(obj)
        if owner is not None and owner["kind"] == "Deployment":
            self.desk.add((obj["metadata"]["namespace"], owner["name"]))

    async def _work(self, key: Key) -> None:
        wanted = self._cluster.get(DEPLOYMENTS, *key)
        if wanted is None or is_leaving(wanted):
            return
        sets = self._cluster.owned_by(REPLICA_SETS, wanted)
        name = f"{key[1]}-{digest(wanted['spec']['template'])}"
        new = next((one for one in sets if one["metadata"]["name"] == name), None)
        old = [one for one in sets if one["metadata"]["name"] != name]
        if wanted["spec"]["strategy"]["type"] == "Recreate" and self._still_there(old):
            # Also where an earlier template returns, whose ReplicaSet is there already.
            await self._shrink_all(wanted, old)
            await self._tell(wanted, new, old)
            return
        if new is None:
            new = await self._create_set(wanted, name, old)
        await self._roll(wanted, new, old)
        new = self._cluster.get(REPLICA_SETS, *key_of(new)) or new
        await self._forget_old(wanted, old)
        await self._tell(wanted, new, [self._fresh(one) for one in old])

    def _fresh(self, one: Object) -> Object:
        return self._cluster.get(REPLICA_SETS, *key_of(one)) or one

    def _still_there(self, old: list[Object]) -> bool:
        return any(self._cluster.owned_by(PODS, one) for one in old)

    async def _create_set(self, wanted: Object, name: str, old: list[Object]) -> Object:
        revision = 1 + max((_revision(one) for one in old), default=0)
        template, label = copy.deepcopy(wanted["spec"]["template"]), {_HASH: name.rsplit("-", 1)[1]}
        template["metadata"]["labels"] = {**template["metadata"].get("labels", {}), **label}
        selector = copy.deepcopy(wanted["spec"]["selector"])
        selector["matchLabels"] = {**selector.get("matchLabels", {}), **label}
        metadata = {
            "name": name,
            "namespace": wanted["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": {_REVISION: str(revision)},
            "ownerReferences": [reference_to(wanted)],
        }
        spec = {"replicas": 0, "selector": selector, "template": template}
        made = await self._cluster.create(REPLICA_SETS, {"metadata": metadata, "spec": spec})
        await self._cluster.patch(
            DEPLOYMENTS, wanted, {"metadata": {"annotations": {_REVISION: str(revision)}}}
        )
        return made

    async def _scale(self, wanted: Object, one: Object, replicas: int) -> None:
        before = int(one["spec"]["replicas"])
        if before == replicas:
            return
        await self._cluster.patch(REPLICA_SETS, one, {"spec": {"replicas": replicas}})
        verb = "up" if replicas > before else "down"
        words = f"Scaled {verb} replica set {one['metadata']['name']} from {before} to {replicas}"
        await self._cluster.event(wanted, "ScalingReplicaSet", words, _SOURCE)

    async def _shrink_all(self, wanted: Object, old: list[Object]) -> None:
        for one in old:
            await self._scale(wanted, one, 0)

    async def _roll(self, wanted: Object, new: Object, old: list[Object]) -> None:
        replicas, strategy = int(wanted["spec"]["replicas"]), wanted["spec"]["strategy"]
        running_old = sum(int(one["spec"]["replicas"]) for one in old)
        if strategy["type"] == "Recreate" or not running_old:
            await self._scale(wanted, new, replicas)
            return
        rolling = strategy["rollingUpdate"]
        surge = as_count(rolling["maxSurge"], replicas, up=True)
        away = as_count(rolling["maxUnavailable"], replicas, up=False)
        if not surge and not away:
            away = 1
        has = int(new["spec"]["replicas"])
        room = replicas + surge - running_old - has
        await self._scale(wanted, new, min(replicas, has + max(0, room)))
        spare = self._ready([new, *old]) - (replicas - away)
        await self._shrink(wanted, old, spare)

    async def _shrink(self, wanted: Object, old: list[Object], spare: int) -> None:
        """Takes old pods away: unready ones at once, ready ones as far as can be spared."""
        for one in old:
            size, ready = int(one["spec"]["replicas"]), self._ready([one])
            going = min(ready, max(0, spare))
            spare -= going
            await self._scale(wanted, one, max(0, min(size, ready) - going))

    def _ready(self, sets: list[Object]) -> int:
        return sum(int((one.get("status") or {}).get("readyReplicas", 0)) for one in sets)

    async def _forget_old(self, wanted: Object, old: list[Object]) -> None:
        limit = int(wanted["spec"].get("revisionHistoryLimit", 10))
        empty = [
            one
            for one in sorted(old, key=_revision)
            if not one["spec"]["replicas"] and not (one.get("status") or {}).get("replicas")
        ]
        for one in empty[: max(0, len(empty) - limit)]:
            await self._cluster.delete(REPLICA_SETS, one)

    async def _tell(self, wanted: Object, new: Object | None, old: list[Object]) -> None:
        replicas = int(wanted["spec"]["replicas"])
        sets = old if new is None else [new, *old]
        total = sum(int((one.get("status") or {}).get("replicas", 0)) for one in sets)
        updated = int(((new or {}).get("status") or {}).get("replicas", 0))
        ready = self._ready(sets)
        status: Object = {
            "observedGeneration": wanted["metadata"]["generation"],
            "replicas": total,
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(0, max(replicas, total) - ready),
        }
        complete = updated == replicas == ready == total
        fresh = self._cluster.get(DEPLOYMENTS, *key_of(wanted)) or wanted
        status["conditions"] = self._conditions(fresh, new, status, complete)
        await self._cluster.status(DEPLOYMENTS, fresh, status)

    def _conditions(
        self, wanted: Object, new: Object | None, status: Object, complete: bool
    ) -> list[Object]:
        now, before = self._cluster.stamp(), wanted.get("status") or {}
        conditions = list(before.get("conditions") or [])
        replicas, strategy = int(wanted["spec"]["replicas"]), wanted["spec"]["strategy"]
        away = as_count(
            (strategy.get("rollingUpdate") or {}).get("maxUnavailable"), replicas, up=False
        )
        enough = status["availableReplicas"] >= replicas - away
        reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
        words = f"Deployment {'has' if enough else 'does not have'} minimum availability."
        conditions = condition(conditions, "Available", enough, reason, words, now)
        failure = self._failure(new)
        conditions = [one for one in conditions if one["type"] != "ReplicaFailure"]
        if failure:
            conditions.append(failure)
        moved = any(
            before.get(name) != status[name] for name in ("updatedReplicas", "readyReplicas")
        )
        return self._progressing(wanted, new, conditions, complete, moved)

    def _failure(self, new: Object | None) -> Object | None:
        present = ((new or {}).get("status") or {}).get("conditions") or []
        return next((one for one in present if one["type"] == "ReplicaFailure"), None)

    def _progressing(
        self,
        wanted: Object,
        new: Object | None,
        conditions: list[Object],
        complete: bool,
        moved: bool,
    ) -> list[Object]:
        now = self._cluster.stamp()
        old = next((one for one in conditions if one["type"] == "Progressing"), None)
        name = new["metadata"]["name"] if new is not None else ""
        if complete:
            words = f'ReplicaSet "{name}" has successfully progressed.'
            holds, reason = True, "NewReplicaSetAvailable"
        elif old is not None and not moved and self._is_late(wanted, old):
            words = f'ReplicaSet "{name}" has timed out progressing.'
            holds, reason = False, "ProgressDeadlineExceeded"
        else:
            words = f'ReplicaSet "{name}" is progressing.'
            holds, reason = True, "ReplicaSetUpdated"
        found = condition(conditions, "Progressing", holds, reason, words, now)
        for one in found:
            if one["type"] == "Progressing" and (moved or "lastUpdateTime" not in one):
                one["lastUpdateTime"] = now
        return found

    def _is_late(self, wanted: Object, progressing: Object) -> bool:
        """Whether nothing has moved for longer than the deadline; looks again when it will be."""
        if progressing["reason"] == "NewReplicaSetAvailable":
            return False
        wait = float(wanted["spec"].get("progressDeadlineSeconds", 600))
        limit = self._cluster.deadline(wait)
        text = progressing.get("lastUpdateTime") or progressing["lastTransitionTime"]
        since = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        left = limit - (self._cluster.clock.now() - since).total_seconds()
        if left > 0:
            self.desk.add_later(key_of(wanted), left + 1)
        return left <= 0


def _revision(one: Object) -> int:
    return int((one["metadata"].get("annotations") or {}).get(_REVISION, 0))
