"""The lock file of container images, and what an installation makes of it.

A tag can move; a digest cannot. What a registry once said about a tag is remembered by the
installation and pinned, until somebody takes newer ones on purpose; until then, and where the lock
has a digest that is younger, that of the lock counts. Where neither is known the tag is used.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources.abc import Traversable

from pydantic import Field, model_validator

from installer.modules.closed import Closed, read_closed

_DIGEST = r"^sha256:[0-9a-f]{64}$"
_REFERENCE = r"^[a-z0-9.-]+\.[a-z]{2,}(:\d+)?/[a-z0-9._/-]+:[A-Za-z0-9._-]+$"
_FOLDER = r"^(https://[a-z0-9.-]+/[\w./-]+\.git#[0-9a-f]{40}:[\w./-]+)?$"

# The step that looks images up; what it learns are facts of its own, by reference.
IMAGES = "images"
# Reserved by RFC 2606: nothing can ever be pulled from it.
NOT_CHOSEN = "image-not-chosen.invalid"


class LockedImage(Closed):
    """One image as last seen upstream; `compressed_mb` is the largest platform's download.

    An image that nobody publishes has no reference: a person brings it, under images.overrides.
    `build` is then a folder with a Dockerfile as docker names one in a repository: URL, commit,
    path.
    """

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    reference: str | None = Field(pattern=_REFERENCE)
    digest: str | None = Field(pattern=_DIGEST)
    platforms: tuple[str, ...] = ()
    seen: date
    source: str
    compressed_mb: int | None
    remark: str = ""
    build: str = Field("", pattern=_FOLDER)

    @model_validator(mode="after")
    def _published_ones_have_platforms(self) -> LockedImage:
        if self.reference and not self.platforms:
            raise ValueError(f"{self.name}: say for which platforms it is made")
        return self

    def build_command(self, platforms: Sequence[str]) -> str:
        """What builds it from its source into a person's own registry; "" where nobody knows.

        https://docs.docker.com/build/concepts/context/#git-repositories
        """
        if not self.build:
            return ""
        wanted = ",".join(platforms or ("linux/amd64", "linux/arm64"))
        tag = f"YOUR.REGISTRY/{self.name}:1"
        return f"docker buildx build --platform {wanted} --push -t {tag} '{self.build}'"

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
class KnownImage:
    """What a registry said of a reference on a day: its digest, and what there is to download.

    `compressed` has the bytes by platform, like linux/arm64, as far as they were asked for.
    """

    reference: str
    digest: str
    seen: date
    compressed: tuple[tuple[str, int], ...] = ()

    @classmethod
    def read(cls, reference: str, text: str) -> KnownImage | None:
        """What `text` wrote; None for what an older version wrote otherwise."""
        try:
            data = json.loads(text)
            sizes = tuple((str(name), int(size)) for name, size in data["compressed"].items())
            return cls(reference, data["digest"], date.fromisoformat(data["seen"]), sizes)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def text(self) -> str:
        """All but the reference, to be remembered; holds no secret."""
        data = {
            "digest": self.digest,
            "seen": self.seen.isoformat(),
            "compressed": dict(self.compressed),
        }
        return json.dumps(data, sort_keys=True)

    def covers(self, platforms: Iterable[str]) -> bool:
        """Whether it was found for all of these platforms."""
        return set(platforms) <= {platform for platform, _ in self.compressed}


class Origin(StrEnum):
    """Where the name of an image comes from."""

    LOCK = "lock file"
    MIRROR = "images.registry"
    OVERRIDE = "images.overrides"


@dataclass(frozen=True)
class ImageChoice:
    """What the answers say about images: a mirror's prefix, and whole references by name.

    `known` is what registries said of them, each by its reference without our digest.
    """

    registry: str = ""
    overrides: tuple[tuple[str, str], ...] = ()
    known: tuple[KnownImage, ...] = ()

    def runs_on(self, image: LockedImage, architecture: str) -> bool:
        """Whether the image is made for `architecture`; of an override nothing is known."""
        known = image.name not in dict(self.overrides) and not image.brought
        return not known or not architecture or f"linux/{architecture}" in image.platforms

    def origin(self, image: LockedImage) -> Origin:
        """Who says where it is."""
        if image.name in dict(self.overrides):
            return Origin.OVERRIDE
        return Origin.MIRROR if self.registry and not image.brought else Origin.LOCK

    def tagged(self, image: LockedImage) -> str:
        """The reference before a digest of ours is added to it.

        An override is taken as it is. A registry takes the place of the image's own host, so that
        `docker.io/library/postgres` is looked for as `<registry>/library/postgres`. One that must
        be brought and was not is named so that nothing can be pulled by it.
        """
        for name, wanted in self.overrides:
            if name == image.name:
                return wanted
        if image.reference is None:
            return f"{NOT_CHOSEN}/{image.name}:none"
        if self.registry:
            return self.registry.rstrip("/") + "/" + image.reference.partition("/")[2]
        return image.reference

    def digest(self, image: LockedImage) -> str:
        """The digest to pin, empty where none is known or the answers name one themselves."""
        tagged = self.tagged(image)
        if "@" in tagged:
            return ""
        known = self.of(tagged)
        locked = image.digest if self.origin(image) is not Origin.OVERRIDE else None
        if known and not (locked and image.seen > known.seen):
            return known.digest
        return locked or ""

    def of(self, tagged: str) -> KnownImage | None:
        """What is known of a reference."""
        return next((each for each in self.known if each.reference == tagged), None)

    def reference(self, image: LockedImage) -> str:
        """The reference to write into a manifest."""
        digest = self.digest(image)
        return f"{self.tagged(image)}@{digest}" if digest else self.tagged(image)


@dataclass(frozen=True)
class PlannedImage:
    """An image that rendered manifests ask for.

    `tagged` is its reference before a digest of ours was added, `reference` as rendered;
    `compressed` is the download in bytes, None where nobody has said. `digest` is what is pinned,
    by us or by the answers; `locked` says that it is the lock file's.
    """

    name: str
    module: str
    origin: Origin
    tagged: str
    reference: str
    digest: str = ""
    locked: bool = False
    compressed: int | None = None
    seen: date | None = None

    @property
    def chosen(self) -> bool:
        """Whether it is an image at all, and not the place of one nobody has named."""
        return not self.tagged.startswith(f"{NOT_CHOSEN}/")


def planned_image(
    image: LockedImage, module: str, choice: ImageChoice, platforms: Collection[str]
) -> PlannedImage:
    """One image, with everything that is known of it; its size is that of its largest platform."""
    tagged, digest = choice.tagged(image), choice.digest(image)
    known = choice.of(tagged)
    from_lock = bool(digest) and digest == image.digest and (not known or known.digest != digest)
    origin = choice.origin(image)
    size = None if origin is Origin.OVERRIDE or image.compressed_mb is None else image.compressed_mb
    compressed = None if size is None else size * 1_000_000
    if known and not from_lock and known.compressed:
        sizes = dict(known.compressed)
        compressed = max(sizes.get(platform, 0) for platform in platforms or sizes) or compressed
    return PlannedImage(
        name=image.name,
        module=module,
        origin=origin,
        tagged=tagged,
        reference=choice.reference(image),
        digest=digest or tagged.partition("@")[2],
        locked=from_lock,
        compressed=compressed,
        seen=image.seen if from_lock else known.seen if known else None,
    )


def known_images(facts: Mapping[str, str]) -> tuple[KnownImage, ...]:
    """What is remembered, by reference."""
    read = (KnownImage.read(reference, text) for reference, text in facts.items())
    return tuple(each for each in read if each is not None)


def read_lock(file: Traversable) -> ImageLock:
    """The lock file; raises ModulesInvalid with all mistakes in it."""
    return read_closed(ImageLock, file, "images.lock.yaml")
