"""Which fields of an object are ours, as the API server keeps it in managedFields.

Controllers write into the same objects (annotations, node ports, status), so two readings differ
without anything of ours having changed. The format is FieldsV1:
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from installer.kube.objects import Document, at
from installer.kube.stamp import FIELD_MANAGER

Fields = Mapping[str, Any]


def our_fields(body: Mapping[str, Any]) -> Fields:
    """The fields we applied; empty when the server keeps no record of us."""
    for entry in at(body, "metadata", "managedFields", default=[]):
        ours = entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
        if ours and not entry.get("subresource"):
            fields: Fields = entry.get("fieldsV1") or {}
            return fields
    return {}


def only_ours(body: Mapping[str, Any], *records: Fields) -> Document:
    """The part of an object that any of the records names; all of it without records."""
    known = [record for record in records if record]
    if not known:
        return dict(body)
    merged: Fields = {}
    for record in known:
        merged = _merged(merged, record)
    part: Document = _part(body, merged)
    return part


def _merged(one: Fields, other: Fields) -> Fields:
    result = dict(one)
    for key, inner in other.items():
        result[key] = _merged(result[key], inner) if key in result else inner
    return result


def _part(value: Any, fields: Fields) -> Any:
    inner = {key: below for key, below in fields.items() if key != "."}
    if not inner:
        return value
    if isinstance(value, Mapping):
        names = {key[2:]: below for key, below in inner.items() if key.startswith("f:")}
        return {key: _part(value[key], below) for key, below in names.items() if key in value}
    if isinstance(value, list):
        return _items(value, inner)
    return value


def _items(items: Sequence[Any], fields: Fields) -> list[Any]:
    found: list[Any] = []
    for key, below in fields.items():
        form, _, text = key.partition(":")
        if form == "i":
            found.extend(_part(item, below) for item in items[int(text) : int(text) + 1])
            continue
        wanted = json.loads(text)
        for item in items:
            if form == "v" and item == wanted:
                found.append(item)
            elif form == "k" and isinstance(item, Mapping) and wanted.items() <= item.items():
                # The keys tell the items apart, so they stay even where they are not owned.
                found.append({**wanted, **_part(item, below)})
    return found
