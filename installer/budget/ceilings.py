"""What containers may take at most: their limits, as the manifests state them.

Requests are kept free for a pod, limits are not: together they may promise more than there is. A
container without a limit may take whatever the others leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from installer.budget.quantities import milli, whole

_READERS = {"cpu": milli, "memory": whole}


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One resource of a pod: the sum of limits, and how many of its containers have none."""

    amount: int = 0
    containers: int = 0
    unlimited: int = 0


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Millicores and bytes that the containers of a pod may take at most."""

    cpu: Ceiling = Ceiling()
    memory: Ceiling = Ceiling()


NO_CEILINGS = Ceilings()


def pod_ceilings(spec: Mapping[str, Any]) -> Ceilings:
    """What a pod's containers may take; raises BadQuantity for a limit nobody could read.

    Those that prepare a pod run one after the other before the rest, so that the largest counts. A
    limit of the whole pod stands above all of them.
    """
    return Ceilings(_ceiling(spec, "cpu"), _ceiling(spec, "memory"))


def _ceiling(spec: Mapping[str, Any], resource: str) -> Ceiling:
    first = spec.get("initContainers") or ()
    sidecars = [one for one in first if one.get("restartPolicy") == "Always"]
    running = [*(spec.get("containers") or ()), *sidecars]
    before = [one for one in first if one.get("restartPolicy") != "Always"]
    every = len(running) + len(before)
    whole_pod = _limit(spec, resource)
    if whole_pod is not None:
        return Ceiling(whole_pod, every)
    limits = [_limit(one, resource) for one in running]
    earlier = [_limit(one, resource) for one in before]
    most = max(sum(each or 0 for each in limits), max((each or 0 for each in earlier), default=0))
    return Ceiling(most, every, sum(each is None for each in (*limits, *earlier)))


def _limit(holder: Mapping[str, Any], resource: str) -> int | None:
    stated = ((holder.get("resources") or {}).get("limits") or {}).get(resource)
    return None if stated is None else _READERS[resource](stated)


def promise_words(resource: str, ceilings: Iterable[Ceiling], shown: str) -> str:
    """In words what the pods of a plan may take together, `shown` being the sum for people.

    Empty where there is no container at all.
    """
    found = tuple(ceilings)
    every = sum(one.containers for one in found)
    unlimited = sum(one.unlimited for one in found)
    if not every:
        return ""
    if unlimited == every:
        return f"{resource} has no limits: a container may take all that the others leave"
    words = f"{resource} is promised up to {shown} to what runs all the time"
    return words + (f", and without end to {unlimited} of {every} containers" if unlimited else "")
