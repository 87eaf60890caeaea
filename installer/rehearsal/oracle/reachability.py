"""Whether nodes can register with their control plane, judged by the network's own rules.

The paths are those Oracle documents for flannel and a public endpoint: nodes reach the API subnet
on 6443 and 12250, and Oracle's services (or the internet) on 443. What is missing here shows itself
in reality only as a register timeout, after half an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from installer.rehearsal.oracle.calls import Body
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.tenancy import Tenancy

API_PORTS = (6443, 12250)
_TCP = "6"
_ANYWHERE = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True)
class _Place:
    """A subnet with the security groups of the cards in it."""

    subnet: Record
    groups: tuple[str, ...]

    @property
    def block(self) -> IPv4Network:
        return IPv4Network(self.subnet.body["cidrBlock"])


def cannot_register(tenancy: Tenancy, pool: Record) -> str:
    """What is in the way, in words; empty when nodes of the pool can register."""
    cluster = tenancy.registry.find("cluster", pool.body["clusterId"])
    endpoint = cluster.body["endpointConfig"]
    api = _place(tenancy, endpoint["subnetId"], endpoint.get("nsgIds"))
    details = pool.body["nodeConfigDetails"]
    for placement in details["placementConfigs"]:
        nodes = _place(tenancy, placement["subnetId"], details.get("nsgIds"))
        for port in API_PORTS:
            if not _allows(tenancy, nodes, "egress", api, port):
                return f"nodes may not send to TCP {port} of the API subnet"
            if not _allows(tenancy, api, "ingress", nodes, port):
                return f"the API subnet does not take TCP {port} from nodes"
        if not _has_way_out(tenancy, nodes):
            return "nodes have no way to Oracle's services"
    return ""


def _place(tenancy: Tenancy, subnet: str, groups: list[str] | None) -> _Place:
    return _Place(tenancy.registry.find("subnet", subnet), tuple(groups or ()))


def _allows(tenancy: Tenancy, here: _Place, direction: str, there: _Place, port: int) -> bool:
    peer = "source" if direction == "ingress" else "destination"
    return any(_covers(rule, peer, there, port) for rule in _rules(tenancy, here, direction))


def _rules(tenancy: Tenancy, place: _Place, direction: str) -> Iterable[Body]:
    for ocid in place.subnet.body["securityListIds"]:
        yield from tenancy.registry.find("securitylist", ocid).body[f"{direction}SecurityRules"]
    for ocid in place.groups:
        group = tenancy.registry.find("networksecuritygroup", ocid)
        for rule in group.notes.get("rules", []):
            if rule["direction"] == direction.upper():
                yield rule


def _covers(rule: Body, peer: str, there: _Place, port: int) -> bool:
    if not _takes_port(rule, port):
        return False
    if rule.get(f"{peer}Type") == "NETWORK_SECURITY_GROUP":
        return rule[peer] in there.groups
    if rule.get(f"{peer}Type", "CIDR_BLOCK") != "CIDR_BLOCK":
        return False
    return there.block.subnet_of(IPv4Network(rule[peer]))


def _takes_port(rule: Body, port: int) -> bool:
    if str(rule["protocol"]) not in ("all", _TCP):
        return False
    ports = (rule.get("tcpOptions") or {}).get("destinationPortRange")
    return ports is None or bool(ports["min"] <= port <= ports["max"])


def _has_way_out(tenancy: Tenancy, nodes: _Place) -> bool:
    """A route to the internet or to Oracle's services, and leave to use it on 443."""
    table = tenancy.registry.find("routetable", nodes.subnet.body["routeTableId"])
    routed = any(_usable(tenancy, nodes, rule) for rule in table.body["routeRules"])
    return routed and any(
        _takes_port(rule, 443)
        and (
            rule.get("destinationType") == "SERVICE_CIDR_BLOCK"
            or (
                rule.get("destinationType", "CIDR_BLOCK") == "CIDR_BLOCK"
                and IPv4Network(rule["destination"]) == _ANYWHERE
            )
        )
        for rule in _rules(tenancy, nodes, "egress")
    )


def _usable(tenancy: Tenancy, nodes: _Place, rule: Body) -> bool:
    """An internet gateway serves only machines with a public address, and only while enabled."""
    gateway = tenancy.registry.look_up("internetgateway", rule["networkEntityId"])
    if gateway is None:
        return True
    return bool(gateway.body["isEnabled"]) and not nodes.subnet.body["prohibitPublicIpOnVnic"]
