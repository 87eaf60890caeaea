"""Label and field selectors of list and watch requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from installer.rehearsal.kubernetes.kinds import Kind, Object
from installer.rehearsal.kubernetes.refusals import bad_request

Matches = Callable[[Object], bool]

_SET = re.compile(r"(?P<key>[^\s!=,()]+)\s+(?P<verb>in|notin)\s*\((?P<values>[^)]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s!=,()]+)\s*(?P<verb>==|=|!=)\s*(?P<value>[^\s,()]*)")
_BARE = re.compile(r"(?P<verb>!?)\s*(?P<key>[^\s!=,()]+)")

_ALWAYS = ("metadata.name", "metadata.namespace")
_FIELDS: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "status.phase",
        "spec.serviceAccountName",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "Event": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "Secret": ("type",),
    "Namespace": ("status.phase",),
    "Node": ("spec.unschedulable",),
    "Job": ("status.successful",),
    "ReplicaSet": ("status.replicas",),
    "Service": ("spec.clusterIP", "spec.type"),
}


@dataclass(frozen=True)
class Selection:
    """What a list or watch asks for."""

    labels: tuple[Callable[[dict[str, str]], bool], ...] = ()
    fields: tuple[Matches, ...] = ()

    def takes(self, obj: Object) -> bool:
        """Whether an object is asked for."""
        labels = obj["metadata"].get("labels") or {}
        return all(rule(labels) for rule in self.labels) and all(rule(obj) for rule in self.fields)


def selection(kind: Kind, labels: str, fields: str) -> Selection:
    """Both selectors of a request; 400 where they cannot be read."""
    return Selection(_label_rules(labels), _field_rules(kind, fields))


def _label_rules(text: str) -> tuple[Callable[[dict[str, str]], bool], ...]:
    rules, rest = [], text.strip()
    while rest:
        found = _SET.match(rest) or _EQUAL.match(rest) or _BARE.match(rest)
        if found is None:
            raise bad_request(f"unable to parse requirement: {text!r}")
        rules.append(_label_rule(found.groupdict()))
        rest = rest[found.end() :].lstrip()
        if rest and not rest.startswith(","):
            raise bad_request(f"unable to parse requirement: {text!r}")
        rest = rest[1:].lstrip()
    return tuple(rules)


def _label_rule(found: dict[str, str]) -> Callable[[dict[str, str]], bool]:
    key, verb = found["key"], found["verb"]
    if "values" in found:
        values = {value.strip() for value in found["values"].split(",")}
        if verb == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if "value" in found:
        value = found["value"]
        if verb == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if verb == "!":
        return lambda labels: key not in labels
    return lambda labels: key in labels


def _field_rules(kind: Kind, text: str) -> tuple[Matches, ...]:
    return tuple(_field_rule(kind, part) for part in text.split(",") if part.strip())


def _field_rule(kind: Kind, text: str) -> Matches:
    found = _EQUAL.fullmatch(text.strip())
    if found is None:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{text}'")
    path, wanted, equal = found["key"], found["value"], found["verb"] != "!="
    if path not in _ALWAYS + _FIELDS.get(kind.kind, ()):
        raise bad_request(f'field label not supported: "{path}"')
    return lambda obj: (_at(obj, path) == wanted) is equal


def _at(obj: Object, path: str) -> str:
    place: object = obj
    for name in path.split("."):
        place = place.get(name) if isinstance(place, dict) else None
    return "" if place is None else str(place).lower() if isinstance(place, bool) else str(place)
