"""Makes sure of rules of our own in a network that was given, without a change to its lists."""

from __future__ import annotations

from installer.engine.errors import AnswersError
from installer.engine.step import Context
from installer.oracle.network import SecurityList
from installer.oracle.network_parts import Parts
from installer.oracle.resource import Started
from installer.oracle.rules import Role, RuleBook, rules_for
from installer.oracle.security_groups import SecurityGroup, SecurityGroups
from installer.oracle.subnets import Layout
from installer.oracle.wanted import NetworkPlan
from installer.steps.network_part import VCN, block_fact
from installer.steps.operators import FindAddress, nobody_knows
from installer.steps.oracle_resource import OpenAccount
from installer.steps.security_list import TITLES, SecurityRules

_CLUSTER = "cluster"


class OwnRules(SecurityRules):
    """A security group for one kind of network card: API endpoint, machines or balancer."""

    noun = "security group"
    kind = "networksecuritygroup"

    def __init__(
        self,
        account: OpenAccount,
        role: Role,
        plan: NetworkPlan,
        own_address: FindAddress = nobody_knows,
    ) -> None:
        super().__init__(account, role, plan, own_address=own_address)
        self.id = security_group_id(role)
        self.title = f"Security group: {TITLES[role]}"
        self.suffix = f"group-{role}"

    def parts(self) -> Parts[SecurityGroup]:
        """Those of the region."""
        return self._all().groups

    def get(self, ctx: Context, resource_id: str) -> SecurityGroup | None:  # noqa: ARG002
        """By id, with its rules."""
        return self._all().group(resource_id)

    def start(self, ctx: Context) -> str:
        """Only before there is a cluster: what stands is not moved into a group."""
        if ctx.recall("id", _CLUSTER):
            raise AnswersError(
                "The cluster stands already, and its network cards are in no group of ours.",
                "place.security_groups decides that when the cluster is made.",
                "Set place.security_groups back to no, or destroy the installation and make it "
                "anew.",
            )
        return super().start(ctx)

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """Without rules, which Oracle takes one call later."""
        where = self.compartment(ctx), name
        return Started(
            self.parts().create(*where, self.tags(ctx), retry_token, vcn_id=self.vcn(ctx))
        )

    def repair(self, ctx: Context, found: SecurityList) -> None:
        """Add and take away until the rules are ours."""
        if isinstance(found, SecurityGroup):
            self._all().settle_group(found, self._book(ctx))

    def _book(self, ctx: Context, plan: NetworkPlan | None = None) -> RuleBook:
        blocks = [ctx.recall(block_fact(role), VCN) or "" for role in ("api", "nodes", "balancers")]
        return rules_for(self._role, plan or self._settled(ctx), Layout(*blocks))

    def _all(self) -> SecurityGroups:
        return SecurityGroups(self.account())


def security_group_id(role: Role) -> str:
    """The id of the step for one group."""
    return f"security-group-{role}"


def group_of(ctx: Context, role: Role) -> tuple[str, ...]:
    """The OCID of that group of ours, or nothing where there is none."""
    found = ctx.recall("id", security_group_id(role))
    return (found,) if found else ()


def front_group(ctx: Context) -> str:
    """The group for the balancer, "" where there is none."""
    return next(iter(group_of(ctx, "balancers")), "")
