"""Nodes: the machines Oracle says there are, as the kubelet registers them."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

import aiohttp

from installer.rehearsal.cloud import Cloud, WantedNode
from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.api import ApiRefused
from installer.rehearsal.player.capacity import allocatable, capacity
from installer.rehearsal.player.cluster import LEASES, NODES, PODS, Cluster, is_leaving

_LOOK_SECONDS = 5.0
_SHORTEST_LOOK_REAL_SECONDS = 0.1
_READY_SECONDS = 20.0
_RENEW_REAL_SECONDS = 10.0
_LEASES_NAMESPACE = "kube-node-lease"
_OURS = "rehearsal.oraclecloud.com/node"
_log = logging.getLogger(__name__)


class Nodes:
    """Keeps Node objects in step with the cloud."""

    def __init__(self, cluster: Cluster, cloud: Cloud) -> None:
        self._cluster, self._cloud = cluster, cloud

    async def run(self) -> None:
        """Until cancelled. The cloud cannot call us, so it is asked now and then."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._renew())
            while True:
                try:
                    await self._round()
                except (ApiRefused, aiohttp.ClientError, OSError) as error:
                    _log.debug("nodes: %s", error)
                pause = _LOOK_SECONDS / self._cluster.clock.speed
                await asyncio.sleep(max(pause, _SHORTEST_LOOK_REAL_SECONDS))

    async def _round(self) -> None:
        wanted = {node.name: node for node in self._cloud.nodes_wanted()}
        present = {node["metadata"]["name"]: node for node in self._cluster.all(NODES)}
        for name, node in wanted.items():
            if name not in present:
                await self._register(node)
            elif not _is_ready(present[name]) or _tainted(present[name]):
                await self._make_ready(present[name])
        for name, found in present.items():
            ours = _OURS in (found["metadata"].get("annotations") or {})
            if name not in wanted and ours and not is_leaving(found):
                await self._terminated(found)

    async def _register(self, wanted: WantedNode) -> None:
        made = await self._cluster.create(NODES, node_object(wanted))
        words = f"Node {wanted.name} event: Registered Node {wanted.name} in Controller"
        await self._cluster.event(made, "RegisteredNode", words, "node-controller")
        status = self._status(wanted, ready=False)
        await self._cluster.status(NODES, made, status)
        await self._lease(wanted.name, made["metadata"]["uid"])

    async def _make_ready(self, node: Object) -> None:
        born = datetime.strptime(node["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ")
        age = self._cluster.clock.now() - born.replace(tzinfo=UTC)
        if age.total_seconds() < _READY_SECONDS:
            return
        name = node["metadata"]["name"]
        wanted = next(one for one in self._cloud.nodes_wanted() if one.name == name)
        node = await self._cluster.status(NODES, node, self._status(wanted, ready=True))
        taints = [t for t in node["spec"].get("taints") or [] if "not-ready" not in t["key"]]
        await self._cluster.patch(NODES, node, {"spec": {"taints": taints or None}})
        words = f"Node {name} status is now: NodeReady"
        await self._cluster.event(node, "NodeReady", words, "kubelet")

    async def _terminated(self, node: Object) -> None:
        """The machine is gone, and its pods with it."""
        name = node["metadata"]["name"]
        await self._cluster.delete(NODES, node)
        for pod in self._cluster.all(PODS):
            if pod["spec"].get("nodeName") == name:
                await self._cluster.delete(PODS, pod, grace=0)

    async def _lease(self, name: str, node: str) -> None:
        """It belongs to its node, by uid, and goes with it."""
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node}
        spec = {
            "holderIdentity": name,
            "leaseDurationSeconds": 40,
            "renewTime": _micro_stamp(),
        }
        metadata = {
            "name": name,
            "namespace": _LEASES_NAMESPACE,
            "ownerReferences": [owner],
        }
        await self._cluster.ensure(LEASES, {"metadata": metadata, "spec": spec})

    async def _renew(self) -> None:
        """A real control plane takes a node for dead when its lease stands still, in real time."""
        while True:
            await asyncio.sleep(_RENEW_REAL_SECONDS)
            for node in self._cluster.all(NODES):
                name = node["metadata"]["name"]
                lease = {"metadata": {"name": name, "namespace": _LEASES_NAMESPACE}}
                try:
                    await self._cluster.patch(
                        LEASES, lease, {"spec": {"renewTime": _micro_stamp()}}
                    )
                except (ApiRefused, aiohttp.ClientError, OSError) as error:
                    _log.debug("lease of %s: %s", name, error)

    def _status(self, wanted: WantedNode, *, ready: bool) -> Object:
        now = self._cluster.stamp()
        addresses = [
            {"type": "InternalIP", "address": wanted.private_ip},
            {"type": "Hostname", "address": wanted.name},
        ]
        if wanted.public_ip:
            addresses.insert(1, {"type": "ExternalIP", "address": wanted.public_ip})
        return {
            "capacity": capacity(wanted),
            "allocatable": allocatable(wanted),
            "addresses": addresses,
            "conditions": _conditions(ready, now),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _info(wanted),
        }


def node_object(wanted: WantedNode) -> Object:
    """The Node as it registers itself, with the labels OKE gives."""
    zone = wanted.availability_domain.rsplit(":", 1)[-1]
    labels = {
        **wanted.labels,
        "kubernetes.io/arch": wanted.architecture,
        "kubernetes.io/hostname": wanted.name,
        "kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": wanted.architecture,
        "beta.kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": wanted.shape,
        "topology.kubernetes.io/region": wanted.region,
        "topology.kubernetes.io/zone": zone,
        "failure-domain.beta.kubernetes.io/region": wanted.region,
        "failure-domain.beta.kubernetes.io/zone": zone,
        "oci.oraclecloud.com/fault-domain": wanted.fault_domain,
        "hostname": wanted.name.replace(".", "-"),
        "internal_addr": wanted.private_ip,
        "displayName": wanted.display_name or wanted.name,
        "node.info/kubeletVersion": ".".join(wanted.version.split(".")[:2]),
    }
    not_ready = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    return {
        "metadata": {
            "name": wanted.name,
            "labels": {key: text for key, text in labels.items() if text},
            "annotations": {_OURS: wanted.ocid, "oci.oraclecloud.com/node-pool-id": wanted.pool},
        },
        "spec": {"providerID": wanted.ocid, "taints": [not_ready], "podCIDR": "10.244.0.0/25"},
    }


def _is_ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _tainted(node: Object) -> bool:
    """Whether the taint of a node that is not ready is still there: a kill may come in between."""
    return any("not-ready" in taint["key"] for taint in node["spec"].get("taints") or [])


def _micro_stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _conditions(ready: bool, now: str) -> list[Object]:
    def one(name: str, status: bool, reason: str, message: str) -> Object:
        return {
            "type": name,
            "status": "True" if status else "False",
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }

    words = "kubelet is posting ready status" if ready else "container runtime network not ready"
    return [
        one("MemoryPressure", False, "KubeletHasSufficientMemory", "kubelet has sufficient memory"),
        one("DiskPressure", False, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        one("PIDPressure", False, "KubeletHasSufficientPID", "kubelet has sufficient PID"),
        one("Ready", ready, "KubeletReady" if ready else "KubeletNotReady", words),
    ]


def _info(wanted: WantedNode) -> Object:
    return {
        "architecture": wanted.architecture,
        "bootID": wanted.ocid,
        "containerRuntimeVersion": "cri-o://1.36.0",
        "kernelVersion": "5.15.0-300.el8uek.aarch64",
        "kubeProxyVersion": wanted.version,
        "kubeletVersion": wanted.version,
        "machineID": wanted.ocid,
        "operatingSystem": "linux",
        "osImage": "Oracle Linux Server 8.10",
        "systemUUID": wanted.ocid,
    }
