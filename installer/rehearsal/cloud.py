"""What the Kubernetes of a rehearsal may ask of the Oracle below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

BalancerKind = Literal["nlb", "lb"]


class CloudRefused(Exception):
    """Oracle said no: the limit is reached, the address is unknown, the weather is bad.

    `status`, `code` and `message` are those of the REST answer. 429 and 5xx are worth another try.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class WantedNode:
    """A machine that Oracle has launched and that should show itself as a node."""

    name: str  # as OKE names nodes: the private address
    ocid: str  # of the instance; spec.providerID
    pool: str
    ocpus: float
    memory_gb: float
    version: str  # "v1.36.4"
    image: str
    private_ip: str
    public_ip: str = ""
    display_name: str = ""  # of the machine; fits a label, unlike an OCID
    architecture: Literal["arm64", "amd64"] = "arm64"
    shape: str = "VM.Standard.A1.Flex"
    availability_domain: str = ""
    fault_domain: str = ""
    region: str = ""
    boot_volume_gb: int = 47
    labels: Mapping[str, str] = field(default_factory=dict)  # the pool's initial node labels


class Cloud(Protocol):
    """One cluster's view of the tenancy. Each waiting call takes simulated time.

    Creating is repeatable by name: asking again for a name that exists waits for that one and
    returns it.
    Refusals are `CloudRefused`.
    """

    async def create_volume(
        self, name: str, size_gib: int, tags: Mapping[str, str], zone: str = ""
    ) -> str:
        """Makes a block volume (never below 50 GiB) and returns its OCID once it is AVAILABLE.

        It lies in the availability domain that nodes show as that zone, which is the domain's
        name without its prefix; without one, in the region's first.
        """

    async def delete_volume(self, ocid: str) -> None:
        """Returns when the volume is gone; one that does not exist is gone."""

    async def create_balancer(
        self,
        name: str,
        kind: BalancerKind,
        shape: Mapping[str, str],
        tags: Mapping[str, str],
        reserved: str = "",
        groups: tuple[str, ...] = (),
    ) -> tuple[str, str]:
        """Makes a balancer and returns OCID and public address, the reserved one where given.

        `groups`: OCIDs of the security groups its card is in.

        `shape`: for "lb" the keys shape ("flexible" or a fixed one such as "100Mbps"), minimum and
        maximum (Mbps); for "nlb" empty.
        """

    async def delete_balancer(self, ocid: str) -> None:
        """Returns when the balancer is gone; one that does not exist is gone."""

    def nodes_wanted(self) -> tuple[WantedNode, ...]:
        """The nodes there should be now; one that is no longer listed has been terminated."""
