"""Which lists are sets or maps and which maps are one value, as the API's types are marked.

From the `x-kubernetes-list-type`, `-list-map-keys`, `-map-type` and patch merge key marks of the
Kubernetes 1.36 OpenAPI document, for the kinds served here. Everything not named is: objects by
field, lists as one value.
"""

from __future__ import annotations

from dataclasses import dataclass

Path = tuple[str, ...]
"""Field names from the root; list items add no element."""


@dataclass(frozen=True)
class ListShape:
    """How the items of a list are told apart."""

    keys: tuple[str, ...] = ()
    is_set: bool = False
    merge_key: str = ""
    """The single key of strategic merge patches; empty where the patch replaces the list."""


_ATOMIC = ListShape()
_SET = ListShape(is_set=True)

DEFAULTS_OF_KEYS = {"protocol": "TCP"}
"""Keys that may be left out and then mean this."""


def _by(*keys: str) -> ListShape:
    return ListShape(keys=keys, merge_key=keys[0])


_LISTS: dict[Path, ListShape] = {
    ("metadata", "finalizers"): _SET,
    ("metadata", "ownerReferences"): _by("uid"),
    ("status", "conditions"): _by("type"),
    ("status", "addresses"): _by("type"),
    ("status", "podIPs"): _by("ip"),
    ("spec", "podCIDRs"): _SET,
    ("spec", "taints"): ListShape(merge_key="key"),
    ("spec", "drivers"): _by("name"),
    ("containers", "ports"): _by("containerPort", "protocol"),
    ("initContainers", "ports"): _by("containerPort", "protocol"),
    ("resources", "claims"): _by("name"),
}
_FOR_CONTAINERS = {
    "env": _by("name"),
    "volumeMounts": _by("mountPath"),
    "volumeDevices": _by("devicePath"),
}
_FOR_PODS = {
    "containers": _by("name"),
    "initContainers": _by("name"),
    "ephemeralContainers": _by("name"),
    "volumes": _by("name"),
    "imagePullSecrets": _by("name"),
    "hostAliases": _by("ip"),
    "topologySpreadConstraints": _by("topologyKey", "whenUnsatisfiable"),
    "resourceClaims": _by("name"),
    "schedulingGates": _by("name"),
}
_FOR_KIND: dict[tuple[str, Path], ListShape] = {
    ("Service", ("spec", "ports")): _by("port", "protocol"),
    ("ServiceAccount", ("secrets",)): _by("name"),
    ("ServiceAccount", ("imagePullSecrets",)): ListShape(merge_key="name"),
    ("Endpoints", ("subsets",)): _ATOMIC,
}

_ATOMIC_MAPS = {
    "nodeSelector",
    "secretKeyRef",
    "configMapKeyRef",
    "fieldRef",
    "resourceFieldRef",
    "roleRef",
    "scaleTargetRef",
    "claimRef",
    "secretRef",
    "configMapRef",
    "labelSelector",
    "podSelector",
    "namespaceSelector",
    "nodeSelectorTerm",
    "involvedObject",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "dataSource",
}


def list_shape(kind: str, path: Path) -> ListShape:
    """The shape of the list at a path of an object of this kind."""
    named = _FOR_KIND.get((kind, path)) or _LISTS.get(path[-2:])
    if named is not None:
        return named
    parent = path[-2] if len(path) > 1 else ""
    if parent == "spec" and path[-1] in _FOR_PODS:
        return _FOR_PODS[path[-1]]
    if parent.lower().endswith("containers") and path[-1] in _FOR_CONTAINERS:
        return _FOR_CONTAINERS[path[-1]]
    return _ATOMIC


def is_atomic_map(path: Path) -> bool:
    """Whether the object at this path is one value, owned as a whole."""
    if not path:
        return False
    if path[-1] == "selector":
        return path[-2:-1] == ("spec",)
    return path[-1] in _ATOMIC_MAPS
