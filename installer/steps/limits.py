"""Makes sure that the account has room for all of the plan, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.errors import AccountError
from installer.engine.step import Condition, Context, Seen, Step
from installer.oracle.compartment import Compartments
from installer.oracle.limits import (
    ADDRESSES,
    CLUSTERS,
    CORES,
    FLEXIBLE,
    FREE_STORAGE,
    MEMORY,
    NAT,
    NETWORK_BALANCERS,
    NETWORKS,
    LimitsReader,
    Needs,
    Shortage,
    is_suspended,
    shortages,
)
from installer.oracle.own import NOTHING_OWN, held_by
from installer.oracle.wanted import is_ocid
from installer.steps.oracle_resource import COMPARTMENT, OpenAccount

LIMITS = "limits"
_SUSPENDED = "every limit of the account is 0, as in an account that Oracle has suspended"


class LimitsSuffice(Step):
    """Reads the service limits the plan depends on; what is ours already does not count again."""

    id = LIMITS
    title = "Room in the account's limits"
    group = "Account"
    needs = ("account",)
    usually = 5.0
    checks_only = True

    def __init__(self, account: OpenAccount, needs: Needs, compartment: str) -> None:
        self._account = account
        self._wanted = needs
        self._compartment = compartment
        self._lacking: tuple[Shortage, ...] = ()

    def look(self, ctx: Context) -> Seen:
        """Compare; a removal has no need of it."""
        if ctx.removing:
            return Seen(Condition.AS_WANTED, "not asked for a removal")
        own = self._own(ctx, ctx.recall("id", COMPARTMENT) or "")
        if _covered(self._wanted, own):
            return Seen(Condition.AS_WANTED, "all that counts is there already")
        readings = LimitsReader(self._account()).read(self._wanted)
        lacking = shortages(readings, self._wanted, own)
        if lacking and own is NOTHING_OWN:
            # Before giving up: with a lost state, what is in the way may be our own.
            lacking = shortages(readings, self._wanted, self._own(ctx, self._place(ctx)))
        self._lacking = lacking
        if not lacking:
            return Seen(Condition.AS_WANTED, "enough is left of each")
        if is_suspended(readings):
            return Seen(Condition.DIFFERENT, _SUSPENDED, (_SUSPENDED,))
        lines = tuple(each.words for each in lacking)
        return Seen(Condition.DIFFERENT, f"{len(lines)} limits are too small", lines)

    def _own(self, ctx: Context, compartment: str) -> Needs:
        return held_by(
            self._account(),
            compartment,
            ctx.installation.id,
            ctx.installation.name,
            gateways=bool(self._wanted.nat_gateways),
            addresses=bool(self._wanted.addresses),
        )

    def _place(self, ctx: Context) -> str:
        """Our compartment, found by its tag when this machine does not know it yet."""
        if is_ocid(self._compartment):
            return self._compartment
        found = Compartments(self._account()).named(self._compartment)
        ours = (each for each in found if each.is_of(ctx.installation.id))
        return next((each.id for each in ours), "")

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002 - there is nothing to make
        """Only reached when something lacks; raises AccountError before any write."""
        raise AccountError(
            "The limits of this Oracle account leave no room for the plan.",
            "\n".join(("Checked before anything was made:", *seen.changes)),
            "\n".join(_choices(seen, self._lacking)),
        )

    def unmake(self, ctx: Context) -> None:
        """Nothing was made."""


def _covered(wanted: Needs, own: Needs) -> bool:
    pairs = (
        (wanted.clusters, own.clusters),
        (wanted.ocpus, own.ocpus),
        (wanted.memory_gb, own.memory_gb),
        (wanted.storage_gb, own.storage_gb),
        (wanted.flexible_balancers, own.flexible_balancers),
        (wanted.network_balancers, own.network_balancers),
        (wanted.networks, own.networks),
        (wanted.nat_gateways, own.nat_gateways),
        (wanted.addresses, own.addresses),
    )
    return all(needed <= there for needed, there in pairs)


def _choices(seen: Seen, lacking: Sequence[Shortage]) -> list[str]:
    """What a person can do about it."""
    if seen.words == _SUSPENDED:
        return ["Ask Oracle's support why; nothing can be made before that is settled."]
    found = [_REMEDIES[each.what] for each in lacking if each.what in _REMEDIES]
    return [*found, *_ALWAYS]


_REMEDIES = {
    CLUSTERS: "Kubernetes clusters: accounts whose trial is over and that were not upgraded "
    "usually have a limit of 0; trial and pay-as-you-go accounts have at least 1. Upgrade to "
    "pay-as-you-go (what is inside the free allowance stays free), or remove a cluster that "
    "nobody needs, or choose another region.",
    CORES: "A1 OCPUs: remove machines nobody needs, or choose a smaller cluster.node_ocpus. A "
    "machine that failed to start can hold its part for about an hour.",
    MEMORY: "A1 memory: remove machines nobody needs, or choose a smaller cluster.node_memory_gb.",
    FREE_STORAGE: "Free storage: remove boot and block volumes nobody needs (those of deleted "
    "machines often stay), plan for less, or agree to a bill in money.accept_monthly_usd.",
    NETWORKS: "Virtual networks: remove one nobody needs.",
    FLEXIBLE: "Load balancers: remove one nobody needs, or use the network load balancer.",
    NETWORK_BALANCERS: "Network load balancers: remove one nobody needs.",
    NAT: "NAT gateways: set cluster.private_nodes to no, for public nodes need none. Trial and "
    "pay-as-you-go accounts have at least 1, free-only accounts have none.",
    ADDRESSES: "Reserved addresses: give one back that nobody needs, or set place.reserved_ip to "
    "auto, which does without.",
}
_ALWAYS = (
    "Oracle raises limits of trial and pay-as-you-go accounts on request.",
    "Or use target 'existing' with a cluster of your own.",
)
