"""Images that are made up: the same name always has the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
PLATFORMS = ("linux/amd64", "linux/arm64")
_LAYERS = 4
# Of one layer, in bytes. Together an image is between 8 and 72 MB, as most real ones are.
_SMALLEST, _SPREAD = 2_000_000, 16_000_000


@dataclass(frozen=True)
class Kept:
    """What a registry keeps under a digest."""

    digest: str
    media_type: str
    body: bytes


@dataclass(frozen=True)
class Pretended:
    """An image: its index first, then everything the index leads to."""

    documents: tuple[Kept, ...]

    @property
    def index(self) -> Kept:
        """What its tag points to."""
        return self.documents[0]


def pretended(name: str, platforms: Sequence[str] = PLATFORMS) -> Pretended:
    """The image of that name, which is host, repository and tag."""
    kept: list[Kept] = []
    entries = []
    for platform in platforms:
        system, architecture = platform.split("/")
        of = {"os": system, "architecture": architecture}
        config = _kept(_CONFIG, {**of, "rootfs": {"type": "layers", "diff_ids": []}})
        layers = [_layer(f"{name} {platform} {number}") for number in range(_LAYERS)]
        manifest = _kept(
            MANIFEST,
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _reference(config),
                "layers": layers,
            },
        )
        kept += [manifest, config]
        entries.append({**_reference(manifest), "platform": of})
    index = _kept(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return Pretended((index, *kept))


def _layer(seed: str) -> dict[str, Any]:
    """A layer nobody can download, of a size that follows from its name."""
    digest = hashlib.sha256(seed.encode())
    size = _SMALLEST + int.from_bytes(digest.digest()[:4], "big") % _SPREAD
    return {"mediaType": _LAYER, "digest": f"sha256:{digest.hexdigest()}", "size": size}


def _kept(media_type: str, content: dict[str, Any]) -> Kept:
    body = json.dumps(content, sort_keys=True).encode()
    return Kept(f"sha256:{hashlib.sha256(body).hexdigest()}", media_type, body)


def _reference(kept: Kept) -> dict[str, Any]:
    return {"mediaType": kept.media_type, "digest": kept.digest, "size": len(kept.body)}
