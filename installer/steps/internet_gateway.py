"""Makes sure that the network has a way to the internet."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.step import Context
from installer.oracle.network import Gateway
from installer.oracle.network_parts import Parts
from installer.oracle.resource import Started
from installer.steps.network_part import NetworkPart


class InternetGateway(NetworkPart[Gateway]):
    """The one gateway of the layout: it works where an account's limit for NAT gateways is 0."""

    id = "internet-gateway"
    title = "Internet gateway"
    noun = "internet gateway"
    kind = "internetgateway"
    suffix = "gateway"

    def parts(self) -> Parts[Gateway]:
        """Those of the region."""
        return self.networks().gateways

    def lent(self, ctx: Context, compartment: str) -> Sequence[Gateway]:
        """A network has at most one."""
        return self.parts().all(compartment, self.vcn(ctx))

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """Switched on."""
        where = self.compartment(ctx), name, self.vcn(ctx)
        return Started(self.networks().create_gateway(*where, self.tags(ctx), retry_token))

    def differences(self, ctx: Context, found: Gateway) -> tuple[str, ...]:  # noqa: ARG002
        """It can be switched off."""
        return () if found.enabled else ("switch the internet gateway on",)

    def repair(self, ctx: Context, found: Gateway) -> None:  # noqa: ARG002
        """Switch it on."""
        self.networks().enable_gateway(found.id)
