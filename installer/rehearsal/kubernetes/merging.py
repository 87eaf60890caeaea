"""Laying an applied configuration over a live object, and taking fields away again."""

from __future__ import annotations

import copy
from typing import Any

from installer.rehearsal.kubernetes.fields import Fields, Leaf, is_keyed, item_step
from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.schema import Path, is_atomic_map, list_shape


def without_nulls(value: Any) -> Any:
    """The same without keys whose value is null: they say nothing in a configuration."""
    if isinstance(value, dict):
        return {key: without_nulls(child) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [without_nulls(child) for child in value]
    return value


def laid_over(kind: str, live: Object, wanted: Object) -> Object:
    """`live` with everything `wanted` says; a new object."""
    merged: Object = _merged(kind, live, wanted, ())
    return merged


def _merged(kind: str, live: Any, wanted: Any, path: Path) -> Any:
    if isinstance(wanted, dict) and isinstance(live, dict) and not is_atomic_map(path):
        return _merged_map(kind, live, wanted, path)
    if isinstance(wanted, list) and isinstance(live, list) and is_keyed(list_shape(kind, path)):
        return _merged_items(kind, live, wanted, path)
    return copy.deepcopy(wanted)


def _merged_map(kind: str, live: Object, wanted: Object, path: Path) -> Object:
    merged = dict(live)
    for name, value in wanted.items():
        below = (*path, name)
        merged[name] = (
            _merged(kind, live[name], value, below) if name in live else copy.deepcopy(value)
        )
    return merged


def _merged_items(kind: str, live: list[Any], wanted: list[Any], path: Path) -> list[Any]:
    """Applied items in their order; live items that are not applied keep their place between."""
    shape = list_shape(kind, path)
    old = {item_step(item, shape): item for item in live}
    new = {item_step(item, shape): item for item in wanted}
    merged = {
        step: _merged(kind, old[step], item, path) if step in old else copy.deepcopy(item)
        for step, item in new.items()
    }
    return [merged[step] if step in new else old[step] for step in _order(list(old), list(new))]


def _order(old: list[str], new: list[str]) -> list[str]:
    """The applied order, with each item that is only live right after its live predecessor."""
    result = list(new)
    previous = ""
    for step in old:
        if step not in new:
            at = result.index(previous) + 1 if previous in result else 0
            result.insert(at, step)
        previous = step
    return result


def without(kind: str, obj: Object, gone: Fields, kept: Fields) -> Object:
    """`obj` without the leaves `gone`; a keyed item goes as a whole unless `kept` is inside it."""
    result = copy.deepcopy(obj)
    for leaf in sorted(gone, key=len):
        if not any(other[: len(leaf)] == leaf for other in kept):
            _take(kind, result, leaf, ())
    return result


def _take(kind: str, place: Any, leaf: Leaf, path: Path) -> None:
    step, rest = leaf[0], leaf[1:]
    if isinstance(place, dict) and step.startswith("f:"):
        name = step[2:]
        if name in place and rest:
            _take(kind, place[name], rest, (*path, name))
        else:
            place.pop(name, None)
    elif isinstance(place, list):
        _take_item(kind, place, leaf, path)


def _take_item(kind: str, place: list[Any], leaf: Leaf, path: Path) -> None:
    shape = list_shape(kind, path)
    for item in [item for item in place if item_step(item, shape) == leaf[0]]:
        if leaf[1:]:
            _take(kind, item, leaf[1:], path)
        else:
            place.remove(item)
