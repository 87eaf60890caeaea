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
from installer.oracle.account import Account
from installer.oracle.network import Networks
from installer.oracle.network_parts import Kind, Parts, common
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

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.nats = Parts(self._clients, Kind("NAT gateway", "nat_gateway", _nat))
        self.service_gateways = Parts(
            self._clients,
            Kind("service gateway", "service_gateway", _service, listed_by_name=False),
        )

    def open_nat(self, part_id: str) -> None:
        """Let traffic through again."""
        self.nats.change(part_id, block_traffic=False)

    def all_services(self) -> Services:
        """The set that stands for all services of the region."""
        listed = self._clients.all(
            "reading Oracle's services", self._clients.client("network").list_services
        )
        for each in listed:
            if str(each.cidr_block).startswith(_ALL_SERVICES):
                return Services(str(each.id), str(each.cidr_block))
        raise InstallError(
            "Oracle names no set of its services for a service gateway.",
            f"This region offers: {', '.join(str(each.name) for each in listed) or 'nothing'}.",
            "Set cluster.private_nodes to no: public nodes need no service gateway.",
        )

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
        return self.service_gateways.create(
            compartment, name, tags, retry_token, vcn_id=vcn, services=_to(services)
        )

    def open_service_gateway(self, part_id: str, services: str) -> None:
        """Let traffic to that set of services through again."""
        self.service_gateways.change(part_id, block_traffic=False, services=_to(services))

    def clear(self, compartment: str, vcn: str, installation_id: str) -> tuple[str, ...]:
        """Ask for the removal of an installation's route tables and of its gateways of this kind.

        Returns the names of what is still on its way out. The tables go first: Oracle keeps a
        gateway that a route leads to.
        """
        tables = self.route_tables.all(compartment, vcn)
        left = self._drop(tables, installation_id, self.route_tables.delete)
        if left:
            return left
        nats = self._drop(self.nats.all(compartment, vcn), installation_id, self.nats.delete)
        services = self.service_gateways.all(compartment, vcn)
        return (*nats, *self._drop(services, installation_id, self.service_gateways.delete))

    def ours_in(self, compartment: str, vcn: str, installation_id: str) -> tuple[str, ...]:
        """The names of an installation's route tables and gateways, the internet's included."""
        found: list[Resource] = [
            *self.route_tables.all(compartment, vcn),
            *self.nats.all(compartment, vcn),
            *self.service_gateways.all(compartment, vcn),
            *self.gateways.all(compartment, vcn),
        ]
        return tuple(each.name for each in found if each.is_of(installation_id))

    def _drop(
        self, found: Sequence[Resource], installation_id: str, delete: Callable[[str], None]
    ) -> tuple[str, ...]:
        ours = [each for each in found if each.is_of(installation_id)]
        for each in ours:
            if each.life is not Life.GOING:
                delete(each.id)
        return tuple(each.name for each in ours)


def _to(services: str) -> list[Any]:
    return [models("core").ServiceIdRequestDetails(service_id=services)]


def _nat(model: Any) -> NatGateway:
    return NatGateway(
        **common(model), blocked=bool(model.block_traffic), address=str(model.nat_ip or "")
    )


def _service(model: Any) -> ServiceGateway:
    services = tuple(str(each.service_id) for each in model.services or ())
    return ServiceGateway(**common(model), blocked=bool(model.block_traffic), services=services)
