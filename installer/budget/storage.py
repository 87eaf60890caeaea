"""Claims into volumes, and volumes into billed gigabytes.

Oracle's storage driver raises every volume to 50 GiB and rounds up to whole GiB; what Oracle calls
a GB of a volume is a GiB.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby, pairwise

from installer.budget.quantities import GIB, ceil_div, show_bytes
from installer.modules.claims import Claim, Volume, VolumePlan
from installer.modules.problems import ModulesInvalid, Problem

SHARED_NAME = "data"
"""Name of a namespace's first shared volume."""

LARGEST_GIB = 32768


def volume_gib(size_bytes: int, floor_gib: int, *, largest_gib: int = LARGEST_GIB) -> int:
    """GiB of the volume that is made for a request of so many bytes.

    A floor of 0 is a storage class that takes sizes as they are, in whole GiB and at least one.
    Raises ValueError when no volume can be so large.
    """
    size = max(floor_gib, 1, ceil_div(size_bytes, GIB))
    if size > largest_gib:
        raise ValueError(
            f"a volume of {size:,} GiB is larger than the largest, {largest_gib:,} GiB"
        )
    return size


def plan_volumes(
    claims: Iterable[Claim],
    *,
    sharing: bool,
    floor_gib: int,
    apart: Collection[str] = (),
    largest_gib: int = LARGEST_GIB,
) -> VolumePlan:
    """Pack claims into volumes, the same claims always in the same way.

    With `sharing` the claims of one namespace lie together, which no other packing undercuts:
    joining two volumes never bills more than both of them, since the floor is paid once and the
    sizes are rounded up once. A second volume begins only where one would grow too large. One
    volume for a namespace also stays the same volume while sizes change or claims come and go, so
    that no data has to move. Without `sharing`, for the modules named in `apart`, or across
    namespaces, every claim has its own.

    Raises ModulesInvalid, naming all of them, for claims of the same name and for claims that no
    volume can hold.
    """
    ordered = sorted(claims, key=lambda claim: (claim.namespace, claim.name))
    _refuse_impossible(ordered, largest_gib)
    together = [claim for claim in ordered if sharing and claim.module not in apart]
    alone = [claim for claim in ordered if not sharing or claim.module in apart]
    volumes: list[Volume] = []
    for namespace, members in groupby(together, key=lambda claim: claim.namespace):
        volumes.extend(_shared(namespace, tuple(members), floor_gib, largest_gib))
    volumes += [
        Volume(c.namespace, own_name(c.name), volume_gib(c.size_bytes, floor_gib), (c,))
        for c in alone
    ]
    return VolumePlan(tuple(volumes))


def own_name(claim: str) -> str:
    """The name of the volume that holds this claim alone.

    It is the claim's own, but for claims named like a shared volume. That depends on no other
    claim, so that a volume keeps its name whatever comes beside it.
    """
    taken = re.fullmatch(rf"{SHARED_NAME}(-\d+)?", claim) or claim.startswith(_OWN)
    return f"{_OWN}{claim}" if taken else claim


_OWN = "own-"


def _shared(
    namespace: str, claims: tuple[Claim, ...], floor_gib: int, largest_gib: int
) -> list[Volume]:
    loads = _loads(claims, largest_gib * GIB)
    return [
        Volume(
            namespace,
            SHARED_NAME if number == 1 else f"{SHARED_NAME}-{number}",
            volume_gib(sum(claim.size_bytes for claim in load), floor_gib, largest_gib=largest_gib),
            load,
        )
        for number, load in enumerate(loads, start=1)
    ]


def _loads(claims: tuple[Claim, ...], most_bytes: int) -> list[tuple[Claim, ...]]:
    loads: list[list[Claim]] = [[]]
    filled = 0
    for claim in claims:
        if filled + claim.size_bytes > most_bytes:
            loads.append([])
            filled = 0
        loads[-1].append(claim)
        filled += claim.size_bytes
    return [tuple(load) for load in loads]


def _refuse_impossible(ordered: Sequence[Claim], largest_gib: int) -> None:
    problems = [
        Problem(f"{a.namespace}/{a.name}", f"claimed twice, by {a.module} and by {b.module}")
        for a, b in pairwise(ordered)
        if (a.namespace, a.name) == (b.namespace, b.name)
    ]
    problems += [
        Problem(
            f"{claim.namespace}/{claim.name}",
            f"{show_bytes(claim.size_bytes, up=True)} is more than the largest volume,"
            f" {largest_gib:,} GiB",
        )
        for claim in ordered
        if claim.size_bytes > largest_gib * GIB
    ]
    if problems:
        raise ModulesInvalid(problems)


def split_evenly(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Whole shares of `amount` by weight that add up to it; largest remainders get the rest."""
    if not weights:
        return ()
    whole_weight = sum(weights)
    if whole_weight == 0:
        weights, whole_weight = [1] * len(weights), len(weights)
    shares = [amount * weight // whole_weight for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda i: (-(amount * weights[i] % whole_weight), i)
    )
    for i in by_remainder[: amount - sum(shares)]:
        shares[i] += 1
    return tuple(shares)
