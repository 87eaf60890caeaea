"""A container's mounted files, written the way a kubelet writes them."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tests.real_servers.extracting import Body, Cluster, Container, Pod
from tests.real_servers.identity import Identity
from tests.real_servers.mapping import Mapping

_VOLUMES = "volumes"
_READ_ONLY_BY_DEFAULT = 0o644


@dataclass(frozen=True)
class Volumes:
    """The volumes of one pod, each a folder below the pod's."""

    cluster: Cluster
    pod: Pod
    mapping: Mapping
    identity: Identity

    def make(self) -> None:
        """Writes every volume the pod names; what an emptyDir or a claim holds already stays."""
        for volume in self.pod.volumes:
            self._make(volume)

    def mount(self, container: Container) -> None:
        """Puts the container's mounts in their places."""
        for mount in container.mounts:
            place = self.mapping.path(mount["mountPath"])
            if place.is_symlink():
                continue
            source = self._folder(mount["name"])
            if "subPath" in mount:
                source = source / mount["subPath"]
                if not source.exists():
                    self._writable(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)

    def _folder(self, volume: str) -> Path:
        return self.mapping.folder / _VOLUMES / volume

    def _make(self, volume: Body) -> None:
        folder = self._folder(volume["name"])
        if "configMap" in volume:
            data = self.cluster.body("ConfigMap", volume["configMap"]["name"])["data"]
            mapped = {key: self.mapping.text(text) for key, text in data.items()}
            self._write(folder, _chosen(volume["configMap"], mapped), volume["configMap"])
        elif "secret" in volume:
            # Not mapped: a password must reach the program as it was made.
            data = dict(self.cluster.secrets[volume["secret"]["secretName"]])
            self._write(folder, _chosen(volume["secret"], data), volume["secret"])
        elif "projected" in volume:
            self._project(folder, volume["projected"])
        elif "emptyDir" in volume or "persistentVolumeClaim" in volume:
            self._writable(folder)
        else:
            raise AssertionError(f"no way is known here to make the volume {volume}")

    def _project(self, folder: Path, source: Body) -> None:
        """As a kubelet does it: the files in a folder of this moment, to which links lead."""
        files: dict[str, str] = {}
        for part in source["sources"]:
            if "configMap" in part:
                data = self.cluster.body("ConfigMap", part["configMap"]["name"])["data"]
                mapped = {key: self.mapping.text(text) for key, text in data.items()}
                files.update(_chosen(part["configMap"], mapped))
            else:
                data = dict(self.cluster.secrets[part["secret"]["name"]])
                files.update(_chosen(part["secret"], data))
        folder.mkdir(parents=True, exist_ok=True)
        moment = folder / f"..{time.time_ns()}"
        self._write(moment, files, source)
        link, fresh = folder / "..data", folder / "..data_tmp"
        before = link.resolve() if link.is_symlink() else None
        fresh.symlink_to(moment.name)
        fresh.rename(link)
        for name in files:
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(f"..data/{name}")
        if before is not None:
            shutil.rmtree(before)

    def refresh(self, cluster: Cluster, volume: str) -> None:
        """A projected volume after its sources changed in the cluster."""
        changed = replace(self, cluster=cluster)
        found = next(one for one in self.pod.volumes if one["name"] == volume)
        changed._project(self._folder(volume), found["projected"])

    def _write(self, folder: Path, files: dict[str, str], source: Body) -> None:
        """Files of root and the pod's group, readable as the manifest says and by that group."""
        folder.mkdir(parents=True)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(source.get("defaultMode", _READ_ONLY_BY_DEFAULT) | 0o440)
            self.identity.give_to_group(path)

    def _writable(self, folder: Path) -> None:
        if folder.exists():
            return
        folder.mkdir(parents=True)
        self.identity.give_to_group(folder)
        os.chmod(folder, 0o2775)


def _chosen(source: Body, data: dict[str, str]) -> dict[str, str]:
    if "items" not in source:
        return data
    return {item["path"]: data[item["key"]] for item in source["items"]}
