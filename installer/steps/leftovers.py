"""Makes sure that a removal leaves nothing behind that Kubernetes made at Oracle.

Stands between the subnets and the cluster: in an installation it has nothing to do, in a removal
its turn comes when the cluster is gone and the subnets are still there.
"""

from __future__ import annotations

from installer.engine.errors import NotOurs
from installer.engine.step import Condition, Context, Seen, Step
from installer.oracle.leftovers import Leftover, Leftovers
from installer.oracle.resource import Life
from installer.steps.network_part import GIVEN_FACT
from installer.steps.oracle_resource import COMPARTMENT, OpenAccount
from installer.steps.subnet import subnet_id

LEFTOVERS = "leftovers"
_CLUSTER = "cluster"
_SUBNETS = (subnet_id("api"), subnet_id("nodes"), subnet_id("balancers"))


def tagged(
    adapter: Leftovers, ctx: Context, compartment: str, *, boot_volumes: bool
) -> list[Leftover]:
    """Everything of ours in a compartment that Kubernetes made, or that its machines left."""
    reads = [adapter.balancers, adapter.volumes]
    if boot_volumes:
        reads.append(adapter.boot_volumes)
    found = [each for read in reads for each in read(compartment)]
    return [each for each in found if each.is_of(ctx.installation.id)]


def sweep(adapter: Leftovers, ctx: Context, compartment: str) -> None:
    """Remove them and wait until they are gone."""

    def check() -> str | None:
        left = tagged(adapter, ctx, compartment, boot_volumes=True)
        for each in left:
            if each.life is not Life.GOING:
                adapter.remove(each)
        return ", ".join(each.words for each in left) or None

    ctx.wait("balancers and volumes to be gone", check, 5.0, 90.0, 3600.0)


class NothingLeftBehind(Step):
    """Block volumes (retained ones too) and balancers that carry our tag."""

    id = LEFTOVERS
    title = "Balancers and volumes made by Kubernetes"
    group = "Cluster"
    needs: tuple[str, ...] = _SUBNETS
    usually = 1.0
    looks_alone = True

    def __init__(self, account: OpenAccount) -> None:
        self._account = account

    def look(self, ctx: Context) -> Seen:
        """Says what there is; during an installation all of it is meant to be there."""
        compartment = ctx.recall("id", COMPARTMENT)
        if not compartment:
            return Seen(Condition.ABSENT)
        adapter = Leftovers(self._account())
        found = tagged(adapter, ctx, compartment, boot_volumes=False)
        if ctx.removing and not found and not self._may_have_made(ctx):
            return Seen(Condition.ABSENT)
        return Seen(Condition.AS_WANTED, ", ".join(each.words for each in found) or "none")

    def make(self, ctx: Context, seen: Seen) -> None:
        """Kubernetes makes them, not we."""

    def unmake(self, ctx: Context) -> None:
        """Remove what is ours; raises NotOurs when a stranger's balancer blocks our subnets."""
        compartment = ctx.recall("id", COMPARTMENT) or ""
        sweep(Leftovers(self._account()), ctx, compartment)
        self._refuse_strangers(ctx, compartment)

    def _may_have_made(self, ctx: Context) -> bool:
        return bool(self._our_subnets(ctx) or ctx.recall("id", _CLUSTER))

    def _our_subnets(self, ctx: Context) -> set[str]:
        """Not those that were given: in them others may have what they like."""
        ours = (each for each in _SUBNETS if not ctx.recall(GIVEN_FACT, each))
        return {ctx.recall("id", subnet) or "" for subnet in ours} - {""}

    def _refuse_strangers(self, ctx: Context, compartment: str) -> None:
        ours = self._our_subnets(ctx)
        for each in Leftovers(self._account()).balancers(compartment):
            if ours & set(each.subnets):
                raise NotOurs(
                    f"The {each.noun} {each.name} uses a subnet of this installation.",
                    f"Its tags do not name it as ours ({each.owner}): {each.id}",
                    "Remove it in Oracle's console if nobody needs it, then run the same command "
                    "again.",
                )
