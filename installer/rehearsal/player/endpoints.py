"""Endpoints and EndpointSlices: which pods stand behind a Service."""

from __future__ import annotations

from typing import Any

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.labels import matches
from installer.rehearsal.player.cluster import (
    ENDPOINTS,
    PODS,
    SERVICES,
    SLICES,
    Cluster,
    Key,
    is_leaving,
    key_of,
    reference_to,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.podparts import is_over, is_ready


class EndpointKeeper:
    """The endpoints controllers."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.desk = Desk("endpoints", self._work, cluster.clock)
        cluster.tell((SERVICES,), lambda obj, _: self.desk.add(key_of(obj)))
        cluster.tell((PODS,), self._look_at_pod)

    def _look_at_pod(self, pod: Object, gone: bool) -> None:
        if not gone and not (pod.get("status") or {}).get("podIP"):
            return
        labels = pod["metadata"].get("labels") or {}
        for service in self._cluster.all(SERVICES, pod["metadata"]["namespace"]):
            selector = service["spec"].get("selector")
            if selector and matches({"matchLabels": selector}, labels):
                self.desk.add(key_of(service))

    async def _work(self, key: Key) -> None:
        service = self._cluster.get(SERVICES, *key)
        if service is None:
            await self._forget(key)
            return
        selector = service["spec"].get("selector")
        if not selector or is_leaving(service):
            return
        pods = [
            pod
            for pod in self._cluster.all(PODS, key[0])
            if matches({"matchLabels": selector}, pod["metadata"].get("labels") or {})
            and (pod.get("status") or {}).get("podIP")
            and not is_over(pod)
            and not is_leaving(pod)
        ]
        pods.sort(key=key_of)
        await self._write_endpoints(service, pods)
        await self._write_slice(service, pods)

    async def _forget(self, key: Key) -> None:
        found = self._cluster.get(ENDPOINTS, *key)
        if found is not None:
            await self._cluster.delete(ENDPOINTS, found)

    async def _write_endpoints(self, service: Object, pods: list[Object]) -> None:
        ready = [_address(pod) for pod in pods if is_ready(pod)]
        waiting = [_address(pod) for pod in pods if not is_ready(pod)]
        subset: Object = {"ports": _ports(service, pods)}
        if ready:
            subset["addresses"] = ready
        if waiting:
            subset["notReadyAddresses"] = waiting
        subsets = [subset] if pods else []
        key, labels = key_of(service), service["metadata"].get("labels") or {}
        present = self._cluster.get(ENDPOINTS, *key)
        if present is None:
            metadata = {"name": key[1], "namespace": key[0], "labels": labels}
            await self._cluster.ensure(ENDPOINTS, {"metadata": metadata, "subsets": subsets})
        elif (present.get("subsets") or []) != subsets:
            await self._cluster.patch(ENDPOINTS, present, {"subsets": subsets})

    async def _write_slice(self, service: Object, pods: list[Object]) -> None:
        endpoints = [_endpoint(pod) for pod in pods]
        ports, name = _ports(service, pods), f"{service['metadata']['name']}-rehearsal"
        present = self._cluster.get(SLICES, service["metadata"]["namespace"], name)
        if present is None:
            labels = {
                "kubernetes.io/service-name": service["metadata"]["name"],
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            }
            metadata = {
                "name": name,
                "namespace": service["metadata"]["namespace"],
                "labels": labels,
                "ownerReferences": [reference_to(service)],
            }
            body = {"addressType": "IPv4", "endpoints": endpoints, "ports": ports}
            await self._cluster.ensure(SLICES, {"metadata": metadata, **body})
        elif (present.get("endpoints") or [], present.get("ports") or []) != (endpoints, ports):
            await self._cluster.patch(SLICES, present, {"endpoints": endpoints, "ports": ports})


def _reference(pod: Object) -> Object:
    namespace, name = key_of(pod)
    uid = pod["metadata"]["uid"]
    return {"kind": "Pod", "namespace": namespace, "name": name, "uid": uid}


def _address(pod: Object) -> Object:
    return {
        "ip": pod["status"]["podIP"],
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": _reference(pod),
    }


def _endpoint(pod: Object) -> Object:
    ready = is_ready(pod)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": _reference(pod),
    }


def _ports(service: Object, pods: list[Object]) -> list[Object]:
    if not pods:
        return []
    found = []
    for port in service["spec"].get("ports") or []:
        number = _number(port.get("targetPort", port["port"]), pods[0])
        if number is not None:
            named = {"name": port["name"]} if port.get("name") else {}
            found.append({**named, "port": number, "protocol": port.get("protocol", "TCP")})
    return found


def _number(target: Any, pod: Object) -> int | None:
    """A port's number; a name is looked up in the pod's containers."""
    if isinstance(target, int) or str(target).isdigit():
        return int(target)
    ports = [port for c in pod["spec"]["containers"] for port in c.get("ports") or []]
    return next((int(p["containerPort"]) for p in ports if p.get("name") == target), None)
