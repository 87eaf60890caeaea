"""Where a pod may go: the parts of the scheduler's rules that decide yes or no.

Understood: node selector, node name, required node affinity, taints, host ports, and required
affinity and anti-affinity between pods by node. What is not understood is named in `unknown`, and
a plan that depends on it is never called fitting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

HOSTNAME = "kubernetes.io/hostname"

SPREAD = "a strict topology spread"
"""The one rule we do not follow that a single node always meets."""

Labels = Mapping[str, str]
Term = tuple["Requirement", ...]


@dataclass(frozen=True)
class Requirement:
    """One expression over labels: `key operator values`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Labels) -> bool:
        """Whether a thing with these labels meets it."""
        return _OPERATORS[self.operator](labels.get(self.key), self.values)


def _greater(value: str | None, values: tuple[str, ...]) -> bool:
    return value is not None and value.lstrip("-").isdigit() and int(value) > int(values[0])


def _less(value: str | None, values: tuple[str, ...]) -> bool:
    return value is not None and value.lstrip("-").isdigit() and int(value) < int(values[0])


_OPERATORS: dict[str, Callable[[str | None, tuple[str, ...]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": _greater,
    "Lt": _less,
}


@dataclass(frozen=True)
class Taint:
    """A node's refusal of pods that do not tolerate it."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True)
class Toleration:
    """A pod's consent to a taint; empty key or effect means any."""

    key: str
    operator: str
    value: str
    effect: str

    def covers(self, taint: Taint) -> bool:
        """Whether the pod may go where this taint is."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or (bool(self.key) and self.value == taint.value)


@dataclass(frozen=True)
class Peers:
    """Pods of these namespaces whose labels meet the term."""

    namespaces: tuple[str, ...]
    term: Term

    def include(self, pod: PodRules) -> bool:
        """Whether that pod is one of them."""
        return pod.namespace in self.namespaces and all(
            part.holds(pod.label_map) for part in self.term
        )


@dataclass(frozen=True)
class PodRules:
    """Where one pod may go."""

    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    node_name: str = ""
    node_terms: tuple[Term, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    host_ports: tuple[tuple[str, int], ...] = ()
    apart: tuple[Peers, ...] = ()
    together: tuple[Peers, ...] = ()
    unknown: tuple[str, ...] = ()

    @cached_property
    def label_map(self) -> Labels:
        """The pod's labels for looking up."""
        return dict(self.labels)

    def takes(self, name: str, labels: Labels, taints: tuple[Taint, ...]) -> bool:
        """Whether a node of this name, with these labels and taints, may hold the pod at all."""
        if self.node_name and self.node_name != name:
            return False
        barring = (taint for taint in taints if taint.effect in ("NoSchedule", "NoExecute"))
        if not all(any(t.covers(taint) for t in self.tolerations) for taint in barring):
            return False
        return not self.node_terms or any(
            all(part.holds(labels) for part in term) for term in self.node_terms
        )

    def clashes(self, other: PodRules) -> bool:
        """Whether the two pods may not share a node."""
        if set(self.host_ports) & set(other.host_ports):
            return True
        return any(peers.include(other) for peers in self.apart) or any(
            peers.include(self) for peers in other.apart
        )


NO_RULES = PodRules()


def pod_rules(namespace: str, template: Mapping[str, Any]) -> PodRules:
    """Read the rules from a pod template (its metadata and its spec)."""
    spec = template.get("spec") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    affinity = spec.get("affinity") or {}
    apart, strange_apart = _peers(namespace, affinity.get("podAntiAffinity") or {})
    together, strange_together = _peers(namespace, affinity.get("podAffinity") or {})
    return PodRules(
        namespace=namespace,
        labels=tuple(sorted((str(k), str(v)) for k, v in labels.items())),
        node_name=str(spec.get("nodeName") or ""),
        node_terms=_node_terms(spec.get("nodeSelector") or {}, affinity.get("nodeAffinity") or {}),
        tolerations=tuple(_toleration(entry) for entry in spec.get("tolerations") or ()),
        host_ports=_host_ports(spec),
        apart=apart,
        together=together,
        unknown=(*strange_apart, *strange_together, *_not_understood(spec, affinity)),
    )


def _not_understood(spec: Mapping[str, Any], affinity: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for spread in spec.get("topologySpreadConstraints") or ():
        if spread.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule":
            found.append(SPREAD if not spread.get("minDomains") else f"{SPREAD} over several nodes")
    if "matchFields" in str((affinity.get("nodeAffinity") or {}).get(_REQUIRED)):
        found.append("node affinity by field")
    if spec.get("schedulerName", "default-scheduler") != "default-scheduler":
        found.append("a scheduler of its own")
    if spec.get("schedulingGates"):
        found.append("scheduling gates")
    return tuple(found)


_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


# An empty node term matches no node at all, unlike an empty selector.
_NEVER: Term = (Requirement("", "In"),)


def _node_terms(selector: Labels, affinity: Mapping[str, Any]) -> tuple[Term, ...]:
    always = tuple(Requirement(key, "In", (str(value),)) for key, value in sorted(selector.items()))
    terms = (affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()
    if not terms:
        return (always,) if always else ()
    return tuple(
        always + (_expressions(term.get("matchExpressions") or ()) or _NEVER) for term in terms
    )


def _expressions(entries: Any) -> Term:
    return tuple(
        Requirement(
            str(entry["key"]),
            str(entry["operator"]),
            tuple(str(value) for value in entry.get("values") or ()),
        )
        for entry in entries
    )


def _toleration(entry: Mapping[str, Any]) -> Toleration:
    return Toleration(
        str(entry.get("key") or ""),
        str(entry.get("operator") or "Equal"),
        str(entry.get("value") or ""),
        str(entry.get("effect") or ""),
    )


def _host_ports(spec: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    on_host = bool(spec.get("hostNetwork"))
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    return tuple(
        (str(port.get("protocol") or "TCP"), int(port.get("hostPort") or port["containerPort"]))
        for container in (*(spec.get("containers") or ()), *sidecars)
        for port in container.get("ports") or ()
        if port.get("hostPort") or on_host
    )


def _peers(namespace: str, rules: Mapping[str, Any]) -> tuple[tuple[Peers, ...], tuple[str, ...]]:
    understood, unknown = [], []
    for term in rules.get(_REQUIRED) or ():
        strange = {"namespaceSelector", "matchLabelKeys", "mismatchLabelKeys"} & term.keys()
        if term.get("topologyKey") != HOSTNAME or strange or not term.get("labelSelector"):
            unknown.append("affinity between pods by other means than node and label")
            continue
        selector = term["labelSelector"]
        labels = sorted((selector.get("matchLabels") or {}).items())
        exact = tuple(Requirement(key, "In", (str(value),)) for key, value in labels)
        understood.append(
            Peers(
                tuple(term.get("namespaces") or (namespace,)),
                exact + _expressions(selector.get("matchExpressions") or ()),
            )
        )
    return tuple(understood), tuple(unknown)
