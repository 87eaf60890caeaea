"""Binds claims to volumes, and holds both while they are in use."""

from __future__ import annotations

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.quantity import value
from installer.rehearsal.player.cluster import (
    CLAIMS,
    CLASSES,
    PODS,
    VOLUMES,
    Cluster,
    Key,
    is_leaving,
    key_of,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.podparts import claims_of, is_over

_IN_USE = "kubernetes.io/pvc-protection"
_BOUND = "kubernetes.io/pv-protection"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_DONE = {
    "pv.kubernetes.io/bind-completed": "yes",
    "pv.kubernetes.io/bound-by-controller": "yes",
}


class Binder:
    """The persistent volume controllers."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.claims = Desk("claims", self._claim, cluster.clock)
        self.volumes = Desk("volumes", self._volume, cluster.clock)
        cluster.tell((CLAIMS,), self._look_at_claim)
        cluster.tell((VOLUMES,), self._look_at_volume)
        cluster.tell((PODS,), self._look_at_pod)
        cluster.tell((CLASSES,), self._look_at_class)

    def _look_at_claim(self, claim: Object, _gone: bool) -> None:
        self.claims.add(key_of(claim))
        if claim["spec"].get("volumeName"):
            self.volumes.add(("", claim["spec"]["volumeName"]))

    def _look_at_volume(self, volume: Object, _gone: bool) -> None:
        self.volumes.add(key_of(volume))
        reference = volume["spec"].get("claimRef")
        if reference:
            self.claims.add((reference["namespace"], reference["name"]))
            return
        for claim in self._cluster.all(CLAIMS):
            self.claims.add(key_of(claim))

    def _look_at_class(self, _class: Object, _gone: bool) -> None:
        for claim in self._cluster.all(CLAIMS):
            self.claims.add(key_of(claim))

    def _look_at_pod(self, pod: Object, gone: bool) -> None:
        if gone or is_over(pod):
            for name in claims_of(pod):
                self.claims.add((pod["metadata"]["namespace"], name))

    async def _claim(self, key: Key) -> None:
        claim = self._cluster.get(CLAIMS, *key)
        if claim is None:
            return
        if is_leaving(claim):
            if not self._in_use(claim):
                await self._cluster.drop_finalizer(CLAIMS, claim, _IN_USE)
            return
        if claim["spec"].get("storageClassName") is None:
            claim = await self._give_default_class(claim)
        volume = self._match(claim)
        if volume is not None and (claim.get("status") or {}).get("phase") != "Bound":
            await self._bind(claim, volume)

    async def _give_default_class(self, claim: Object) -> Object:
        """A claim made before there was a default class gets it as soon as there is one."""
        for one in self._cluster.all(CLASSES):
            if (one["metadata"].get("annotations") or {}).get(_DEFAULT) == "true":
                patch = {"spec": {"storageClassName": one["metadata"]["name"]}}
                return await self._cluster.patch(CLAIMS, claim, patch)
        return claim

    def _in_use(self, claim: Object) -> bool:
        namespace, name = key_of(claim)
        return any(
            name in claims_of(pod) and not is_over(pod)
            for pod in self._cluster.all(PODS, namespace)
        )

    def _match(self, claim: Object) -> Object | None:
        """The volume made for a claim, named by it, or lying there unclaimed."""
        named = claim["spec"].get("volumeName")
        if named:
            return self._cluster.get(VOLUMES, "", named)
        for volume in self._cluster.all(VOLUMES):
            if (volume["spec"].get("claimRef") or {}).get("uid") == claim["metadata"]["uid"]:
                return volume
        return next((v for v in self._cluster.all(VOLUMES) if _fits(v, claim)), None)

    async def _bind(self, claim: Object, volume: Object) -> None:
        reference = volume["spec"].get("claimRef") or {}
        if reference.get("uid") not in (None, claim["metadata"]["uid"]):
            return
        if reference.get("uid") is None:
            namespace, name = key_of(claim)
            own = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace}
            own |= {"name": name, "uid": claim["metadata"]["uid"]}
            volume = await self._cluster.patch(VOLUMES, volume, {"spec": {"claimRef": own}})
        await self._cluster.status(VOLUMES, volume, {"phase": "Bound"})
        patch = {
            "metadata": {"annotations": _DONE},
            "spec": {"volumeName": volume["metadata"]["name"]},
        }
        claim = await self._cluster.patch(CLAIMS, claim, patch)
        status = {
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": volume["spec"]["capacity"],
        }
        await self._cluster.status(CLAIMS, claim, status)

    async def _volume(self, key: Key) -> None:
        volume = self._cluster.get(VOLUMES, *key)
        if volume is None:
            return
        reference = volume["spec"].get("claimRef")
        phase = (volume.get("status") or {}).get("phase")
        if not reference:
            await self._cluster.status(VOLUMES, volume, {"phase": "Available"})
        elif reference.get("uid") and phase == "Bound" and not self._claim_lives(reference):
            volume = await self._cluster.status(VOLUMES, volume, {"phase": "Released"})
        if is_leaving(volume) and (volume.get("status") or {}).get("phase") != "Bound":
            await self._cluster.drop_finalizer(VOLUMES, volume, _BOUND)

    def _claim_lives(self, reference: Object) -> bool:
        claim = self._cluster.get(CLAIMS, reference["namespace"], reference["name"])
        return claim is not None and claim["metadata"]["uid"] == reference["uid"]


def _fits(volume: Object, claim: Object) -> bool:
    spec, wanted = volume["spec"], claim["spec"]
    if is_leaving(volume):
        return False
    reference = spec.get("claimRef")
    if reference and (reference.get("uid") or _named(reference) != key_of(claim)):
        return False
    return (
        spec.get("storageClassName", "") == (wanted.get("storageClassName") or "")
        and set(wanted["accessModes"]) <= set(spec["accessModes"])
        and value(spec["capacity"]["storage"]) >= value(wanted["resources"]["requests"]["storage"])
    )


def _named(reference: Object) -> Key:
    return reference.get("namespace", ""), reference.get("name", "")
