"""The security rules of the three subnets: flannel, public API endpoint, public nodes.

After Oracle's "Network Resource Configuration for Cluster Creation and Deployment" and its example
for flannel. Ports: 6443 Kubernetes API, 12250 control plane to worker registration, 10250 kubelet
and 9995 metrics (inside "all TCP from the API subnet"), 10256 health of kube-proxy, 30000-32767
node ports. ICMP type 3 code 4 keeps path MTU discovery alive.

Public nodes reach Oracle's own services like any other address through the internet gateway,
private ones through a service gateway. Those services have public addresses either way, so the
rules name addresses, not Oracle's service label.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from typing import Literal

from installer.oracle.subnets import Layout
from installer.oracle.wanted import ANYWHERE, NetworkPlan

Role = Literal["api", "nodes", "balancers"]
Direction = Literal["in", "out"]
TCP, ICMP, ALL = "6", "1", "all"
NODE_PORTS = (30000, 32767)
_PROTOCOLS = {TCP: "TCP", ICMP: "ICMP", ALL: "everything", "17": "UDP", "58": "ICMPv6"}


@dataclass(frozen=True)
class Rule:
    """One stateful rule. `peer` is the other side's CIDR block; `ports` are first and last of the
    destination, `icmp` type and code (-1: any). The description tells nothing apart, and neither
    does `to_services`: the peer is every address, but only Oracle's own services are meant.
    """

    direction: Direction
    protocol: str
    peer: str
    ports: tuple[int, int] | None = None
    icmp: tuple[int, int] | None = None
    peer_type: str = "CIDR_BLOCK"
    stateless: bool = False
    extra: str = ""
    description: str = field(default="", compare=False)
    to_services: bool = field(default=False, compare=False)

    def words(self) -> str:
        """As a person would say it."""
        kind = _PROTOCOLS.get(self.protocol, f"protocol {self.protocol}")
        towards = "from" if self.direction == "in" else "to"
        said = f"{kind}{self._narrowed()} {towards} {self.peer}"
        return said + (", stateless" if self.stateless else "") + self.extra

    def _narrowed(self) -> str:
        if self.ports:
            first, last = self.ports
            return f" {first}" if first == last else f" {first}-{last}"
        if self.icmp:
            kind, code = self.icmp
            return f" type {kind}" if code < 0 else f" type {kind} code {code}"
        return ""


@dataclass(frozen=True)
class RuleBook:
    """The rules of one security list."""

    rules: frozenset[Rule]

    def of(self, direction: Direction) -> tuple[Rule, ...]:
        """One direction's rules in a stable order."""
        return tuple(
            sorted(
                (rule for rule in self.rules if rule.direction == direction),
                key=lambda rule: (rule.protocol, rule.peer, rule.words()),
            )
        )


NO_RULES = RuleBook(frozenset())


def rules_for(role: Role, network: NetworkPlan, layout: Layout) -> RuleBook:
    """All rules of one subnet; complete by itself, whatever the network's default list says."""
    build = {"api": _api, "nodes": _nodes, "balancers": _balancers}[role]
    return RuleBook(frozenset(build(network, layout)))


def differences(wanted: RuleBook, found: RuleBook) -> tuple[str, ...]:
    """One line for each rule that is missing or too many; empty when both say the same."""
    missing = [f"open {_way(r)}: {r.words()}" for r in _stable(wanted.rules - found.rules)]
    extra = [f"close {_way(r)}: {r.words()}" for r in _stable(found.rules - wanted.rules)]
    return (*missing, *extra)


def lacking(wanted: RuleBook, found: RuleBook) -> tuple[Rule, ...]:
    """Those wanted rules that no single rule found allows; for rules that are not ours to set."""
    return tuple(
        rule
        for rule in _stable(wanted.rules)
        if not any(_allows(each, rule) for each in found.rules)
    )


def _allows(found: Rule, wanted: Rule) -> bool:
    """Stateless rules and narrowed ones (`extra`) are not counted: what they allow depends on
    others.
    """
    if found.direction != wanted.direction or found.stateless or found.extra:
        return False
    return _reaches(found, wanted) and _speaks(found, wanted)


def _reaches(found: Rule, wanted: Rule) -> bool:
    if found.peer_type == "SERVICE_CIDR_BLOCK":
        # What is wanted for Oracle's services alone, the label of all of them covers.
        return wanted.to_services and found.peer.startswith("all-")
    if found.peer_type != "CIDR_BLOCK":
        return False
    return IPv4Network(wanted.peer).subnet_of(IPv4Network(found.peer))


def _speaks(found: Rule, wanted: Rule) -> bool:
    if found.protocol == ALL:
        return True
    if found.protocol != wanted.protocol:
        return False
    if found.icmp is not None:
        return wanted.icmp is not None and _same_icmp(found.icmp, wanted.icmp)
    if found.ports is None:
        return True
    if wanted.ports is None:
        return False
    return found.ports[0] <= wanted.ports[0] and wanted.ports[1] <= found.ports[1]


def _same_icmp(found: tuple[int, int], wanted: tuple[int, int]) -> bool:
    return found[0] == wanted[0] and found[1] in (-1, wanted[1])


def _stable(rules: Iterable[Rule]) -> list[Rule]:
    return sorted(rules, key=lambda rule: (rule.direction, rule.words()))


def _way(rule: Rule) -> str:
    return "inbound" if rule.direction == "in" else "outbound"


def _tcp(way: Direction, peer: str, why: str, *ports: int) -> Rule:
    span = (ports[0], ports[-1]) if ports else None
    return Rule(way, TCP, peer, ports=span, description=why)


def _path_discovery(way: Direction, peer: str) -> Rule:
    return Rule(way, ICMP, peer, icmp=(3, 4), description="Path MTU discovery")


def _api(network: NetworkPlan, layout: Layout) -> list[Rule]:
    return [
        _tcp("in", layout.nodes, "Nodes to the Kubernetes API", 6443),
        _tcp("in", network.api_access_cidr, "Operators to the Kubernetes API", 6443),
        _tcp("in", layout.nodes, "Nodes to the control plane", 12250),
        _path_discovery("in", layout.nodes),
        replace(_tcp("out", ANYWHERE, "Control plane to Oracle's services", 443), to_services=True),
        _tcp("out", layout.nodes, "Control plane to the nodes"),
        _path_discovery("out", layout.nodes),
    ]


def _nodes(network: NetworkPlan, layout: Layout) -> list[Rule]:
    rules = [
        Rule("in", ALL, layout.nodes, description="Pods and nodes among themselves"),
        _tcp("in", layout.api, "Control plane to the nodes"),
        _path_discovery("in", ANYWHERE),
        _tcp("in", layout.balancers, "Balancers to the node ports", *NODE_PORTS),
        _tcp("in", layout.balancers, "Balancers' health checks", 10256),
        Rule("out", ALL, layout.nodes, description="Pods and nodes among themselves"),
        _tcp("out", layout.api, "Nodes to the Kubernetes API", 6443),
        _tcp("out", layout.api, "Nodes to the control plane", 12250),
        _path_discovery("out", ANYWHERE),
        _tcp("out", ANYWHERE, "Nodes to Oracle's services, registries and the internet"),
    ]
    if network.node_ports_from:
        why = "Clients that keep their own address behind the balancer"
        rules.append(_tcp("in", network.node_ports_from, why, *NODE_PORTS))
    if network.ssh_from:
        rules.append(_tcp("in", network.ssh_from, "Operators to the nodes by SSH", 22))
    return rules


def _balancers(network: NetworkPlan, layout: Layout) -> list[Rule]:
    return [
        _tcp("in", network.web_access_cidr, "Clients to the web port", 80),
        _tcp("in", network.web_access_cidr, "Clients to the encrypted web port", 443),
        _tcp("out", layout.nodes, "Balancers to the node ports", *NODE_PORTS),
        _tcp("out", layout.nodes, "Balancers' health checks", 10256),
    ]
