"""What there is in a rehearsed tenancy and its cluster, seen from outside the installer."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import ssl
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from installer.oracle.access import Access, KubeAccess
from tests.oracle.world import World, world_in

Document = dict[str, Any]
INSTALLATION = "health-install/installation"
# Come and go while nothing changes: what was told, and volumes tied to nodes by pods that use them.
_PASSING = ("Event", "VolumeAttachment")
# Written by the world's clock or its dice: different in every run of the same installation.
_DICE = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "ownerReferences")
# Names of machines and volumes, ids at Oracle, and the public address with names made from it.
_CHANCE = re.compile(
    r"oke(-[a-z0-9]{10,}){3}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|ocid1\.[a-z0-9.-]+"
    r"|\b203[.-]0[.-]113[.-]\d+\b"
)
# Say which content was applied, the address in it included, and which version of its Secrets a pod
# read, uids included; the content itself is compared.
_NOTE = re.compile(r'("health-install/(applied|secrets)": )"[0-9a-f]+"')
# A hash over a template, which holds the installation's id, and a pod's own five signs.
_SUFFIXES = {
    "ReplicaSet": re.compile(r"-[a-z0-9]{10}$"),
    "Pod": re.compile(r"(-[a-z0-9]{10})?-[a-z0-9]{5}$"),
}


@dataclass
class WorldView:
    """One world that answers at this moment."""

    world: World

    # -- the tenancy --------------------------------------------------------------------------

    def inventory(self) -> list[Document]:
        """Everything that exists in the tenancy."""
        return self.world.inventory()

    def held(self) -> list[str]:
        """What was made and not told to anybody yet."""
        with urllib.request.urlopen(f"{self.world.control}/held", timeout=10) as answer:
            found: list[str] = json.load(answer)["held"]
        return found

    def operations(self) -> Counter[str]:
        """How often each operation of Oracle was asked for."""
        with urllib.request.urlopen(f"{self.world.control}/requests", timeout=10) as answer:
            return Counter(json.load(answer)["operations"])

    def ids(self) -> set[str]:
        """The ids of what we asked Oracle to make, by our tag."""
        return {each["id"] for each in self.inventory() if each["tags"].get("health-install")}

    # -- the cluster --------------------------------------------------------------------------

    @cached_property
    def _door(self) -> KubeAccess | None:
        clusters = [each for each in self.inventory() if each["kind"] == "cluster"]
        if not clusters or clusters[0]["state"] != "ACTIVE":
            return None
        return self.world.account().cluster_connection(clusters[0]["id"])

    def get(self, path: str) -> Document:
        """A document of the Kubernetes API."""
        assert self._door is not None
        request = urllib.request.Request(
            self._door.server + path, headers={"Authorization": f"Bearer {self._door.token()}"}
        )
        trust = ssl.create_default_context(cadata=self._door.ca_pem.decode())
        with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
            document: Document = json.load(answer)
        return document

    def objects(self) -> list[Document]:
        """Every object of every kind; none where there is no cluster."""
        if self._door is None:
            return []
        return [
            {**item, "kind": resource["kind"], "resource": resource["name"]}
            for base in self._groups()
            for resource in self.get(base)["resources"]
            if "list" in resource["verbs"] and "/" not in resource["name"]
            for item in self.get(f"{base}/{resource['name']}")["items"]
        ]

    def _groups(self) -> list[str]:
        groups = self.get("/apis")["groups"]
        # The same events are shown a second time in their newer group.
        return ["/api/v1"] + [
            f"/apis/{group['preferredVersion']['groupVersion']}"
            for group in groups
            if group["name"] != "events.k8s.io"
        ]

    def ours(self) -> list[Document]:
        """Objects the installer made: they carry its label and nobody in the cluster owns them."""
        return [each for each in self.objects() if _is_made_by_us(each)]

    def names(self) -> list[str]:
        """Our objects as "configmaps health-data/minio"."""
        return [
            f"{each['resource']} "
            + "/".join(
                part
                for part in (each["metadata"].get("namespace", ""), each["metadata"]["name"])
                if part
            )
            for each in self.ours()
        ]

    def secret_hashes(self) -> dict[str, str]:
        """A hash of each value of each Secret, for comparing without holding them."""
        try:
            items = self.get("/api/v1/secrets")["items"] if self._door else []
        except (urllib.error.URLError, ConnectionError):
            return {}
        return {
            f"{each['metadata']['namespace']}/{each['metadata']['name']}/{key}": hashlib.sha256(
                base64.b64decode(value)
            ).hexdigest()
            for each in items
            for key, value in (each.get("data") or {}).items()
        }

    # -- the same in every run ----------------------------------------------------------------

    def likeness(self) -> Counter[str]:
        """The whole world without ids, times and chance: equal for equal installations."""
        found = Counter(_tenancy_line(each) for each in self.inventory())
        for each in self.objects():
            if each["kind"] not in _PASSING:
                found[_object_line(each)] += 1
        return found

    def twins(self) -> list[str]:
        """What exists twice under one name and kind, though we make each once."""
        names = Counter(
            f"{each['kind']} {each['name']}"
            for each in self.inventory()
            if each["tags"].get("health-install")
        )
        return [name for name, count in names.items() if count > 1]


def _tenancy_line(entry: Document) -> str:
    tags = {key: value for key, value in entry["tags"].items() if key != "health-install"}
    name = _CHANCE.sub("~", entry["name"])
    if installation := entry["tags"].get("health-install"):
        name = name.replace(installation, "~")
    return f"{entry['kind']} {name} {entry['state']} {sorted(tags.items())}"


def _object_line(body: Document) -> str:
    metadata = body["metadata"]
    where = f"{body['kind']} {metadata.get('namespace', '')}"
    if not _is_made_by_us(body):
        # Made by the cluster itself; its own name is chance, whose it is is not.
        name = _CHANCE.sub("~", metadata["name"])
        suffix = _SUFFIXES.get(body["kind"])
        return f"{where}/{suffix.sub('-~', name) if suffix else name}"
    kept = {k: v for k, v in body.items() if k not in ("status", "data", "resource")}
    kept["metadata"] = {key: value for key, value in metadata.items() if key not in _DICE}
    data = body.get("data") or {}
    kept["data"] = sorted(data) if body["kind"] == "Secret" else data
    text = json.dumps(kept, sort_keys=True).replace(_labels(body)[INSTALLATION], "~")
    text = _NOTE.sub(r'\1"~"', text)
    for given in ("volumeName", "clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort"):
        text = re.sub(rf'"{given}": ("[^"]*"|\d+|\[[^\]]*\])', f'"{given}": "~"', text)
    return f"{where}/{metadata['name']} {_CHANCE.sub('~', text)}"


def _is_made_by_us(body: Document) -> bool:
    """The cluster hands our labels on to what it makes of our objects."""
    handed_on = body["kind"] in ("Endpoints", "EndpointSlice")
    owned = "ownerReferences" in body["metadata"]
    return bool(_labels(body).get(INSTALLATION)) and not (handed_on or owned)


def _labels(body: Document) -> dict[str, str]:
    return body["metadata"].get("labels") or {}


@contextmanager
def opened(home: Path, speed: float) -> Iterator[WorldView]:
    """A world that nobody else runs."""
    with world_in(home, "--speed", str(speed)) as world:
        yield WorldView(world)


def running_in(home: Path) -> WorldView:
    """The world some run has started in this folder; ConnectionError while there is none."""
    address = f"http://127.0.0.1:{_port(home / 'oracle.sqlite')}"
    access = Access(home / "oci" / "config", "DEFAULT", endpoint=address)
    return WorldView(World(access, f"{address}/rehearsal"))


def _port(shelf: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{shelf}?mode=ro", uri=True)) as db:
            row = db.execute(
                "SELECT doc FROM shelf WHERE kind = 'settings' AND key = 'port'"
            ).fetchone()
    except sqlite3.OperationalError as error:
        raise ConnectionError(f"no world in {shelf.parent}") from error
    if row is None:
        raise ConnectionError(f"the world in {shelf.parent} is not up yet")
    return int(json.loads(row[0])["port"])
