"""What would change in an object, one line a field, in words that fit a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from installer.kube.objects import Ref
from installer.kube.ownership import only_ours, our_fields
from installer.kube.stamp import APPLIED

_BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")
# What lists of the API are keyed by, most telling first.
_KEYS = ("name", "mountPath", "containerPort", "port", "key", "ip", "host", "path", "type")
_LONGEST = 60
_ABSENT = object()


def differences(ref: Ref, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Lines such as "Deployment data/exporter: spec.replicas 1 -> 2".

    Only fields that are or were ours count; what controllers write beside them does not.
    Values of Secrets are never shown, and long texts only as changed.
    """
    show = ref.kind != "Secret"
    records = (our_fields(before), our_fields(after))
    before, after = only_ours(before, *records), only_ours(after, *records)
    return tuple(
        f"{ref.words}: {path} {_words(old, new, show)}"
        for path, old, new in _compared("", _relevant(before), _relevant(after))
    )


def _relevant(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in body.items() if key != "status"}
    metadata = kept.get("metadata") or {}
    kept["metadata"] = {key: value for key, value in metadata.items() if key not in _BOOKKEEPING}
    annotations = kept["metadata"].get("annotations")
    if annotations:
        others = {key: value for key, value in annotations.items() if key != APPLIED}
        kept["metadata"]["annotations"] = others
    return kept


def is_within(wanted: Any, there: Any) -> bool:
    """Whether everything wanted is there as it is; what is there beside it does not count.

    A value that the server writes in another way counts as different: who asks must look closer.
    """
    if isinstance(wanted, Mapping):
        if not wanted and there is None:
            return True
        return isinstance(there, Mapping) and all(
            is_within(value, there.get(key)) for key, value in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(there, list):
        return len(wanted) == len(there) and all(map(is_within, wanted, there))
    return bool(wanted == there) or (wanted == [] and there is None)


def _compared(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            deeper = _joined(path, str(key))
            yield from _compared(deeper, before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif _is_keyed(before) and _is_keyed(after):
        yield from _compared_lists(path, before, after)
    elif _are_lines(before, after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _compared(f"{path}[{number}]", old, new)
    elif before != after:
        yield path, before, after


def _compared_lists(
    path: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Any, Any]]:
    old, new = _by_key(before), _by_key(after)
    if len(old) != len(before) or len(new) != len(after):
        if before != after:
            yield path, before, after
        return
    for key in dict.fromkeys((*old, *new)):
        yield from _compared(f"{path}[{key}]", old.get(key, _ABSENT), new.get(key, _ABSENT))


def _is_keyed(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, Mapping) and any(key in item for key in _KEYS) for item in value
    )


def _are_lines(before: Any, after: Any) -> bool:
    """Whether both are lists of as many words, such as a program's arguments."""
    lists = isinstance(before, list) and isinstance(after, list) and len(before) == len(after)
    return lists and all(isinstance(item, str) for item in (*before, *after))


def _by_key(items: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(next(item[key] for key in _KEYS if key in item)): item for item in items}


def _joined(path: str, key: str) -> str:
    if "." in key or "/" in key:
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def _words(old: Any, new: Any, show: bool) -> str:
    if old is _ABSENT:
        return f"is added: {_short(new)}" if show and _short(new) else "is added"
    if new is _ABSENT:
        return "is removed"
    if show and _short(old) and _short(new):
        return f"{_short(old)} -> {_short(new)}"
    return "changes"


def _short(value: Any) -> str:
    """The value on one short line, or nothing when it does not fit."""
    if isinstance(value, (Mapping, list)):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if 0 < len(text) <= _LONGEST and "\n" not in text else ""
