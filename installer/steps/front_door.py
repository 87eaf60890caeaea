"""Makes sure of the one balancer in front of everything, and learns its address.

It comes before everything that holds a public name, because without a domain of one's own the name
is made from the address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.engine.errors import ClusterError
from installer.engine.step import Condition, Context, Seen
from installer.kube.objects import ref_of
from installer.modules.hosts import (
    ADDRESS_FACT,
    FRONT_DOOR_STEP,
    domain_at,
    is_late,
    with_domain,
)
from installer.steps.kube_step import Body, Connect, KubeStep, ReadinessWatch
from installer.steps.namespaces import NAMESPACES

FRONT_DOOR = FRONT_DOOR_STEP
_USUALLY = 120.0
_KIND = "oci.oraclecloud.com/load-balancer-type"
_WITHOUT = (
    "A cluster of your own may have nothing that makes balancers: then set modules.edge.entry to "
    "node_port or internal."
)
FrontAddress = Callable[[Context], str]


def no_address(_ctx: Context) -> str:
    """No address is reserved: the balancer gets any."""
    return ""


@dataclass(frozen=True)
class PublicName:
    """The domain of the plan, and on which wildcard-DNS service it is found when it is late."""

    domain: str
    service: str = ""

    @property
    def late(self) -> bool:
        """Whether the name follows from the address."""
        return is_late(self.domain)

    def now(self, ctx: Context) -> str:
        """The domain as far as it is known: the plan's own, or the one made from the address."""
        address = ctx.recall(ADDRESS_FACT, FRONT_DOOR) if self.late else None
        return domain_at(address, self.service) if address else self.domain

    def located(self, ctx: Context, bodies: Sequence[Body]) -> tuple[Body, ...]:
        """The objects with the public name in place of its marker."""
        if not self.late:
            return tuple(bodies)
        domain = self.now(ctx)
        return tuple(with_domain(dict(body), domain) for body in bodies)


class FrontDoor(KubeStep):
    """The Service of type LoadBalancer, applied first and followed until it has an address."""

    id = FRONT_DOOR
    title = "Public address"
    needs = (NAMESPACES,)
    usually = _USUALLY

    def __init__(
        self,
        connect: Connect,
        service: Body,
        name: PublicName,
        reserved: FrontAddress = no_address,
        group: FrontAddress = no_address,
    ) -> None:
        super().__init__(connect)
        self._service = service
        self._ref = ref_of(service)
        self._name = name
        self._reserved = reserved
        self._group = group

    def look(self, ctx: Context) -> Seen:
        """Compare the Service, and ask for its address."""
        comparison = self.cluster(ctx).compare([self._wanted(ctx)], self.stamp(ctx))
        if comparison.not_ours:
            return Seen(Condition.NOT_OURS, "; ".join(comparison.not_ours))
        if comparison.absent:
            return Seen(Condition.ABSENT)
        address = self._address(ctx)
        changes = comparison.changes
        known = ctx.recall(ADDRESS_FACT)
        if not address:
            changes = (*changes, "the balancer has no address yet")
        elif known is None:
            # Only this machine had forgotten it; nothing in the world differs.
            ctx.remember(ADDRESS_FACT, address)
        elif self._name.late and known != address:
            changes = (*changes, f"the public address is {address} now")
        if changes:
            return Seen(Condition.DIFFERENT, changes[0], changes)
        return Seen(Condition.AS_WANTED, f"public address {address}")

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Apply it, wait for the address and remember it."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        cluster.apply([self._wanted(ctx)], stamp)
        try:
            ReadinessWatch(cluster, stamp, ctx, [self._ref]).wait(_USUALLY)
        except ClusterError as error:
            raise ClusterError(error.what, error.why, f"{error.then} {_WITHOUT}") from error
        address = self._address(ctx)
        ctx.remember(ADDRESS_FACT, address)
        ctx.note(f"The public address is {address}.")

    def unmake(self, ctx: Context) -> None:
        """Remove the Service; its balancer goes with it, which the namespaces wait for."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        owned = [one for one in cluster.inventory(stamp) if one.ref == self._ref]
        cluster.delete(owned, stamp, ctx.wait)

    def _wanted(self, ctx: Context) -> dict[str, Any]:
        reserved = self._reserved(ctx)
        body = dict(self._service)
        if reserved:
            body["spec"] = {**body["spec"], "loadBalancerIP": reserved}
        group = self._group(ctx)
        return in_group(body, group) if group else body

    def _address(self, ctx: Context) -> str:
        body = self.cluster(ctx).get(self._ref)
        return address_of(body or {})


def in_group(service: Mapping[str, Any], group: str) -> dict[str, Any]:
    """The Service with its balancer in a security group (an OCID); each kind has its own key.

    https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contengcreatingloadbalancer_topic-Summaryofannotations.htm
    """
    metadata = service["metadata"]
    noted = metadata.get("annotations") or {}
    kind = "oci-network-load-balancer" if noted.get(_KIND) == "nlb" else "oci"
    annotations = {**noted, f"{kind}.oraclecloud.com/oci-network-security-groups": group}
    return {**service, "metadata": {**metadata, "annotations": annotations}}


def address_of(service: Mapping[str, Any]) -> str:
    """The address or host name a Service of type LoadBalancer has got; empty before that."""
    status = (service.get("status") or {}).get("loadBalancer") or {}
    for entry in status.get("ingress") or ():
        found = entry.get("ip") or entry.get("hostname")
        if found:
            return str(found)
    return ""
