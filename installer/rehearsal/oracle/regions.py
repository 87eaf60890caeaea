"""Oracle's regions as a rehearsal plays them: a short name each, and one or three domains.

Most regions have one availability domain; Ashburn, Chicago, Frankfurt, London and Phoenix have
three. The two oldest leave the "1" out of their domains' names.
https://docs.oracle.com/en-us/iaas/Content/General/Concepts/regions.htm
"""

from __future__ import annotations

from dataclasses import dataclass

USUAL = "eu-amsterdam-1"
_KEYS = {
    "eu-amsterdam-1": "AMS",
    "eu-frankfurt-1": "FRA",
    "uk-london-1": "LHR",
    "us-ashburn-1": "IAD",
    "us-chicago-1": "ORD",
    "us-phoenix-1": "PHX",
}
_WITH_THREE = frozenset(_KEYS) - {"eu-amsterdam-1"}
_OLDEST = {"us-ashburn-1": "US-ASHBURN", "us-phoenix-1": "PHX"}


@dataclass(frozen=True)
class Region:
    """One region by its name, such as "eu-frankfurt-1"."""

    name: str = USUAL

    @property
    def key(self) -> str:
        """Its short name in capitals; made up for regions this table does not have."""
        return _KEYS.get(self.name) or self.name.split("-")[1][:3].upper()

    def domains(self, prefix: str) -> tuple[str, ...]:
        """The names of its availability domains in a tenancy with that prefix."""
        count = 3 if self.name in _WITH_THREE else 1
        middle = _OLDEST.get(self.name) or self.name.upper()
        return tuple(f"{prefix}:{middle}-AD-{number}" for number in range(1, count + 1))
