"""What the API server adds to or asks of a new object because of the rest of the cluster."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from installer.rehearsal.kubernetes.kinds import BY_KEY, Kind, Object
from installer.rehearsal.kubernetes.podsecurity import pod_spec_of, refusal, warning
from installer.rehearsal.kubernetes.refusals import Cause, Refused, forbidden, not_found
from installer.rehearsal.kubernetes.store import Store

_NAMESPACES = BY_KEY["namespaces"]
_SERVICES = BY_KEY["services"]
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_CLUSTER_NETWORK = "10.96"
_FIRST_NODE_PORT = 30000


def admit(store: Store, kind: Kind, obj: Object) -> list[str]:
    """Completes a new object in place; refuses it where the cluster does not allow it.

    Returns the warnings for the writer.
    """
    if kind.namespaced:
        _namespace_is_open(store, kind, obj)
    if kind.kind == "Service":
        give_address(store, obj)
    elif kind.kind == "PersistentVolumeClaim":
        _finalizer(obj, "kubernetes.io/pvc-protection")
        _default_class(store, obj)
    elif kind.kind == "PersistentVolume":
        _finalizer(obj, "kubernetes.io/pv-protection")
    elif kind.kind == "Pod":
        _priority(store, obj)
    return pod_security(store, kind, obj)


def _namespace_is_open(store: Store, kind: Kind, obj: Object) -> None:
    name = obj["metadata"]["namespace"]
    namespace = store.get(_NAMESPACES, "", name)
    if namespace is None:
        raise not_found(_NAMESPACES, name)
    if namespace["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {name} because it is being terminated"
        refused = forbidden(kind, obj["metadata"]["name"], why)
        told = f"namespace {name} is being terminated"
        refused.causes = (Cause("NamespaceTerminating", told, "metadata.namespace"),)
        raise refused


def pod_security(store: Store, kind: Kind, obj: Object) -> list[str]:
    """Refuses a pod its namespace does not allow; warns about what would make such pods."""
    spec = pod_spec_of(kind.kind, obj)
    if spec is None:
        return []
    namespace = store.get(_NAMESPACES, "", obj["metadata"]["namespace"])
    if namespace is None:
        return []
    if kind.kind == "Pod":
        words = refusal(namespace, spec)
        if words:
            raise forbidden(kind, obj["metadata"]["name"], words)
    told = warning(namespace, spec)
    return [told] if told else []


def _finalizer(obj: Object, name: str) -> None:
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if name not in finalizers:
        finalizers.append(name)


def _default_class(store: Store, claim: Object) -> None:
    if claim["spec"].get("storageClassName") is not None:
        return
    for candidate in store.all(BY_KEY["storageclasses.storage.k8s.io"]):
        annotations = candidate["metadata"].get("annotations") or {}
        if annotations.get(_DEFAULT_CLASS) == "true":
            claim["spec"]["storageClassName"] = candidate["metadata"]["name"]


def _priority(store: Store, pod: Object) -> None:
    name = pod["spec"].get("priorityClassName")
    if not name or name.startswith("system-"):
        return
    found = store.get(BY_KEY["priorityclasses.scheduling.k8s.io"], "", name)
    if found is None:
        kind = BY_KEY["pods"]
        why = f"no PriorityClass with name {name} was found"
        raise forbidden(kind, pod["metadata"]["name"], why)
    pod["spec"]["priority"] = found["value"]


def give_address(store: Store, service: Object) -> None:
    """Cluster address and node ports for a Service that needs them and has none."""
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return
    if not spec.get("clusterIP"):
        spec["clusterIP"] = _free_address(store, service)
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    if spec["type"] in ("LoadBalancer", "NodePort"):
        free = _free_ports(store)
        for port in spec.get("ports") or []:
            if not port.get("nodePort"):
                port["nodePort"] = next(free)


def _free_address(store: Store, service: Object) -> str:
    taken = {other["spec"].get("clusterIP") for other in store.all(_SERVICES)}
    seed = zlib.crc32(f"{service['metadata']['namespace']}/{service['metadata']['name']}".encode())
    for number in range(seed, seed + 65000):
        address = f"{_CLUSTER_NETWORK}.{number // 254 % 255}.{number % 254 + 1}"
        if address not in taken and not address.startswith(f"{_CLUSTER_NETWORK}.0."):
            return address
    raise Refused(500, "InternalError", "failed to allocate a serviceIP: range is full")


def _free_ports(store: Store) -> Iterator[int]:
    taken = {
        port.get("nodePort")
        for other in store.all(_SERVICES)
        for port in other["spec"].get("ports") or []
    }
    return (number for number in range(_FIRST_NODE_PORT, 32768) if number not in taken)
