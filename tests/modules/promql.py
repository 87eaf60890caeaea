"""Which metrics and labels a PromQL query names. Promtool says whether it is one at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<range>\[[^\]]*\])|(?P<number>[0-9][0-9a-zA-Z.]*)"""
    r"""|(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)|(?P<sign>=~|!~|!=|==|>=|<=|[^\s])"""
)
_TAKES_LABELS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
# What follows the name of a function or of an aggregation.
_CALLS = {"(", "by", "without"}
_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"} | _TAKES_LABELS


@dataclass(frozen=True)
class Selector:
    """A metric with the labels its braces compare."""

    metric: str
    labels: tuple[str, ...]


def selectors(query: str) -> tuple[Selector, ...]:
    """Every metric the query reads."""
    tokens = list(_tokens(query))
    found = []
    place = 0
    while place < len(tokens):
        kind, text = tokens[place]
        following = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        end = place + 1
        if kind == "word" and text in _TAKES_LABELS:
            end = _after(tokens, end, ")") if following == "(" else end
        elif kind == "word" and text.lower() not in _WORDS and following not in _CALLS:
            end = _after(tokens, end, "}") if following == "{" else end
            labels = (text for kind, text in tokens[place + 2 : end - 1] if kind == "word")
            found.append(Selector(text, tuple(labels)))
        place = end
    return tuple(found)


def grouped_by(query: str) -> set[str]:
    """Labels named by `by`, `on` and the like."""
    tokens = list(_tokens(query))
    labels: set[str] = set()
    for place, (kind, text) in enumerate(tokens[:-1]):
        if kind == "word" and text in _TAKES_LABELS and tokens[place + 1][1] == "(":
            end = _after(tokens, place + 1, ")")
            labels |= {t for kind, t in tokens[place + 2 : end - 1] if kind == "word"}
    return labels


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(query):
        assert match.lastgroup is not None
        yield match.lastgroup, match.group()


def _after(tokens: list[tuple[str, str]], start: int, closing: str) -> int:
    return next(n for n in range(start, len(tokens)) if tokens[n][1] == closing) + 1
