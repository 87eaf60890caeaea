"""Reads WWW-Authenticate: which ways of logging in a server offers (RFC 9110, section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar's name for a word
_PIECE = re.compile(
    rf'\s*,?\s*(?:(?P<name>{_TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>{_TOKEN}))'
    rf"|(?P<scheme>{_TOKEN})(?=\s|,|$))"
)


@dataclass(frozen=True)
class Challenge:
    """One way of logging in; `scheme` and the names of `parameters` are in small letters."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def challenges(headers: Sequence[str]) -> tuple[Challenge, ...]:
    """Every challenge in these header lines, in their order; what is not understood ends a line."""
    return tuple(found for line in headers for found in _of_line(line))


def _of_line(line: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while match := _PIECE.match(line, at):
        at = match.end()
        if match["scheme"]:
            found.append((match["scheme"].lower(), {}))
        elif found:
            quoted = match["quoted"]
            value = match["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(match["name"].lower(), value)
    return [Challenge(scheme, parameters) for scheme, parameters in found]
