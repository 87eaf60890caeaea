"""What an object must say, and what may not change once it exists; all mistakes at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Set
from typing import Any

from installer.rehearsal.kubernetes.kinds import Kind, Object
from installer.rehearsal.kubernetes.quantity import value
from installer.rehearsal.kubernetes.refusals import (
    Cause,
    invalid,
    not_allowed,
    required,
    wrong_value,
)

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PATH_SEGMENT = re.compile(r"[^/%]+")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_BARE_NAMES = {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
_SHORT_NAMES = {"Namespace", "Service"}
_SELECTING = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"}
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_RFC1123 = (
    "a lowercase RFC 1123 {what} must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)

Mistakes = Iterator[Cause]


def check_new(kind: Kind, obj: Object) -> None:
    """Refuses an object that could not be created."""
    _refuse(kind, obj, [*_name(kind, obj), *_labels(obj), *_content(kind, obj)])


def check_change(kind: Kind, before: Object, after: Object) -> None:
    """Refuses a change that is not possible."""
    found = [*_labels(after), *_content(kind, after)]
    for rule in _FROZEN.get(kind.kind, ()):
        found += rule(before, after)
    _refuse(kind, after, found)


def _refuse(kind: Kind, obj: Object, found: list[Cause]) -> None:
    if found:
        raise invalid(kind, obj["metadata"].get("name", ""), tuple(found))


def _shown(found: Any) -> str:
    return json.dumps(found) if not isinstance(found, dict | list) else json.dumps(found)[:200]


def _name(kind: Kind, obj: Object) -> Mistakes:
    name = obj["metadata"].get("name", "")
    if not name:
        yield required("metadata.name", "name or generateName is required")
        return
    rule, what = _SUBDOMAIN, "subdomain"
    if kind.kind in _BARE_NAMES:
        rule, what = _PATH_SEGMENT, "path segment"
    elif kind.kind in _SHORT_NAMES:
        rule, what = _LABEL, "label"
    if not rule.fullmatch(name) or len(name) > 253:
        yield wrong_value("metadata.name", _shown(name), _RFC1123.format(what=what))


def _labels(obj: Object) -> Mistakes:
    for key, text in (obj["metadata"].get("labels") or {}).items():
        if not isinstance(text, str) or not _LABEL_VALUE.fullmatch(text):
            hint = "a valid label must be an empty string or consist of alphanumeric characters"
            yield wrong_value(
                "metadata.labels", _shown(text), f"{hint}, '-', '_' or '.' (key {key})"
            )


def _content(kind: Kind, obj: Object) -> Mistakes:
    spec = obj.get("spec") or {}
    if kind.kind == "Pod":
        yield from _pod_spec(spec, "spec")
    elif kind.kind in _SELECTING or kind.kind == "Job":
        claims = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates") or []}
        template = (spec.get("template") or {}).get("spec") or {}
        yield from _pod_spec(template, "spec.template.spec", claims)
        if kind.kind in _SELECTING:
            yield from _selects_itself(spec)
    elif kind.kind in ("ConfigMap", "Secret"):
        yield from _data(obj)
    elif kind.kind == "Service":
        yield from _service_ports(spec)
    elif kind.kind == "PersistentVolumeClaim":
        yield from _claim(spec)


def _selects_itself(spec: Object) -> Mistakes:
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    if not selector and not (spec.get("selector") or {}).get("matchExpressions"):
        yield required("spec.selector")
    elif any(labels.get(key) != text for key, text in selector.items()):
        hint = "`selector` does not match template `labels`"
        yield wrong_value("spec.template.metadata.labels", _shown(labels), hint)


def _pod_spec(spec: Object, path: str, claims: Set[str] = frozenset()) -> Mistakes:
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    volumes = claims | {volume.get("name") for volume in spec.get("volumes") or []}
    for group in ("initContainers", "containers"):
        for number, container in enumerate(spec.get(group) or []):
            yield from _container(container, f"{path}.{group}[{number}]", volumes)


def _container(container: Object, path: str, volumes: Set[Any]) -> Mistakes:
    if not _LABEL.fullmatch(str(container.get("name", ""))):
        yield required(f"{path}.name")
    if not container.get("image"):
        yield required(f"{path}.image")
    for number, mount in enumerate(container.get("volumeMounts") or []):
        if mount.get("name") not in volumes:
            yield Cause(
                "FieldValueNotFound",
                f"Not found: {_shown(mount.get('name'))}",
                f"{path}.volumeMounts[{number}].name",
            )
    yield from _resources(container.get("resources") or {}, f"{path}.resources")


def _resources(resources: Object, path: str) -> Mistakes:
    limits = resources.get("limits") or {}
    for name, text in (resources.get("requests") or {}).items():
        if name in limits and value(text) > value(limits[name]):
            hint = f"must be less than or equal to {name} limit of {limits[name]}"
            yield wrong_value(f"{path}.requests", _shown(text), hint)


def _data(obj: Object) -> Mistakes:
    for key in (*(obj.get("data") or {}), *(obj.get("binaryData") or {})):
        if not _DATA_KEY.fullmatch(key):
            hint = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            yield wrong_value(f"data[{key}]", _shown(key), hint)


def _service_ports(spec: Object) -> Mistakes:
    ports = spec.get("ports") or []
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    for number, port in enumerate(ports):
        if len(ports) > 1 and not port.get("name"):
            yield required(f"spec.ports[{number}].name")


def _claim(spec: Object) -> Mistakes:
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    if "storage" not in ((spec.get("resources") or {}).get("requests") or {}):
        yield required("spec.resources[storage]")


Rule = Callable[[Object, Object], Mistakes]


def _frozen(*path: str) -> Rule:
    """The field may never change."""

    def rule(before: Object, after: Object) -> Mistakes:
        if _at(before, path) != _at(after, path):
            yield wrong_value(".".join(path), _shown(_at(after, path)), "field is immutable")

    return rule


def _at(obj: Object, path: tuple[str, ...]) -> Any:
    place: Any = obj
    for name in path:
        place = place.get(name) if isinstance(place, dict) else None
    return place


_FREE_IN_A_STATEFULSET = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
}


def _statefulset(before: Object, after: Object) -> Mistakes:
    kept = [
        {k: v for k, v in obj["spec"].items() if k not in _FREE_IN_A_STATEFULSET}
        for obj in (before, after)
    ]
    if kept[0] != kept[1]:
        yield not_allowed(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
            "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
            "'minReadySeconds' are forbidden",
        )


def _claim_change(before: Object, after: Object) -> Mistakes:
    old, new = _size(before), _size(after)
    if value(new) < value(old):
        yield not_allowed(
            "spec.resources.requests.storage", "field can not be less than status.capacity"
        )
    kept = [{k: v for k, v in obj["spec"].items() if k != "resources"} for obj in (before, after)]
    if not kept[0].get("volumeName"):
        kept[1].pop("volumeName", None)
        kept[0].pop("volumeName", None)
    if "storageClassName" not in kept[0]:
        # A claim from before there was a default class may be given one later.
        kept[1].pop("storageClassName", None)
    if kept[0] != kept[1]:
        yield not_allowed(
            "spec",
            "spec is immutable after creation except resources.requests and "
            "volumeAttributesClassName for bound claims",
        )


def _size(claim: Object) -> Any:
    return claim["spec"].get("resources", {}).get("requests", {}).get("storage", 0)


def _service_address(before: Object, after: Object) -> Mistakes:
    old, new = before["spec"].get("clusterIP"), after["spec"].get("clusterIP")
    if old and old != new and after["spec"].get("type") != "ExternalName":
        yield wrong_value("spec.clusterIPs[0]", _shown(new), "may not change once set")


def _sealed(before: Object, after: Object) -> Mistakes:
    if not before.get("immutable"):
        return
    if not after.get("immutable"):
        yield not_allowed("immutable", "field is immutable when `immutable` is set")
    for name in ("data", "binaryData"):
        if before.get(name) != after.get(name):
            yield not_allowed(name, "field is immutable when `immutable` is set")


_FREE_IN_A_POD = {
    "activeDeadlineSeconds",
    "tolerations",
    "terminationGracePeriodSeconds",
    "nodeName",
}


def _pod_change(before: Object, after: Object) -> Mistakes:
    if _pod_core(before) != _pod_core(after):
        yield not_allowed(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
            "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to "
            "be set to 1 if it was previously negative)",
        )


def _pod_core(pod: Object) -> Object:
    core = {k: v for k, v in pod["spec"].items() if k not in _FREE_IN_A_POD}
    for group in ("containers", "initContainers"):
        core[group] = [{**c, "image": ""} for c in core.get(group) or []]
    return core


def _role_ref(before: Object, after: Object) -> Mistakes:
    if before.get("roleRef") != after.get("roleRef"):
        yield wrong_value("roleRef", _shown(after.get("roleRef")), "cannot change roleRef")


_SELECTOR = _frozen("spec", "selector")
_FROZEN: dict[str, tuple[Rule, ...]] = {
    "Deployment": (_SELECTOR,),
    "ReplicaSet": (_SELECTOR,),
    "DaemonSet": (_SELECTOR,),
    "StatefulSet": (_statefulset,),
    "Job": (
        _SELECTOR,
        _frozen("spec", "template"),
        _frozen("spec", "completions"),
        _frozen("spec", "completionMode"),
    ),
    "Pod": (_pod_change,),
    "PersistentVolumeClaim": (_claim_change,),
    "Service": (_service_address,),
    "Secret": (_sealed, _frozen("type")),
    "ConfigMap": (_sealed,),
    "RoleBinding": (_role_ref,),
    "ClusterRoleBinding": (_role_ref,),
    "StorageClass": (
        _frozen("provisioner"),
        _frozen("parameters"),
        _frozen("reclaimPolicy"),
        _frozen("volumeBindingMode"),
    ),
}
