"""Makes sure that nothing of ours is left that nobody wants any more; what holds data stays."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from installer.engine.step import Condition, Context, Seen
from installer.kube.objects import Ref
from installer.steps.kube_step import Connect, KubeStep

TIDY = "tidy"


class Tidy(KubeStep):
    """Prunes: objects with our label that are not among `wanted` go, except what holds data."""

    id = TIDY
    title = "Nothing left over"
    usually = 5.0

    def __init__(self, connect: Connect, wanted: Collection[Ref], needs: Sequence[str]) -> None:
        super().__init__(connect)
        self._wanted = frozenset(wanted)
        self.needs = tuple(needs)

    def look(self, ctx: Context) -> Seen:
        """Compare what carries our label with what is wanted."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        if not cluster.inventory(stamp):
            return Seen(Condition.ABSENT, "nothing of ours is in the cluster")
        found = cluster.superfluous(stamp, self._wanted)
        kept = _kept_words(found.kept)
        if found.removable:
            lines = tuple(f"{one.ref.words} is not wanted any more" for one in found.removable)
            return Seen(Condition.DIFFERENT, kept or lines[0], lines)
        return Seen(Condition.AS_WANTED, kept)

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Remove what is not wanted; say what is kept."""
        found = self.cluster(ctx).prune(self.stamp(ctx), self._wanted, ctx.wait)
        if found.kept:
            ctx.note(_kept_words(found.kept))

    def unmake(self, ctx: Context) -> None:
        """A removal begins here: everything goes, or nothing when somebody has guests with us."""
        self.cluster(ctx).delete_all(self.stamp(ctx), ctx.wait, ctx.note)


def _kept_words(kept: Sequence[Ref]) -> str:
    if not kept:
        return ""
    named = ", ".join(ref.words for ref in kept)
    return f"Not wanted any more, but kept because it may hold data: {named}"
