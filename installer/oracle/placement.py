"""Where to try for a machine, in which order, when a region is short of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True)
class Placement:
    """An availability domain, with one fault domain or (empty) any."""

    availability_domain: str
    fault_domain: str = ""

    def words(self) -> str:
        """As a person would say it."""
        return " ".join(part for part in (self.availability_domain, self.fault_domain) if part)


class Outlook(IntEnum):
    """What is said of a place, the best first."""

    FREE = 0
    UNKNOWN = 1
    FULL = 2
    UNSUPPORTED = 3


@dataclass(frozen=True)
class Reading:
    """An outlook, and how many machines are said to be free there."""

    outlook: Outlook
    count: int = 0


_NOTHING_SAID = Reading(Outlook.UNKNOWN)


def placements(
    domains: Sequence[str], fault_domains: Mapping[str, Sequence[str]], bound_to: str = ""
) -> tuple[Placement, ...]:
    """Every place once: first each domain with a free hand, then its fault domains by name.

    Oracle advises to leave the fault domain out first. `bound_to` is the domain where data volumes
    lie already: a machine elsewhere could not use them.
    """
    usable = [each for each in domains if not bound_to or each == bound_to]
    free = [Placement(domain) for domain in usable]
    named = [
        Placement(domain, fault) for domain in usable for fault in fault_domains.get(domain, ())
    ]
    return (*free, *named)


def in_order_of_hope(
    places: Sequence[Placement],
    said: Mapping[Placement, Reading],
    without_room: Collection[str] = (),
) -> tuple[Placement, ...]:
    """The same places, those with the best outlook first, and none left out.

    Domains `without_room` come after all others: a free machine there is none for this account.
    """

    def hope(place: Placement) -> tuple[bool, Outlook]:
        outlook = said.get(place, _NOTHING_SAID).outlook
        return place.availability_domain in without_room, outlook

    return tuple(sorted(places, key=hope))
