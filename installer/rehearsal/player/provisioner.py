"""The block volume driver's part: makes volumes for claims, and takes them away again."""

from __future__ import annotations

from installer.rehearsal.cloud import Cloud, CloudRefused
from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.quantity import whole
from installer.rehearsal.player.cluster import (
    CLAIMS,
    CLASSES,
    NODES,
    VOLUMES,
    Cluster,
    Key,
    is_leaving,
    key_of,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.scheduler import SELECTED_NODE

DRIVER = "blockvolume.csi.oraclecloud.com"
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_PROTECTION = "kubernetes.io/pv-protection"
_ZONE = "failure-domain.beta.kubernetes.io/zone"
_GIB = 1024**3
_SMALLEST_GIB = 50
_RETRY_SECONDS = 30.0


class Provisioner:
    """Works for claims of its own StorageClasses, whoever schedules and binds."""

    def __init__(self, cluster: Cluster, cloud: Cloud) -> None:
        self._cluster, self._cloud = cluster, cloud
        self.making = Desk("provisioner", self._make, cluster.clock)
        self.removing = Desk("volume removal", self._remove, cluster.clock)
        cluster.tell((CLAIMS,), lambda obj, _: self.making.add(key_of(obj)))
        cluster.tell((CLASSES,), self._look_at_class)
        cluster.tell((VOLUMES,), lambda obj, _: self.removing.add(key_of(obj)))

    def _look_at_class(self, _class: Object, _gone: bool) -> None:
        for claim in self._cluster.all(CLAIMS):
            self.making.add(key_of(claim))

    async def _make(self, key: Key) -> None:
        claim = self._cluster.get(CLAIMS, *key)
        if claim is None or is_leaving(claim) or claim["spec"].get("volumeName"):
            return
        wanted = self._class_of(claim)
        if wanted is None or self._volume_of(claim) is not None:
            return
        annotations = claim["metadata"].get("annotations") or {}
        late = wanted.get("volumeBindingMode") == "WaitForFirstConsumer"
        if late and SELECTED_NODE not in annotations:
            words = "waiting for first consumer to be created before binding"
            await self._cluster.event(
                claim, "WaitForFirstConsumer", words, "persistentvolume-controller"
            )
            return
        try:
            await self._provision(claim, wanted)
        except CloudRefused as refused:
            words = f'failed to provision volume with StorageClass "{key_of(wanted)[1]}": {refused}'
            await self._cluster.event(claim, "ProvisioningFailed", words, DRIVER, warning=True)
            self.making.add_later(key, _RETRY_SECONDS)

    def _class_of(self, claim: Object) -> Object | None:
        found = self._cluster.get(CLASSES, "", claim["spec"].get("storageClassName") or "")
        return found if found is not None and found["provisioner"] == DRIVER else None

    def _volume_of(self, claim: Object) -> Object | None:
        return self._cluster.get(VOLUMES, "", _name_for(claim))

    async def _provision(self, claim: Object, wanted: Object) -> None:
        namespace, name = key_of(claim)
        words = f'External provisioner is provisioning volume for claim "{namespace}/{name}"'
        await self._cluster.event(claim, "Provisioning", words, DRIVER)
        asked = whole(claim["spec"]["resources"]["requests"]["storage"])
        size = max(_SMALLEST_GIB, -(-asked // _GIB))
        tags = {"kubernetes.io/created-for/pvc": f"{namespace}/{name}"}
        ocid = await self._cloud.create_volume(_name_for(claim), size, tags, self._zone(claim))
        await self._cluster.ensure(VOLUMES, self._volume(claim, wanted, ocid, size))
        words = f"Successfully provisioned volume {_name_for(claim)}"
        await self._cluster.event(claim, "ProvisioningSucceeded", words, DRIVER)

    def _volume(self, claim: Object, wanted: Object, ocid: str, size: int) -> Object:
        namespace, name = key_of(claim)
        metadata = {
            "name": _name_for(claim),
            "annotations": {_PROVISIONED_BY: DRIVER},
            "finalizers": [_PROTECTION, FINALIZER],
        }
        reference = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": namespace,
            "name": name,
            "uid": claim["metadata"]["uid"],
            "resourceVersion": claim["metadata"]["resourceVersion"],
        }
        zone = {"key": _ZONE, "operator": "In", "values": [self._zone(claim)]}
        spec = {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": f"{size}Gi"},
            "claimRef": reference,
            "csi": {
                "driver": DRIVER,
                "fsType": (wanted.get("parameters") or {}).get("csi.storage.k8s.io/fstype", "ext4"),
                "volumeHandle": ocid,
                "volumeAttributes": {"attachment-type": "iscsi", "vpusPerGB": "10"},
            },
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}},
            "persistentVolumeReclaimPolicy": wanted.get("reclaimPolicy", "Delete"),
            "storageClassName": wanted["metadata"]["name"],
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
        }
        return {"metadata": metadata, "spec": spec}

    def _zone(self, claim: Object) -> str:
        chosen = (claim["metadata"].get("annotations") or {}).get(SELECTED_NODE, "")
        nodes = [self._cluster.get(NODES, "", chosen), *self._cluster.all(NODES)]
        zones = [n["metadata"]["labels"].get(_ZONE, "") for n in nodes if n is not None]
        return str(zones[0]) if zones else ""

    async def _remove(self, key: Key) -> None:
        """A released volume with the policy Delete goes, in the cloud first."""
        volume = self._cluster.get(VOLUMES, *key)
        if volume is None or (volume["spec"].get("csi") or {}).get("driver") != DRIVER:
            return
        released = (volume.get("status") or {}).get("phase") == "Released"
        deletes = volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        if released and deletes:
            try:
                await self._cloud.delete_volume(volume["spec"]["csi"]["volumeHandle"])
            except CloudRefused as refused:
                words = f"rpc error: code = Internal desc = {refused}"
                await self._cluster.event(volume, "VolumeFailedDelete", words, DRIVER, warning=True)
                self.removing.add_later(key, _RETRY_SECONDS)
                return
            if not is_leaving(volume):
                await self._cluster.delete(VOLUMES, volume)
                volume = self._cluster.get(VOLUMES, *key) or volume
        if is_leaving(volume) and (released or not deletes):
            await self._cluster.drop_finalizer(VOLUMES, volume, FINALIZER)


def _name_for(claim: Object) -> str:
    """The name of a claim's volume, in the cluster and in the cloud."""
    return f"csi-{claim['metadata']['uid']}"
