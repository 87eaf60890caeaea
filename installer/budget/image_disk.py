"""What images take on a machine's root disk: estimated from what there is to download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from installer.budget.envelope import Count, Sourced
from installer.budget.quantities import ceil_div, show_bytes
from installer.modules.closed import Closed, read_closed
from installer.modules.images import PlannedImage

_FILE = "image-sizes-2026.yaml"


class Share(Sourced):
    """A percentage of the download."""

    percent: Count


class ImageSizes(Closed):
    """`assets/limits/image-sizes-*.yaml`."""

    kind: Literal["image_sizes"]
    name: str
    unpacked: Share
    kept: Share

    def on_disk(self, compressed: int) -> int:
        """Bytes on the disk for so many bytes of download, rounded up."""
        return ceil_div(compressed * (self.unpacked.percent + self.kept.percent), 100)

    def words(self) -> tuple[str, ...]:
        """Where the two percentages come from."""
        return (
            f"unpacked {self.unpacked.percent} % of the download: {self.unpacked.source.strip()}"
            f" ({self.unpacked.as_of})",
            f"kept beside it {self.kept.percent} %: {self.kept.source.strip()} ({self.kept.as_of})",
        )


@lru_cache(maxsize=1)
def image_sizes() -> ImageSizes:
    """The figures in force."""
    return read_closed(
        ImageSizes, files("assets").joinpath("limits", _FILE), f"assets/limits/{_FILE}"
    )


@dataclass(frozen=True)
class ImageSum:
    """All images of a plan on one disk: (module, image, estimated bytes) of those known."""

    known: tuple[tuple[str, str, int], ...]
    unknown: tuple[str, ...]
    compressed: int

    @property
    def used(self) -> int:
        """Estimated bytes, without those nobody knows."""
        return sum(size for _, _, size in self.known)

    @property
    def words(self) -> str:
        """What is to download and what is not known, for people."""
        count = len(self.known) + len(self.unknown)
        if not self.known:
            return f"the sizes of all {count} are not known yet"
        words = f"about {show_bytes(self.used, up=True)} unpacked"
        words += f", {show_bytes(self.compressed, up=True)} to download"
        if self.unknown:
            words += f", and {len(self.unknown)} of {count} whose sizes are not known"
        return words


def image_sum(images: Sequence[PlannedImage]) -> ImageSum:
    """Add the images up. A machine may have to hold all of them; layers they share count twice."""
    rule = image_sizes()
    known, unknown, compressed = [], [], 0
    for image in images:
        if image.compressed is None:
            unknown.append(image.tagged)
        else:
            compressed += image.compressed
            known.append((image.module, image.tagged, rule.on_disk(image.compressed)))
    return ImageSum(tuple(known), tuple(unknown), compressed)
