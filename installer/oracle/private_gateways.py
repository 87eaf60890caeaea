"""The two gateways of machines that have no address of the internet.

Oracle's rules, from its pages on NAT and service gateways: a NAT gateway lets machines open
connections outwards and lets nobody in; a service gateway leads to Oracle's own services without
the internet; a network has at most one service gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.engine.errors import InstallError
from installer.oracle.network import Networks, RouteTable, route_table_of
from installer.oracle.resource import Life, Resource
from installer.oracle.sdk import models

# In every region one label stands for all of Oracle's services there, another for its object
# storage alone.
_ALL_SERVICES = "all-"


@dataclass(frozen=True)
class NatGateway(Resource):
    """A NAT gateway; `address` is what the world sees of the machines behind it."""

    blocked: bool = False
    address: str = ""


@dataclass(frozen=True)
class ServiceGateway(Resource):
    """A service gateway; `services` are OCIDs of the sets of services it leads to."""

    blocked: bool = False
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Services:
    """A set of Oracle's own services: its OCID, and the label that routes and rules name it by."""

    id: str
    label: str


class PrivateGateways(Networks):
    """NAT gateways and service gateways of one account's region."""

    # -- to the internet --------------------------------------------------------------------------

    def nat(self, part_id: str) -> NatGateway | None:
        """One NAT gateway; None when absent."""
        found: NatGateway | None = self._get(
            "NAT gateway", lambda: self._client.get_nat_gateway(part_id), _nat
        )
        return found

    def nats(self, compartment: str, vcn: str = "", name: str = "") -> list[NatGateway]:
        """Those of a compartment; of one network and of one name where these are given."""
        given = {"vcn_id": vcn, "display_name": name}
        where = {key: text for key, text in given.items() if text}
        return self._named(
            "NAT gateway", self._client.list_nat_gateways, _nat, compartment_id=compartment, **where
        )

    def create_nat(
        self, compartment: str, name: str, vcn: str, tags: Mapping[str, str], retry_token: str
    ) -> str:
        """Begin a NAT gateway; returns its OCID."""
        details = models("core").CreateNatGatewayDetails(
            compartment_id=compartment, display_name=name, vcn_id=vcn, freeform_tags=dict(tags)
        )
        return self._create("NAT gateway", self._client.create_nat_gateway, details, retry_token)

    def open_nat(self, part_id: str) -> None:
        """Let traffic through again."""
        details = models("core").UpdateNatGatewayDetails(block_traffic=False)
        self._change("NAT gateway", self._client.update_nat_gateway, part_id, details)

    def delete_nat(self, part_id: str) -> None:
        """Ask for its removal; absent is fine."""
        self._delete("NAT gateway", self._client.delete_nat_gateway, part_id)

    # -- to Oracle's own services -----------------------------------------------------------------

    def all_services(self) -> Services:
        """The set that stands for all services of the region."""
        listed = self._clients.all("reading Oracle's services", self._client.list_services)
        for each in listed:
            if str(each.cidr_block).startswith(_ALL_SERVICES):
                return Services(str(each.id), str(each.cidr_block))
        raise InstallError(
            "Oracle names no set of its services for a service gateway.",
            f"This region offers: {', '.join(str(each.name) for each in listed) or 'nothing'}.",
            "Set cluster.private_nodes to no: public nodes need no service gateway.",
        )

    def service_gateway(self, part_id: str) -> ServiceGateway | None:
        """One service gateway; None when absent."""
        found: ServiceGateway | None = self._get(
            "service gateway", lambda: self._client.get_service_gateway(part_id), _service
        )
        return found

    def service_gateways(self, compartment: str, vcn: str, name: str = "") -> list[ServiceGateway]:
        """Those of a network, all or those of one name."""
        found: list[ServiceGateway] = self._named(
            "service gateway",
            self._client.list_service_gateways,
            _service,
            compartment_id=compartment,
            vcn_id=vcn,
        )
        return [each for each in found if not name or each.name == name]

    def create_service_gateway(
        self,
        compartment: str,
        name: str,
        vcn: str,
        services: str,
        tags: Mapping[str, str],
        retry_token: str,
    ) -> str:
        """Begin a gateway to one set of services (an OCID); returns its own OCID."""
        details = models("core").CreateServiceGatewayDetails(
            compartment_id=compartment,
            display_name=name,
            vcn_id=vcn,
            services=[models("core").ServiceIdRequestDetails(service_id=services)],
            freeform_tags=dict(tags),
        )
        call = self._client.create_service_gateway
        return self._create("service gateway", call, details, retry_token)

    def open_service_gateway(self, part_id: str, services: str) -> None:
        """Let traffic to that set of services through again."""
        core = models("core")
        details = core.UpdateServiceGatewayDetails(
            block_traffic=False, services=[core.ServiceIdRequestDetails(service_id=services)]
        )
        self._change("service gateway", self._client.update_service_gateway, part_id, details)

    def delete_service_gateway(self, part_id: str) -> None:
        """Ask for its removal; absent is fine."""
        self._delete("service gateway", self._client.delete_service_gateway, part_id)

    # -- all that a network may hold of them ------------------------------------------------------

    def clear(self, compartment: str, vcn: str, installation_id: str) -> tuple[str, ...]:
        """Ask for the removal of an installation's route tables and of its gateways of this kind.

        Returns the names of what is still on its way out. The tables go first: Oracle keeps a
        gateway that a route leads to.
        """
        tables = self._tables(compartment, vcn)
        left = self._drop(tables, installation_id, self.delete_route_table)
        if left:
            return left
        nats = self._drop(self.nats(compartment, vcn), installation_id, self.delete_nat)
        services = self.service_gateways(compartment, vcn)
        return (*nats, *self._drop(services, installation_id, self.delete_service_gateway))

    def ours_in(self, compartment: str, vcn: str, installation_id: str) -> tuple[str, ...]:
        """The names of an installation's route tables and gateways, the internet's included."""
        found: list[Resource] = [
            *self._tables(compartment, vcn),
            *self.nats(compartment, vcn),
            *self.service_gateways(compartment, vcn),
            *self.all_gateways(compartment, vcn),
        ]
        return tuple(each.name for each in found if each.is_of(installation_id))

    def _tables(self, compartment: str, vcn: str) -> list[RouteTable]:
        return self._named(
            "route table",
            self._client.list_route_tables,
            route_table_of,
            compartment_id=compartment,
            vcn_id=vcn,
        )

    def _drop(
        self, found: Sequence[Resource], installation_id: str, delete: Callable[[str], None]
    ) -> tuple[str, ...]:
        ours = [each for each in found if each.is_of(installation_id)]
        for each in ours:
            if each.life is not Life.GOING:
                delete(each.id)
        return tuple(each.name for each in ours)


def _common(model: Any) -> dict[str, Any]:
    return {
        "id": str(model.id),
        "name": str(model.display_name),
        "state": str(model.lifecycle_state),
        "tags": dict(model.freeform_tags or {}),
        "blocked": bool(model.block_traffic),
    }


def _nat(model: Any) -> NatGateway:
    return NatGateway(**_common(model), address=str(model.nat_ip or ""))


def _service(model: Any) -> ServiceGateway:
    services = tuple(str(each.service_id) for each in model.services or ())
    return ServiceGateway(**_common(model), services=services)
