"""The Kubernetes versions and node images on offer, with the traps of the real list.

The list holds two architectures, GPU builds, platform images without OKE in their name, several
dates, and is in no helpful order.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache

VERSIONS = ("v1.34.2", "v1.35.3", "v1.36.1", "v1.36.4")
SHAPES = (
    "VM.Standard.E5.Flex",
    "VM.Standard.A1.Flex",
    "VM.Standard.E2.1.Micro",
    "BM.GPU4.8",
    "VM.GPU.A10.1",
)
_DATES = ("2026.08.31-0", "2026.09.30-0", "2026.07.31-1")
_BUILDS = {"2026.07.31-1": 1390, "2026.08.31-0": 1448, "2026.09.30-0": 1520}
_FLAVOURS = ("Gen2-GPU-", "", "aarch64-")


@dataclass(frozen=True)
class Image:
    """A node image; `version` is empty for a platform image."""

    name: str
    version: str

    @property
    def id(self) -> str:
        """The same OCID in every rehearsal."""
        digest = hashlib.sha256(self.name.encode()).digest()
        return (
            "ocid1.image.oc1.eu-amsterdam-1.aaaa" + base64.b32encode(digest)[:52].decode().lower()
        )

    @property
    def architecture(self) -> str:
        """AARCH64 or X86_64, as node pool options call them."""
        return "AARCH64" if "aarch64" in self.name else "X86_64"

    @property
    def source(self) -> dict[str, str]:
        """As in the sources of node pool options."""
        return {"sourceType": "IMAGE", "sourceName": self.name, "imageId": self.id}


@cache
def images() -> tuple[Image, ...]:
    """Every image on offer."""
    found = [Image("Oracle-Linux-8.10-aarch64-2026.10.20-0", "")]
    found.append(Image("Oracle-Linux-9.8-2026.10.20-0", ""))
    for date in _DATES:
        for version in VERSIONS:
            for flavour in _FLAVOURS:
                for system in ("8.10", "9.8"):
                    name = (
                        f"Oracle-Linux-{system}-{flavour}{date}-OKE-{version[1:]}-{_BUILDS[date]}"
                    )
                    found.append(Image(name, version))
    # Newer than every other, and of no use: it is for machines with graphics cards.
    found.append(Image("Oracle-Linux-9.8-aarch64-Gen2-GPU-2026.10.12-0-OKE-1.36.4-1561", "v1.36.4"))
    return tuple(found)


def image_of(ocid: str) -> Image | None:
    """The image of that OCID, or None."""
    return next((image for image in images() if image.id == ocid), None)


def upgrades_from(version: str) -> list[str]:
    """The versions a control plane may go to from there: this minor or the next, never back."""
    at = _numbers(version)
    return [other for other in VERSIONS if at < _numbers(other) and _numbers(other)[1] - at[1] <= 1]


def minor_of(version: str) -> int:
    """36 for v1.36.4."""
    return _numbers(version)[1]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.lstrip("v").split("."))
