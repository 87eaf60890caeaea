"""Chooses the operating system image of the nodes by name, from what OKE offers as sources.

Names look like "Oracle-Linux-8.10-aarch64-2026.09.16-0-OKE-1.36.4-1367". The list is in no order,
holds images for other processors, for graphics cards and for other versions, and its field for the
operating system does not know Oracle Linux 9, so only the name decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from installer.engine.errors import InstallError

_NAME = re.compile(
    r"Oracle-Linux-(?P<major>\d+)\.(?P<minor>\d+)-(?:[A-Za-z0-9-]*?)"
    r"(?P<date>\d{4}\.\d{2}\.\d{2})-(?P<serial>\d+)-OKE-(?P<version>\d+\.\d+\.\d+)-(?P<build>\d+)"
)


@dataclass(frozen=True)
class Image:
    """An image that OKE offers for nodes."""

    id: str
    name: str


def choose_image(
    offered: Iterable[Image], version: str, processor: str = "aarch64", shape: str = "A1"
) -> Image:
    """The newest OKE image for exactly this Kubernetes version and processor.

    Of two from the same day the newer operating system is taken. Raises InstallError when there
    is none, saying what the list held.
    """
    images = list(offered)
    ranked = [(rank, image) for image in images if (rank := _rank(image.name, version, processor))]
    if not ranked:
        raise _none_fits(images, version, processor, shape)
    return max(ranked, key=lambda pair: (pair[0], pair[1].name))[1]


def _rank(name: str, version: str, processor: str) -> tuple[str, int, int, int, int] | None:
    match = _NAME.fullmatch(name)
    if match is None or processor not in name or "GPU" in name.upper():
        return None
    if match["version"] != version.removeprefix("v"):
        return None
    system = int(match["major"]), int(match["minor"])
    return match["date"], *system, int(match["serial"]), int(match["build"])


def _none_fits(images: list[Image], version: str, processor: str, shape: str) -> InstallError:
    versions = {found["version"] for each in images if (found := _NAME.fullmatch(each.name))}
    listed = ", ".join(sorted(versions)) or "none"
    return InstallError(
        f"Oracle offers no node image for Kubernetes {version} on {processor} ({shape}).",
        f"Of {len(images)} images offered, those made for OKE are for these versions: {listed}.",
        "Set cluster.kubernetes_version to one of them; a cluster that exists already has to be "
        "destroyed first. Images for a new version usually follow within days.",
    )
