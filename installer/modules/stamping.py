"""What the renderer adds to every object, so that no template can forget it.

Contract labels and the module's namespace; the node affinity of pods that share a volume; a
checksum of the ConfigMaps a pod mounts, so that a changed setting restarts it; and, since a Job
cannot be changed, a name that holds a hash of everything the Job runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

from installer.modules.catalogue import Module
from installer.modules.problems import Problem, refuse
from installer.modules.secret_values import PULL_SECRET
from installer.modules.templates import Document, Filled, Place

PART_OF = "health-platform"
PREFIX = "health-install/"
_NAME_LABEL = "app.kubernetes.io/name"
_WITHOUT_NAMESPACE = frozenset(
    {
        "APIService",
        "Namespace",
        "ClusterRole",
        "ClusterRoleBinding",
        "IngressClass",
        "PriorityClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
"""What the scheduler holds to without exception, as every affinity writes it."""
# Where the pods of an object are described, by its kind.
_PODS_AT = {
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), ("spec", "template")
    ),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
_LONGEST_JOB_NAME = 63 - 11  # room for a hyphen and ten hexadecimal digits

# Everything a workload refers to exists before the workload does.
_WAVE_OF_KIND = {
    "Namespace": 0,
    "ServiceAccount": 0,
    "Role": 0,
    "RoleBinding": 0,
    "ClusterRole": 0,
    "ClusterRoleBinding": 0,
    "ConfigMap": 1,
    "PersistentVolumeClaim": 1,
    "NetworkPolicy": 1,
}

Identity = tuple[str, str, str]
"""Kind, namespace and name of an object."""


@dataclass(frozen=True)
class RenderedObject:
    """One object to apply; `source` is the template it came from, `wave` its turn in the module."""

    module: str
    source: str
    wave: int
    body: dict[str, Any]

    @cached_property
    def identity(self) -> Identity:
        """What no two objects of a plan have in common."""
        metadata = self.body["metadata"]
        return (self.body["kind"], metadata.get("namespace", ""), metadata["name"])

    @cached_property
    def images(self) -> frozenset[str]:
        """Every image its containers name."""
        template = pod_template(self.body) or {"spec": {}}
        return frozenset(
            each["image"]
            for kind in ("initContainers", "containers")
            for each in template["spec"].get(kind, ())
            if "image" in each
        )


def checked(module: Module, found: Sequence[Filled], platform: Iterable[str] = ()) -> None:
    """Raise ModulesInvalid for documents that are no objects of this module.

    `platform` are the namespaces of all modules of the installation.
    """
    allowed = {*(entry.name for entry in module.file.namespaces), *module.file.borrows}
    if "platform" in allowed:
        allowed |= set(platform)
    known = (frozenset(allowed), module.namespace)
    refuse([Problem(one.source, mistake) for one in found for mistake in _mistakes(one, *known)])


@lru_cache(maxsize=4096)
def _mistakes(found: Filled, allowed: frozenset[str], module_namespace: str) -> tuple[str, ...]:
    said = (_mistake(body, allowed, module_namespace) for body in found.bodies)
    return tuple(mistake for mistake in said if mistake)


def _mistake(body: object, allowed: frozenset[str], module_namespace: str) -> str:
    if not isinstance(body, dict) or not {"apiVersion", "kind"} <= body.keys():
        return "a document is not a Kubernetes object"
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name"):
        return f"a {body['kind']} has no name"
    if body["kind"] == "Secret":
        return f"Secret {metadata['name']} must be described under secrets, never rendered"
    if not module_namespace and _is_placed(body) and not metadata.get("namespace"):
        return f"{body['kind']} {metadata['name']} names no namespace, and its module has none"
    if metadata.get("namespace", "") not in {"", *allowed}:
        return (
            f"{body['kind']} {metadata['name']} is in {metadata['namespace']}, "
            "which is not listed under namespaces"
        )
    return ""


def stamped_all(module: Module, found: Filled) -> tuple[Stamped, ...]:
    """What a template came to, with namespaces and contract labels."""
    source, wave = found.source, found.wave
    return tuple(_stamped_one(module, source, wave, one) for one in found.documents)


@lru_cache(maxsize=8192)
def _stamped_one(module: Module, source: str, wave: int, one: Document) -> Stamped:
    return Stamped(source, wave, stamped(module, one.body))


def stamped(module: Module, body: dict[str, Any]) -> dict[str, Any]:
    """The object with namespace and contract labels, on itself and on its pods.

    The body's own pod template is changed with it.
    """
    metadata = dict(body["metadata"])
    if _is_placed(body):
        metadata.setdefault("namespace", module.namespace)
    name = str((metadata.get("labels") or {}).get(_NAME_LABEL, metadata["name"]))
    metadata["labels"] = _labels(module, metadata, name)
    result = {**body, "metadata": metadata}
    template = pod_template(result)
    if template is not None and template is not result:
        pod_metadata = dict(template.get("metadata") or {})
        pod_metadata["labels"] = _labels(module, pod_metadata, name)
        template["metadata"] = pod_metadata
    return result


def _is_placed(body: Mapping[str, Any]) -> bool:
    """Whether objects of its kind are in a namespace."""
    return body["kind"] not in _WITHOUT_NAMESPACE


def _labels(module: Module, metadata: Mapping[str, Any], name: str) -> dict[str, str]:
    return {
        _NAME_LABEL: name,
        "app.kubernetes.io/part-of": PART_OF,
        f"{PREFIX}module": module.name,
        **(metadata.get("labels") or {}),
    }


def pod_template(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The part of an object that holds a pod's metadata and spec; None for kinds without pods."""
    keys = _PODS_AT.get(body["kind"])
    if keys is None:
        return None
    found = cast("dict[str, Any]", body)
    for key in keys:
        found = found[key]
    return found


def with_own_pods(body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A copy of an object that has pods, and its pod template, whose labels and spec may be added
    to; what is deeper is shared with the body."""
    made = {**body, "metadata": dict(body["metadata"])}
    template = made
    for key in _PODS_AT[body["kind"]]:
        template[key] = dict(template[key])
        template = template[key]
    template["spec"] = dict(template["spec"])
    template["metadata"] = {**template["metadata"], "labels": dict(template["metadata"]["labels"])}
    return made, template


def annotate(template: dict[str, Any], name: str, value: str) -> None:
    """Put an annotation on pods, beside those they have."""
    metadata = template["metadata"]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), name: value}


@dataclass(frozen=True, eq=False)
class Stamped:
    """One object of a module, stamped, with the template it is from and the wave it names.

    Compared by identity: the same template filled in the same way gives the same one.
    """

    source: str
    wave: int
    body: dict[str, Any]

    @cached_property
    def grows(self) -> bool:
        """Whether something is added to its pods once all objects of the module are known."""
        return self.body["kind"] != "Pod" and pod_template(self.body) is not None

    @cached_property
    def claims(self) -> frozenset[str]:
        """The claims its pods mount."""
        return _mounted(self.body, "persistentVolumeClaim", "claimName")

    @cached_property
    def configs(self) -> tuple[tuple[str, str], ...]:
        """The ConfigMaps its pods mount, by namespace and name."""
        namespace = self.body["metadata"]["namespace"]
        return tuple((namespace, name) for name in sorted(_mounted(self.body, "configMap", "name")))

    @cached_property
    def data(self) -> str:
        """The data of a ConfigMap, in the form that is hashed."""
        return _canonical(self.body["data"])


def finished(
    module: str, found: Sequence[Stamped], places: Iterable[Place], *, pull_secret: bool
) -> list[RenderedObject]:
    """The objects of one module with logins, affinity, configuration checksums and job names."""
    shared = frozenset(place.claim_name for place in places if place.shared)
    configs = {
        (one.body["metadata"]["namespace"], one.body["metadata"]["name"]): one
        for one in found
        if one.body["kind"] == "ConfigMap"
    }
    made = []
    for one in found:
        if not one.grows:
            made.append(_finished(module, one, (), (), pull_secret=False))
            continue
        together = tuple(sorted(one.claims & shared))
        used = tuple(configs[key] for key in one.configs if key in configs)
        made.append(_finished(module, one, together, used, pull_secret=pull_secret))
    return made


@lru_cache(maxsize=8192)
def _finished(
    module: str,
    one: Stamped,
    together: tuple[str, ...],
    used: tuple[Stamped, ...],
    *,
    pull_secret: bool,
) -> RenderedObject:
    wave = _WAVE_OF_KIND.get(one.body["kind"], one.wave)
    if not one.grows:
        return RenderedObject(module, one.source, wave, one.body)
    body, template = with_own_pods(one.body)
    if pull_secret:
        template["spec"]["imagePullSecrets"] = [{"name": PULL_SECRET}]
    for name in together:
        _keep_together(template, name)
    if used:
        text = f"[{','.join(each.data for each in used)}]"
        annotate(template, f"{PREFIX}configuration", _hash_of(text))
    if body["kind"] == "Job":
        _name_by_content(body)
    return RenderedObject(module, one.source, wave, body)


def _keep_together(template: dict[str, Any], claim: str) -> None:
    """A ReadWriteOnce volume is on one node at a time, so its pods must be there too."""
    label = f"{PREFIX}volume-{claim}"
    template["metadata"]["labels"][label] = "shared"
    spec = template["spec"]
    affinity = spec["affinity"] = dict(spec.get("affinity", {}))
    company = affinity["podAffinity"] = dict(affinity.get("podAffinity", {}))
    company[REQUIRED] = [
        *company.get(REQUIRED, []),
        {
            "labelSelector": {"matchLabels": {label: "shared"}},
            "topologyKey": "kubernetes.io/hostname",
        },
    ]


def _mounted(body: Mapping[str, Any], source: str, key: str) -> frozenset[str]:
    template = pod_template(body) or {}
    volumes = (template.get("spec") or {}).get("volumes") or []
    return frozenset(volume[source][key] for volume in volumes if source in volume)


def _name_by_content(body: dict[str, Any]) -> None:
    metadata = body["metadata"]
    metadata["name"] = f"{metadata['name'][:_LONGEST_JOB_NAME]}-{content_hash(body)}"


def content_hash(content: object) -> str:
    """Ten hexadecimal digits that depend on the content and not on the order of keys."""
    return _hash_of(_canonical(content))


def _canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
