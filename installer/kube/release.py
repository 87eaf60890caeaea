"""Releases of Kubernetes, which servers, programs and people write in more than one way."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Makers add words of their own behind it: "v1.34.2-gke.100", "v1.36.1+k3s1".
_BEGINS = re.compile(r"v?(\d+)\.(\d+)(?!\d)")


@dataclass(frozen=True, order=True)
class Release:
    """A minor release; corrections within one change no kind and no field."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    def beside(self, steps: int) -> Release:
        """The release so many minor steps later, or earlier where it is negative."""
        return Release(self.major, max(self.minor + steps, 0))

    def reaches(self, other: Release, steps: int) -> bool:
        """Whether the other one is at most so many minor steps away."""
        return self.major == other.major and abs(self.minor - other.minor) <= steps


def release_of(version: str) -> Release | None:
    """The release of a version such as "v1.36.4" or "1.36"; None for anything else."""
    found = _BEGINS.match(version)
    return Release(int(found[1]), int(found[2])) if found else None
