"""Sets of fields by leaf path, in memory and as FieldsV1.

The rules are those of server-side apply: an object is walked by its schema; scalars, lists that
are one value, maps that are one value and empty maps are leaves; items of keyed lists count too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.schema import (
    DEFAULTS_OF_KEYS,
    ListShape,
    Path,
    is_atomic_map,
    list_shape,
)

Step = str
"""One element of a FieldsV1 path: `f:name`, `k:{...}` or `v:...`."""
Leaf = tuple[Step, ...]
Fields = frozenset[Leaf]

_NOBODYS: frozenset[Leaf] = frozenset(
    [("f:apiVersion",), ("f:kind",)]
    + [
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "selfLink",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        )
    ]
)


class DuplicateItems(Exception):
    """A keyed list names the same item twice."""


@dataclass(frozen=True)
class Node:
    """One place in an object."""

    leaf: Leaf
    value: Any
    is_leaf: bool
    is_item: bool = False


def compact(value: object) -> str:
    """JSON without blanks and with sorted keys, as FieldsV1 writes keys."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def item_step(item: Any, shape: ListShape) -> Step:
    """The path element that names an item of a keyed list or a set."""
    if shape.is_set:
        return f"v:{compact(item)}"
    found = {key: item.get(key, DEFAULTS_OF_KEYS.get(key)) for key in shape.keys}
    return "k:" + compact({key: value for key, value in found.items() if value is not None})


def is_keyed(shape: ListShape) -> bool:
    """Whether items of the list have an identity."""
    return shape.is_set or bool(shape.keys)


def walk(kind: str, obj: Object) -> Iterator[Node]:
    """Every place of an object that can be owned."""
    for node in _walk_map(kind, obj, (), ()):
        if node.leaf not in _NOBODYS and node.leaf[:2] != ("f:metadata", "f:managedFields"):
            yield node


def _walk_map(kind: str, value: Object, path: Path, leaf: Leaf) -> Iterator[Node]:
    for name, child in value.items():
        yield from _walk(kind, child, (*path, name), (*leaf, f"f:{name}"))


def _walk(kind: str, value: Any, path: Path, leaf: Leaf) -> Iterator[Node]:
    if isinstance(value, dict) and value and not is_atomic_map(path):
        yield Node(leaf, value, False)
        yield from _walk_map(kind, value, path, leaf)
    elif isinstance(value, list) and is_keyed(list_shape(kind, path)):
        yield Node(leaf, value, not value)
        yield from _walk_items(kind, value, path, leaf)
    else:
        yield Node(leaf, value, True)


def _walk_items(kind: str, value: list[Any], path: Path, leaf: Leaf) -> Iterator[Node]:
    shape, seen = list_shape(kind, path), set()
    for item in value:
        step = item_step(item, shape)
        if step in seen:
            raise DuplicateItems(f"{words(leaf)}: duplicate entries for key {_item_words(step)}")
        seen.add(step)
        yield Node((*leaf, step), item, True, is_item=True)
        if isinstance(item, dict):
            yield from _walk_map(kind, item, path, (*leaf, step))


def fields_of(kind: str, obj: Object) -> Fields:
    """The leaves of an object, keyed items included."""
    return frozenset(node.leaf for node in walk(kind, obj) if node.is_leaf)


@dataclass(frozen=True)
class Difference:
    """What changed between two objects, by leaf path."""

    changed: Fields
    """Added or with another value."""
    removed: Fields


def compare(kind: str, before: Object, after: Object) -> Difference:
    """The difference between two objects."""
    old = {node.leaf: node for node in walk(kind, before) if node.is_leaf}
    new = {node.leaf: node for node in walk(kind, after) if node.is_leaf}
    changed = {
        leaf
        for leaf, node in new.items()
        if leaf not in old or not (node.is_item or old[leaf].value == node.value)
    }
    removed = {leaf for leaf in old if leaf not in new}
    return Difference(frozenset(changed), frozenset(removed))


def to_document(fields: Fields) -> Object:
    """The set as FieldsV1."""
    document: Object = {}
    for leaf in sorted(fields):
        place = document
        for step in leaf:
            place = place.setdefault(step, {})
        if leaf[-1].startswith("k:"):
            place.setdefault(".", {})
    return _sorted(document)


def _sorted(document: Object) -> Object:
    return {key: _sorted(document[key]) for key in sorted(document)}


def from_document(document: Object) -> Fields:
    """A FieldsV1 as a set."""
    return frozenset(_leaves(document, ()))


def _leaves(document: Object, leaf: Leaf) -> Iterator[Leaf]:
    children = {key: value for key, value in document.items() if key != "."}
    if leaf and ("." in document or not children):
        yield leaf
    for key, child in children.items():
        yield from _leaves(child, (*leaf, _normal(key)))


def _normal(step: Step) -> Step:
    if step[:2] in ("k:", "v:"):
        return step[:2] + compact(json.loads(step[2:]))
    return step


def words(leaf: Leaf) -> str:
    """`.spec.template.spec.containers[name="app"].image`, as messages write paths."""
    told = ""
    for step in leaf:
        told += f".{step[2:]}" if step.startswith("f:") else _item_words(step)
    return told


def _item_words(step: Step) -> str:
    if step.startswith("v:"):
        return f"[={step[2:]}]"
    keys = json.loads(step[2:])
    return "[" + ",".join(f"{key}={compact(keys[key])}" for key in sorted(keys)) + "]"
