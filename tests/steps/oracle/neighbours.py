"""A network that somebody made by hand, as good or as bad as a test wants it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from installer.oracle.rules import Role, RuleBook, rules_for
from installer.oracle.rules_on_the_wire import to_sdk
from installer.oracle.sdk import models
from installer.oracle.subnets import Layout
from installer.oracle.wanted import Given, NetworkPlan
from tests.oracle.world import World

LAYOUT = Layout("172.16.0.0/28", "172.16.1.0/24", "172.16.2.0/24")
BLOCK = "172.16.0.0/16"


@dataclass
class Neighbour:
    """Somebody's network in the root compartment; `subnets` by role, OCIDs all."""

    world: World
    vcn: str = ""
    gateway: str = ""
    table: str = ""
    subnets: dict[Role, str] = field(default_factory=dict)
    lists: dict[Role, str] = field(default_factory=dict)

    @property
    def client(self) -> Any:
        """Their hands."""
        return self.world.account().clients.client("network")

    @property
    def room(self) -> str:
        """Where it all lies."""
        return self.world.account().tenancy

    @property
    def given(self) -> Given:
        """As the answers name it."""
        found = self.subnets
        return Given(
            self.vcn, found.get("api", ""), found.get("nodes", ""), found.get("balancers", "")
        )

    def open(self, *, gateway: bool = True) -> Neighbour:
        """A network with a way to the internet."""
        core = models("core")
        here = {"compartment_id": self.room, "freeform_tags": {"owner": "somebody"}}
        details = core.CreateVcnDetails(display_name="theirs", cidr_blocks=[BLOCK], **here)
        self.vcn = self.client.create_vcn(details).data.id
        here["vcn_id"] = self.vcn
        if not gateway:
            return self
        details = core.CreateInternetGatewayDetails(is_enabled=True, display_name="out", **here)
        self.gateway = self.client.create_internet_gateway(details).data.id
        route = core.RouteRule(
            destination="0.0.0.0/0", destination_type="CIDR_BLOCK", network_entity_id=self.gateway
        )
        details = core.CreateRouteTableDetails(display_name="table", route_rules=[route], **here)
        self.table = self.client.create_route_table(details).data.id
        return self

    def furnish(self, plan: NetworkPlan) -> Neighbour:
        """Three subnets with the rules a plan needs."""
        for role in ("api", "nodes", "balancers"):
            self.add(role, getattr(LAYOUT, role), rules_for(role, plan, LAYOUT))
        return self

    def add(self, role: Role, cidr: str, book: RuleBook) -> None:
        """One subnet with these rules."""
        core = models("core")
        here = {"compartment_id": self.room, "vcn_id": self.vcn}
        inbound, outbound = to_sdk(book)
        details = core.CreateSecurityListDetails(
            ingress_security_rules=inbound, egress_security_rules=outbound, **here
        )
        self.lists[role] = self.client.create_security_list(details).data.id
        details = core.CreateSubnetDetails(
            display_name=f"their-{role}",
            cidr_block=cidr,
            route_table_id=self.table,
            security_list_ids=[self.lists[role]],
            **here,
        )
        self.subnets[role] = self.client.create_subnet(details).data.id
