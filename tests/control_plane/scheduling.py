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

Homes = Mapping[str, str]
"""Pod name -> node name; empty for a pod that no node takes."""


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

    def add_pods(self, namespace: str, pods: Sequence[Mapping[str, Any]]) -> None:
        """Pods for the scheduler, in this order."""
        for pod in pods:
            self._wire.ask("POST", f"/api/v1/namespaces/{namespace}/pods", pod)

    def remove_pod(self, namespace: str, name: str) -> None:
        """At once, since no kubelet is there to agree."""
        self._wire.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}?gracePeriodSeconds=0")

    def settle(self, namespaces: Sequence[str], promised: Collection[str]) -> dict[str, Homes]:
        """Wait until the scheduler has had its last word on all pods of these cases."""
        ends = time.monotonic() + _PATIENCE
        before: dict[str, Homes] = {}
        since = time.monotonic()
        while time.monotonic() < ends:
            found, undecided = self._look(namespaces)
            now = time.monotonic()
            if found != before or undecided:
                before, since = found, now
            waiting = {name for name, homes in found.items() if not all(homes.values())}
            still = _STILL_PROMISED if waiting & set(promised) else _STILL
            if not undecided and (not waiting or now - since > still):
                return found
            time.sleep(0.15)
        raise AssertionError(f"the scheduler does not come to an end: {before}")

    def _look(self, namespaces: Sequence[str]) -> tuple[dict[str, Homes], bool]:
        found: dict[str, Homes] = {}
        undecided = False
        for namespace in namespaces:
            listed = self._wire.ask("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
            found[namespace] = {
                pod["metadata"]["name"]: pod["spec"].get("nodeName", "") for pod in listed
            }
            undecided = undecided or any(not _decided(pod) for pod in listed)
        return found, undecided

    def clear(self, namespaces: Sequence[str], nodes: Sequence[LiveNode]) -> None:
        """Take the pods and nodes of finished cases away."""
        for namespace in namespaces:
            self._wire.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods?gracePeriodSeconds=0")
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
