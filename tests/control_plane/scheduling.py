"""Cases played on a real scheduler: nodes without kubelets, pods that are only scheduled."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from installer.budget.room import LiveNode
from tests.control_plane.wire import MERGE, Refused, Wire

_STILL = 6.0
"""Seconds without any change, and without a pod nobody has looked at, that count as the end.

The scheduler looks again at a refused pod after one, two and four seconds.
"""

_STILL_PROMISED = 30.0
"""The same where every pod is expected to find a node."""

_PATIENCE = 120.0

Pods = Collection[tuple[str, str]]
"""Pods by namespace and name."""

Homes = Mapping[tuple[str, str], str]
"""Pod -> node name; empty for a pod that no node takes."""


class Stage:
    """A cluster in which several cases are played at once."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def add_node(self, node: LiveNode) -> None:
        """A ready node of this size; the server's own taint of new nodes is taken off again."""
        labels = {"kubernetes.io/hostname": node.name, **node.labels}
        taints = [{"key": t.key, "value": t.value, "effect": t.effect} for t in node.taints]
        spec = {"taints": taints}
        amounts = {
            "cpu": f"{node.cpu_milli}m",
            "memory": str(node.memory_bytes),
            "pods": str(node.pods),
            "ephemeral-storage": "32Gi",
        }
        status = {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        body = _object("Node", node.name)
        body["metadata"]["labels"] = labels
        path = f"/api/v1/nodes/{node.name}"
        self._wire.ask("POST", "/api/v1/nodes", body)
        self._wire.ask("PATCH", f"{path}/status", {"status": status}, MERGE)
        self._wire.ask("PATCH", path, {"spec": spec}, MERGE)

    def add_namespace(self, name: str) -> None:
        """A namespace whose pods need no account."""
        self._wire.ask(
            "POST",
            "/api/v1/namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        )
        try:
            account = {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "default"},
            }
            self._wire.ask("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)
        except Refused as refused:
            if refused.status != 409:  # a controller was faster
                raise

    def add_claim(self, namespace: str, name: str) -> None:
        """A claim that is bound to a volume already."""
        volume = f"{namespace}-{name}"
        size, modes = {"storage": "50Gi"}, ["ReadWriteOnce"]
        claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
        spec: dict[str, Any] = {
            "accessModes": modes,
            "storageClassName": "",
            "volumeName": volume,
            "resources": {"requests": size},
        }
        claim = self._wire.ask("POST", claims, _object("PersistentVolumeClaim", name, spec=spec))
        reference = {
            "kind": "PersistentVolumeClaim",
            "namespace": namespace,
            "name": name,
            "uid": claim["metadata"]["uid"],
        }
        spec = {
            "capacity": size,
            "accessModes": modes,
            "claimRef": reference,
            "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": "blockvolume.csi.oraclecloud.com", "volumeHandle": volume},
        }
        self._wire.ask(
            "POST", "/api/v1/persistentvolumes", _object("PersistentVolume", volume, spec=spec)
        )
        marks = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
        self._wire.ask("PATCH", f"{claims}/{name}", {"metadata": marks}, MERGE)

    def add_pods(self, pods: Sequence[Mapping[str, Any]]) -> None:
        """Pods for the scheduler, in this order, each in its namespace."""
        for pod in pods:
            space = pod["metadata"]["namespace"]
            self._wire.ask("POST", f"/api/v1/namespaces/{space}/pods", pod)

    def remove_pod(self, pod: tuple[str, str]) -> None:
        """At once, since no kubelet is there to agree."""
        namespace, name = pod
        self._wire.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}?gracePeriodSeconds=0")

    def settle(self, pods: Pods, promised: Collection[str]) -> Homes:
        """Wait until the scheduler has had its last word on these pods; their nodes.

        Those in `promised` namespaces are waited for longer.
        """
        ends = time.monotonic() + _PATIENCE
        before: set[tuple[str, str]] | None = None
        since = time.monotonic()
        while time.monotonic() < ends:
            waiting, undecided = self._homeless(pods)
            now = time.monotonic()
            if waiting != before or undecided:
                before, since = waiting, now
            patient = any(namespace in promised for namespace, _ in waiting)
            still = _STILL_PROMISED if patient else _STILL
            if not undecided and (not waiting or now - since > still):
                return {pod: self._home(pod) for pod in sorted(pods)}
            time.sleep(0.15)
        raise AssertionError(f"the scheduler does not come to an end: {before}")

    def _homeless(self, pods: Pods) -> tuple[set[tuple[str, str]], bool]:
        """Those of the pods without a node, and whether nobody has looked at one of them yet."""
        # Most pods have a node; only the others are read, in one request for all cases.
        found = self._wire.ask("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3D")["items"]
        waiting = {}
        for pod in found:
            identity = (pod["metadata"]["namespace"], pod["metadata"]["name"])
            if identity in pods:
                waiting[identity] = _decided(pod)
        return set(waiting), not all(waiting.values())

    def _home(self, pod: tuple[str, str]) -> str:
        namespace, name = pod
        found = self._wire.ask("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")
        return str(found["spec"].get("nodeName", ""))

    def clear_pods(self, namespaces: Sequence[str]) -> None:
        """Take all pods of these namespaces away, and return when they are gone."""
        for namespace in namespaces:
            path = f"/api/v1/namespaces/{namespace}/pods"
            self._wire.ask("DELETE", f"{path}?gracePeriodSeconds=0")
            while self._wire.ask("GET", path)["items"]:
                time.sleep(0.1)

    def clear(self, namespaces: Sequence[str], nodes: Sequence[LiveNode]) -> None:
        """Take the pods and nodes of finished cases away."""
        self.clear_pods(namespaces)
        for node in nodes:
            self._wire.ask("DELETE", f"/api/v1/nodes/{node.name}")


def _object(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **more}


def _decided(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return bool(pod["spec"].get("nodeName")) or any(
        condition["type"] == "PodScheduled" and condition["status"] == "False"
        for condition in conditions
    )
