"""The cloud controller's part: a balancer for each Service that asks for one.

The annotations are those of Oracle's cloud controller manager.
"""

from __future__ import annotations

from installer.rehearsal.cloud import BalancerKind, Cloud, CloudRefused
from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.cluster import SERVICES, Cluster, Key, is_leaving, key_of
from installer.rehearsal.player.desk import Desk

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
_TYPE = "oci.oraclecloud.com/load-balancer-type"
_SHAPE = "service.beta.kubernetes.io/oci-load-balancer-shape"
_MADE = "rehearsal.oraclecloud.com/balancer"
_DEFAULT_SHAPE = "100Mbps"
_RETRY_SECONDS = 30.0
_SOURCE = "service-controller"


class ShapeInvalid(Exception):
    """The annotations ask for a shape that cannot be."""


class Balancers:
    """The service controller."""

    def __init__(self, cluster: Cluster, cloud: Cloud) -> None:
        self._cluster, self._cloud = cluster, cloud
        self.desk = Desk("balancers", self._work, cluster.clock)
        cluster.tell((SERVICES,), lambda obj, _: self.desk.add(key_of(obj)))

    async def _work(self, key: Key) -> None:
        service = self._cluster.get(SERVICES, *key)
        if service is None:
            return
        asks = service["spec"].get("type") == "LoadBalancer" and not is_leaving(service)
        has = FINALIZER in (service["metadata"].get("finalizers") or [])
        try:
            if asks and not _address(service):
                await self._make(service)
            elif has and not asks:
                await self._remove(service)
        except (CloudRefused, ShapeInvalid) as problem:
            verb = "ensure" if asks else "delete"
            words = f"Error syncing load balancer: failed to {verb} load balancer: {problem}"
            await self._cluster.event(
                service, "SyncLoadBalancerFailed", words, _SOURCE, warning=True
            )
            self.desk.add_later(key, _RETRY_SECONDS)

    async def _make(self, service: Object) -> None:
        kind, shape = balancer_of(service)
        finalizers = service["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            patch = {"metadata": {"finalizers": [*finalizers, FINALIZER]}}
            service = await self._cluster.patch(SERVICES, service, patch)
        await self._cluster.event(
            service, "EnsuringLoadBalancer", "Ensuring load balancer", _SOURCE
        )
        ocid, address = await self._create(service, kind, shape)
        note = {"metadata": {"annotations": {_MADE: ocid}}}
        service = await self._cluster.patch(SERVICES, service, note)
        ingress = [{"ip": address, "ipMode": "VIP"}]
        await self._cluster.status(SERVICES, service, {"loadBalancer": {"ingress": ingress}})
        await self._cluster.event(service, "EnsuredLoadBalancer", "Ensured load balancer", _SOURCE)

    async def _create(
        self, service: Object, kind: BalancerKind, shape: dict[str, str]
    ) -> tuple[str, str]:
        name = service["metadata"]["uid"]
        tags = {"kubernetes.io/service": "/".join(key_of(service))}
        # Deprecated in Kubernetes, and the one field that Oracle's controller reads for this.
        reserved = str(service["spec"].get("loadBalancerIP") or "")
        return await self._cloud.create_balancer(
            name, kind, shape, tags, reserved, groups_of(service, kind)
        )

    async def _remove(self, service: Object) -> None:
        words = "Deleting load balancer"
        await self._cluster.event(service, "DeletingLoadBalancer", words, _SOURCE)
        ocid = (service["metadata"].get("annotations") or {}).get(_MADE)
        if not ocid:
            # Cut off between making and noting: asking by name again finds it.
            ocid, _ = await self._create(service, *balancer_of(service))
        await self._cloud.delete_balancer(ocid)
        await self._cluster.event(service, "DeletedLoadBalancer", "Deleted load balancer", _SOURCE)
        if not is_leaving(service):
            patch = {"metadata": {"annotations": {_MADE: None}}}
            service = await self._cluster.patch(SERVICES, service, patch)
            service = await self._cluster.status(
                SERVICES, service, {"loadBalancer": {"ingress": None}}
            )
        await self._cluster.drop_finalizer(SERVICES, service, FINALIZER)


def _address(service: Object) -> str:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return str(ingress[0].get("ip", "")) if ingress else ""


def groups_of(service: Object, kind: BalancerKind) -> tuple[str, ...]:
    """Security groups the annotation names, by commas; each kind of balancer has its own key."""
    scheme = "oci-network-load-balancer" if kind == "nlb" else "oci"
    annotations = service["metadata"].get("annotations") or {}
    text = annotations.get(f"{scheme}.oraclecloud.com/oci-network-security-groups", "")
    return tuple(part.strip() for part in text.split(",") if part.strip())


def balancer_of(service: Object) -> tuple[BalancerKind, dict[str, str]]:
    """The kind and shape a Service's annotations ask for; ShapeInvalid when they cannot be."""
    annotations = service["metadata"].get("annotations") or {}
    if annotations.get(_TYPE, "lb") == "nlb":
        return "nlb", {}
    shape = annotations.get(_SHAPE, _DEFAULT_SHAPE)
    if shape != "flexible":
        return "lb", {"shape": shape}
    limits = [annotations.get(f"{_SHAPE}-flex-{end}") for end in ("min", "max")]
    if not all(limits):
        raise ShapeInvalid(
            "error parsing service annotation: flexible shape needs flex-min and flex-max"
        )
    low, high = (str(min(8192, max(10, int(str(limit).removesuffix("Mbps"))))) for limit in limits)
    return "lb", {"shape": shape, "minimum": low, "maximum": high}
