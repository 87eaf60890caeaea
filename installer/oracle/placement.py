"""Where to try for a machine, in which order, when a region is short of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    """An availability domain, with one fault domain or (empty) any."""

    availability_domain: str
    fault_domain: str = ""

    def words(self) -> str:
        """As a person would say it."""
        return " ".join(part for part in (self.availability_domain, self.fault_domain) if part)


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
