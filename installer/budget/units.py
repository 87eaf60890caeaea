"""What has to be decided: for each workload, or each group that must stay together, its nodes.

All replicas of a workload are made from one template, so that a node cannot be named for each of
them. What a template can say is a set of nodes, and that they share the replicas evenly. Hence the
ways a workload of several replicas may go: all to one node, or evenly to several, each with room
for its share rounded up. Whatever the scheduler then does, it finds the room.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from installer.budget.demand import Demand, Workload
from installer.budget.quantities import ceil_div
from installer.budget.room import Room
from installer.budget.rules import Peers
from installer.budget.seats import Bundle, Claims, Seat, bundle_of


@dataclass(frozen=True)
class Way:
    """The bundle goes to each of so many nodes."""

    places: int
    bundle: Bundle


@dataclass(frozen=True)
class Unit:
    """One decision, with the ways there are; those over more nodes come first."""

    ways: tuple[Way, ...]

    @property
    def first(self) -> Bundle:
        """The bundle of the preferred way."""
        return self.ways[0].bundle


@dataclass(eq=False)
class _Group:
    loads: list[Workload]
    claims: Claims
    copies: int = 1
    node: str = ""
    bound: bool = field(default=False)

    @property
    def pods(self) -> list[Workload]:
        """One entry a pod."""
        return self.loads * self.copies

    def belongs_to(self, peers: Peers) -> bool:
        """Whether one of the pods is such a peer, or demands one (never a DaemonSet's pod)."""
        return not self.node and any(
            peers in load.rules.together or peers.include(load.rules) for load in self.loads
        )


def roaming(demand: Demand) -> Claims:
    """Claims on volumes that may be attached to many nodes."""
    return frozenset((v.namespace, v.name) for v in demand.volumes if v.on_many_nodes)


def claims_of(load: Workload, free_to_roam: Claims) -> Claims:
    """The claims that bind the load to one node."""
    return frozenset((load.origin.namespace, claim) for claim in load.claims) - free_to_roam


def units_of(demand: Demand, room: Room, *, careful: bool = False) -> tuple[Unit, ...]:
    """Every decision for the pods that run all the time; `careful`: with room for rollouts."""
    groups = _joined(_groups(demand, room, apart=False, passing=None))
    wanted = {peers for load in demand.passing for peers in load.rules.together}
    return tuple(_unit(group, len(room.nodes), wanted, careful) for group in groups)


def units_apart(demand: Demand, room: Room, passing: Workload | None = None) -> tuple[Unit, ...]:
    """The same with each replica decided by itself, as no template could say it.

    The pods of `passing` that come and go are among them.
    """
    groups = _joined(_groups(demand, room, apart=True, passing=passing))
    return tuple(_unit(group, len(room.nodes), set(), False) for group in groups)


def lonely(demand: Demand) -> tuple[str, ...]:
    """Sentences about pods that demand the company of pods that do not run."""
    pods = [load.rules for load in demand.workloads if load.per_node or load.replicas]
    return tuple(
        f"{load.origin.words()} must share a node with pods that are not in the plan"
        for load in demand.workloads
        if (load.per_node or load.replicas)
        and not all(any(peers.include(pod) for pod in pods) for peers in load.rules.together)
    )


def ways(
    load: Workload, count: int, nodes: int, *, marked: bool = False, careful: bool = False
) -> tuple[Way, ...]:
    """The ways in which `count` equal pods may go, those over more nodes first."""
    if count == 1:
        alone = bundle_of([load], frozenset(), marked=marked, careful=careful)
        return (Way(1, alone),)
    if load.shy:
        return (Way(count, bundle_of([load], frozenset(), marked=marked)),)
    found: list[Way] = []
    for places in range(min(count, max(1, nodes)), 0, -1):
        each = ceil_div(count, places)
        bundle = bundle_of([load] * each, frozenset(), marked=marked, careful=careful)
        way = Way(places, bundle)
        if found and found[-1].bundle.pods == each:
            found.pop()  # the same share on fewer nodes: nothing is gained by the more
        found.append(way)
    return tuple(found)


def first_fitting(way: Way, seats: Iterable[Seat]) -> list[Seat]:
    """The first seats in this order that take the way's bundle; none when there are too few."""
    taking = (seat for seat in seats if seat.takes(way.bundle))
    chosen = list(itertools.islice(taking, way.places))
    return chosen if len(chosen) == way.places else []


def _groups(demand: Demand, room: Room, *, apart: bool, passing: Workload | None) -> list[_Group]:
    free_to_roam = roaming(demand)
    groups: list[_Group] = []
    for load in demand.workloads:
        if load.per_node:
            groups += [
                _Group([load], frozenset(), node=node.name)
                for node in room.nodes
                if load.rules.takes(node.name, node.labels, node.taints)
            ]
        count = 0 if load.per_node else load.replicas
        if load is passing or (count and load.passing and load.shy):
            # Where replicas may not meet, the new one of a rollout needs a node of its own too.
            count += load.passing
        claims = claims_of(load, free_to_roam)
        if apart:
            groups += [_Group([load], claims) for _ in range(count)]
        elif count:
            groups.append(_Group([load], claims, count))
    return groups


def _joined(groups: Sequence[_Group]) -> list[_Group]:
    """Groups that must share a node become one.

    Where pods demand company, all pods they could keep company with are joined. That is exact when
    those demand it too, as pods that share a volume do, and else stricter than the scheduler: it
    may call a plan too large that would run, never the other way round.
    """
    companies: list[_Group] = list(groups)
    demanded = {peers for g in groups for load in g.loads for peers in load.rules.together}
    claims = {claim for group in groups for claim in group.claims}
    for claim in sorted(claims):
        companies = _merge(companies, [g for g in companies if claim in g.claims])
    for peers in sorted(demanded, key=repr):
        companies = _merge(companies, [g for g in companies if g.belongs_to(peers)])
    return companies


def _merge(groups: list[_Group], inside: list[_Group]) -> list[_Group]:
    if not inside or (len(inside) == 1 and inside[0].bound):
        return groups
    outside = [group for group in groups if group not in inside]
    loads = [load for group in inside for load in group.pods]
    claims = frozenset(claim for group in inside for claim in group.claims)
    return [*outside, _Group(loads, claims, bound=True)]


def _unit(group: _Group, nodes: int, wanted: set[Peers], careful: bool) -> Unit:
    marked = any(
        load.passing or any(peers.include(load.rules) for peers in wanted) for load in group.loads
    )
    if group.copies > 1:
        load = group.loads[0]
        return Unit(ways(load, group.copies, nodes, marked=marked, careful=careful))
    bundle = bundle_of(group.loads, group.claims, group.node, marked=marked, careful=careful)
    return Unit((Way(1, bundle),))
