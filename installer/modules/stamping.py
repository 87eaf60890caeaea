"""What the renderer adds to every object, so that no template can forget it.

Contract labels and the module's namespace; the node affinity of pods that share a volume; a
checksum of the ConfigMaps a pod mounts, so that a changed setting restarts it; and, since a Job
cannot be changed, a name that holds a hash of everything the Job runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from installer.modules.catalogue import Module
from installer.modules.problems import Problem, refuse
from installer.modules.secret_values import PULL_SECRET
from installer.modules.templates import Place

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
_LONGEST_JOB_NAME = 63 - 11  # room for a hyphen and ten hexadecimal digits


def checked(
    module: Module,
    found: Sequence[tuple[str, int, dict[str, Any]]],
    platform: Iterable[str] = (),
) -> None:
    """Raise ModulesInvalid for documents that are no objects of this module.

    `platform` are the namespaces of all modules of the installation.
    """
    allowed = {*(entry.name for entry in module.file.namespaces), *module.file.borrows}
    if "platform" in allowed:
        allowed |= set(platform)
    problems = []
    for source, _, body in found:
        mistake = _mistake(body, allowed, module.namespace)
        if mistake:
            problems.append(Problem(source, mistake))
    refuse(problems)


def _mistake(body: object, allowed: set[str], module_namespace: str) -> str:
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


def stamped(module: Module, body: dict[str, Any]) -> dict[str, Any]:
    """The object with namespace and contract labels, on itself and on its pods."""
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
    template: dict[str, Any] | None = None
    match body["kind"]:
        case "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job":
            template = body["spec"]["template"]
        case "CronJob":
            template = body["spec"]["jobTemplate"]["spec"]["template"]
        case "Pod":
            template = dict(body)
    return template


def images_in(bodies: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Every image that containers of these objects name."""
    found = set()
    for body in bodies:
        template = pod_template(body)
        if template is None:
            continue
        for kind in ("initContainers", "containers"):
            found |= {each["image"] for each in template["spec"].get(kind, ()) if "image" in each}
    return frozenset(found)


def finished(
    bodies: Sequence[dict[str, Any]], places: Iterable[Place], *, pull_secret: bool
) -> list[dict[str, Any]]:
    """The objects of one module with logins, affinity, configuration checksums and job names."""
    shared = {place.claim_name for place in places if place.shared}
    configs = {
        (body["metadata"]["namespace"], body["metadata"]["name"]): body
        for body in bodies
        if body["kind"] == "ConfigMap"
    }
    for body in bodies:
        template = pod_template(body)
        if template is None or body["kind"] == "Pod":
            continue
        if pull_secret:
            template["spec"]["imagePullSecrets"] = [{"name": PULL_SECRET}]
        _keep_together(template, shared)
        _note_configuration(body, template, configs)
        if body["kind"] == "Job":
            _name_by_content(body)
    return list(bodies)


def _keep_together(template: dict[str, Any], shared: set[str]) -> None:
    """A ReadWriteOnce volume is on one node at a time, so its pods must be there too."""
    for name in sorted(set(_mounted(template, "persistentVolumeClaim", "claimName")) & shared):
        label = f"{PREFIX}volume-{name}"
        template["metadata"]["labels"][label] = "shared"
        affinity = template["spec"].setdefault("affinity", {}).setdefault("podAffinity", {})
        affinity.setdefault("requiredDuringSchedulingIgnoredDuringExecution", []).append(
            {
                "labelSelector": {"matchLabels": {label: "shared"}},
                "topologyKey": "kubernetes.io/hostname",
            }
        )


def _mounted(template: Mapping[str, Any], source: str, key: str) -> list[str]:
    return [
        volume[source][key] for volume in template["spec"].get("volumes") or [] if source in volume
    ]


def _note_configuration(
    body: Mapping[str, Any],
    template: dict[str, Any],
    configs: Mapping[tuple[str, str], Mapping[str, Any]],
) -> None:
    namespace = body["metadata"]["namespace"]
    used = [
        configs[namespace, name]["data"]
        for name in sorted(set(_mounted(template, "configMap", "name")))
        if (namespace, name) in configs
    ]
    if used:
        annotations = dict(template["metadata"].get("annotations") or {})
        annotations[f"{PREFIX}configuration"] = content_hash(used)
        template["metadata"]["annotations"] = annotations


def _name_by_content(body: dict[str, Any]) -> None:
    metadata = body["metadata"]
    metadata["name"] = f"{metadata['name'][:_LONGEST_JOB_NAME]}-{content_hash(body)}"


def content_hash(content: object) -> str:
    """Ten hexadecimal digits that depend on the content and not on the order of keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]
