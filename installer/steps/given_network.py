"""A network that is there already: looked at, used, never changed, tagged or removed."""

from __future__ import annotations

from installer.engine.step import Condition, Context, Seen, Step
from installer.oracle.given_network import GivenNetworks
from installer.oracle.private_gateways import PrivateGateways
from installer.oracle.resource import Life
from installer.oracle.rules import Role
from installer.oracle.security_groups import SecurityGroups
from installer.oracle.wanted import MINE, ClusterPlan, NetworkPlan
from installer.steps.network_part import GIVEN_FACT, VCN, VCN_COMPARTMENT, block_fact, stay_in_place
from installer.steps.operators import FindAddress, nobody_knows, with_operator
from installer.steps.oracle_resource import COMPARTMENT, OpenAccount
from installer.steps.security_list import TITLES
from installer.steps.subnet import subnet_id


class GivenVcn(Step):
    """The network of the answers; in a removal, only what we put into it is of interest."""

    id = VCN
    title = "Virtual network"
    group = "Network"
    needs: tuple[str, ...] = (COMPARTMENT,)
    usually = 3.0
    looks_alone = True

    def __init__(
        self,
        account: OpenAccount,
        plan: NetworkPlan,
        cluster: ClusterPlan,
        own_address: FindAddress = nobody_knows,
    ) -> None:
        self._own_address = own_address
        self._account = account
        self._plan = plan
        self._cluster = cluster

    def look(self, ctx: Context) -> Seen:
        """Raises AnswersError with everything that stands against using it."""
        stay_in_place(ctx, self._plan.given.vcn)
        if ctx.removing:
            ctx.remember("id", self._plan.given.vcn)
            return self._ours_in_it(ctx)
        # Rules of subnets of ours are their own steps' business.
        subnets = self._plan.given.subnets
        plan = with_operator(ctx, self._plan, self._own_address) if subnets else self._plan
        found = GivenNetworks(self._account()).look(
            plan, self._cluster, lambda each: each.is_of(ctx.installation.id)
        )
        if found.problems or found.vcn is None:
            mine = self._plan.api_access_cidr == MINE
            raise (found.without(plan.api_access_cidr) if mine else found).refusal()
        ctx.remember("id", found.vcn.id)
        ctx.remember(GIVEN_FACT, found.vcn.id)
        ctx.remember(VCN_COMPARTMENT, found.vcn.compartment)
        for role, subnet in found.subnets.items():
            ctx.remember(block_fact(role), subnet.cidr)
        words = f"{found.vcn.name}, given and left as it is"
        if found.vcn.compartment != (ctx.recall("id", COMPARTMENT) or ""):
            words += f"; it lies in another compartment: {found.vcn.compartment}"
        return Seen(Condition.AS_WANTED, words)

    def _ours_in_it(self, ctx: Context) -> Seen:
        compartment = ctx.recall("id", COMPARTMENT) or ""
        if not compartment:
            return Seen(Condition.ABSENT)
        of = compartment, self._plan.given.vcn, ctx.installation.id
        groups = SecurityGroups(self._account()).ours(*of)
        ours = [
            *PrivateGateways(self._account()).ours_in(*of),
            *(each.name for each in groups),
        ]
        if not ours:
            return Seen(Condition.ABSENT, "given and left as it is")
        return Seen(Condition.DIFFERENT, f"holds our {', '.join(ours)}")

    def make(self, ctx: Context, seen: Seen) -> None:
        """Never needed: a look that is not content raises."""

    def unmake(self, ctx: Context) -> None:
        """What other answers than today's once put into it; the rest went with its own steps."""
        gateways, where = PrivateGateways(self._account()), ctx.recall("id", COMPARTMENT) or ""
        of = where, self._plan.given.vcn, ctx.installation.id
        groups = SecurityGroups(self._account())

        def check() -> str | None:
            left = list(gateways.clear(*of))
            for each in groups.ours(*of):
                if each.life is not Life.GOING:
                    groups.groups.delete(each.id)
                left.append(each.name)
            return f"{', '.join(left)} is going" if left else None

        ctx.wait("what is ours in the network to be gone", check, 2.0, 2.0, 1800.0)


class GivenSubnet(Step):
    """A subnet of the answers; whether it will do was looked at with its network."""

    group = "Network"
    usually = 0.5
    checks_only = True
    looks_alone = True

    def __init__(self, role: Role, ocid: str) -> None:
        self.id = subnet_id(role)
        self.title = f"Subnet: {TITLES[role]}"
        self.needs = (VCN,)
        self._ocid = ocid

    def look(self, ctx: Context) -> Seen:
        """Tell the steps that stand in it."""
        ctx.remember("id", self._ocid)
        ctx.remember(GIVEN_FACT, "yes")
        return Seen(Condition.AS_WANTED, "given and left as it is")

    def make(self, ctx: Context, seen: Seen) -> None:
        """Never needed."""

    def unmake(self, ctx: Context) -> None:
        """Not ours to remove."""
