"""Makes sure that our namespaces exist; to remove them is to remove everything in the cluster."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.step import Condition, Context, Seen
from installer.kube.objects import Ref, ref_of
from installer.steps.kube_step import Body, Connect, KubeStep, ReadinessWatch

NAMESPACES = "namespaces"


class Namespaces(KubeStep):
    """Our namespaces with their Pod Security levels."""

    id = NAMESPACES
    title = "Namespaces"
    usually = 2.0

    def __init__(self, connect: Connect, bodies: Sequence[Body], needs: Sequence[str] = ()) -> None:
        super().__init__(connect)
        self._bodies = tuple(bodies)
        self._refs = tuple(ref_of(body) for body in bodies)
        self.needs = tuple(needs)

    def look(self, ctx: Context) -> Seen:
        """Compare; without any namespace of ours also look for what an old removal left."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        comparison = cluster.compare(self._bodies, stamp)
        if comparison.not_ours:
            return Seen(Condition.NOT_OURS, "; ".join(comparison.not_ours))
        if len(comparison.absent) == len(self._refs):
            left = [owned.ref.words for owned in cluster.inventory(stamp)]
            if left:
                words = f"{len(left)} objects of ours are left, such as {left[0]}"
                return Seen(Condition.DIFFERENT, words, (words,))
            return Seen(Condition.ABSENT)
        changes = (*(f"{ref.words} is missing" for ref in comparison.absent), *comparison.changes)
        changes += tuple(f"{ref.words} is being deleted" for ref in self._leaving(ctx))
        if changes:
            return Seen(Condition.DIFFERENT, changes[0], changes)
        return Seen(Condition.AS_WANTED, ", ".join(ref.name for ref in self._refs))

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Create or repair; one that is on its way out is made again when it is gone."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        for ref in self._leaving(ctx):
            ctx.wait(
                f"the old {ref.words} to be gone",
                lambda ref=ref: _still_leaving(cluster.get(ref) is not None),  # type: ignore[misc]
                every=3.0,
                usually=20.0,
            )
        cluster.apply(self._bodies, stamp)
        ReadinessWatch(cluster, stamp, ctx, self._refs).wait(self.usually)

    def unmake(self, ctx: Context) -> None:
        """Remove all that is ours in the cluster, balancers and volumes first."""
        self.cluster(ctx).delete_all(self.stamp(ctx), ctx.wait, ctx.note)

    def _leaving(self, ctx: Context) -> list[Ref]:
        found = self.cluster(ctx).readiness_of(self._refs, self.stamp(ctx))
        return [ref for ref, one in found.items() if not one.done and "deleted" in one.words]


def _still_leaving(there: bool) -> str | None:
    return "it is still being deleted" if there else None
