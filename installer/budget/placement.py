"""Which pod goes to which node, decided exactly for the small clusters this installer makes.

Pods that mount the same volume go together, since Oracle's volumes attach to one node at a time;
so do pods that demand each other's company. The search is complete up to a number of steps; where
it gives up it says so and promises nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from installer.budget.amounts import Amounts, total
from installer.budget.demand import Demand, Origin, Workload
from installer.budget.guests import Guests, no_room, seat_guests
from installer.budget.room import NodeRoom, Room
from installer.budget.rules import HOSTNAME, SPREAD
from installer.budget.seats import Bundle, Seat
from installer.budget.units import Unit, Way, first_fitting, lonely, units_apart, units_of

MOST_STEPS = 4000
"""Tries after which the search gives up, and then promises nothing."""

DEEPEST = 500
"""More units than this are placed greedily or not at all."""


@dataclass(frozen=True)
class Placement:
    """Where everything goes, or the sentences that say why there is no way.

    `lucky` are ways the scheduler might still find, though no manifest could ask for them: one, or
    one for each object whose pods come and go, with those pods among the others.
    """

    seats: tuple[Seat, ...] = ()
    problems: tuple[str, ...] = ()
    guests: Mapping[Origin, tuple[str, ...]] = field(default_factory=dict)
    lucky: tuple[tuple[Seat, ...], ...] = ()

    @property
    def by_luck(self) -> bool:
        """Whether it might run although nothing can be promised."""
        return bool(self.lucky)

    @property
    def complete(self) -> bool:
        """Whether everything has a node."""
        return not self.problems

    @property
    def where(self) -> tuple[tuple[Bundle, str], ...]:
        """Every bundle with the name of its node."""
        return tuple((bundle, seat.node.name) for seat in self.seats for bundle in seat.inside)

    @property
    def places(self) -> dict[Origin, tuple[str, ...]]:
        """The nodes of every object with pods, apart from DaemonSets."""
        found: dict[Origin, list[str]] = {}
        for bundle, node in self.where:
            if not bundle.node:
                for origin in bundle.origins:
                    found.setdefault(origin, []).append(node)
        named = {origin: tuple(sorted(set(nodes))) for origin, nodes in found.items()}
        return {**named, **self.guests}


def place(demand: Demand, room: Room) -> Placement:
    """Find nodes for every pod that runs all the time, with room for each job and each rollout."""
    alone = lonely(demand)
    if alone:
        return Placement(problems=alone)
    units = units_of(demand, room, careful=True)
    impossible = _impossible(units, room)
    if impossible:
        return Placement(problems=impossible)
    found = _Search(room, units).run()
    guests = None if found.seats is None else seat_guests(demand, found.seats)
    if guests is not None and guests.homeless:
        found = _Search(room, units, lambda seats: not seat_guests(demand, seats).homeless).run()
        guests = None if found.seats is None else seat_guests(demand, found.seats)
    if found.seats is not None and guests is not None:
        return Placement(found.seats, (), guests.places)
    return _without_guests(demand, room)


def _without_guests(demand: Demand, room: Room) -> Placement:
    """What is in the way: room for the pods that run, or for those that come and go."""
    found = _Search(room, units_of(demand, room)).run()
    if found.seats is None:
        return _nowhere(demand, room, found.problem)
    return _guests_stay_outside(demand, room, found.seats, seat_guests(demand, found.seats))


def _nowhere(demand: Demand, room: Room, problem: str) -> Placement:
    lucky = _found_apart(demand, room)
    hint = "; it would run only if the scheduler happened to spread the replicas unevenly"
    ways = () if lucky is None else (lucky,)
    return Placement(problems=(problem + (hint if ways else ""),), lucky=ways)


def _guests_stay_outside(
    demand: Demand, room: Room, seats: tuple[Seat, ...], guests: Guests
) -> Placement:
    found = [_found_apart(demand, room, load) for load in demand.passing]
    lucky = tuple(way for way in found if way is not None)
    # Each may have room by itself, with no way to give it to all of them.
    homeless = guests.homeless or demand.passing
    problems = tuple(no_room(load) for load in homeless)
    return Placement(seats, problems, guests.places, lucky if len(lucky) == len(found) else ())


def _found_apart(
    demand: Demand, room: Room, passing: Workload | None = None
) -> tuple[Seat, ...] | None:
    """Any assignment at all, also one that no template could ask for."""
    if len(room.nodes) < 2:
        return None
    units = units_apart(demand, room, passing)
    return None if _impossible(units, room) else _Search(room, units).run().seats


def _impossible(units: Sequence[Unit], room: Room) -> tuple[str, ...]:
    bundles = [unit.first for unit in units]
    homeless = [b for b in bundles if not any(b.could_go_to(node) for node in room.nodes)]
    if homeless:
        return tuple(_no_node_wanted(bundle) for bundle in homeless)
    return tuple(
        f"{b.title} may not share a node, but must" for b in bundles if b.clashes_with_itself
    )


def unknown_rules(demand: Demand, nodes: int) -> tuple[str, ...]:
    """Sentences about placement rules that are not understood and could matter on so many nodes."""
    found = []
    everywhere = [load.rules for load in demand.workloads if load.per_node]
    for load in demand.workloads:
        unknown = list(load.rules.unknown)
        if any(peers.include(pod) for peers in load.rules.together for pod in everywhere):
            unknown.append("affinity to a DaemonSet's pods")
        found += [
            f"{load.origin.words()} uses {rule}, which this budget cannot judge"
            for rule in unknown
            if nodes > 1 or rule != SPREAD
        ]
    return tuple(found)


def _no_node_wanted(bundle: Bundle) -> str:
    return f"no node may hold {bundle.title}: its node selector, affinity or tolerations bar all"


@dataclass(frozen=True)
class _Found:
    seats: tuple[Seat, ...] | None
    problem: str = ""


Seats = Mapping[str, Seat]


class _Search:
    """Largest first: to the emptiest nodes, else to the fullest, else through all ways.

    The emptiest nodes come first because that leaves room everywhere for jobs and rollouts, and
    because the scheduler prefers them too.
    """

    def __init__(
        self,
        room: Room,
        units: Sequence[Unit],
        accept: Callable[[tuple[Seat, ...]], bool] | None = None,
    ) -> None:
        nodes = room.nodes
        whole = total([node.free for node in nodes])
        self._units = sorted(
            units, key=lambda u: (not u.first.node, -_weight(u.first, whole), u.first.title)
        )
        self._start = {node.name: _empty_seat(node, room) for node in nodes}
        self._nodes = nodes
        self._accept = accept
        self._steps = 0
        self._deepest = 0

    @cached_property
    def _alike(self) -> bool:
        return _alike(self._nodes, self._units)

    def run(self) -> _Found:
        """The seats, or the first unit that found no room."""
        several = len(self._start) > 1
        seats = None
        if self._accept is None:
            seats = self._greedily(emptiest=True)
            if seats is None and several:
                seats = self._greedily(emptiest=False)
        if seats is None and several and len(self._units) <= DEEPEST:
            seats = self._settle(0, self._start)
        if seats is not None:
            return _Found(tuple(seats.values()))
        unfinished = several and (self._steps > MOST_STEPS or len(self._units) > DEEPEST)
        tried = "no placement was found before giving up the search; " if unfinished else ""
        stuck = self._units[self._deepest].ways[-1].bundle if self._units else None
        return _Found(None, tried + (_stuck(stuck) if stuck else "no way was found"))

    def _greedily(self, *, emptiest: bool) -> Seats | None:
        seats = dict(self._start)
        for at, unit in enumerate(self._units):
            taken = _first_way(unit, seats, emptiest)
            if taken is None:
                self._deepest = at
                return None
            seats.update(taken)
        return seats

    def _settle(self, at: int, seats: Seats) -> Seats | None:
        if at == len(self._units):
            accepted = self._accept is None or self._accept(tuple(seats.values()))
            return seats if accepted else None
        self._deepest = max(self._deepest, at)
        for taken in self._choices(self._units[at], seats):
            self._steps += 1
            if self._steps > MOST_STEPS:
                return None
            found = self._settle(at + 1, {**seats, **taken})
            if found is not None:
                return found
        return None

    def _choices(self, unit: Unit, seats: Seats) -> Iterator[Seats]:
        for way in unit.ways:
            for chosen in itertools.combinations(self._candidates(way, seats), way.places):
                yield {seat.node.name: seat.with_(way.bundle) for seat in chosen}

    def _candidates(self, way: Way, seats: Seats) -> list[Seat]:
        fitting = [seat for seat in seats.values() if seat.takes(way.bundle)]
        # Emptiest first where room must be left for pods that come and go.
        fitting.sort(key=lambda seat: seat.emptiness, reverse=self._accept is not None)
        if not self._alike:
            return fitting
        # Nodes without a difference lead to the same end: trying one of them is enough.
        kept: dict[object, list[Seat]] = {}
        for seat in fitting:
            kind = (
                seat.free,
                seat.pods,
                seat.volumes,
                seat.picky,
                seat.claims,
                seat.marks,
                seat.spare,
            )
            same = kept.setdefault(kind, [])
            if len(same) < way.places:
                same.append(seat)
        return [seat for same in kept.values() for seat in same]


def _empty_seat(node: NodeRoom, room: Room) -> Seat:
    """With room for Oracle's single pods on every node, as each may be the one they are on."""
    kept = total([pod.amounts for pod in room.cluster_pods])
    return Seat(node, node.free - kept, node.pods - len(room.cluster_pods), node.volumes)


def _first_way(unit: Unit, seats: Seats, emptiest: bool) -> Seats | None:
    ordered = sorted(seats.values(), key=lambda seat: seat.emptiness, reverse=emptiest)
    for way in unit.ways:
        chosen = first_fitting(way, ordered)
        if chosen:
            return {seat.node.name: seat.with_(way.bundle) for seat in chosen}
    return None


def _alike(nodes: Sequence[NodeRoom], units: Sequence[Unit]) -> bool:
    """Whether nodes differ in nothing but name and room, and no pod asks for one by name."""
    kinds = {
        (tuple(sorted((k, v) for k, v in n.labels.items() if k != HOSTNAME)), n.taints)
        for n in nodes
    }
    by_name = any(
        rule.node_name or any(part.key == HOSTNAME for term in rule.node_terms for part in term)
        for unit in units
        for rule in unit.first.rules
    )
    return len(kinds) <= 1 and not by_name


def _weight(bundle: Bundle, whole: Amounts) -> int:
    """The bundle's largest share of the whole cluster, in millionths."""
    return max(
        bundle.amounts.cpu_milli * 10**6 // max(1, whole.cpu_milli),
        bundle.amounts.memory_bytes * 10**6 // max(1, whole.memory_bytes),
    )


def _stuck(bundle: Bundle) -> str:
    return f"no node has room for {bundle.title} ({bundle.amounts.words()}) beside the others"
