"""Pods that come and go, each for a while beside everything that runs: jobs and rollouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from installer.budget.demand import Demand, Origin, Workload
from installer.budget.rules import PodRules
from installer.budget.seats import Bundle, Claims, Seat, bundle_of
from installer.budget.units import Way, claims_of, first_fitting, roaming, ways

Homes = dict[tuple[str, str], str]
"""The node of each claim."""


@dataclass(frozen=True)
class Guests:
    """Where the pods of each job go, and the workloads whose pods found no room."""

    places: Mapping[Origin, tuple[str, ...]]
    homeless: tuple[Workload, ...]


def seat_guests(demand: Demand, seats: Sequence[Seat]) -> Guests:
    """Give every job its nodes, and see that each rollout has room where its workload runs."""
    free_to_roam = roaming(demand)
    # What was kept free for rollouts is what the guests may use.
    seats = [replace(seat, spare=()) if seat.spare else seat for seat in seats]
    seats.sort(key=lambda seat: seat.emptiness, reverse=True)
    hosts = _hosts(seats)
    homes: Homes = {claim: seat.node.name for seat in seats for claim in seat.claims}
    places: dict[Origin, tuple[str, ...]] = {}
    homeless: list[Workload] = []
    for load in demand.passing:
        if load.replicas:
            if not _rolls_out(load, hosts.get(load.origin, ())):
                homeless.append(load)
            continue
        claims = claims_of(load, free_to_roam)
        found = _seats_for(load, claims, seats, homes)
        if not found:
            homeless.append(load)
            continue
        places[load.origin] = found
        homes.update(dict.fromkeys(claims, found[0]))
    return Guests(places, tuple(homeless))


def _rolls_out(load: Workload, hosts: Sequence[Seat]) -> bool:
    """Room beside it on each of its nodes, since the scheduler chooses among them."""
    if load.shy:
        return True  # its place is among the workload's own already
    more = bundle_of([load] * load.passing, frozenset())
    return all(seat.takes(more) for seat in hosts)


def _hosts(seats: Sequence[Seat]) -> dict[Origin, list[Seat]]:
    """The nodes of every object that rolls out or is sought for company."""
    found: dict[Origin, list[Seat]] = {}
    for seat in seats:
        marked = [bundle for bundle in seat.inside if bundle.marked]
        for origin in dict.fromkeys(origin for bundle in marked for origin in bundle.origins):
            found.setdefault(origin, []).append(seat)
    return found


def _seats_for(
    load: Workload, claims: Claims, seats: Sequence[Seat], homes: Homes
) -> tuple[str, ...]:
    there = {homes[claim] for claim in claims if claim in homes}
    if len(there) > 1:
        return ()
    allowed = [seat for seat in seats if seat.node.name in there] if there else seats
    if load.rules.together:
        allowed = [seat for seat in allowed if _has_company(load, seat, seats)]
    for way in _ways(load, claims, homes, len(seats)):
        chosen = first_fitting(way, allowed)
        if chosen:
            return tuple(sorted(seat.node.name for seat in chosen))
    return ()


def _ways(load: Workload, claims: Claims, homes: Homes, nodes: int) -> tuple[Way, ...]:
    if not claims and not load.rules.together:
        return ways(load, load.passing, nodes)
    new = frozenset(claim for claim in claims if claim not in homes)
    together = bundle_of([load] * load.passing, new)
    return () if together.clashes_with_itself else (Way(1, together),)


def _has_company(load: Workload, seat: Seat, seats: Sequence[Seat]) -> bool:
    for peers in load.rules.together:
        if any(peers.include(pod) for pod in _pods(seat)):
            continue
        elsewhere = any(peers.include(pod) for other in seats for pod in _pods(other))
        # The first of its own kind may start alone.
        if elsewhere or not peers.include(load.rules):
            return False
    return True


def _pods(seat: Seat) -> list[PodRules]:
    return [rules for bundle in seat.inside for rules in bundle.rules]


def no_room(load: Workload) -> str:
    """The sentence for a workload whose passing pods find no room."""
    asked: Bundle = bundle_of([load] * load.passing, frozenset())
    return (
        f"{load.passing_words} of {load.origin.words()} finds no room: no node that may hold it has"
        f" {asked.amounts.words()} left beside what runs there"
    )
