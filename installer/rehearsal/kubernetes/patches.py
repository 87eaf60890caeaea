"""The three plain patch forms: JSON patch, JSON merge patch, strategic merge patch."""

from __future__ import annotations

import copy
from typing import Any

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.refusals import Refused, bad_request
from installer.rehearsal.kubernetes.schema import Path, list_shape


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def json_patch(target: Object, operations: list[Object]) -> Object:
    """RFC 6902; a failed `test` or a missing place is refused with 422 as the API server does."""
    result: Object = copy.deepcopy(target)
    for operation in operations:
        try:
            result = _operate(result, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            message = f"the server rejected our request due to an error in our request: {error}"
            raise Refused(422, "Invalid", message) from error
    return result


def _pointer(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _operate(document: Object, operation: Object) -> Object:
    path, verb = _pointer(operation["path"]), operation["op"]
    if verb == "add":
        return _add(document, path, copy.deepcopy(operation["value"]))
    if verb == "remove":
        _take(document, path)
    elif verb == "replace":
        _take(document, path)
        return _add(document, path, copy.deepcopy(operation["value"]))
    elif verb == "move":
        return _add(document, path, _take(document, _pointer(operation["from"])))
    elif verb == "copy":
        return _add(document, path, copy.deepcopy(_find(document, _pointer(operation["from"]))))
    elif verb == "test":
        if _find(document, path) != operation["value"]:
            raise ValueError(f"testing value {operation['path']} failed")
    else:
        raise ValueError(f"unknown operation {verb}")
    return document


def _find(place: Any, path: list[str]) -> Any:
    for part in path:
        place = place[int(part)] if isinstance(place, list) else place[part]
    return place


def _add(document: Object, path: list[str], value: Any) -> Object:
    if not path:
        whole: Object = value
        return whole
    place, last = _find(document, path[:-1]), path[-1]
    if isinstance(place, list):
        place.insert(len(place) if last == "-" else int(last), value)
    else:
        place[last] = value
    return document


def _take(document: Object, path: list[str]) -> Any:
    place, last = _find(document, path[:-1]), path[-1]
    return place.pop(int(last)) if isinstance(place, list) else place.pop(last)


_ORDER = "$setElementOrder/"
_REMOVE = "$deleteFromPrimitiveList/"
_RETAIN = "$retainKeys"


def strategic_patch(kind: str, target: Object, patch: Object) -> Object:
    """A strategic merge patch, directives included."""
    return _strategic_map(kind, target, patch, ())


def _strategic_map(kind: str, target: Object, patch: Object, path: Path) -> Object:
    if patch.get("$patch") == "delete":
        return {}
    if patch.get("$patch") == "replace":
        return copy.deepcopy({k: v for k, v in patch.items() if k != "$patch"})
    result = dict(target)
    if _RETAIN in patch:
        result = {k: v for k, v in result.items() if k in patch[_RETAIN]}
    for name, value in patch.items():
        if name.startswith(_REMOVE):
            _remove_primitives(result, name.removeprefix(_REMOVE), value)
        elif not name.startswith("$"):
            _strategic_field(kind, result, name, value, (*path, name))
    for name, order in patch.items():
        if name.startswith(_ORDER):
            _put_in_order(kind, result, name.removeprefix(_ORDER), order, path)
    return result


def _strategic_field(kind: str, result: Object, name: str, value: Any, path: Path) -> None:
    if value is None:
        result.pop(name, None)
    elif isinstance(value, dict):
        old = result.get(name)
        result[name] = _strategic_map(kind, old if isinstance(old, dict) else {}, value, path)
    elif isinstance(value, list):
        result[name] = _strategic_list(kind, result.get(name) or [], value, path)
    else:
        result[name] = value


def _strategic_list(kind: str, old: list[Any], patch: list[Any], path: Path) -> list[Any]:
    shape = list_shape(kind, path)
    if shape.is_set:
        return [*old, *(item for item in patch if item not in old)]
    if not shape.merge_key or {"$patch": "replace"} in patch:
        return copy.deepcopy([item for item in patch if item != {"$patch": "replace"}])
    result = list(old)
    for item in patch:
        _strategic_item(kind, result, item, shape.merge_key, path)
    return result


def _strategic_item(kind: str, result: list[Any], item: Object, key: str, path: Path) -> None:
    if key not in item:
        raise bad_request(f"map: {item} does not contain declared merge key: {key}")
    at = next((i for i, old in enumerate(result) if old.get(key) == item[key]), None)
    if item.get("$patch") == "delete":
        if at is not None:
            result.pop(at)
    elif at is None:
        result.append(_strategic_map(kind, {}, item, path))
    else:
        result[at] = _strategic_map(kind, result[at], item, path)


def _remove_primitives(result: Object, name: str, gone: list[Any]) -> None:
    result[name] = [item for item in result.get(name) or [] if item not in gone]


def _put_in_order(kind: str, result: Object, name: str, order: list[Any], path: Path) -> None:
    items, key = result.get(name), list_shape(kind, (*path, name)).merge_key
    if not isinstance(items, list):
        return
    wanted = [entry[key] if key and isinstance(entry, dict) else entry for entry in order]

    def place(item: Any) -> int:
        own = item.get(key) if key and isinstance(item, dict) else item
        return wanted.index(own) if own in wanted else len(wanted)

    items.sort(key=place)
