"""From a placement to the pins that make the scheduler follow it."""

from __future__ import annotations

from installer.budget.demand import Demand, Workload
from installer.budget.placement import Placement
from installer.modules.pinning import Pin
from installer.modules.stamping import Identity


def pins_of(demand: Demand, placement: Placement, key: str) -> dict[Identity, Pin]:
    """A pin on the label `key` for every object with pods, apart from DaemonSets."""
    places = placement.places
    return {
        (load.origin.kind, load.origin.namespace, load.origin.name): Pin(
            key, places[load.origin], _evenly(load, places[load.origin])
        )
        for load in demand.workloads
        if load.origin in places
    }


def _evenly(load: Workload, places: tuple[str, ...]) -> bool:
    """Pods that refuse each other's node need no second rule to spread."""
    return len(places) > 1 and not load.shy
