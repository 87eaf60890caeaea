"""Makes sure that enough nodes are ready to run pods."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.step import Condition, Context, Seen
from installer.kube.nodes import LiveNode
from installer.steps.kube_step import Connect, KubeStep

NODES_READY = "nodes-ready"
_PATIENCE = 1800.0


class NodesReady(KubeStep):
    """Waits for nodes; makes nothing, so a removal has nothing to do here."""

    id = NODES_READY
    title = "Nodes are ready"
    group = "Cluster"
    usually = 90.0
    checks_only = True

    def __init__(self, connect: Connect, wanted: int, needs: Sequence[str] = ()) -> None:
        super().__init__(connect)
        self._wanted = wanted
        self.needs = tuple(needs)

    def look(self, ctx: Context) -> Seen:
        """Count the nodes that are ready and take new pods."""
        nodes = self.cluster(ctx).nodes(with_pods=False)
        if not nodes:
            return Seen(Condition.ABSENT, "the cluster has no nodes yet")
        reason = self._reason(nodes)
        if reason is None:
            return Seen(Condition.AS_WANTED, f"{len(_usable(nodes))} ready")
        return Seen(Condition.DIFFERENT, reason, (reason,))

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Wait until enough are ready; a machine needs some minutes to join."""
        ctx.wait(
            "the nodes to be ready",
            lambda: self._reason(self.cluster(ctx).nodes(with_pods=False)),
            every=5.0,
            usually=self.usually,
            at_most=_PATIENCE,
        )

    def unmake(self, ctx: Context) -> None:
        """Nothing was made."""

    def _reason(self, nodes: Sequence[LiveNode]) -> str | None:
        ready = len(_usable(nodes))
        if ready >= self._wanted:
            return None
        unready = [node.name for node in nodes if not node.ready]
        closed = [node.name for node in nodes if node.ready and not node.schedulable]
        words = f"{ready} of {self._wanted} nodes are ready"
        if unready:
            words += f"; not ready: {', '.join(unready)}"
        if closed:
            words += f"; closed for new pods: {', '.join(closed)}"
        return words


def _usable(nodes: Sequence[LiveNode]) -> list[LiveNode]:
    return [node for node in nodes if node.ready and node.schedulable]
