"""Makes sure of the security rules of one subnet."""

from __future__ import annotations

from installer.engine.step import Context
from installer.oracle.network import SecurityList
from installer.oracle.network_parts import Parts
from installer.oracle.resource import Started
from installer.oracle.rules import Role, RuleBook, differences, rules_for
from installer.oracle.subnets import lay_out
from installer.oracle.wanted import MINE, ClusterPlan, NetworkPlan
from installer.steps.network_part import NetworkPart
from installer.steps.operators import FindAddress, nobody_knows, with_operator, without_addresses
from installer.steps.oracle_resource import OpenAccount

TITLES: dict[Role, str] = {"api": "API endpoint", "nodes": "nodes", "balancers": "balancers"}


class SecurityRules(NetworkPart[SecurityList]):
    """The complete rules of one subnet; the network's default list is never relied on."""

    noun = "security list"
    kind = "securitylist"

    def __init__(
        self,
        account: OpenAccount,
        role: Role,
        plan: NetworkPlan,
        cluster: ClusterPlan | None = None,
        own_address: FindAddress = nobody_knows,
    ) -> None:
        super().__init__(account)
        self._own_address = own_address
        self.id = security_list_id(role)
        self.title = f"Security rules: {TITLES[role]}"
        self.suffix = f"rules-{role}"
        self._role = role
        self._plan = plan
        self._cluster = cluster or ClusterPlan()

    def parts(self) -> Parts[SecurityList]:
        """Those of the region."""
        return self.networks().security_lists

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """With all its rules at once."""
        where = self.compartment(ctx), name, self.vcn(ctx), self._book(ctx)
        return Started(self.networks().create_security_list(*where, self.tags(ctx), retry_token))

    def differences(self, ctx: Context, found: SecurityList) -> tuple[str, ...]:
        """Each rule missing or too many; an address of the person is called that."""
        plan = self._settled(ctx)
        lines = differences(self._book(ctx, plan), found.book)
        if self._plan.api_access_cidr != MINE:
            return lines
        return without_addresses(lines, found.book.of("in"), plan.api_access_cidr)

    def repair(self, ctx: Context, found: SecurityList) -> None:
        """Replace all rules by ours."""
        self.networks().set_rules(found.id, self._book(ctx))

    def _settled(self, ctx: Context) -> NetworkPlan:
        """Only the API's subnet cares who its operators are."""
        if self._role != "api":
            return self._plan
        return with_operator(ctx, self._plan, self._own_address)

    def _book(self, ctx: Context, plan: NetworkPlan | None = None) -> RuleBook:
        plan = plan or self._settled(ctx)
        return rules_for(self._role, plan, lay_out(plan, self._cluster))


def security_list_id(role: Role) -> str:
    """The id of the step for one subnet's rules."""
    return f"security-rules-{role}"
