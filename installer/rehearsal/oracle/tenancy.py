"""What every service needs at hand: who, when, what there is, what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from installer.rehearsal.clock import Clock
from installer.rehearsal.oracle.calls import Answer, Call
from installer.rehearsal.oracle.credentials import Identity, new_ocid
from installer.rehearsal.oracle.records import Record, Registry
from installer.rehearsal.oracle.refusals import invalid, not_found
from installer.rehearsal.shelf import Shelf
from installer.rehearsal.weather import Weather

AccountKind = Literal["trial", "free", "payg"]


@dataclass(frozen=True)
class ClusterAddress:
    """Where a cluster's Kubernetes API listens and the CA it shows, PEM."""

    url: str
    ca_pem: bytes


@dataclass
class Tenancy:
    """The account and everything in it.

    `hosting`: somebody runs a Kubernetes for each cluster and publishes its address.
    """

    identity: Identity
    shelf: Shelf
    clock: Clock
    weather: Weather
    account: AccountKind = "trial"
    hosting: bool = False

    def __post_init__(self) -> None:
        self.registry = Registry(self.shelf, self.clock)

    @property
    def now(self) -> float:
        """Simulated seconds since 1970."""
        return self.clock.seconds()

    def new_ocid(self, kind: str) -> str:
        """A fresh identifier of the tenancy's region."""
        return new_ocid(kind, self.identity.region.name)

    def require_domain(self, name: object) -> None:
        """Raises Refused 400 unless the region has an availability domain of that name."""
        if name not in self.identity.domains:
            raise invalid(f"The availability domain {name} is unknown.")

    def is_root(self, compartment: str) -> bool:
        """Whether the OCID is the tenancy's own."""
        return compartment == self.identity.tenancy

    def publish_address(self, cluster: str, address: ClusterAddress) -> None:
        """Makes known where the cluster's Kubernetes listens; kept for the next start."""
        doc = {"url": address.url, "ca": address.ca_pem.decode()}
        self.shelf.put("clusteraddress", cluster, doc)

    def address_of(self, cluster: str) -> ClusterAddress | None:
        """Where the cluster's Kubernetes listens, or None while nobody knows."""
        doc = self.shelf.get("clusteraddress", cluster)
        return None if doc is None else ClusterAddress(doc["url"], doc["ca"].encode())

    def can_be_reached(self, cluster: str) -> bool:
        """Whether the cluster's Kubernetes listens, where there is anybody to run one."""
        return not self.hosting or self.address_of(cluster) is not None

    def require_compartment(self, compartment: str) -> None:
        """Raises Refused 404 unless the compartment is there and ACTIVE."""
        if self.is_root(compartment):
            return
        record = self.registry.look_up("compartment", compartment)
        if record is None or record.hidden_until > self.now:
            raise not_found(compartment)
        if self.registry.state(record) != "ACTIVE":
            raise not_found(compartment)

    def know_compartment(self, compartment: str) -> None:
        """Raises Refused 404 unless the compartment can be looked into."""
        if not self.is_root(compartment):
            self.registry.find("compartment", compartment)

    def in_compartment(self, kind: str, compartment: str) -> list[Record]:
        """The records a list of that compartment shows, newest first."""
        self.know_compartment(compartment)
        records = [
            record
            for record in self.registry.seen(kind)
            if record.body.get("compartmentId") == compartment
        ]
        return records[::-1]


Run = Callable[[Tenancy, Call], Answer]


@dataclass(frozen=True)
class Route:
    """One operation: `pattern` is a path with {names}; `run` does the work."""

    method: str
    pattern: str
    operation: str
    run: Run
    body_signed: bool = True
