"""Makes sure that the subnets' traffic finds its gateways."""

from __future__ import annotations

from typing import ClassVar

from installer.engine.step import Context
from installer.oracle.network import Route, RouteTable
from installer.oracle.network_parts import Parts
from installer.oracle.resource import Started
from installer.oracle.wanted import ANYWHERE
from installer.steps.network_part import VCN, NetworkPart

GATEWAY, NAT, SERVICES = "internet-gateway", "nat-gateway", "service-gateway"
ROUTES, PRIVATE_ROUTES = "route-table", "route-table-private"
# The service gateway's fact: the label that stands for Oracle's services in this region.
LABEL_FACT = "label"


class Routes(NetworkPart[RouteTable]):
    """One table for all public subnets, with one route."""

    id = ROUTES
    title = "Route table"
    needs: tuple[str, ...] = (VCN, GATEWAY)
    noun = "route table"
    kind = "routetable"
    suffix = "routes"
    # How people call what a route leads through.
    ways: ClassVar[tuple[tuple[str, str], ...]] = ((GATEWAY, "the internet gateway"),)

    def parts(self) -> Parts[RouteTable]:
        """Those of the region."""
        return self.networks().route_tables

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """With its routes."""
        where = self.compartment(ctx), name, self.vcn(ctx), self.wanted(ctx)
        return Started(self.networks().create_route_table(*where, self.tags(ctx), retry_token))

    def differences(self, ctx: Context, found: RouteTable) -> tuple[str, ...]:
        """Routes that are missing, lead elsewhere or are too many."""
        wanted = self.wanted(ctx)
        missing = [
            f"add the route to {route.destination} through {words}"
            for route, (_, words) in zip(wanted, self.ways, strict=True)
            if route not in found.routes
        ]
        extra = [f"drop the route to {r.destination}" for r in found.routes if r not in wanted]
        return (*missing, *extra)

    def repair(self, ctx: Context, found: RouteTable) -> None:
        """Replace all routes by ours."""
        self.networks().set_routes(found.id, self.wanted(ctx))

    def wanted(self, ctx: Context) -> tuple[Route, ...]:
        """One for each of the ways."""
        gateway = ctx.recall("id", GATEWAY) or ""
        return (Route(ANYWHERE, gateway, why="Everything to the internet"),)


class PrivateRoutes(Routes):
    """The table of private nodes. It is apart from the other one because Oracle lets no table hold
    routes to an internet gateway and to a service gateway.
    """

    id = PRIVATE_ROUTES
    title = "Route table of private nodes"
    needs = (VCN, NAT, SERVICES)
    suffix = "routes-private"
    ways = ((NAT, "the NAT gateway"), (SERVICES, "the service gateway"))

    def wanted(self, ctx: Context) -> tuple[Route, ...]:
        """Out through the NAT gateway; to Oracle's services without the internet."""
        nat, services = ctx.recall("id", NAT) or "", ctx.recall("id", SERVICES) or ""
        label = ctx.recall(LABEL_FACT, SERVICES) or ""
        return (
            Route(ANYWHERE, nat, why="Everything to the internet"),
            Route(label, services, to_services=True, why="Oracle's services"),
        )
