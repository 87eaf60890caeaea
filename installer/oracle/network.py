"""The parts of a virtual network, each listed, read, made, changed and removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from installer.oracle.account import Account
from installer.oracle.resource import Life, Resource
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
        self._clients = account.clients

    @property
    def _client(self) -> Any:
        return self._clients.client("network")

    def _get(self, what: str, call: Callable[[], Any], read: Callable[[Any], Any]) -> Any:
        found = self._clients.find(f"reading the {what}", call)
        return read(found.data) if found else None

    def _named(
        self, what: str, call: Callable[..., Any], read: Callable[[Any], Any], **where: str
    ) -> list[Any]:
        found = self._clients.all(f"looking for the {what}", call, **where)
        return [each for each in map(read, found) if each.life is not Life.GONE]

    def _create(self, what: str, call: Callable[..., Any], details: Any, retry_token: str) -> str:
        answer = self._clients.ask(
            f"creating the {what} {details.display_name}",
            lambda: call(details, opc_retry_token=retry_token),
        )
        return str(answer.data.id)

    def _change(self, what: str, call: Callable[..., Any], part_id: str, details: Any) -> None:
        self._clients.ask(f"changing the {what}", lambda: call(part_id, details))

    def _delete(self, what: str, call: Callable[..., Any], part_id: str) -> None:
        self._clients.find(f"removing the {what}", lambda: call(part_id))

    # -- the network --------------------------------------------------------------------------

    def vcn(self, part_id: str) -> Vcn | None:
        """One network; None when absent."""
        found: Vcn | None = self._get("network", lambda: self._client.get_vcn(part_id), _vcn)
        return found

    def vcns(self, compartment: str, name: str) -> list[Vcn]:
        """Those of that name."""
        return self._named(
            "network",
            self._client.list_vcns,
            _vcn,
            compartment_id=compartment,
            display_name=name,
        )

    def all_vcns(self, compartment: str) -> list[Resource]:
        """Every network of a compartment."""
        return self._named("networks", self._client.list_vcns, _vcn, compartment_id=compartment)

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
        details = models("core").CreateVcnDetails(
            compartment_id=compartment,
            display_name=name,
            cidr_blocks=[cidr],
            dns_label=dns_label,
            freeform_tags=dict(tags),
        )
        return self._create("network", self._client.create_vcn, details, retry_token)

    def delete_vcn(self, part_id: str) -> None:
        """Ask for its removal; absent is fine."""
        self._delete("network", self._client.delete_vcn, part_id)

    # -- the gateway --------------------------------------------------------------------------

    def gateway(self, part_id: str) -> Gateway | None:
        """One internet gateway; None when absent."""
        found: Gateway | None = self._get(
            "internet gateway", lambda: self._client.get_internet_gateway(part_id), _gateway
        )
        return found

    def gateways(self, compartment: str, name: str, vcn: str) -> list[Gateway]:
        """Those of that name in a network."""
        return self._named(
            "internet gateway",
            self._client.list_internet_gateways,
            _gateway,
            compartment_id=compartment,
            vcn_id=vcn,
            display_name=name,
        )

    def all_gateways(self, compartment: str, vcn: str) -> list[Gateway]:
        """Every one of a network."""
        return self._named(
            "internet gateway",
            self._client.list_internet_gateways,
            _gateway,
            compartment_id=compartment,
            vcn_id=vcn,
        )

    def create_gateway(
        self, compartment: str, name: str, vcn: str, tags: Mapping[str, str], retry_token: str
    ) -> str:
        """Begin an internet gateway; returns its OCID."""
        details = models("core").CreateInternetGatewayDetails(
            compartment_id=compartment,
            display_name=name,
            vcn_id=vcn,
            is_enabled=True,
            freeform_tags=dict(tags),
        )
        call = self._client.create_internet_gateway
        return self._create("internet gateway", call, details, retry_token)

    def enable_gateway(self, part_id: str) -> None:
        """Let traffic through again."""
        details = models("core").UpdateInternetGatewayDetails(is_enabled=True)
        self._change("internet gateway", self._client.update_internet_gateway, part_id, details)

    def delete_gateway(self, part_id: str) -> None:
        """Ask for its removal; absent is fine."""
        self._delete("internet gateway", self._client.delete_internet_gateway, part_id)

    # -- routes -------------------------------------------------------------------------------

    def route_table(self, part_id: str) -> RouteTable | None:
        """One route table; None when absent."""
        found: RouteTable | None = self._get(
            "route table", lambda: self._client.get_route_table(part_id), route_table_of
        )
        return found

    def route_tables(self, compartment: str, name: str, vcn: str) -> list[RouteTable]:
        """Those of that name in a network."""
        return self._named(
            "route table",
            self._client.list_route_tables,
            route_table_of,
            compartment_id=compartment,
            vcn_id=vcn,
            display_name=name,
        )

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
        details = models("core").CreateRouteTableDetails(
            compartment_id=compartment,
            display_name=name,
            vcn_id=vcn,
            route_rules=_route_rules(routes),
            freeform_tags=dict(tags),
        )
        call = self._client.create_route_table
        return self._create("route table", call, details, retry_token)

    def set_routes(self, part_id: str, routes: Sequence[Route]) -> None:
        """Replace whatever routes there are by these."""
        details = models("core").UpdateRouteTableDetails(route_rules=_route_rules(routes))
        self._change("route table", self._client.update_route_table, part_id, details)

    def delete_route_table(self, part_id: str) -> None:
        """Ask for its removal; absent is fine."""
        self._delete("route table", self._client.delete_route_table, part_id)

    # -- rules --------------------------------------------------------------------------------

    def security_list(self, part_id: str) -> SecurityList | None:
        """One security list; None when absent."""
        found: SecurityList | None = self._get(
            "security list", lambda: self._client.get_security_list(part_id), _security_list
        )
        return found

    def security_lists(self, compartment: str, name: str, vcn: str) -> list[SecurityList]:
        """Those of that name in a network."""
        return self._named(
            "security list",
            self._client.list_security_lists,
            _security_list,
            compartment_id=compartment,
            vcn_id=vcn,
            display_name=name,
        )

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
        inbound, outbound = to_sdk(book)
        details = models("core").CreateSecurityListDetails(
            compartment_id=compartment,
            display_name=name,
            vcn_id=vcn,
            ingress_security_rules=inbound,
            egress_security_rules=outbound,
            freeform_tags=dict(tags),
        )
        call = self._client.create_security_list
        return self._create("security list", call, details, retry_token)

    def set_rules(self, part_id: str, book: RuleBook) -> None:
        """Replace all rules of a list."""
        inbound, outbound = to_sdk(book)
        details = models("core").UpdateSecurityListDetails(
            ingress_security_rules=inbound, egress_security_rules=outbound
        )
        self._change("security list", self._client.update_security_list, part_id, details)

    def delete_security_list(self, part_id: str) -> None:
        """Ask for its removal; absent is fine."""
        self._delete("security list", self._client.delete_security_list, part_id)

    # -- subnets ------------------------------------------------------------------------------

    def subnet(self, part_id: str) -> Subnet | None:
        """One subnet; None when absent."""
        found: Subnet | None = self._get(
            "subnet", lambda: self._client.get_subnet(part_id), _subnet
        )
        return found

    def subnets(self, compartment: str, name: str, vcn: str) -> list[Subnet]:
        """Those of that name in a network."""
        return self._named(
            "subnet",
            self._client.list_subnets,
            _subnet,
            compartment_id=compartment,
            vcn_id=vcn,
            display_name=name,
        )

    def all_subnets(self, compartment: str, vcn: str) -> list[Subnet]:
        """Every one of a network."""
        return self._named(
            "subnets",
            self._client.list_subnets,
            _subnet,
            compartment_id=compartment,
            vcn_id=vcn,
        )

    def create_subnet(
        self,
        compartment: str,
        name: str,
        wanted: SubnetWanted,
        tags: Mapping[str, str],
        retry_token: str,
    ) -> str:
        """Begin a regional subnet; returns its OCID."""
        details = models("core").CreateSubnetDetails(
            compartment_id=compartment,
            display_name=name,
            vcn_id=wanted.vcn,
            cidr_block=wanted.cidr,
            dns_label=wanted.dns_label or None,
            prohibit_public_ip_on_vnic=not wanted.public,
            route_table_id=wanted.route_table,
            security_list_ids=[wanted.security_list],
            freeform_tags=dict(tags),
        )
        return self._create("subnet", self._client.create_subnet, details, retry_token)

    def reconnect_subnet(self, part_id: str, wanted: SubnetWanted) -> None:
        """Give it its route table and its security list back."""
        details = models("core").UpdateSubnetDetails(
            route_table_id=wanted.route_table, security_list_ids=[wanted.security_list]
        )
        self._change("subnet", self._client.update_subnet, part_id, details)

    def delete_subnet(self, part_id: str) -> None:
        """Ask for its removal; absent is fine."""
        self._delete("subnet", self._client.delete_subnet, part_id)


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


def _common(model: Any) -> dict[str, Any]:
    return {
        "id": str(model.id),
        "name": str(model.display_name),
        "state": str(model.lifecycle_state),
        "tags": dict(model.freeform_tags or {}),
    }


def _vcn(model: Any) -> Vcn:
    return Vcn(
        **_common(model),
        cidrs=tuple(model.cidr_blocks or [model.cidr_block]),
        compartment=str(model.compartment_id),
    )


def _gateway(model: Any) -> Gateway:
    return Gateway(**_common(model), enabled=bool(model.is_enabled))


def route_table_of(model: Any) -> RouteTable:
    """A table as the SDK shows it."""
    routes = tuple(
        Route(
            str(rule.destination or rule.cidr_block),
            str(rule.network_entity_id),
            rule.destination_type == "SERVICE_CIDR_BLOCK",
        )
        for rule in model.route_rules or ()
    )
    return RouteTable(**_common(model), routes=routes)


def _security_list(model: Any) -> SecurityList:
    book = from_sdk(model.ingress_security_rules or (), model.egress_security_rules or ())
    return SecurityList(**_common(model), book=book)


def _subnet(model: Any) -> Subnet:
    return Subnet(
        **_common(model),
        cidr=str(model.cidr_block),
        route_table=str(model.route_table_id),
        security_lists=tuple(model.security_list_ids or ()),
        public=not model.prohibit_public_ip_on_vnic,
        vcn=str(model.vcn_id),
        availability_domain=str(model.availability_domain or ""),
    )
