"""Nodes as they fill, and the bundles of pods that fill them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from installer.budget.amounts import Amounts, total
from installer.budget.demand import Origin, Workload
from installer.budget.room import NodeRoom
from installer.budget.rules import PodRules

Claims = frozenset[tuple[str, str]]
"""Claims by namespace and name."""


@dataclass(frozen=True)
class Bundle:
    """Pods that share a node, with what they ask of it together.

    `node` is the only node they may go to, for a DaemonSet's pods. `surge` are the pods
    more that rollouts of them need, one after the other, beside all that runs. `marked` bundles are
    those that pods which come and go want to be near to.
    """

    origins: tuple[Origin, ...]
    amounts: Amounts
    pods: int
    volumes: int
    rules: tuple[PodRules, ...]
    node: str = ""
    claims: Claims = frozenset()
    marked: bool = False
    surge: tuple[Amounts, ...] = ()

    @cached_property
    def title(self) -> str:
        """The objects in words."""
        return ", ".join(origin.words() for origin in self.origins)

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

    @cached_property
    def clashes_with_itself(self) -> bool:
        """Whether two of its own pods may not share a node."""
        rules = self.rules
        return self.picky and any(
            rules[i].clashes(rules[j]) for i in range(len(rules)) for j in range(i)
        )


def bundle_of(
    loads: list[Workload],
    claims: Claims,
    node: str = "",
    *,
    marked: bool = False,
    careful: bool = False,
) -> Bundle:
    """One pod of each load (a load may be named several times), with the volumes they mount.

    With `careful` it goes only where rollouts have room too.
    """
    first = loads[0]
    alike = all(load is first for load in loads)
    return Bundle(
        (first.origin,) if alike else tuple(dict.fromkeys(load.origin for load in loads)),
        first.pod * len(loads) if alike else total([load.pod for load in loads]),
        len(loads),
        len(claims) + sum(load.own_volumes for load in loads),
        tuple(load.rules for load in loads),
        node,
        claims,
        marked,
        _surge(loads) if careful else (),
    )


def _surge(loads: list[Workload]) -> tuple[Amounts, ...]:
    return _largest([load.pod for load in loads if load.passing and not load.shy])


def _largest(amounts: Sequence[Amounts]) -> tuple[Amounts, ...]:
    """Without those that another one covers: where that finds room, they do."""
    kept: list[Amounts] = []
    for one in amounts:
        if not any(other.covers(one) for other in kept):
            kept = [other for other in kept if not one.covers(other)]
            kept.append(one)
    return tuple(kept)


@dataclass(frozen=True)
class Seat:
    """A node as it fills."""

    node: NodeRoom
    free: Amounts
    pods: int
    volumes: int
    inside: tuple[Bundle, ...] = ()
    picky: tuple[Bundle, ...] = ()
    claims: Claims = frozenset()
    marks: frozenset[str] = frozenset()
    spare: tuple[Amounts, ...] = ()

    def takes(self, bundle: Bundle) -> bool:
        """Whether the bundle may go here and finds room beside what is inside."""
        return (
            bundle.pods <= self.pods
            and (bundle.volumes == 0 or bundle.volumes <= self.volumes)
            and bundle.amounts.within(self.free)
            and self._rollouts_have_room(bundle)
            and bundle.could_go_to(self.node)
            and not any(
                _clash(bundle, other) for other in (self.inside if bundle.picky else self.picky)
            )
        )

    def _rollouts_have_room(self, bundle: Bundle) -> bool:
        if not self.spare and not bundle.surge:
            return True
        left = self.free - bundle.amounts
        return bundle.pods < self.pods and all(
            spare.within(left) for spare in (*self.spare, *bundle.surge)
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
            self.marks | {bundle.title} if bundle.marked else self.marks,
            _largest([*self.spare, *bundle.surge]) if bundle.surge else self.spare,
        )

    @property
    def emptiness(self) -> tuple[int, int, str]:
        """Sorts seats by what is left; the name decides between equals."""
        return self.free.cpu_milli, self.free.memory_bytes, self.node.name


def _clash(one: Bundle, other: Bundle) -> bool:
    return any(a.clashes(b) for a in one.rules for b in other.rules)
