"""Makes sure of one of the three subnets."""

from __future__ import annotations

from installer.engine.errors import AnswersError
from installer.engine.step import Context
from installer.oracle.network import Subnet, SubnetWanted
from installer.oracle.network_parts import Parts
from installer.oracle.resource import Started
from installer.oracle.rules import Role
from installer.oracle.subnets import Layout, lay_out
from installer.oracle.wanted import ClusterPlan, NetworkPlan
from installer.steps.network_part import VCN, NetworkPart
from installer.steps.oracle_resource import OpenAccount
from installer.steps.route_table import PRIVATE_ROUTES, ROUTES
from installer.steps.security_list import TITLES, security_list_id


class RegionalSubnet(NetworkPart[Subnet]):
    """A subnet over all availability domains of the region, public unless it is private nodes'."""

    noun = "subnet"
    kind = "subnet"

    def __init__(
        self,
        account: OpenAccount,
        role: Role,
        plan: NetworkPlan,
        cluster: ClusterPlan | None = None,
    ) -> None:
        super().__init__(account)
        self.id = subnet_id(role)
        self.title = f"Subnet: {TITLES[role]}"
        self.suffix = f"subnet-{role}"
        self._private = plan.private_nodes and role == "nodes"
        self._routes = PRIVATE_ROUTES if self._private else ROUTES
        self.needs = (VCN, self._routes, security_list_id(role))
        self._role = role
        self._plan = plan
        self._cluster = cluster or ClusterPlan()

    def parts(self) -> Parts[Subnet]:
        """Those of the region."""
        return self.networks().subnets

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """With its routes and its rules from the first moment."""
        made = self.networks().create_subnet(
            self.compartment(ctx), name, self._wanted(ctx), self.tags(ctx), retry_token
        )
        return Started(made)

    def differences(self, ctx: Context, found: Subnet) -> tuple[str, ...]:
        """Block, routes and rules."""
        wanted = self._wanted(ctx)
        lines = []
        if found.cidr != wanted.cidr:
            lines.append(f"address block {found.cidr} instead of {wanted.cidr}")
        if found.public != wanted.public:
            lines.append(f"{_kind(found.public)} instead of {_kind(wanted.public)}")
        if found.route_table != wanted.route_table:
            lines.append("connect it to our route table again")
        if found.security_lists != (wanted.security_list,):
            lines.append("give it our security rules and no others")
        return tuple(lines)

    def repair(self, ctx: Context, found: Subnet) -> None:
        """Connect it again; its address block stays what it is."""
        wanted = self._wanted(ctx)
        if found.cidr != wanted.cidr:
            raise AnswersError(
                f"The subnet {found.name} has the address block {found.cidr}.",
                f"The answers lead to {wanted.cidr}, and a subnet in use cannot change it.",
                "Set cluster.vcn_cidr back to what it was, or destroy the installation first.",
            )
        if found.public != wanted.public:
            raise stays_as_it_is(found)
        self.networks().reconnect_subnet(found.id, wanted)

    def _wanted(self, ctx: Context) -> SubnetWanted:
        layout: Layout = lay_out(self._plan, self._cluster)
        return SubnetWanted(
            vcn=self.vcn(ctx),
            cidr=getattr(layout, self._role),
            route_table=ctx.recall("id", self._routes) or "",
            security_list=ctx.recall("id", security_list_id(self._role)) or "",
            # A given network may have no labels, or has given ours away.
            dns_label="" if self._plan.given.vcn else self._role,
            public=not self._private,
        )


def subnet_id(role: Role) -> str:
    """The id of the step for one subnet."""
    return f"subnet-{role}"


def stays_as_it_is(found: Subnet) -> AnswersError:
    """The error for nodes that are to move between public and private."""
    now = "no" if found.public else "yes"
    return AnswersError(
        f"The subnet {found.name} is {_kind(found.public)}.",
        f"The answers ask for {_kind(not found.public)} one, and Oracle settles that for good when "
        "a subnet is made.",
        f"Set cluster.private_nodes back to {now}, or destroy the installation first.",
    )


def _kind(public: bool) -> str:
    return "a public" if public else "a private"
