"""metrics.k8s.io as the aggregator passes it on: while its APIService is there and available.

Nothing runs in a rehearsal, so a node is said to use what the pods on it ask for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from installer.rehearsal.kubernetes.kinds import BY_KEY, Object
from installer.rehearsal.kubernetes.quantity import milli, whole
from installer.rehearsal.kubernetes.refusals import Refused, no_such_path, not_found
from installer.rehearsal.kubernetes.store import Store, name_of

_VERSION = "metrics.k8s.io/v1beta1"
_ROOT = f"/apis/{_VERSION}"
_API_SERVICE = "v1beta1.metrics.k8s.io"
_API_SERVICES = BY_KEY["apiservices.apiregistration.k8s.io"]
_NODES, _PODS = BY_KEY["nodes"], BY_KEY["pods"]
_ENDED = ("Succeeded", "Failed")
_WINDOW = "15s"


def figures(path: str, store: Store, now: datetime) -> Object | None:
    """The document at a path, or None for a path of others.

    Refused as a cluster does: 404 without an APIService, 503 while what serves it is not there.
    """
    if path != _ROOT and not path.startswith(f"{_ROOT}/"):
        return None
    _is_served(store)
    rest = path.removeprefix(_ROOT).strip("/").split("/")
    if rest == [""]:
        return _resources()
    if rest == ["nodes"]:
        items = [_of_node(store, node, now) for node in store.all(_NODES)]
        return {"kind": "NodeMetricsList", "apiVersion": _VERSION, "metadata": {}, "items": items}
    if rest[0] != "nodes" or len(rest) != 2:
        raise no_such_path()
    found = store.get(_NODES, "", rest[1])
    if found is None:
        raise not_found(_NODES, rest[1])
    return {"kind": "NodeMetrics", "apiVersion": _VERSION, **_of_node(store, found, now)}


def _is_served(store: Store) -> None:
    found = store.get(_API_SERVICES, "", _API_SERVICE)
    if found is None:
        raise no_such_path()
    conditions: list[Object] = (found.get("status") or {}).get("conditions") or []
    if not any(each["type"] == "Available" and each["status"] == "True" for each in conditions):
        raise Refused(503, "ServiceUnavailable", "service unavailable")


def _resources() -> Object:
    nodes = {
        "name": "nodes",
        "singularName": "",
        "namespaced": False,
        "kind": "NodeMetrics",
        "verbs": ["get", "list"],
    }
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": _VERSION,
        "resources": [nodes],
    }


def _of_node(store: Store, node: Object, now: datetime) -> Object:
    asked = list(_requests(store, name_of(node)))
    cpu = sum(milli(each.get("cpu", 0)) for each in asked)
    memory = sum(whole(each.get("memory", 0)) for each in asked)
    return {
        "metadata": {"name": name_of(node), "labels": node["metadata"].get("labels") or {}},
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window": _WINDOW,
        # In the units a kubelet's figures come in.
        "usage": {"cpu": f"{cpu * 1_000_000}n", "memory": f"{memory // 1024}Ki"},
    }


def _requests(store: Store, node: str) -> Iterator[Object]:
    for pod in store.all(_PODS):
        spec, phase = pod["spec"], (pod.get("status") or {}).get("phase")
        if spec.get("nodeName") == node and phase not in _ENDED:
            for container in spec["containers"]:
                yield (container.get("resources") or {}).get("requests") or {}
