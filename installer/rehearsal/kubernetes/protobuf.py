"""Reads the few protobuf bodies that kubectl insists on sending.

Field numbers from `generated.proto` of Kubernetes 1.36. Kinds without a table are refused: clients
that write those speak JSON as well.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.refusals import Refused, bad_request

_MAGIC = b"k8s\x00"
_STRING, _BYTES, _NUMBER, _SWITCH = "string", "bytes", "number", "switch"
Field = tuple[str, Any, str]
"""Name, type (one of the above, or a table) and form: one, many or map."""
Table = dict[int, Field]


def _one(name: str, kind: Any = _STRING) -> Field:
    return name, kind, "one"


_META: Table = {
    1: _one("name"),
    2: _one("generateName"),
    3: _one("namespace"),
    5: _one("uid"),
    6: _one("resourceVersion"),
    11: ("labels", _STRING, "map"),
    12: ("annotations", _STRING, "map"),
    14: ("finalizers", _STRING, "many"),
}
_METADATA = _one("metadata", _META)
_PRECONDITIONS: Table = {1: _one("uid"), 2: _one("resourceVersion")}
_DELETE: Table = {
    1: _one("gracePeriodSeconds", _NUMBER),
    2: _one("preconditions", _PRECONDITIONS),
    4: _one("propagationPolicy"),
    5: ("dryRun", _STRING, "many"),
}
_RESOURCE: Table = {
    number: _one(name)
    for number, name in enumerate(
        ("namespace", "verb", "group", "version", "resource", "subresource", "name"), start=1
    )
}
_ACCESS: Table = {
    1: _one("resourceAttributes", _RESOURCE),
    2: _one("nonResourceAttributes", {1: _one("path"), 2: _one("verb")}),
}
_TABLES: dict[str, Table] = {
    "Namespace": {1: _METADATA},
    "ServiceAccount": {1: _METADATA},
    "ConfigMap": {
        1: _METADATA,
        2: ("data", _STRING, "map"),
        3: ("binaryData", _BYTES, "map"),
        4: _one("immutable", _SWITCH),
    },
    "Secret": {
        1: _METADATA,
        2: ("data", _BYTES, "map"),
        3: _one("type"),
        4: ("stringData", _STRING, "map"),
        5: _one("immutable", _SWITCH),
    },
    "DeleteOptions": _DELETE,
    "Eviction": {1: _METADATA, 2: _one("deleteOptions", _DELETE)},
    "SelfSubjectAccessReview": {1: _METADATA, 2: _one("spec", _ACCESS)},
    "SelfSubjectRulesReview": {1: _METADATA, 2: _one("spec", {1: _one("namespace")})},
}
_ENVELOPE: Table = {
    1: _one("typeMeta", {1: _one("apiVersion"), 2: _one("kind")}),
    2: _one("raw", None),
}


def read_protobuf(body: bytes) -> Object:
    """The object in a body; 415 for a kind without a table, 400 for what cannot be read."""
    if not body:
        return {}
    if not body.startswith(_MAGIC):
        raise bad_request("the body is not a Kubernetes protobuf message")
    try:
        envelope = _message(body[len(_MAGIC) :], _ENVELOPE)
        said = envelope["typeMeta"]
        if said["kind"] not in _TABLES:
            raise Refused(415, "UnsupportedMediaType", f"{said['kind']} is understood as JSON only")
        return {**said, **_message(envelope.get("raw", b""), _TABLES[said["kind"]])}
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise bad_request(f"the protobuf message cannot be read: {error}") from error


def _message(data: bytes, table: Table) -> Object:
    found: Object = {}
    for number, raw in _fields(data):
        if number not in table:
            continue
        name, kind, form = table[number]
        if form == "map":
            entry = _message(raw, {1: _one("key"), 2: _one("value", kind)})
            found.setdefault(name, {})[entry.get("key", "")] = entry.get("value", "")
        elif form == "many":
            found.setdefault(name, []).append(_value(raw, kind))
        elif raw != b"":
            # Empty texts are written even where nothing was said.
            found[name] = _value(raw, kind)
    return found


def _value(raw: Any, kind: Any) -> Any:
    if isinstance(kind, dict):
        return _message(raw, kind)
    if kind == _STRING:
        return raw.decode()
    if kind == _BYTES:
        return base64.b64encode(raw).decode()
    return bool(raw) if kind == _SWITCH else raw


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Number and content of each field: a number, or the bytes of what has a length."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            content, at = _varint(data, at)
            yield tag >> 3, content
        elif tag & 7 == 2:
            length, at = _varint(data, at)
            yield tag >> 3, data[at : at + length]
            at += length
        else:
            at += 8 if tag & 7 == 1 else 4


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
