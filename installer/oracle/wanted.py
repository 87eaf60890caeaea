"""What the steps are asked to make: values only, so that no step knows an answer or a question."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

NEWEST = "newest"
# Where OKE puts pods and services with flannel; the virtual network must stay clear of both.
PODS_CIDR = "10.244.0.0/16"
SERVICES_CIDR = "10.96.0.0/16"
ANYWHERE = "0.0.0.0/0"
# In the place of a block: the one address of the machine we run on, found out when it is needed.
MINE = "mine"


@dataclass(frozen=True)
class Given:
    """What of a network is there already, by OCID: used, never changed, tagged or removed.

    With a `vcn` alone the three subnets are made in it; with them, all three are given. `groups`
    says that security groups of ours may open in it what its own lists do not.
    """

    vcn: str = ""
    api: str = ""
    nodes: str = ""
    balancers: str = ""
    groups: bool = False

    @property
    def own_rules(self) -> bool:
        """Whether the rules are in groups of ours, since the subnets are somebody else's."""
        return self.subnets and self.groups

    @property
    def subnets(self) -> bool:
        """Whether the subnets are given too."""
        return bool(self.api and self.nodes and self.balancers)


@dataclass(frozen=True)
class NetworkPlan:
    """The virtual network and who may reach what in it; all values are CIDR blocks, and the one
    for the API may be MINE until it is known.

    `cidr` is the network's block, or the part of a given network that is ours to use.

    `node_ports_from` opens the node ports to clients that a balancer lets through with their own
    address; empty keeps them for the balancer. `ssh_from` opens port 22 of the nodes. Nodes that
    are `private_nodes` have no address of the internet and leave through a NAT gateway.
    """

    cidr: str = "10.20.0.0/16"
    api_access_cidr: str = ANYWHERE
    web_access_cidr: str = ANYWHERE
    node_ports_from: str = ""
    ssh_from: str = ""
    private_nodes: bool = False
    given: Given = Given()


@dataclass(frozen=True)
class ClusterPlan:
    """The control plane; the version is "newest", a minor ("1.36") or exact ("v1.36.4")."""

    kubernetes_version: str = NEWEST
    pods_cidr: str = PODS_CIDR
    services_cidr: str = SERVICES_CIDR


class Reserve(StrEnum):
    """Whether the balancer's address is to be a reserved one."""

    NO = "no"
    IF_POSSIBLE = "auto"
    YES = "yes"


# Facts: two agents that OKE puts on every worker are switched off by labels that a node has from
# its first moment; on a small node their requests are needed elsewhere.
AGENTS_OFF = {
    "oci.oraclecloud.com/oke-observability-agent-enabled": "false",
    "oci.oraclecloud.com/oke-node-problem-detector-enabled": "false",
}


@dataclass(frozen=True)
class NodePlan:
    """The machines. `boot_gb` and `memory_gb` are in Oracle's GB; 50 is the smallest boot size.

    `replace` is the person's consent to replace machines that carry the platform.
    """

    ocpus: float = 2.0
    memory_gb: float = 12.0
    nodes: int = 1
    boot_gb: int = 50
    ssh_public_key: str = ""
    shape: str = "VM.Standard.A1.Flex"
    labels: dict[str, str] = field(default_factory=lambda: dict(AGENTS_OFF))
    replace: bool = False


def is_ocid(text: str) -> bool:
    """Whether this names something by Oracle's identifier rather than by a name."""
    return text.startswith("ocid1.")
