"""The lock file of container images, and what an installation makes of it.

A tag can move; a digest cannot. Where no registry has confirmed a digest yet the lock says null,
and the tag is used: a floor with a date, refreshed on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources.abc import Traversable

from pydantic import Field, model_validator

from installer.modules.closed import Closed, read_closed

_DIGEST = r"^sha256:[0-9a-f]{64}$"
_REFERENCE = r"^[a-z0-9.-]+\.[a-z]{2,}(:\d+)?/[a-z0-9._/-]+:[A-Za-z0-9._-]+$"


# Reserved by RFC 2606: nothing can ever be pulled from it.
NOT_CHOSEN = "image-not-chosen.invalid"


class LockedImage(Closed):
    """One image as last seen upstream; `compressed_mb` is the largest platform's download.

    An image that nobody publishes has no reference: a person brings it, under images.overrides.
    """

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    reference: str | None = Field(pattern=_REFERENCE)
    digest: str | None = Field(pattern=_DIGEST)
    platforms: tuple[str, ...] = ()
    seen: date
    source: str
    compressed_mb: int | None
    remark: str = ""

    @model_validator(mode="after")
    def _published_ones_have_platforms(self) -> LockedImage:
        if self.reference and not self.platforms:
            raise ValueError(f"{self.name}: say for which platforms it is made")
        return self

    @property
    def brought(self) -> bool:
        """Whether a person must say where it is, because nobody publishes it."""
        return self.reference is None


class ImageLock(Closed):
    """The whole lock file."""

    version: int = Field(ge=1, le=1)
    images: tuple[LockedImage, ...]

    def by_name(self) -> Mapping[str, LockedImage]:
        """The images by the short name modules use."""
        return {image.name: image for image in self.images}


@dataclass(frozen=True)
class ImageChoice:
    """What the answers say about images: a mirror's prefix, and whole references by name."""

    registry: str = ""
    overrides: tuple[tuple[str, str], ...] = ()

    def runs_on(self, image: LockedImage, architecture: str) -> bool:
        """Whether the image is made for `architecture`; of an override nothing is known."""
        known = image.name not in dict(self.overrides) and not image.brought
        return not known or not architecture or f"linux/{architecture}" in image.platforms

    def reference(self, image: LockedImage) -> str:
        """The reference to write into a manifest.

        An override is taken as it is. A registry takes the place of the image's own host, so that
        `docker.io/library/postgres` is looked for as `<registry>/library/postgres`. One that must
        be brought and was not is named so that nothing can be pulled by it.
        """
        for name, wanted in self.overrides:
            if name == image.name:
                return wanted
        if image.reference is None:
            return f"{NOT_CHOSEN}/{image.name}:none"
        reference = image.reference
        if self.registry:
            reference = self.registry.rstrip("/") + "/" + reference.partition("/")[2]
        return f"{reference}@{image.digest}" if image.digest else reference


def read_lock(file: Traversable) -> ImageLock:
    """The lock file; raises ModulesInvalid with all mistakes in it."""
    return read_closed(ImageLock, file, "images.lock.yaml")
