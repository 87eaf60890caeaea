"""Whether a network that exists, which we never change, can carry a cluster as it is.

Everything that stands against it is told at once, each rule and route exactly as it has to be
added. Where the person lets us, security groups of our own open all of it instead; groups of others
do not count, for no network card of ours is put into one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from installer.engine.errors import AnswersError
from installer.oracle.account import Account
from installer.oracle.network import Subnet, Vcn
from installer.oracle.private_gateways import PrivateGateways
from installer.oracle.resource import Life, Resource
from installer.oracle.rules import Role, Rule, RuleBook, lacking, rules_for
from installer.oracle.subnets import LINK_LOCAL, Layout, lay_out
from installer.oracle.wanted import ANYWHERE, ClusterPlan, NetworkPlan

Ours = Callable[[Resource], bool]
ROLES: tuple[Role, ...] = ("api", "nodes", "balancers")
_INTERNET, _NAT = "internetgateway", "natgateway"


@dataclass(frozen=True)
class GivenNetwork:
    """What was found, and what stands against using it, one line each."""

    vcn: Vcn | None = None
    subnets: Mapping[Role, Subnet] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def without(self, own: str) -> GivenNetwork:
        """The same, but a person's own address is called that: an error is shown to others."""
        problems = tuple(line.replace(own, "your own address") for line in self.problems)
        return replace(self, problems=problems)

    def refusal(self) -> AnswersError:
        """The error that names every problem."""
        return AnswersError(
            "The network in the answers cannot carry the cluster as it is.",
            "\n".join(("It is not ours to change. What is in the way:", *self.problems)),
            "Change that in Oracle's console, or other OCIDs and address ranges in the answers "
            "(place.vcn, place.subnet_*, cluster.*_cidr), and run the same command again. Without "
            "place.vcn a network of its own is made. Rules alone need no change of yours: with "
            "place.security_groups set to yes, security groups of our own hold them.",
        )


class GivenNetworks(PrivateGateways):
    """Looks at networks that others made; changes nothing."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._region = account.region

    def look(self, network: NetworkPlan, cluster: ClusterPlan, ours: Ours) -> GivenNetwork:
        """The network and its subnets; what is `ours` already is not in its own way."""
        vcn = self.vcns.get(network.given.vcn)
        if vcn is None or vcn.life is not Life.THERE:
            why = self._unseen(network.given.vcn)
            words = f"It is {vcn.state}." if vcn else f"Oracle does not show it to this user{why}."
            return GivenNetwork(problems=(f"The network {network.given.vcn}: {words}",))
        problems = list(_inner_overlaps(vcn, cluster))
        if not network.given.subnets:
            problems += self._own_part(vcn, network, cluster, ours)
            return GivenNetwork(vcn, problems=tuple(problems))
        subnets: dict[Role, Subnet] = {}
        for role in ROLES:
            found, said = self._subnet_of(vcn, role, getattr(network.given, role))
            problems += said
            if found is not None:
                subnets[role] = found
        for subnet in subnets.values():
            problems += self._ways(subnet, network)
        if len(subnets) == len(ROLES) and not network.given.groups:
            problems += self._rules(subnets, network)
        return GivenNetwork(vcn, subnets, tuple(problems))

    # -- a network in which the subnets are ours ------------------------------------------------

    def _own_part(
        self, vcn: Vcn, network: NetworkPlan, cluster: ClusterPlan, ours: Ours
    ) -> Iterator[str]:
        try:
            lay_out(network, cluster)
        except AnswersError as error:
            yield error.why
            return
        part = IPv4Network(network.cidr)
        if not any(part.subnet_of(IPv4Network(block)) for block in vcn.cidrs):
            yield (
                f"The network {vcn.name} has the addresses {', '.join(vcn.cidrs)}, and {part} of "
                "cluster.vcn_cidr is not inside of them."
            )
        for subnet in self.subnets.all(vcn.compartment, vcn.id):
            if not ours(subnet) and part.overlaps(IPv4Network(subnet.cidr)):
                yield f"The subnet {subnet.name} has {subnet.cidr}, which {part} overlaps."

    # -- subnets that are given too ---------------------------------------------------------------

    def _subnet_of(self, vcn: Vcn, role: Role, ocid: str) -> tuple[Subnet | None, list[str]]:
        subnet = self.subnets.get(ocid)
        if subnet is None:
            why = self._unseen(ocid)
            return None, [f"place.subnet_{role}: Oracle does not show {ocid} to this user{why}."]
        said = []
        if subnet.vcn != vcn.id:
            said.append(f"The subnet {subnet.name} is not in the network {vcn.name}.")
        if subnet.life is not Life.THERE:
            said.append(f"The subnet {subnet.name} is {subnet.state}.")
        if subnet.availability_domain:
            said.append(
                f"The subnet {subnet.name} is bound to {subnet.availability_domain}; one for the "
                "whole region is needed, so that any availability domain with room can be used."
            )
        return subnet, said

    def _ways(self, subnet: Subnet, network: NetworkPlan) -> Iterator[str]:
        """Everything leaves by an internet gateway; from nodes, a NAT gateway will do."""
        nodes = subnet.id == network.given.nodes
        if not nodes and not subnet.public:
            yield f"The subnet {subnet.name} is private; a public one is needed."
        if nodes and network.private_nodes and subnet.public:
            yield (
                f"The subnet {subnet.name} is public, and cluster.private_nodes asks for a private "
                "one."
            )
        table = self.route_tables.get(subnet.route_table)
        default = [r.target for r in table.routes if r.destination == ANYWHERE] if table else []
        kind = default[0].split(".")[1] if default else ""
        wanted = _INTERNET if subnet.public else _NAT
        if kind != wanted and (nodes or subnet.public):
            way = "an internet gateway" if subnet.public else "a NAT gateway"
            yield f"The subnet {subnet.name}: add a route to {ANYWHERE} through {way}."
        elif default and self._closed(kind, default[0]):
            yield f"The subnet {subnet.name}: the gateway {default[0]} lets nothing through."

    def _closed(self, kind: str, gateway: str) -> bool:
        if kind == _INTERNET:
            found = self.gateways.get(gateway)
            return found is not None and not found.enabled
        nat = self.nats.get(gateway)
        return nat is not None and nat.blocked

    def _rules(self, subnets: Mapping[Role, Subnet], network: NetworkPlan) -> Iterator[str]:
        layout = Layout(**{role: subnets[role].cidr for role in ROLES})
        known: dict[str, RuleBook] = {}
        for role in ROLES:
            subnet = subnets[role]
            for each in subnet.security_lists:
                if each not in known:
                    found = self.security_lists.get(each)
                    known[each] = found.book if found else RuleBook(frozenset())
            rules: frozenset[Rule] = frozenset().union(
                *(known[each].rules for each in subnet.security_lists)
            )
            for rule in lacking(rules_for(role, network, layout), RuleBook(rules)):
                way = "inbound" if rule.direction == "in" else "outbound"
                yield f"The subnet {subnet.name}: add the {way} rule {rule.words()}."

    def _unseen(self, ocid: str) -> str:
        """An OCID tells the region it lives in, which is the usual mistake."""
        region = ocid.split(".")[3] if ocid.count(".") >= 4 else ""
        if region and region != self._region:
            return f"; it is of region {region}, and the installation goes to {self._region}"
        return ""


def _inner_overlaps(vcn: Vcn, cluster: ClusterPlan) -> Iterator[str]:
    for block in vcn.cidrs:
        for what, inner in (("pods", cluster.pods_cidr), ("services", cluster.services_cidr)):
            if IPv4Network(block).overlaps(IPv4Network(inner)):
                yield (
                    f"The network {vcn.name} has {block}, which overlaps {inner} of the {what}; "
                    f"change cluster.{what}_cidr."
                )
        if IPv4Network(block).overlaps(LINK_LOCAL):
            yield f"The network {vcn.name} has {block}, which overlaps Oracle's own {LINK_LOCAL}."
