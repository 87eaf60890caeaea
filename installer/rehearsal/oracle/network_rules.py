"""What a network's parts may look like, and what keeps them from being deleted."""

from __future__ import annotations

import secrets
import zlib
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from itertools import islice
from typing import Any

from installer.rehearsal.oracle.calls import Body
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import invalid, missing, not_found, related_not_found
from installer.rehearsal.oracle.tenancy import Tenancy

_GATEWAYS = ("internetgateway", "natgateway", "servicegateway")
_PARTS = (*_GATEWAYS, "subnet", "networksecuritygroup", "routetable", "securitylist", "dhcpoptions")
_DEFAULTS = ("defaultRouteTableId", "defaultSecurityListId", "defaultDhcpOptionsId")
_PROTOCOLS = ("all", "1", "6", "17", "58")
_MOST_LISTS = 5


def network_between(text: Any, shortest: int, longest: int) -> IPv4Network:
    """The block, if it is one with a prefix in that range; raises Refused 400."""
    try:
        block = IPv4Network(str(text))
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise invalid(f"The CIDR block {text} is invalid.") from error
    if not shortest <= block.prefixlen <= longest:
        raise invalid(f"The CIDR block {text} must be between /{shortest} and /{longest}.")
    return block


def check_subnet_block(tenancy: Tenancy, body: Body, vcn: Record) -> None:
    """The block lies in the network and overlaps no other subnet's."""
    block = network_between(body["cidrBlock"], 16, 30)
    if not any(block.subnet_of(IPv4Network(whole)) for whole in vcn.body["cidrBlocks"]):
        raise invalid(f"The requested CIDR {block} is invalid: it is not within the VCN's.")
    for other in tenancy.registry.living("subnet"):
        if other.body["vcnId"] != vcn.id or other.id == body.get("id"):
            continue
        if block.overlaps(IPv4Network(other.body["cidrBlock"])):
            raise invalid(
                f"The requested CIDR {block} is invalid: subnet {other.id} with CIDR "
                f"{other.body['cidrBlock']} overlaps with this CIDR."
            )


def check_same_network(tenancy: Tenancy, body: Body) -> None:
    """Route table and security lists belong to the subnet's network; at most five lists."""
    lists = body.get("securityListIds") or []
    if len(lists) > _MOST_LISTS:
        raise invalid(f"A subnet may have at most {_MOST_LISTS} security lists.")
    pairs = [("securitylist", ocid) for ocid in lists]
    if body.get("routeTableId"):
        pairs.append(("routetable", body["routeTableId"]))
    for kind, ocid in pairs:
        part = tenancy.registry.find(kind, ocid)
        if part.body["vcnId"] != body["vcnId"]:
            raise invalid(f"{ocid} belongs to another VCN than the subnet.")


def check_services(tenancy: Tenancy, body: Body) -> None:
    """A service gateway names services by id; only one per network."""
    for service in body.get("services") or []:
        if not service.get("serviceId"):
            raise missing("services[].serviceId")
    others = tenancy.registry.living("servicegateway")
    for other in others:
        if other.body["vcnId"] == body["vcnId"] and other.id != body.get("id"):
            raise invalid("A VCN may have at most one service gateway.")


def check_routes(tenancy: Tenancy, body: Body) -> None:
    """Every rule goes to a gateway of this network, and the mixture is one Oracle allows."""
    targets = set()
    for rule in body.get("routeRules") or []:
        if not rule.get("networkEntityId"):
            raise missing("routeRules[].networkEntityId")
        gateway = _gateway(tenancy, rule["networkEntityId"])
        if gateway.body["vcnId"] != body["vcnId"]:
            raise invalid(f"{gateway.id} belongs to another VCN than the route table.")
        if not rule.get("destination") and not rule.get("cidrBlock"):
            raise missing("routeRules[].destination")
        targets.add(gateway.kind)
    if {"internetgateway", "servicegateway"} <= targets:
        raise invalid(
            "A route table with an internet gateway rule cannot also hold a service gateway rule."
        )


def _gateway(tenancy: Tenancy, ocid: str) -> Record:
    for kind in _GATEWAYS:
        record = tenancy.registry.look_up(kind, ocid)
        if record is not None and tenancy.registry.state(record) in ("AVAILABLE", "PROVISIONING"):
            return record
    raise related_not_found(ocid)


def check_security_list(_tenancy: Tenancy, body: Body) -> None:
    """Every rule has a protocol, a peer and sensible ports."""
    for name, peer in (("ingressSecurityRules", "source"), ("egressSecurityRules", "destination")):
        for rule in body.get(name) or []:
            check_rule(rule, peer)


def check_rule(rule: Body, peer: str) -> None:
    """One rule of a list or a group; `peer` is source or destination."""
    if str(rule.get("protocol")) not in _PROTOCOLS:
        raise invalid(f"The protocol {rule.get('protocol')} is not valid.")
    if not rule.get(peer):
        raise missing(peer)
    if rule.get(f"{peer}Type", "CIDR_BLOCK") == "CIDR_BLOCK":
        network_between(rule[peer], 0, 32)
    for options, protocol in (("tcpOptions", "6"), ("udpOptions", "17"), ("icmpOptions", "1")):
        if rule.get(options) and str(rule["protocol"]) != protocol:
            raise invalid(f"{options} go with protocol {protocol} only.")
    ports = (rule.get("tcpOptions") or {}).get("destinationPortRange")
    if ports and not 1 <= ports["min"] <= ports["max"] <= 65535:
        raise invalid("A port range needs 1 <= min <= max <= 65535.")


def new_group_rules(tenancy: Tenancy, asked: list[Body]) -> list[Body]:
    """The rules with the ids and times Oracle gives them."""
    found = []
    for rule in asked:
        if rule.get("direction") not in ("INGRESS", "EGRESS"):
            raise invalid("direction must be INGRESS or EGRESS.")
        check_rule(rule, "source" if rule["direction"] == "INGRESS" else "destination")
        found.append(
            {
                "isStateless": False,
                **rule,
                "id": secrets.token_hex(3).upper(),
                "isValid": True,
                "timeCreated": tenancy.registry.stamp(),
            }
        )
    return found


def changed_group_rules(group: Record, asked: list[Body]) -> list[Body]:
    """The rules asked for, merged over those that stand; raises Refused 404 for unknown ids."""
    standing = {rule["id"]: rule for rule in group.notes.get("rules", [])}
    for rule in asked:
        if rule.get("id") not in standing:
            raise not_found(str(rule.get("id")))
    return [{**standing[rule["id"]], **rule} for rule in asked]


def vcn_in_use(tenancy: Tenancy, vcn: Record) -> str | None:
    """The first part that is not one of the network's own defaults."""
    defaults = {vcn.body.get(name) for name in _DEFAULTS}
    for kind in _PARTS:
        for part in tenancy.registry.living(kind):
            if part.body["vcnId"] == vcn.id and part.id not in defaults:
                return _still_refers(vcn, part)
    return None


def subnet_in_use(tenancy: Tenancy, subnet: Record) -> str | None:
    """The first network card in it."""
    for vnic in tenancy.registry.living("vnic"):
        if vnic.body["subnetId"] == subnet.id:
            return _still_refers(subnet, vnic)
    return None


def group_in_use(tenancy: Tenancy, group: Record) -> str | None:
    """The first network card in the group."""
    for vnic in tenancy.registry.living("vnic"):
        if group.id in vnic.body.get("nsgIds", []):
            return _still_refers(group, vnic)
    return None


def gateway_in_use(tenancy: Tenancy, gateway: Record) -> str | None:
    """The first route table with a rule to it."""
    for table in tenancy.registry.living("routetable"):
        for rule in table.body.get("routeRules") or []:
            if rule.get("networkEntityId") == gateway.id:
                return _still_refers(gateway, table)
    return None


def part_in_use(
    subnet_field: str, default_field: str, word: str, tenancy: Tenancy, part: Record
) -> str | None:
    """The first subnet that uses it, or that it is its network's default."""
    for subnet in tenancy.registry.living("subnet"):
        used = subnet.body.get(subnet_field) or []
        if part.id == used or (isinstance(used, list) and part.id in used):
            return _still_refers(part, subnet)
    vcn = tenancy.registry.look_up("vcn", part.body["vcnId"])
    if vcn is not None and vcn.body.get(default_field) == part.id:
        return f"The default {word} {part.id} goes with its VCN and cannot be deleted alone."
    return None


def _still_refers(thing: Record, user: Record) -> str:
    return (
        f"The resource {thing.id} is still referenced by {user.id}. "
        "You must remove the reference to proceed with this operation."
    )


def public_address(seed: str) -> str:
    """An address from the range set aside for documentation, always the same for the same seed."""
    return str(IPv4Address("203.0.113.0") + 1 + zlib.crc32(seed.encode()) % 253)


def free_address(tenancy: Tenancy, subnet: Record) -> str:
    """The first address of the subnet that no card has; Oracle keeps the first two and the last."""
    taken = {
        vnic.body["privateIp"]
        for vnic in tenancy.registry.living("vnic")
        if vnic.body["subnetId"] == subnet.id
    }
    for address in islice(IPv4Network(subnet.body["cidrBlock"]).hosts(), 1, None):
        if str(address) not in taken:
            return str(address)
    raise invalid(f"The subnet {subnet.id} has no free address.")
