"""YAML documents as plain values, quickly: a screen renders all modules anew for every key.

Parsing is by libyaml's events. What they mean follows YAML 1.1 as PyYAML's safe loader takes it;
scalars and whole documents are remembered, since most of them come again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

# Nothing inside a document begins at the left edge with three hyphens: text blocks are indented.
_SEPARATOR = re.compile(r"^---[ \t]*$", re.MULTILINE)
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REMEMBERED_DOCUMENTS = 4096
_REMEMBERED_SCALARS = 16384


def documents_in(text: str) -> list[Any]:
    """Every document of the text that holds something, each free of parts shared with another.

    Raises yaml.YAMLError, also for a key that stands twice in one mapping.
    """
    return [json.loads(one) for one in parts_in(text)]


def parts_in(text: str) -> list[str]:
    """The same documents, each as JSON: what means the same is the same text."""
    found = (_as_json(part) for part in _SEPARATOR.split(text))
    return [one for one in found if one]


@lru_cache(maxsize=_REMEMBERED_DOCUMENTS)
def _as_json(text: str) -> str:
    """One document as JSON, which is quicker to copy than objects are; empty for an empty one."""
    content = _of_json(text) or _Builder(_PARSER(text)).document()
    try:
        return "" if content is None else json.dumps(content)
    except TypeError as error:
        raise yaml.YAMLError(f"a value is nothing Kubernetes knows; quote it ({error})") from error


class _NotTheSame(ValueError):
    """JSON that means something else as YAML, or nothing."""


def _of_json(text: str) -> dict[str, Any] | None:
    """The mapping that a document written as JSON holds; None for any other document.

    Reading YAML takes a dozen times as long. Numbers with a point or an exponent, and keys that
    stand twice, are left to YAML's reader.
    """
    if not text.lstrip().startswith("{"):
        return None
    try:
        found: dict[str, Any] = _JSON.decode(text)
    except ValueError:
        return None
    return found


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NotTheSame
    return found


def _refused(text: str) -> float:
    raise _NotTheSame(text)


_JSON = json.JSONDecoder(
    object_pairs_hook=_once_each, parse_float=_refused, parse_constant=_refused
)


class _Builder:
    """Makes plain values of a parser's events."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._anchors: dict[str, Any] = {}

    def document(self) -> Any:
        """The content of the only document; None when there is none."""
        content = None
        try:
            for event in self._events():
                if isinstance(event, (yaml.StreamEndEvent, yaml.DocumentEndEvent)):
                    continue
                if isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
                    continue
                content = self._value(event)
        finally:
            self._parser.dispose()
        return content

    def _events(self) -> Iterator[Any]:
        while self._parser.check_event():
            yield self._parser.get_event()

    def _value(self, event: Any) -> Any:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                where = str(event.start_mark).strip()
                raise yaml.YAMLError(f"nothing is named {event.anchor!r}, {where}")
            return self._anchors[event.anchor]
        value = self._made(event)
        if event.anchor:
            self._anchors[event.anchor] = value
        return value

    def _made(self, event: Any) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            if event.tag is None and not event.implicit[0]:
                return event.value
            return _scalar(event.tag, event.value)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event)
        values = []
        while not isinstance(inner := self._parser.get_event(), yaml.SequenceEndEvent):
            values.append(self._value(inner))
        return values

    def _mapping(self, begin: Any) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        while not isinstance(event := self._parser.get_event(), yaml.MappingEndEvent):
            key = self._value(event)
            if key in made:
                raise yaml.MarkedYAMLError(
                    "in a mapping", begin.start_mark, f"{key!r} stands twice", event.start_mark
                )
            made[key] = self._value(self._parser.get_event())
        return made


# The package gives no types for its resolver.
_RESOLVER: Any = yaml.SafeLoader("")


@lru_cache(maxsize=_REMEMBERED_SCALARS)
def _scalar(tag: str | None, text: str) -> Any:
    """What an unquoted scalar means, or one whose tag is given."""
    meant = tag or _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    return _RESOLVER.construct_object(yaml.ScalarNode(meant, text))
