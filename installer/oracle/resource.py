"""What we know of a thing at Oracle, free of the SDK's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ID_TAG = "health-install"
NAME_TAG = "health-install-name"


class Life(StrEnum):
    """Where in its life a thing is; Oracle has a dozen words for these five."""

    COMING = "is being made"
    THERE = "is there"
    GOING = "is being removed"
    GONE = "is gone"
    BROKEN = "failed"


_LIVES = {
    "PROVISIONING": Life.COMING,
    "CREATING": Life.COMING,
    "RESTORING": Life.COMING,
    "ACTIVE": Life.THERE,
    "AVAILABLE": Life.THERE,
    "UPDATING": Life.THERE,
    "NEEDS_ATTENTION": Life.THERE,
    "INACTIVE": Life.THERE,
    "TERMINATING": Life.GOING,
    "DELETING": Life.GOING,
    "TERMINATED": Life.GONE,
    "DELETED": Life.GONE,
    "FAILED": Life.BROKEN,
    "FAULTY": Life.BROKEN,
}


def life_of(state: str | None) -> Life:
    """The life behind a lifecycle state; a word nobody knew yet counts as being there."""
    return _LIVES.get(state or "", Life.THERE)


def tags_for(installation_id: str, name: str) -> dict[str, str]:
    """The freeform tags on everything we make."""
    return {ID_TAG: installation_id, NAME_TAG: name}


@dataclass(frozen=True)
class Resource:
    """One thing at Oracle; `state` is Oracle's own word, `details` what it adds to it."""

    id: str
    name: str
    state: str
    tags: Mapping[str, str] = field(default_factory=dict)
    details: str = ""

    @property
    def life(self) -> Life:
        """Where in its life it is."""
        return life_of(self.state)

    def is_of(self, installation_id: str) -> bool:
        """Whether it carries this installation's tag."""
        return self.tags.get(ID_TAG) == installation_id

    @property
    def owner(self) -> str:
        """In words, whose it seems to be."""
        other = self.tags.get(ID_TAG)
        return f"it belongs to installation {other}" if other else "it carries no tag of ours"


@dataclass(frozen=True)
class Started:
    """The answer to a creating call: the id where Oracle gives one at once, the work request."""

    id: str = ""
    work_request: str = ""
