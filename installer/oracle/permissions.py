"""What a user who is no administrator must be allowed, and for which steps.

The statements follow Oracle's policy reference for its Kubernetes service; one is only named where
a step of ours makes the call behind it. `SERVICES` leads from a refusal to what it lacked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from installer.oracle.wanted import is_ocid

ANY_GROUP = "YOUR-GROUP"
NETWORK_STEPS = (
    *("vcn", "internet-gateway", "route-table"),
    *("nat-gateway", "service-gateway", "route-table-private"),
    *("security-rules-api", "security-rules-nodes", "security-rules-balancers"),
    *("subnet-api", "subnet-nodes", "subnet-balancers"),
)


@dataclass(frozen=True)
class Permission:
    """One policy statement; `tenancy_wide` or in the compartment of the installation.

    `purpose` completes "without it we cannot ...".
    """

    verb: str
    resource: str
    steps: tuple[str, ...]
    purpose: str
    tenancy_wide: bool = False
    optional: bool = False

    def statement(self, compartment: str, group: str = ANY_GROUP) -> str:
        """The text to paste into a policy; `compartment` is a name or an OCID."""
        place = f"compartment {'id ' if is_ocid(compartment) else ''}{compartment}"
        where = "tenancy" if self.tenancy_wide or not compartment else place
        return f"Allow group {group} to {self.verb} {self.resource} in {where}"


PERMISSIONS: tuple[Permission, ...] = (
    Permission("inspect", "tenancies", ("account",), "see who we are and where", True),
    Permission(
        "inspect", "resource-availability", ("limits",), "read the account's limits", True, True
    ),
    Permission(
        "read", "resource-availability", ("limits",), "read what is left of limits", True, True
    ),
    Permission(
        "manage", "compartments", ("compartment",), "make a compartment and remove it", True
    ),
    Permission("inspect", "compartments", ("compartment",), "find the compartment", True),
    Permission("manage", "quota", ("spend-lock",), "lock what would cost money", True, True),
    Permission(
        "manage", "usage-budgets", ("spend-alert",), "have Oracle warn of a bill", True, True
    ),
    Permission("manage", "virtual-network-family", NETWORK_STEPS, "make the network"),
    Permission("manage", "public-ips", ("reserved-address",), "reserve an address", False, True),
    Permission(
        "manage", "object-family", ("backup-bucket",), "make a bucket for backups", False, True
    ),
    Permission("manage", "volume-family", ("leftovers", "node-pool"), "find and remove volumes"),
    Permission("manage", "load-balancers", ("leftovers",), "find and remove load balancers"),
    Permission(
        "manage", "network-load-balancers", ("leftovers",), "find and remove network load balancers"
    ),
    Permission(
        "manage",
        "cluster-family",
        ("cluster", "cluster-access", "node-pool"),
        "make the cluster and reach it",
    ),
    Permission("manage", "instance-family", ("node-pool",), "make the machines"),
)

# The SDK's name of a service that refused -> the resources whose statements it asks for.
SERVICES: dict[str, tuple[str, ...]] = {
    "identity": ("tenancies", "compartments"),
    "object_storage": ("object-family",),
    "limits": ("resource-availability",),
    "quotas": ("quota",),
    "budget": ("usage-budgets",),
    "virtual_network": ("virtual-network-family", "public-ips"),
    "compute": ("instance-family",),
    "blockstorage": ("volume-family",),
    "container_engine": ("cluster-family", "instance-family", "virtual-network-family"),
    "load_balancer": ("load-balancers",),
    "network_load_balancer": ("network-load-balancers",),
}


def needed_for(step: str) -> tuple[Permission, ...]:
    """The permissions a step makes use of."""
    return tuple(each for each in PERMISSIONS if step in each.steps)


def asked_by(service: str) -> tuple[Permission, ...]:
    """The permissions a service asks for; none for one we do not know."""
    resources = SERVICES.get(service, ())
    return tuple(each for each in PERMISSIONS if each.resource in resources)


def policy_text(permissions: Sequence[Permission], compartment: str) -> str:
    """The statements, one a line, each once."""
    lines = [each.statement(compartment) for each in permissions]
    return "\n".join(dict.fromkeys(lines))
