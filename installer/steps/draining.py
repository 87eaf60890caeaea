"""Empties a machine of our own before it is let go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from installer.engine.errors import ClusterError, InstallError
from installer.engine.step import Context
from installer.kube.cluster import Cluster
from installer.kube.draining import PodOnNode
from installer.kube.stamp import Stamp

# Opens the cluster for one piece of work; it is closed after that.
Connect = Callable[[Context], AbstractContextManager[Cluster]]
# A pod has half a minute to end, a database some minutes; a budget that says no for longer than
# this will not change its mind while we wait.
_PATIENCE = 15 * 60.0
# So long a budget may hold pods of ours back when there is no other machine they could go to: then
# it forbids what was asked for, and waiting does not help.
_NOWHERE_TO_GO = 60.0
_DETACHING = 10 * 60.0
_MOST_NAMED = 4
_SYSTEM = "kube-system"


class Draining:
    """Closes the node of a machine, evicts its pods and waits for its volumes to be detached."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def carried(self, ctx: Context, machine: str) -> tuple[str, ...]:
        """Pods on the machine (an OCID) that somebody would miss, as namespace/name.

        Those of the cluster itself are no reason to keep a machine.
        """
        stamp = _stamp(ctx)
        with self._connect(ctx) as cluster:
            node = cluster.node_of(machine, stamp)
            pods = cluster.pods_to_leave(node, stamp) if node else []
        return tuple(pod.words for pod in pods if pod.namespace != _SYSTEM)

    def has_joined(self, ctx: Context, machine: str) -> bool:
        """Whether the cluster shows a node on the machine; yes where nobody can say."""
        try:
            with self._connect(ctx) as cluster:
                return bool(cluster.node_of(machine, _stamp(ctx)))
        except InstallError:
            return True

    def drain(self, ctx: Context, machine: str) -> None:
        """Empty it; a machine that never joined has nothing on it.

        Raises ClusterError, with the node open again, when something keeps its pods or volumes.
        """
        stamp = _stamp(ctx)
        with self._connect(ctx) as cluster:
            node = cluster.node_of(machine, stamp)
            if node:
                _refuse_orphans(node, cluster.pods_to_leave(node, stamp))
                self._empty(ctx, cluster, node)

    def _empty(self, ctx: Context, cluster: Cluster, node: str) -> None:
        stamp = _stamp(ctx)
        cluster.close_node(node, stamp)
        try:
            emptying = _Emptying(ctx, cluster, stamp, node)
            ctx.wait(f"the pods on {node} to leave", emptying, usually=90.0, at_most=2 * _PATIENCE)
            ctx.wait(
                f"the volumes of {node} to be detached",
                lambda: _volumes(cluster.attached_to(node, stamp)),
                usually=30.0,
                at_most=_DETACHING,
            )
        except InstallError:
            # A closed node with nowhere else to go would keep the platform down for nothing.
            cluster.close_node(node, stamp, closed=False)
            raise


class _Emptying:
    """One round of evictions each time it is asked; None when the node is empty."""

    def __init__(self, ctx: Context, cluster: Cluster, stamp: Stamp, node: str) -> None:
        self._ctx, self._cluster, self._stamp, self._node = ctx, cluster, stamp, node
        self._held_since = 0.0

    def __call__(self) -> str | None:
        pods = self._cluster.pods_to_leave(self._node, self._stamp)
        if not pods:
            return None
        held = self._cluster.evict(pods, self._stamp)
        if not held:
            self._held_since = 0.0
            return f"{_named(pods)} still ending"
        self._insist(held)
        return "; ".join(f"{pod.words}: {pod.held}" for pod in held[:_MOST_NAMED])

    def _insist(self, held: Sequence[PodOnNode]) -> None:
        """Budgets are kept for as long as keeping them can come to something."""
        self._held_since = self._held_since or time.monotonic()
        waited = (time.monotonic() - self._held_since) / self._ctx.pace
        if waited > _PATIENCE:
            raise _kept(self._node, held)
        if waited < _NOWHERE_TO_GO or self._cluster.has_another_node(self._node, self._stamp):
            return
        for pod in held:
            if pod.ours:
                self._ctx.note(
                    f"There is no other machine for {pod.words}, so its disruption budget cannot "
                    "be kept; it is ended as agreed and comes back on the new machine."
                )
                self._cluster.delete_pod(pod, self._stamp)


def _stamp(ctx: Context) -> Stamp:
    return Stamp(ctx.installation.id, ctx.installation.name)


def _named(pods: Sequence[PodOnNode]) -> str:
    words = [pod.words for pod in pods]
    more = f" and {len(words) - _MOST_NAMED} more" if len(words) > _MOST_NAMED else ""
    return f"{', '.join(words[:_MOST_NAMED])}{more}"


def _volumes(names: Sequence[str]) -> str | None:
    return f"{', '.join(names)} still attached" if names else None


def _refuse_orphans(node: str, pods: Sequence[PodOnNode]) -> None:
    lost = [pod for pod in pods if pod.orphan and not pod.ours]
    if lost:
        raise ClusterError(
            f"The machine of {node} is not replaced: somebody's pods on it would be lost.",
            f"Nothing would make them again: {_named(lost)}.",
            "Remove them or let a Deployment run them, then run the same command again. Nothing "
            "was changed.",
        )


def _kept(node: str, held: Sequence[PodOnNode]) -> ClusterError:
    reasons = "; ".join(f"{pod.words}: {pod.held}" for pod in held)
    return ClusterError(
        f"The machine of {node} could not be emptied, so it stays.",
        f"Disruption budgets hold its pods for {_PATIENCE / 60:.0f} minutes now. {reasons}",
        "The machine takes pods again. Run more copies of what the budget protects, or loosen the "
        "budget, then run the same command again.",
    )
