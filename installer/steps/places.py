"""Gives each machine its place in the plan, as a label that the workloads are pinned to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from installer.engine.step import Condition, Context, Seen
from installer.kube.nodes import LiveNode
from installer.modules.pinning import PLACE_LABEL
from installer.steps.kube_step import Connect, KubeStep
from installer.steps.nodes_ready import NODES_READY

PLACES = "places"


class Places(KubeStep):
    """One machine for each place. Only for machines of our own, which go with their labels."""

    id = PLACES
    title = "Places on the machines"
    group = "Cluster"
    needs = (NODES_READY,)
    usually = 1.0

    def __init__(self, connect: Connect, places: Sequence[str]) -> None:
        super().__init__(connect)
        self._places = tuple(places)

    def look(self, ctx: Context) -> Seen:
        """Compare the labels; a machine that has a place keeps it."""
        changes = self._changes(ctx)
        if not changes:
            return Seen(Condition.AS_WANTED, f"{len(self._places)} places")
        lines = tuple(f"machine {node} becomes {place}" for node, place in changes.items())
        absent = len(changes) == len(self._places)
        return Seen(Condition.ABSENT if absent else Condition.DIFFERENT, changes=lines)

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Label the machines that have none yet, such as a replaced one."""
        for node, place in self._changes(ctx).items():
            ctx.checkpoint()
            self.cluster(ctx).label_node(node, {PLACE_LABEL: place})

    def unmake(self, ctx: Context) -> None:
        """The labels go with the machines."""

    def _changes(self, ctx: Context) -> dict[str, str]:
        nodes = self.cluster(ctx).nodes(with_pods=False)
        wanted = places_for([n for n in nodes if n.ready and n.schedulable], self._places)
        labels = {node.name: node.labels.get(PLACE_LABEL, "") for node in nodes}
        return {node: place for node, place in wanted.items() if labels[node] != place}


def places_for(nodes: Sequence[LiveNode], places: Sequence[str]) -> Mapping[str, str]:
    """Node -> place: what a node has it keeps, the rest is given out by name."""
    given: dict[str, str] = {}
    free = list(places)
    for node in sorted(nodes, key=lambda node: node.name):
        place = node.labels.get(PLACE_LABEL, "")
        if place in free:
            free.remove(place)
            given[node.name] = place
    homeless = [node.name for node in sorted(nodes, key=lambda n: n.name) if node.name not in given]
    return given | dict(zip(homeless, free, strict=False))
