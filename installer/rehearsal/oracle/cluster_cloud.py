"""One cluster's view of the tenancy: what its Kubernetes may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from installer.rehearsal.cloud import BalancerKind, CloudRefused, WantedNode
from installer.rehearsal.oracle.balancers import LB, NLB, make_balancer, remove_balancer
from installer.rehearsal.oracle.block_storage import SMALLEST_GB, VOLUME
from installer.rehearsal.oracle.images import image_of
from installer.rehearsal.oracle.kinds import end, new_record
from installer.rehearsal.oracle.public_ips import at
from installer.rehearsal.oracle.records import GOING, GONE, Record
from installer.rehearsal.oracle.refusals import Refused, invalid, not_found
from installer.rehearsal.oracle.tenancy import Tenancy

_LOOK_EVERY = 2.0


class ClusterCloud:
    """Implements `Cloud` for the cluster with that OCID."""

    def __init__(self, tenancy: Tenancy, cluster: str) -> None:
        self._tenancy = tenancy
        self._cluster = cluster

    async def create_volume(
        self, name: str, size_gib: int, tags: Mapping[str, str], zone: str = ""
    ) -> str:
        """See `Cloud`."""
        await self._weather("CreateVolume", name)

        def make() -> Record:
            configured = self._options("persistentVolumeConfig")
            body = {
                "compartmentId": self._record.body["compartmentId"],
                "availabilityDomain": self._domain(zone),
                "displayName": name,
                "sizeInGBs": max(size_gib, SMALLEST_GB),
                "freeformTags": {**(configured.get("freeformTags") or {}), **tags},
            }
            return self._ours(new_record(VOLUME, self._tenancy, body))

        volume = self._find("volume", name) or self._do(make)
        await self._until(volume, lambda state: state == "AVAILABLE")
        return volume.id

    async def delete_volume(self, ocid: str) -> None:
        """See `Cloud`."""
        await self._weather("DeleteVolume", ocid)
        await self._remove("volume", ocid, lambda record: end(VOLUME, self._tenancy, record))

    async def create_balancer(
        self,
        name: str,
        kind: BalancerKind,
        shape: Mapping[str, str],
        tags: Mapping[str, str],
        reserved: str = "",
        groups: tuple[str, ...] = (),
    ) -> tuple[str, str]:
        """See `Cloud`."""
        word = "CreateNetworkLoadBalancer" if kind == "nlb" else "CreateLoadBalancer"
        await self._weather(word, name)
        target = NLB if kind == "nlb" else LB

        def make() -> Record:
            body = self._balancer_body(name, kind, shape, tags)
            body["networkSecurityGroupIds"] = list(groups)
            if reserved:
                body["reservedIps"] = [{"id": self._reserved(reserved)}]
            return self._ours(make_balancer(self._tenancy, target, body))

        balancer = self._find(target, name) or self._do(make)
        await self._until(balancer, lambda state: state == "ACTIVE")
        return balancer.id, str(balancer.body["ipAddresses"][0]["ipAddress"])

    async def delete_balancer(self, ocid: str) -> None:
        """See `Cloud`."""
        nlb = self._tenancy.registry.look_up(NLB, ocid) is not None
        await self._weather("DeleteNetworkLoadBalancer" if nlb else "DeleteLoadBalancer", ocid)
        await self._remove(
            NLB if nlb else LB, ocid, lambda record: remove_balancer(self._tenancy, record)
        )

    def nodes_wanted(self) -> tuple[WantedNode, ...]:
        """See `Cloud`."""
        registry = self._tenancy.registry
        pools = registry.living("nodepool", lambda r: bool(r.body["clusterId"] == self._cluster))
        by_id = {pool.id: pool for pool in pools}
        found = []
        for node in registry.living("node"):
            pool = by_id.get(node.body["nodePoolId"])
            instance = registry.look_up("instance", node.id)
            # A node that will fail has a machine, but its kubelet never gets through.
            if pool is None or instance is None or "error" in node.notes:
                continue
            if registry.state(instance) == "RUNNING" and not self._is_late(node):
                found.append(_wanted(node, instance, pool))
        return tuple(found)

    def _is_late(self, node: Record) -> bool:
        late = max((each.seconds for each in self._tenancy.weather.standing("late")), default=0.0)
        return self._tenancy.now < float(node.notes.get("launched", 0.0)) + late

    @property
    def _record(self) -> Record:
        return self._tenancy.registry.find("cluster", self._cluster)

    def _options(self, name: str) -> dict[str, Any]:
        return self._record.body["options"].get(name) or {}

    def _balancer_body(
        self, name: str, kind: BalancerKind, shape: Mapping[str, str], tags: Mapping[str, str]
    ) -> dict[str, Any]:
        subnets = self._record.body["options"].get("serviceLbSubnetIds") or []
        if not subnets:
            raise invalid("The cluster has no subnets for load balancers.")
        configured = self._options("serviceLbConfig").get("freeformTags") or {}
        body: dict[str, Any] = {
            "compartmentId": self._record.body["compartmentId"],
            "displayName": name,
            "freeformTags": {**configured, **tags},
        }
        if kind == "nlb":
            return {**body, "subnetId": subnets[0]}
        body |= {"subnetIds": subnets[:1], "shapeName": shape.get("shape", "100Mbps")}
        if body["shapeName"] == "flexible":
            body["shapeDetails"] = {
                "minimumBandwidthInMbps": int(shape.get("minimum", 0)),
                "maximumBandwidthInMbps": int(shape.get("maximum", 0)),
            }
        return body

    def _domain(self, zone: str) -> str:
        """The availability domain behind a node's zone, which has no prefix; the first for none."""
        domains = self._tenancy.identity.domains
        return next((each for each in domains if each.rsplit(":", 1)[-1] == zone), domains[0])

    def _reserved(self, address: str) -> str:
        """Its OCID: only addresses of the cluster's own compartment can be used."""
        found = at(self._tenancy, address, self._record.body["compartmentId"])
        if found is None:
            raise not_found(address)
        return found.id

    def _ours(self, record: Record) -> Record:
        record.notes["cluster"] = self._cluster
        self._tenancy.registry.save(record)
        return record

    def _find(self, kind: str, name: str) -> Record | None:
        for record in self._tenancy.registry.living(kind):
            mine = record.notes.get("cluster") == self._cluster
            staying = self._tenancy.registry.state(record) not in GOING
            if mine and staying and record.body["displayName"] == name:
                return record
        return None

    def _do(self, work: Callable[[], Record]) -> Record:
        try:
            with self._tenancy.shelf.together():
                return work()
        except Refused as refusal:
            raise CloudRefused(refusal.status, refusal.code, refusal.message) from refusal

    async def _weather(self, operation: str, subject: str) -> None:
        fault = self._tenancy.weather.strike(
            operation, subject=subject, kinds=("error", "slow", "throttle", "limit_zero")
        )
        if fault is None:
            return
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "throttle":
            raise CloudRefused(429, "TooManyRequests", "Too many requests for the user.")
        elif fault.kind == "limit_zero":
            raise CloudRefused(400, "LimitExceeded", "The service limit is exceeded.")
        else:
            raise CloudRefused(fault.status, fault.code, fault.message)

    async def _until(self, record: Record, done: Callable[[str], bool]) -> None:
        while True:
            current = self._tenancy.registry.look_up(record.kind, record.id)
            state = self._tenancy.registry.state(current) if current else "DELETED"
            if done(state):
                return
            if state in GONE | GOING:
                raise CloudRefused(409, "IncorrectState", f"{record.id} is {state}.")
            await self._tenancy.clock.sleep(_LOOK_EVERY)

    async def _remove(self, kind: str, ocid: str, start: Callable[[Record], None]) -> None:
        registry = self._tenancy.registry
        while (record := registry.look_up(kind, ocid)) is not None:
            state = registry.state(record)
            if state in GONE:
                return
            if state in ("AVAILABLE", "ACTIVE"):
                with self._tenancy.shelf.together():
                    start(record)
            await self._tenancy.clock.sleep(_LOOK_EVERY)


def _wanted(node: Record, instance: Record, pool: Record) -> WantedNode:
    image = image_of(instance.body["imageId"])
    return WantedNode(
        name=node.body["privateIp"],
        ocid=instance.id,
        pool=pool.id,
        ocpus=float(instance.body["shapeConfig"]["ocpus"]),
        memory_gb=float(instance.body["shapeConfig"]["memoryInGBs"]),
        version=node.body["kubernetesVersion"],
        image=image.name if image else "",
        private_ip=node.body["privateIp"],
        public_ip=node.body.get("publicIp") or "",
        display_name=str(instance.body.get("displayName") or ""),
        architecture="arm64" if image and image.architecture == "AARCH64" else "amd64",
        shape=instance.body["shape"],
        availability_domain=instance.body["availabilityDomain"],
        fault_domain=instance.body["faultDomain"],
        region=instance.body["region"],
        boot_volume_gb=int(instance.body["sourceDetails"]["bootVolumeSizeInGBs"]),
        labels={pair["key"]: pair["value"] for pair in pool.body.get("initialNodeLabels") or []},
    )
