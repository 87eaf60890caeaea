"""A virtual network with its gateway, routes, rules and subnets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from installer.oracle.account import Account
from installer.oracle.network_parts import Kind, Parts, common
from installer.oracle.resource import Resource
from installer.oracle.rules import NO_RULES, RuleBook
from installer.oracle.rules_on_the_wire import from_sdk, to_sdk
from installer.oracle.sdk import models


@dataclass(frozen=True)
class Vcn(Resource):
    """A virtual network; `compartment` is the OCID of the one it lies in."""

    cidrs: tuple[str, ...] = ()
    compartment: str = ""


@dataclass(frozen=True)
class Gateway(Resource):
    """An internet gateway."""

    enabled: bool = True


@dataclass(frozen=True)
class Route:
    """Where traffic for a destination goes: `target` is a gateway's OCID.

    The destination is a CIDR block, or Oracle's label for a set of its own services, which
    `to_services` says. `why` tells nothing apart.
    """

    destination: str
    target: str
    to_services: bool = False
    why: str = field(default="", compare=False)


@dataclass(frozen=True)
class RouteTable(Resource):
    """A route table."""

    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class SecurityList(Resource):
    """A security list with its rules."""

    book: RuleBook = NO_RULES


@dataclass(frozen=True)
class Subnet(Resource):
    """A subnet; regional when it has no availability domain."""

    cidr: str = ""
    route_table: str = ""
    security_lists: tuple[str, ...] = ()
    public: bool = True
    vcn: str = ""
    availability_domain: str = ""


@dataclass(frozen=True)
class SubnetWanted:
    """What a subnet is to be; ids are OCIDs. In one that is not `public` no machine gets an address
    of the internet, which is settled for good when it is made. The DNS label may be empty.
    """

    vcn: str
    cidr: str
    route_table: str
    security_list: str
    dns_label: str
    public: bool = True


class Networks:
    """All network parts of one account's region."""

    def __init__(self, account: Account) -> None:
        clients = account.clients
        self.vcns = Parts(clients, Kind("network", "vcn", _vcn))
        self.gateways = Parts(clients, Kind("internet gateway", "internet_gateway", _gateway))
        self.route_tables = Parts(clients, Kind("route table", "route_table", _route_table))
        self.security_lists = Parts(clients, Kind("security list", "security_list", _security_list))
        self.subnets = Parts(clients, Kind("subnet", "subnet", _subnet))
        self._clients = clients

    def create_vcn(
        self,
        compartment: str,
        name: str,
        cidr: str,
        dns_label: str,
        tags: Mapping[str, str],
        retry_token: str,
    ) -> str:
        """Begin a network; returns its OCID."""
        return self.vcns.create(
            compartment, name, tags, retry_token, cidr_blocks=[cidr], dns_label=dns_label
        )

    def create_gateway(
        self, compartment: str, name: str, vcn: str, tags: Mapping[str, str], retry_token: str
    ) -> str:
        """Begin an internet gateway; returns its OCID."""
        return self.gateways.create(
            compartment, name, tags, retry_token, vcn_id=vcn, is_enabled=True
        )

    def enable_gateway(self, part_id: str) -> None:
        """Let traffic through again."""
        self.gateways.change(part_id, is_enabled=True)

    def create_route_table(
        self,
        compartment: str,
        name: str,
        vcn: str,
        routes: Sequence[Route],
        tags: Mapping[str, str],
        retry_token: str,
    ) -> str:
        """Begin a table with its routes; returns its OCID."""
        rules = _route_rules(routes)
        return self.route_tables.create(
            compartment, name, tags, retry_token, vcn_id=vcn, route_rules=rules
        )

    def set_routes(self, part_id: str, routes: Sequence[Route]) -> None:
        """Replace whatever routes there are by these."""
        self.route_tables.change(part_id, route_rules=_route_rules(routes))

    def create_security_list(
        self,
        compartment: str,
        name: str,
        vcn: str,
        book: RuleBook,
        tags: Mapping[str, str],
        retry_token: str,
    ) -> str:
        """Begin a security list; returns its OCID."""
        return self.security_lists.create(
            compartment, name, tags, retry_token, vcn_id=vcn, **_rules(book)
        )

    def set_rules(self, part_id: str, book: RuleBook) -> None:
        """Replace all rules of a list."""
        self.security_lists.change(part_id, **_rules(book))

    def create_subnet(
        self,
        compartment: str,
        name: str,
        wanted: SubnetWanted,
        tags: Mapping[str, str],
        retry_token: str,
    ) -> str:
        """Begin a regional subnet; returns its OCID."""
        return self.subnets.create(
            compartment,
            name,
            tags,
            retry_token,
            vcn_id=wanted.vcn,
            cidr_block=wanted.cidr,
            dns_label=wanted.dns_label or None,
            prohibit_public_ip_on_vnic=not wanted.public,
            route_table_id=wanted.route_table,
            security_list_ids=[wanted.security_list],
        )

    def reconnect_subnet(self, part_id: str, wanted: SubnetWanted) -> None:
        """Give it its route table and its security list back."""
        self.subnets.change(
            part_id,
            route_table_id=wanted.route_table,
            security_list_ids=[wanted.security_list],
        )


def _route_rules(routes: Sequence[Route]) -> list[Any]:
    return [
        models("core").RouteRule(
            destination=route.destination,
            destination_type="SERVICE_CIDR_BLOCK" if route.to_services else "CIDR_BLOCK",
            network_entity_id=route.target,
            description=route.why,
        )
        for route in routes
    ]


def _rules(book: RuleBook) -> dict[str, Any]:
    inbound, outbound = to_sdk(book)
    return {"ingress_security_rules": inbound, "egress_security_rules": outbound}


def _vcn(model: Any) -> Vcn:
    return Vcn(
        **common(model),
        cidrs=tuple(model.cidr_blocks or [model.cidr_block]),
        compartment=str(model.compartment_id),
    )


def _gateway(model: Any) -> Gateway:
    return Gateway(**common(model), enabled=bool(model.is_enabled))


def _route_table(model: Any) -> RouteTable:
    routes = tuple(
        Route(
            str(rule.destination or rule.cidr_block),
            str(rule.network_entity_id),
            rule.destination_type == "SERVICE_CIDR_BLOCK",
        )
        for rule in model.route_rules or ()
    )
    return RouteTable(**common(model), routes=routes)


def _security_list(model: Any) -> SecurityList:
    book = from_sdk(model.ingress_security_rules or (), model.egress_security_rules or ())
    return SecurityList(**common(model), book=book)


def _subnet(model: Any) -> Subnet:
    return Subnet(
        **common(model),
        cidr=str(model.cidr_block),
        route_table=str(model.route_table_id),
        security_lists=tuple(model.security_list_ids or ()),
        public=not model.prohibit_public_ip_on_vnic,
        vcn=str(model.vcn_id),
        availability_domain=str(model.availability_domain or ""),
    )
