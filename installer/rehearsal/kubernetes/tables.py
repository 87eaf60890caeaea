"""Tables for `kubectl get`: columns by kind, ages by the simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from installer.rehearsal.kubernetes.kinds import Kind, Object

Cell = Callable[[Object], Any]


@dataclass(frozen=True)
class Column:
    """One column of a kind's table."""

    title: str
    cell: Cell
    wide: bool = False


def table(kind: Kind, objects: list[Object], metadata: Object, now: datetime) -> Object:
    """A `meta.k8s.io/v1` Table."""
    columns = _COLUMNS.get(kind.kind, ())
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_definition(column) for column in _headed(columns)],
        "rows": [_row(columns, obj, now) for obj in objects],
    }


_AGE = Column("Age", lambda _: "")


def _headed(columns: tuple[Column, ...]) -> list[Column]:
    name = Column("Name", lambda _: "")
    plain = [column for column in columns if not column.wide]
    return [name, *plain, _AGE, *(column for column in columns if column.wide)]


def _definition(column: Column) -> Object:
    return {
        "name": column.title,
        "type": "string",
        "format": "name" if column.title == "Name" else "",
        "description": column.title,
        "priority": 1 if column.wide else 0,
    }


def _row(columns: tuple[Column, ...], obj: Object, now: datetime) -> Object:
    metadata = obj["metadata"]
    plain = [column.cell(obj) for column in columns if not column.wide]
    wide = [column.cell(obj) for column in columns if column.wide]
    partial = {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
    }
    age = age_words(metadata.get("creationTimestamp"), now)
    return {"cells": [metadata["name"], *plain, age, *wide], "object": partial}


def age_words(stamp: str | None, now: datetime) -> str:
    """`45s`, `12m`, `3h`, `2d`: how long ago a time stamp was."""
    if not stamp:
        return "<unknown>"
    then = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    seconds = max(0, int((now - then).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _at(*path: str, none: Any = "<none>") -> Cell:
    def cell(obj: Object) -> Any:
        place: Any = obj
        for name in path:
            place = place.get(name) if isinstance(place, dict) else None
        return none if place is None or place == "" else place

    return cell


def _of(first: tuple[str, ...], second: tuple[str, ...]) -> Cell:
    return lambda obj: f"{_at(*first, none=0)(obj)}/{_at(*second, none=0)(obj)}"


def _count(name: str) -> Cell:
    return lambda obj: len(obj.get(name) or ())


def _statuses(pod: Object) -> list[Object]:
    return list(pod.get("status", {}).get("containerStatuses") or [])


def _pod_ready(pod: Object) -> str:
    ready = sum(1 for status in _statuses(pod) if status.get("ready"))
    return f"{ready}/{len(pod['spec'].get('containers') or [])}"


def _pod_restarts(pod: Object) -> int:
    return sum(int(status.get("restartCount", 0)) for status in _statuses(pod))


def _pod_words(pod: Object) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status", {})
    for number, init in enumerate(status.get("initContainerStatuses") or []):
        ended = init.get("state", {}).get("terminated", {})
        if ended.get("exitCode") != 0:
            waiting = init.get("state", {}).get("waiting", {}).get("reason", "")
            if waiting and waiting != "PodInitializing":
                return f"Init:{waiting}"
            return f"Init:{number}/{len(status['initContainerStatuses'])}"
    for one in _statuses(pod):
        state = one.get("state", {})
        reason = (state.get("waiting") or state.get("terminated") or {}).get("reason")
        if reason:
            return str(reason)
    return str(status.get("reason") or status.get("phase", "Unknown"))


def _node_words(node: Object) -> str:
    for condition in node.get("status", {}).get("conditions") or []:
        if condition["type"] == "Ready":
            words = "Ready" if condition["status"] == "True" else "NotReady"
            return words + (",SchedulingDisabled" if node["spec"].get("unschedulable") else "")
    return "Unknown"


def _external_ip(service: Object) -> str:
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    found = [str(one.get("ip") or one.get("hostname")) for one in ingress]
    if found:
        return ",".join(found)
    return "<pending>" if service["spec"].get("type") == "LoadBalancer" else "<none>"


def _ports(service: Object) -> str:
    told = []
    for port in service["spec"].get("ports") or []:
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        told.append(f"{port['port']}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(told) or "<none>"


def _class_name(obj: Object) -> str:
    annotations = obj["metadata"].get("annotations") or {}
    default = annotations.get("storageclass.kubernetes.io/is-default-class") == "true"
    return "true" if default else "false"


def _modes(*path: str) -> Cell:
    short = {"ReadWriteOnce": "RWO", "ReadWriteMany": "RWX", "ReadOnlyMany": "ROX"}
    return lambda obj: ",".join(short.get(m, m) for m in _at(*path, none=[])(obj))


def _claim_of(volume: Object) -> str:
    reference = volume["spec"].get("claimRef") or {}
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else ""


def _event_object(event: Object) -> str:
    about = event.get("involvedObject", {})
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


_READY = Column("Ready", _of(("status", "readyReplicas"), ("spec", "replicas")))
_STATUS = Column("Status", _at("status", "phase"))
_COLUMNS: dict[str, tuple[Column, ...]] = {
    "Pod": (
        Column("Ready", _pod_ready),
        Column("Status", _pod_words),
        Column("Restarts", _pod_restarts),
        Column("IP", _at("status", "podIP"), wide=True),
        Column("Node", _at("spec", "nodeName"), wide=True),
    ),
    "Node": (
        Column("Status", _node_words),
        Column("Roles", lambda _: "node"),
        Column("Version", _at("status", "nodeInfo", "kubeletVersion")),
        Column("OS-Image", _at("status", "nodeInfo", "osImage"), wide=True),
    ),
    "Namespace": (_STATUS,),
    "Deployment": (
        _READY,
        Column("Up-to-date", _at("status", "updatedReplicas", none=0)),
        Column("Available", _at("status", "availableReplicas", none=0)),
    ),
    "ReplicaSet": (
        Column("Desired", _at("spec", "replicas", none=0)),
        Column("Current", _at("status", "replicas", none=0)),
        Column("Ready", _at("status", "readyReplicas", none=0)),
    ),
    "StatefulSet": (_READY,),
    "DaemonSet": (
        Column("Desired", _at("status", "desiredNumberScheduled", none=0)),
        Column("Current", _at("status", "currentNumberScheduled", none=0)),
        Column("Ready", _at("status", "numberReady", none=0)),
    ),
    "Job": (Column("Completions", _of(("status", "succeeded"), ("spec", "completions"))),),
    "CronJob": (
        Column("Schedule", _at("spec", "schedule")),
        Column("Suspend", lambda obj: str(bool(obj["spec"].get("suspend")))),
    ),
    "Service": (
        Column("Type", _at("spec", "type")),
        Column("Cluster-IP", _at("spec", "clusterIP")),
        Column("External-IP", _external_ip),
        Column("Port(s)", _ports),
    ),
    "PersistentVolumeClaim": (
        _STATUS,
        Column("Volume", _at("spec", "volumeName", none="")),
        Column("Capacity", _at("status", "capacity", "storage", none="")),
        Column("Access Modes", _modes("status", "accessModes")),
        Column("StorageClass", _at("spec", "storageClassName", none="")),
    ),
    "PersistentVolume": (
        Column("Capacity", _at("spec", "capacity", "storage", none="")),
        Column("Access Modes", _modes("spec", "accessModes")),
        Column("Reclaim Policy", _at("spec", "persistentVolumeReclaimPolicy")),
        _STATUS,
        Column("Claim", _claim_of),
        Column("StorageClass", _at("spec", "storageClassName", none="")),
    ),
    "StorageClass": (
        Column("Provisioner", _at("provisioner")),
        Column("ReclaimPolicy", _at("reclaimPolicy")),
        Column("VolumeBindingMode", _at("volumeBindingMode")),
        Column("Default", _class_name, wide=True),
    ),
    "ConfigMap": (Column("Data", _count("data")),),
    "Secret": (Column("Type", _at("type")), Column("Data", _count("data"))),
    "Event": (
        Column("Type", _at("type")),
        Column("Reason", _at("reason")),
        Column("Object", _event_object),
        Column("Message", _at("message")),
    ),
}
