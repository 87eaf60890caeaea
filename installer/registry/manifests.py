"""What manifests say: which platforms an image is made for, and how large it is to download."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from installer.registry.troubles import Kind, RegistryTrouble

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPT = ", ".join((INDEX, DOCKER_LIST, MANIFEST, DOCKER_MANIFEST))
# The variant that is meant when none is said.
_USUAL_VARIANT = {"arm64": "v8", "arm": "v7"}


@dataclass(frozen=True)
class Entry:
    """One image of an index."""

    platform: str
    variant: str
    digest: str


@dataclass(frozen=True)
class Single:
    """The manifest of one image: its configuration, and all there is to download, in bytes."""

    config: str
    compressed: int


def document(body: bytes, subject: str) -> Mapping[str, Any]:
    """A JSON object; raises RegistryTrouble for anything else."""
    try:
        read = json.loads(body)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise not_understood(subject, "the registry's answer is not a JSON object")
    return read


def entries(read: Mapping[str, Any], subject: str) -> tuple[Entry, ...] | None:
    """The images of an index, None for a manifest of one image.

    Entries that are no image (attestations have the platform unknown) are left out.
    """
    if "manifests" not in read:
        return None
    try:
        return tuple(
            Entry(f"{of['os']}/{of['architecture']}", str(of.get("variant", "")), each["digest"])
            for each in read["manifests"]
            if (of := each.get("platform")) and of.get("os") != "unknown"
        )
    except (KeyError, TypeError, AttributeError):
        raise not_understood(subject, "the list of its platforms is damaged") from None


def single(read: Mapping[str, Any], subject: str) -> Single:
    """The manifest of one image."""
    if read.get("schemaVersion") == 1:
        why = "it is kept in the format of before 2017, which nodes no longer pull"
        raise not_understood(subject, why)
    try:
        layers = [int(each["size"]) for each in read["layers"]]
        return Single(str(read["config"]["digest"]), int(read["config"]["size"]) + sum(layers))
    except (KeyError, TypeError, ValueError):
        raise not_understood(subject, "its manifest is damaged") from None


def chosen(found: tuple[Entry, ...], platform: str) -> Entry | None:
    """The entry a node of the platform, like linux/arm64, would take."""
    fitting = [each for each in found if each.platform == platform]
    usual = _USUAL_VARIANT.get(platform.partition("/")[2], "")
    preferred = [each for each in fitting if each.variant in ("", usual)]
    return next(iter(preferred or fitting), None)


def not_understood(subject: str, why: str) -> RegistryTrouble:
    """The registry says something that makes no image."""
    return RegistryTrouble(Kind.NOT_UNDERSTOOD, subject, why)
