"""Ties volumes to nodes, as the attach controller and its driver do, and lets them go again.

A volume is attached while a pod on the node uses its claim. Detaching takes its time, and a machine
that is ended before has its file systems cut off.
"""

from __future__ import annotations

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.cluster import (
    ATTACHMENTS,
    CLAIMS,
    PODS,
    VOLUMES,
    Cluster,
    Key,
    key_of,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.podparts import claims_of, digest, is_over

_ROUND: Key = ("", "")
_DETACH_SECONDS = 15.0


class Attacher:
    """Keeps VolumeAttachment objects in step with the pods."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.desk = Desk("attacher", self._round, cluster.clock)
        cluster.tell((PODS,), self._look_at_pod)
        cluster.tell((CLAIMS, VOLUMES), lambda _obj, _gone: self.desk.add(_ROUND))

    def _look_at_pod(self, pod: Object, _gone: bool) -> None:
        if claims_of(pod):
            self.desk.add(_ROUND)

    async def _round(self, _: Key) -> None:
        wanted = {_name_of(volume, node): (volume, node) for volume, node in self._in_use()}
        present = {key_of(each)[1]: each for each in self._cluster.all(ATTACHMENTS)}
        for name in wanted.keys() - present.keys():
            await self._attach(name, *wanted[name])
        idle = [present[name] for name in sorted(present.keys() - wanted.keys())]
        if idle:
            await self._cluster.clock.sleep(_DETACH_SECONDS)
        for each in idle:
            await self._detach(each)

    def _in_use(self) -> set[tuple[str, str]]:
        """Volume and node of every claim that a pod on a node uses."""
        found = set()
        for pod in self._cluster.all(PODS):
            node = pod["spec"].get("nodeName")
            if not node or is_over(pod):
                continue
            for name in claims_of(pod):
                claim = self._cluster.get(CLAIMS, pod["metadata"]["namespace"], name)
                volume = claim["spec"].get("volumeName") if claim is not None else None
                if volume and self._driver(volume):
                    found.add((str(volume), str(node)))
        return found

    def _driver(self, volume: str) -> str:
        found = self._cluster.get(VOLUMES, "", volume)
        return str((found["spec"].get("csi") or {}).get("driver", "")) if found is not None else ""

    async def _attach(self, name: str, volume: str, node: str) -> None:
        spec = {
            "attacher": self._driver(volume),
            "nodeName": node,
            "source": {"persistentVolumeName": volume},
        }
        await self._cluster.ensure(ATTACHMENTS, {"metadata": {"name": name}, "spec": spec})
        made = self._cluster.get(ATTACHMENTS, "", name)
        if made is not None:
            await self._cluster.status(ATTACHMENTS, made, {"attached": True})

    async def _detach(self, attachment: Object) -> None:
        spec = attachment["spec"]
        if (spec["source"]["persistentVolumeName"], spec["nodeName"]) not in self._in_use():
            await self._cluster.delete(ATTACHMENTS, attachment)


def _name_of(volume: str, node: str) -> str:
    return f"csi-{digest([volume, node], 40)}"
