"""What quota policies allow in a compartment: "zero", "set" and "unset", the last one winning.

The language is that of Oracle's public page on quota policies, without its conditions. Zeroing a
family zeroes the regional counts in it as well, which has surprised people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from installer.rehearsal.oracle.refusals import Refused, invalid
from installer.rehearsal.oracle.tenancy import Tenancy

_STATEMENT = re.compile(
    r"(?P<verb>zero|set|unset)\s+(?P<family>[a-z0-9-]+)\s+quotas?"
    r"(?:\s+(?P<name>/[^/\s]+/|(?!to\b|in\b)[a-z0-9-]+))?"
    r"(?:\s+to\s+(?P<value>\d+))?"
    r"\s+in\s+(?:(?P<tenancy>tenancy)|compartment\s+(?P<compartment>\S+))",
    re.IGNORECASE,
)
FAMILIES = frozenset(
    {
        *("compute", "compute-core", "compute-memory", "block-storage", "filesystem", "database"),
        *("load-balancer", "container-engine", "vcn", "object-storage"),
    }
)


@dataclass(frozen=True)
class Statement:
    """One statement; `name` may be a pattern and is "*" for a whole family, `value` None unsets."""

    family: str
    name: str
    value: int | None
    compartment: str


def read_statement(text: str) -> Statement:
    """Raises Refused 400 for what is no statement, or names a family Oracle does not have."""
    match = _STATEMENT.fullmatch(text.strip())
    if match is None or (match["verb"].lower() == "set") is not bool(match["value"]):
        raise invalid(f"The quota statement cannot be understood: {text}")
    family = match["family"].lower()
    if family not in FAMILIES:
        raise invalid(f"There is no quota family {family}.")
    value = {"zero": 0, "unset": None}.get(match["verb"].lower(), int(match["value"] or 0))
    name = (match["name"] or "*").strip("/").lower()
    return Statement(family, name, value, match["compartment"] or "")


def allowed(tenancy: Tenancy, compartment: str, family: str, name: str) -> int | None:
    """What the policies in force leave to a compartment; None when none speaks of it."""
    found: int | None = None
    for statement in _in_force(tenancy, compartment):
        if statement.family == family and fnmatchcase(name, statement.name):
            found = statement.value
    return found


def require_quota(
    tenancy: Tenancy, compartment: str, family: str, name: str, amount: float
) -> None:
    """Raises Refused 400 QuotaExceeded when so much more is too much for the compartment."""
    most = allowed(tenancy, compartment, family, name)
    if most is not None and _used(tenancy, compartment, family) + amount > most:
        raise Refused(
            400,
            "QuotaExceeded",
            f"The following quotas were exceeded: {name} ({family}) in compartment {compartment}.",
        )


def _in_force(tenancy: Tenancy, compartment: str) -> Iterator[Statement]:
    record = tenancy.registry.look_up("compartment", compartment)
    here = "" if record is None else str(record.body["name"])
    for quota in tenancy.registry.living("quota"):
        for text in quota.body["statements"]:
            statement = read_statement(text)
            if statement.compartment in ("", here):
                yield statement


def _used(tenancy: Tenancy, compartment: str, family: str) -> float:
    def total(kind: str, *fields: str) -> float:
        amount = 0.0
        for record in tenancy.registry.living(kind):
            if record.body.get("compartmentId") == compartment:
                value = record.body
                for field in fields[:-1]:
                    value = value.get(field) or {}
                amount += float(value.get(fields[-1]) or 0) if fields else 1.0
        return amount

    if family == "compute-core":
        return total("instance", "shapeConfig", "ocpus")
    if family == "compute-memory":
        return total("instance", "shapeConfig", "memoryInGBs")
    if family == "block-storage":
        return total("volume", "sizeInGBs") + total("bootvolume", "sizeInGBs")
    return total({"load-balancer": "loadbalancer", "container-engine": "cluster"}[family])
