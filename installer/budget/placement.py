"""Which pod goes to which node, decided exactly for the small clusters this installer makes.

Pods that mount the same volume go together, since Oracle's volumes attach to one node at a time;
so do pods that demand each other's company. The search is complete up to a number of steps; where
it gives up it says so and promises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from installer.budget.amounts import Amounts, total
from installer.budget.demand import Demand, Workload
from installer.budget.room import NodeRoom, Room
from installer.budget.rules import HOSTNAME, NO_RULES, SPREAD, Peers, PodRules

MOST_STEPS = 4000
"""Tries after which the search gives up, and then promises nothing."""

DEEPEST = 500
"""More bundles than this are placed greedily or not at all."""


@dataclass(frozen=True)
class Bundle:
    """Pods that must share a node, with what they ask of it together."""

    title: str
    amounts: Amounts
    pods: int
    volumes: int
    rules: tuple[PodRules, ...]
    node: str = ""
    claims: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def picky(self) -> bool:
        """Whether it matters which other pods share the node."""
        return any(rule.apart or rule.host_ports for rule in self.rules)

    @cached_property
    def anywhere(self) -> bool:
        """Whether every node without taints may hold it."""
        return not self.node and not any(rule.node_name or rule.node_terms for rule in self.rules)

    def could_go_to(self, node: NodeRoom) -> bool:
        """Whether the node's labels and taints let all of them in."""
        if self.anywhere and not node.taints:
            return True
        if self.node and self.node != node.name:
            return False
        return all(rule.takes(node.name, node.labels, node.taints) for rule in self.rules)


@dataclass(frozen=True)
class Seat:
    """A node as it fills."""

    node: NodeRoom
    free: Amounts
    pods: int
    volumes: int
    inside: tuple[Bundle, ...] = ()
    picky: tuple[Bundle, ...] = ()
    claims: frozenset[tuple[str, str]] = frozenset()

    def takes(self, bundle: Bundle) -> bool:
        """Whether the bundle may go here and finds room beside what is inside."""
        return (
            bundle.pods <= self.pods
            and (bundle.volumes == 0 or bundle.volumes <= self.volumes)
            and bundle.amounts.within(self.free)
            and bundle.could_go_to(self.node)
            and not any(
                _clash(bundle, other) for other in (self.inside if bundle.picky else self.picky)
            )
        )

    def with_(self, bundle: Bundle) -> Seat:
        """The same node with the bundle inside."""
        return Seat(
            self.node,
            self.free - bundle.amounts,
            self.pods - bundle.pods,
            self.volumes - bundle.volumes,
            (*self.inside, bundle),
            (*self.picky, bundle) if bundle.picky else self.picky,
            self.claims | bundle.claims if bundle.claims else self.claims,
        )


@dataclass(frozen=True)
class Placement:
    """Where every bundle goes, or the sentences that say why there is no way."""

    seats: tuple[Seat, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything has a node."""
        return not self.problems

    @property
    def where(self) -> tuple[tuple[Bundle, str], ...]:
        """Every bundle with the name of its node."""
        return tuple((bundle, seat.node.name) for seat in self.seats for bundle in seat.inside)


def place(demand: Demand, room: Room, *, passing: Workload | None = None) -> Placement:
    """Find a node for every pod that runs all the time, and for those of `passing` beside them."""
    groups = _groups(demand, room, passing)
    lonely = _lonely(groups)
    if lonely:
        return Placement(problems=lonely)
    bundles = [*_cluster_bundles(room), *(group.bundle() for group in _joined(groups))]
    homeless = [b for b in bundles if not any(b.could_go_to(node) for node in room.nodes)]
    if homeless:
        return Placement(problems=tuple(_no_node_wanted(bundle) for bundle in homeless))
    itself = [bundle for bundle in bundles if _clashes_with_itself(bundle)]
    if itself:
        return Placement(
            problems=tuple(f"{b.title} may not share a node, but must" for b in itself)
        )
    return _Search(room.nodes, bundles).run()


def passing_problems(demand: Demand, room: Room, placed: Placement) -> list[str]:
    """Jobs and rollouts that would find no room, each by itself, beside all that runs."""
    problems = []
    for load in demand.passing:
        if not _finds_a_seat(load, placed):
            problems += [
                f"{load.passing_words} of {load.origin.words()} finds no room: {problem}"
                for problem in place(demand, room, passing=load).problems
            ]
    return problems


def _finds_a_seat(load: Workload, placed: Placement) -> bool:
    """Whether its pods fit into what the found placement leaves, without moving anything."""
    claims = {(load.origin.namespace, claim) for claim in load.claims}
    group = _Group([load] * load.passing, set()).bundle()
    for seat in placed.seats:
        if claims <= seat.claims and _has_company(load, seat) and seat.takes(group):
            return True
    return False


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


def _cluster_bundles(room: Room) -> list[Bundle]:
    return [Bundle(pod.name, pod.amounts, 1, 0, (NO_RULES,)) for pod in room.cluster_pods]


def _groups(demand: Demand, room: Room, passing: Workload | None) -> list[_Group]:
    free_to_roam = {
        (volume.namespace, volume.name) for volume in demand.volumes if volume.on_many_nodes
    }
    groups: list[_Group] = []
    for load in demand.workloads:
        if load.per_node:
            groups.extend(_on_every_node(load, room))
        count = 0 if load.per_node else load.replicas
        count += load.passing if load is passing else 0
        claims = {(load.origin.namespace, claim) for claim in load.claims} - free_to_roam
        groups.extend(_Group([load], set(claims)) for _ in range(count))
    return groups


def _has_company(load: Workload, seat: Seat) -> bool:
    return all(
        any(peers.include(rules) for bundle in seat.inside for rules in bundle.rules)
        for peers in load.rules.together
    )


@dataclass(eq=False)
class _Group:
    loads: list[Workload]
    claims: set[tuple[str, str]]
    node: str = ""

    def belongs_to(self, peers: Peers) -> bool:
        """Whether one of the pods is such a peer, or demands one (never a DaemonSet's pod)."""
        return not self.node and any(
            peers in load.rules.together or peers.include(load.rules) for load in self.loads
        )

    def bundle(self) -> Bundle:
        own = sum(load.own_volumes for load in self.loads)
        names = dict.fromkeys(load.origin.words() for load in self.loads)
        return Bundle(
            ", ".join(names),
            total([load.pod for load in self.loads]),
            len(self.loads),
            len(self.claims) + own,
            tuple(load.rules for load in self.loads),
            self.node,
            frozenset(self.claims),
        )


def _on_every_node(load: Workload, room: Room) -> list[_Group]:
    return [
        _Group([load], set(), node.name)
        for node in room.nodes
        if load.rules.takes(node.name, node.labels, node.taints)
    ]


def _lonely(groups: Sequence[_Group]) -> tuple[str, ...]:
    """Sentences about pods that demand the company of pods that do not exist."""
    pods = [load.rules for group in groups for load in group.loads]
    found = [
        f"{load.origin.words()} must share a node with pods that are not in the plan"
        for group in groups
        for load in group.loads
        if not all(any(peers.include(pod) for pod in pods) for peers in load.rules.together)
    ]
    return tuple(dict.fromkeys(found))


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
    if len(inside) < 2:
        return groups
    outside = [group for group in groups if group not in inside]
    loads = [load for group in inside for load in group.loads]
    return [*outside, _Group(loads, {claim for group in inside for claim in group.claims})]


def _no_node_wanted(bundle: Bundle) -> str:
    return f"no node may hold {bundle.title}: its node selector, affinity or tolerations bar all"


def _clash(one: Bundle, other: Bundle) -> bool:
    return any(a.clashes(b) for a in one.rules for b in other.rules)


class _Search:
    """Largest bundle first: to the emptiest node, else to the fullest, else through all ways.

    The emptiest node comes first because it leaves room everywhere for jobs and rollouts, and
    because the scheduler prefers it too.
    """

    def __init__(self, nodes: Sequence[NodeRoom], bundles: Sequence[Bundle]) -> None:
        whole = total([node.free for node in nodes])
        self._bundles = sorted(bundles, key=lambda b: (not b.node, -_weight(b, whole), b.title))
        self._start = {n.name: Seat(n, n.free, n.pods, n.volumes) for n in nodes}
        self._alike = _alike(nodes, bundles)
        self._steps = 0
        self._deepest = 0

    def run(self) -> Placement:
        seats = self._greedily(emptiest=True)
        if seats is None and len(self._start) > 1:
            seats = self._greedily(emptiest=False)
        if seats is None and len(self._start) > 1 and len(self._bundles) <= DEEPEST:
            seats = self._settle(0, self._start)
        if seats is not None:
            return Placement(tuple(seats.values()))
        stuck = self._bundles[self._deepest]
        unfinished = self._steps > MOST_STEPS or len(self._bundles) > DEEPEST
        gave_up = unfinished and len(self._start) > 1
        tried = "no placement was found before giving up the search; " if gave_up else ""
        return Placement(problems=(tried + _stuck(stuck),))

    def _greedily(self, *, emptiest: bool) -> dict[str, Seat] | None:
        seats = dict(self._start)
        for at, bundle in enumerate(self._bundles):
            fitting = [seat for seat in seats.values() if seat.takes(bundle)]
            if not fitting:
                self._deepest = at
                return None
            seat = max(fitting, key=_emptiness) if emptiest else min(fitting, key=_emptiness)
            seats[seat.node.name] = seat.with_(bundle)
        return seats

    def _settle(self, at: int, seats: dict[str, Seat]) -> dict[str, Seat] | None:
        if at == len(self._bundles):
            return seats
        self._deepest = max(self._deepest, at)
        bundle = self._bundles[at]
        for seat in self._candidates(bundle, seats):
            self._steps += 1
            if self._steps > MOST_STEPS:
                return None
            found = self._settle(at + 1, {**seats, seat.node.name: seat.with_(bundle)})
            if found is not None:
                return found
        return None

    def _candidates(self, bundle: Bundle, seats: Mapping[str, Seat]) -> list[Seat]:
        fitting = [seat for seat in seats.values() if seat.takes(bundle)]
        fitting.sort(key=_emptiness)
        if not self._alike:
            return fitting
        # Nodes without a difference lead to the same end: trying one of them is enough.
        different = {(seat.free, seat.pods, seat.volumes, seat.picky): seat for seat in fitting}
        return list(different.values())


def _emptiness(seat: Seat) -> tuple[int, int, str]:
    return seat.free.cpu_milli, seat.free.memory_bytes, seat.node.name


def _clashes_with_itself(bundle: Bundle) -> bool:
    rules = bundle.rules
    return bundle.picky and any(
        rules[i].clashes(rules[j]) for i in range(len(rules)) for j in range(i)
    )


def _alike(nodes: Sequence[NodeRoom], bundles: Sequence[Bundle]) -> bool:
    """Whether nodes differ in nothing but name and room, and no pod asks for one by name."""
    kinds = {
        (tuple(sorted((k, v) for k, v in n.labels.items() if k != HOSTNAME)), n.taints)
        for n in nodes
    }
    by_name = any(
        rule.node_name or any(part.key == HOSTNAME for term in rule.node_terms for part in term)
        for bundle in bundles
        for rule in bundle.rules
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
