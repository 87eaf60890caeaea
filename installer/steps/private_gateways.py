"""Makes sure that machines without an address of the internet have their ways out."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.errors import AccountError, InstallError, NotOurs, Stopped, Temporary
from installer.engine.step import Context
from installer.oracle.network_parts import Parts
from installer.oracle.private_gateways import NatGateway, PrivateGateways, ServiceGateway
from installer.oracle.resource import Resource, Started
from installer.steps.network_part import N, NetworkPart
from installer.steps.route_table import LABEL_FACT, NAT, SERVICES
from installer.steps.subnet import stays_as_it_is, subnet_id


class PrivateGateway(NetworkPart[N]):
    """A gateway that only private nodes need, and that not every account may have."""

    def gateways(self) -> PrivateGateways:
        """The adapter."""
        return PrivateGateways(self.account())

    def start(self, ctx: Context) -> str:
        """Public nodes that are there already stay so: refused before anything is made for them."""
        name = f"{ctx.installation.name}-{subnet_id('nodes')}"
        for each in self.networks().subnets.all(self.compartment(ctx), self.vcn(ctx), name):
            if each.public and each.is_of(ctx.installation.id):
                raise stays_as_it_is(each)
        try:
            return super().start(ctx)
        except (Temporary, Stopped, NotOurs):
            raise
        except InstallError as error:
            if "LimitExceeded" not in error.why:
                raise
            raise AccountError(
                f"Oracle gives this account no {self.noun}.",
                error.why,
                "Set cluster.private_nodes to no: public nodes need no such gateway, and what is "
                "made so far is used for them. Trial and pay-as-you-go accounts have one, "
                "free-only accounts have none.",
            ) from error


class Nat(PrivateGateway[NatGateway]):
    """The way of private nodes to the internet; nobody comes in through it."""

    id = NAT
    title = "NAT gateway"
    noun = "NAT gateway"
    kind = "natgateway"
    suffix = "nat"

    def parts(self) -> Parts[NatGateway]:
        """Those of the region."""
        return self.gateways().nats

    def lent(self, ctx: Context, compartment: str) -> Sequence[NatGateway]:
        """Most accounts may have one in a network."""
        return self.parts().all(compartment, self.vcn(ctx))

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """Open, with an address that Oracle chooses."""
        where = self.compartment(ctx), name
        return Started(
            self.parts().create(*where, self.tags(ctx), retry_token, vcn_id=self.vcn(ctx))
        )

    def differences(self, ctx: Context, found: NatGateway) -> tuple[str, ...]:  # noqa: ARG002
        """It can be blocked."""
        return ("let traffic through the NAT gateway again",) if found.blocked else ()

    def repair(self, ctx: Context, found: NatGateway) -> None:  # noqa: ARG002
        """Open it."""
        self.gateways().open_nat(found.id)

    def told(self, ctx: Context, found: NatGateway) -> str:  # noqa: ARG002
        """The address that others see."""
        return f"{found.name}, the nodes appear as {found.address}" if found.address else found.name


class ToServices(PrivateGateway[ServiceGateway]):
    """The way of private nodes to Oracle's own services, registration with the cluster included."""

    id = SERVICES
    title = "Service gateway"
    noun = "service gateway"
    kind = "servicegateway"
    suffix = "services"

    def parts(self) -> Parts[ServiceGateway]:
        """Those of the region."""
        return self.gateways().service_gateways

    def lent(self, ctx: Context, compartment: str) -> Sequence[ServiceGateway]:
        """A network has at most one."""
        return self.parts().all(compartment, self.vcn(ctx))

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """To all services of the region."""
        where = self.compartment(ctx), name, self.vcn(ctx), self._services(ctx)
        return Started(self.gateways().create_service_gateway(*where, self.tags(ctx), retry_token))

    def differences(self, ctx: Context, found: ServiceGateway) -> tuple[str, ...]:
        """It can be blocked, or lead to fewer services."""
        if not found.blocked and self._services(ctx) in found.services:
            return ()
        return ("let traffic to all of Oracle's services through again",)

    def repair(self, ctx: Context, found: ServiceGateway) -> None:
        """Open it."""
        self.gateways().open_service_gateway(found.id, self._services(ctx))

    def learned(self, ctx: Context, found: Resource) -> None:  # noqa: ARG002
        """Its route names the services by their label."""
        self._services(ctx)

    def _services(self, ctx: Context) -> str:
        """OCID of the set of all services; asked once, for it is the same in every run."""
        known = ctx.recall("services")
        if not known or not ctx.recall(LABEL_FACT):
            found = self.gateways().all_services()
            ctx.remember(LABEL_FACT, found.label)
            ctx.remember("services", found.id)
            known = found.id
        return known
