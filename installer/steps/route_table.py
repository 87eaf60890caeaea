"""Makes sure that the subnets' traffic finds the internet gateway."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.step import Context
from installer.oracle.network import RouteTable
from installer.oracle.resource import Started
from installer.oracle.wanted import ANYWHERE
from installer.steps.network_part import VCN, NetworkPart

GATEWAY = "internet-gateway"


class Routes(NetworkPart[RouteTable]):
    """One table for all three subnets, with one route."""

    id = "route-table"
    title = "Route table"
    needs = (VCN, GATEWAY)
    noun = "route table"
    kind = "routetable"
    suffix = "routes"

    def get(self, ctx: Context, resource_id: str) -> RouteTable | None:  # noqa: ARG002
        """By id."""
        return self.networks().route_table(resource_id)

    def named(self, ctx: Context, name: str) -> Sequence[RouteTable]:
        """In the network."""
        return self.networks().route_tables(self.compartment(ctx), name, self.vcn(ctx))

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """With its route."""
        where = self.compartment(ctx), name, self.vcn(ctx), self._gateway(ctx)
        return Started(self.networks().create_route_table(*where, self.tags(ctx), retry_token))

    def delete(self, ctx: Context, found: RouteTable) -> str:  # noqa: ARG002
        """Possible once no subnet uses it."""
        self.networks().delete_route_table(found.id)
        return ""

    def differences(self, ctx: Context, found: RouteTable) -> tuple[str, ...]:
        """Routes that are missing, lead elsewhere or are too many."""
        wanted = (ANYWHERE, self._gateway(ctx))
        lines = [f"drop the route to {to}" for to, by in found.routes if (to, by) != wanted]
        if wanted not in found.routes:
            lines.insert(0, f"add the route to {ANYWHERE} through the internet gateway")
        return tuple(lines)

    def repair(self, ctx: Context, found: RouteTable) -> None:
        """Replace all routes by ours."""
        self.networks().set_default_route(found.id, self._gateway(ctx))

    def _gateway(self, ctx: Context) -> str:
        return ctx.recall("id", GATEWAY) or ""
