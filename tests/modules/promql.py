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


@dataclass(frozen=True)
class Comparison:
    """What the braces of a selector ask of one label."""

    label: str
    sign: str
    text: str

    def holds(self, value: str) -> bool:
        """Whether a series with this value is meant; a label that is missing has none."""
        if "~" in self.sign:
            return (re.fullmatch(self.text, value) is not None) == (self.sign == "=~")
        return (value == self.text) == (self.sign == "=")


def selectors(query: str) -> tuple[Selector, ...]:
    """Every metric the query reads."""
    return tuple(
        Selector(metric, tuple(text for kind, text in braces if kind == "word"))
        for metric, braces in _selected(query)
    )


def comparisons(query: str) -> tuple[tuple[str, tuple[Comparison, ...]], ...]:
    """Every metric the query reads, with all that its braces compare."""
    return tuple(
        (metric, tuple(_compared([text for _, text in braces if text != ","])))
        for metric, braces in _selected(query)
    )


def _compared(texts: list[str]) -> Iterator[Comparison]:
    for label, sign, text in zip(texts[::3], texts[1::3], texts[2::3], strict=True):
        yield Comparison(label, sign, text[1:-1].replace(r"\\", "\\"))


def _selected(query: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    tokens = list(_tokens(query))
    place = 0
    while place < len(tokens):
        kind, text = tokens[place]
        following = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        end = place + 1
        if kind == "word" and text in _TAKES_LABELS:
            end = _after(tokens, end, ")") if following == "(" else end
        elif kind == "word" and text.lower() not in _WORDS and following not in _CALLS:
            end = _after(tokens, end, "}") if following == "{" else end
            yield text, tokens[place + 2 : end - 1]
        place = end


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
