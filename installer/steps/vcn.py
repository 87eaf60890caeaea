"""Makes sure of the virtual network."""

from __future__ import annotations

import re
from collections.abc import Sequence

from installer.engine.errors import AnswersError
from installer.engine.step import Context, Seen
from installer.oracle.network import Networks, Vcn
from installer.oracle.private_gateways import PrivateGateways
from installer.oracle.resource import Started
from installer.oracle.subnets import lay_out
from installer.oracle.wanted import ClusterPlan, NetworkPlan
from installer.steps.network_part import stay_in_place
from installer.steps.oracle_resource import COMPARTMENT, OpenAccount, OracleResource

# Oracle's limit for a DNS label; letters and digits, a letter first.
_LABEL_LENGTH = 15


class VirtualNetwork(OracleResource[Vcn]):
    """The network everything lives in."""

    id = "vcn"
    title = "Virtual network"
    needs: tuple[str, ...] = (COMPARTMENT,)
    usually = 2.0
    noun = "network"
    kind = "vcn"
    suffix = "vcn"

    def __init__(
        self, account: OpenAccount, plan: NetworkPlan, cluster: ClusterPlan | None = None
    ) -> None:
        super().__init__(account)
        self._plan = plan
        self._cluster = cluster or ClusterPlan()

    def look(self, ctx: Context) -> Seen:
        """As usual, unless the installation stands in a network that was given."""
        stay_in_place(ctx, "")
        return super().look(ctx)

    def get(self, ctx: Context, resource_id: str) -> Vcn | None:  # noqa: ARG002
        """By id."""
        return self._all().vcns.get(resource_id)

    def named(self, ctx: Context, name: str) -> Sequence[Vcn]:
        """In the compartment."""
        return self._all().vcns.all(self.compartment(ctx), name=name)

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """Refuses blocks that cannot carry the three subnets before anything is made."""
        lay_out(self._plan, self._cluster)
        made = self._all().create_vcn(
            self.compartment(ctx),
            name,
            self._plan.cidr,
            dns_label(ctx.installation.name),
            self.tags(ctx),
            retry_token,
        )
        return Started(made)

    def delete(self, ctx: Context, found: Vcn) -> str:  # noqa: ARG002
        """Its own defaults go with it."""
        self._all().vcns.delete(found.id)
        return ""

    def remove(self, ctx: Context, found: Vcn) -> None:
        """After what other answers than today's once put into it."""
        gateways, where = PrivateGateways(self.account()), self.compartment(ctx)

        def check() -> str | None:
            left = gateways.clear(where, found.id, ctx.installation.id)
            return f"{', '.join(left)} is going" if left else None

        ctx.wait(f"an empty network {found.name}", check, self.every, 1.0, self.at_most)
        super().remove(ctx, found)

    def differences(self, ctx: Context, found: Vcn) -> tuple[str, ...]:  # noqa: ARG002
        """Its address block."""
        if self._plan.cidr in found.cidrs:
            return ()
        return (f"address block {', '.join(found.cidrs)} instead of {self._plan.cidr}",)

    def repair(self, ctx: Context, found: Vcn) -> None:  # noqa: ARG002
        """An address block cannot be changed under running subnets."""
        raise AnswersError(
            f"The network {found.name} has the address block {', '.join(found.cidrs)}.",
            f"The answers ask for {self._plan.cidr}, and a network in use cannot change it.",
            f"Set cluster.vcn_cidr to {found.cidrs[0]}, or destroy the installation first.",
        )

    def make(self, ctx: Context, seen: Seen) -> None:
        """Check the addresses before the first write."""
        lay_out(self._plan, self._cluster)
        super().make(ctx, seen)

    def _all(self) -> Networks:
        return Networks(self.account())


def dns_label(name: str) -> str:
    """A name in the form of a DNS label of Oracle's networks."""
    return re.sub(r"[^a-z0-9]", "", name.lower())[:_LABEL_LENGTH]
