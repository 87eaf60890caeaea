"""Reading pods: what they ask for, where they may run, how they are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.labels import fits, matches
from installer.rehearsal.kubernetes.quantity import milli, whole


@dataclass(frozen=True)
class Request:
    """What a pod asks of its node."""

    cpu_milli: int = 0
    memory: int = 0
    storage: int = 0

    def __add__(self, other: Request) -> Request:
        return Request(
            self.cpu_milli + other.cpu_milli,
            self.memory + other.memory,
            self.storage + other.storage,
        )

    def most(self, other: Request) -> Request:
        """The larger of both, resource by resource."""
        return Request(
            max(self.cpu_milli, other.cpu_milli),
            max(self.memory, other.memory),
            max(self.storage, other.storage),
        )


def request_of(pod: Object) -> Request:
    """The scheduler's rule: running containers together, or the hungriest init container."""
    spec = pod["spec"]
    sidecars, peak = Request(), Request()
    for container in spec.get("initContainers") or []:
        own = _asked(container)
        if container.get("restartPolicy") == "Always":
            sidecars += own
            peak = peak.most(sidecars)
        else:
            peak = peak.most(sidecars + own)
    total = sidecars
    for container in spec.get("containers") or []:
        total += _asked(container)
    return total.most(peak) + _amounts(spec.get("overhead") or {})


def _asked(container: Object) -> Request:
    return _amounts((container.get("resources") or {}).get("requests") or {})


def _amounts(amounts: Object) -> Request:
    return Request(
        milli(amounts.get("cpu", 0)),
        whole(amounts.get("memory", 0)),
        whole(amounts.get("ephemeral-storage", 0)),
    )


def is_over(pod: Object) -> bool:
    """Whether it has run to its end."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def is_ready(pod: Object) -> bool:
    """Whether its Ready condition holds."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def claims_of(pod: Object) -> list[str]:
    """The names of the claims it mounts."""
    volumes = pod["spec"].get("volumes") or []
    return [
        v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v
    ]


def wants_node(pod: Object, node: Object) -> bool:
    """Whether node selector and required node affinity allow a node."""
    labels = node["metadata"].get("labels") or {}
    if not matches({"matchLabels": pod["spec"].get("nodeSelector") or {}}, labels):
        return False
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    needed = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return not needed or selects_node(needed, node)


def selects_node(selector: Object, node: Object) -> bool:
    """Whether one of a node selector's terms fits, as of a pod's affinity or of a volume's."""
    labels = node["metadata"].get("labels") or {}
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        all(fits(rule, labels) for rule in term.get("matchExpressions") or [])
        and all(fits(rule, fields) for rule in term.get("matchFields") or [])
        for term in selector.get("nodeSelectorTerms") or []
    )


def untolerated(pod: Object, node: Object) -> Object | None:
    """The first taint that keeps the pod away, or None."""
    tolerations = pod["spec"].get("tolerations") or []
    for taint in node["spec"].get("taints") or []:
        if taint["effect"] == "PreferNoSchedule":
            continue
        if not any(_tolerates(one, taint) for one in tolerations):
            return dict(taint)
    return None


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("key") in (None, ""):
        return toleration.get("operator") == "Exists"
    if toleration["key"] != taint["key"]:
        return False
    same = toleration.get("value", "") == taint.get("value", "")
    return toleration.get("operator") == "Exists" or same


def digest(value: Any, length: int = 10) -> str:
    """A short name for a template's content, in letters a label may have."""
    raw = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    letters = "bcdfghjklmnpqrstvwxz2456789"
    return "".join(letters[byte % len(letters)] for byte in raw[:length])


def as_count(value: Any, total: int, *, up: bool) -> int:
    """A number, or a percentage of `total` rounded up or down."""
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total
        return -(-share // 100) if up else share // 100
    return int(value or 0)
