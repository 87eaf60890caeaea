"""The discovery documents: legacy, and aggregated v2 as kubectl asks for it."""

from __future__ import annotations

from installer.rehearsal.kubernetes.kinds import KINDS, REVIEWS, Kind, Object

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_ON_SUBRESOURCE = {
    "status": ("get", "patch", "update"),
    "scale": ("get", "patch", "update"),
    "log": ("get",),
    "eviction": ("create",),
    "binding": ("create",),
    "portforward": ("create", "get"),
}
_SUBRESOURCE_KINDS = {
    "scale": ("autoscaling", "v1", "Scale"),
    "eviction": ("policy", "v1", "Eviction"),
    "binding": ("", "v1", "Binding"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
}


def _verbs(kind: Kind) -> list[str]:
    return ["create"] if kind in REVIEWS else list(_VERBS)


def groups() -> dict[tuple[str, str], list[Kind]]:
    """The kinds by group and version, the core group first."""
    found: dict[tuple[str, str], list[Kind]] = {}
    for kind in KINDS + REVIEWS:
        found.setdefault((kind.group, kind.version), []).append(kind)
    return found


def api_versions(address: str) -> Object:
    """`/api`."""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def api_groups() -> Object:
    """`/apis`."""
    listed = [api_group(group) for group, _ in groups() if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def api_group(group: str) -> Object:
    """`/apis/GROUP`."""
    versions = [
        {"groupVersion": f"{group}/{version}", "version": version}
        for name, version in groups()
        if name == group
    ]
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": group,
        "versions": versions,
        "preferredVersion": versions[0] if versions else {},
    }


def api_resources(group: str, version: str) -> Object:
    """`/api/v1` and `/apis/GROUP/VERSION`."""
    resources: list[Object] = []
    for kind in groups().get((group, version), []):
        resources.append(_legacy(kind))
        resources += [_legacy_subresource(kind, name) for name in kind.subresources]
    group_version = f"{group}/{version}" if group else version
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }


def _legacy(kind: Kind) -> Object:
    resource: Object = {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": _verbs(kind),
    }
    if kind.short:
        resource["shortNames"] = list(kind.short)
    if kind.in_all:
        resource["categories"] = ["all"]
    return resource


def _legacy_subresource(kind: Kind, name: str) -> Object:
    resource: Object = {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(_ON_SUBRESOURCE[name]),
    }
    if name in _SUBRESOURCE_KINDS:
        group, version, other = _SUBRESOURCE_KINDS[name]
        resource |= {"group": group, "version": version, "kind": other}
    return resource


def aggregated(core: bool) -> Object:
    """`/api` or `/apis` as one APIGroupDiscoveryList."""
    items = [
        {
            "metadata": {"name": group, "creationTimestamp": None} if group else {},
            "versions": [
                {
                    "version": version,
                    "freshness": "Current",
                    "resources": [_aggregated(kind) for kind in kinds],
                }
            ],
        }
        for (group, version), kinds in groups().items()
        if (not group) is core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _gvk(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}


def _aggregated(kind: Kind) -> Object:
    resource: Object = {
        "resource": kind.plural,
        "responseKind": _gvk(kind.group, kind.version, kind.kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.kind.lower(),
        "verbs": _verbs(kind),
    }
    if kind.short:
        resource["shortNames"] = list(kind.short)
    if kind.in_all:
        resource["categories"] = ["all"]
    if kind.subresources:
        own = (kind.group, kind.version, kind.kind)
        resource["subresources"] = [
            {
                "subresource": name,
                "responseKind": _gvk(*_SUBRESOURCE_KINDS.get(name, own)),
                "verbs": list(_ON_SUBRESOURCE[name]),
            }
            for name in kind.subresources
        ]
    return resource
