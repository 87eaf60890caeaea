"""Small manifests to measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Piece:
    """A manifest with the module and file it is said to come from."""

    module: str
    source: str
    body: Mapping[str, Any]


def container(cpu: object = None, memory: object = None, **more: Any) -> dict[str, Any]:
    """A container with these requests."""
    requests = {"cpu": cpu, "memory": memory}
    given = {name: value for name, value in requests.items() if value is not None}
    return {"name": "main", "resources": {"requests": given}, **more}


def pod_spec(*containers: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A pod spec of these containers."""
    return {"containers": list(containers), **more}


def workload(
    kind: str,
    name: str,
    spec: Mapping[str, Any],
    *,
    module: str = "infrastructure",
    namespace: str = "health",
    labels: Mapping[str, str] | None = None,
    **more: Any,
) -> Piece:
    """An object of `kind` whose pods have `spec`."""
    template = {"metadata": {"labels": dict(labels or {})}, "spec": spec}
    body_spec: dict[str, Any] = {"template": template, **more}
    if kind == "CronJob":
        body_spec = {"jobTemplate": {"spec": {"template": template}}, **more}
    elif kind == "Pod":
        body_spec = dict(spec)
    return thing(kind, name, body_spec, module=module, namespace=namespace)


def thing(
    kind: str,
    name: str,
    spec: Mapping[str, Any],
    *,
    module: str = "infrastructure",
    namespace: str = "health",
    annotations: Mapping[str, str] | None = None,
) -> Piece:
    """Any object."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return Piece(
        module, f"{module}/{name}.yaml.j2", {"kind": kind, "metadata": metadata, "spec": spec}
    )


def recreated(name: str, cpu: object, memory: object, *, replicas: int = 1, **more: Any) -> Piece:
    """A Deployment whose rollout needs no further room."""
    spec = pod_spec(container(cpu, memory), **more.pop("pod", {}))
    return workload(
        "Deployment", name, spec, replicas=replicas, strategy={"type": "Recreate"}, **more
    )


def mounting(*claims: str) -> dict[str, Any]:
    """The part of a pod spec that mounts claims."""
    return {
        "volumes": [
            {"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims
        ]
    }


def needing_company(label: str, topology: str = "kubernetes.io/hostname") -> dict[str, Any]:
    """The part of a pod spec that demands a node with pods of this `group` label."""
    return {"affinity": {"podAffinity": _required(label, topology)}}


def keeping_away(label: str, topology: str = "kubernetes.io/hostname") -> dict[str, Any]:
    """The part of a pod spec that refuses a node with pods of this `group` label."""
    return {"affinity": {"podAntiAffinity": _required(label, topology)}}


def _required(label: str, topology: str) -> dict[str, Sequence[Any]]:
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"group": label}}, "topologyKey": topology}
        ]
    }
