"""One request and its answer, free of HTTP machinery."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from installer.rehearsal.oracle.refusals import invalid, malformed, missing

Body = dict[str, Any]

_DEFAULT_PAGE = 100
_LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Call:
    """A request that has passed the door: header names are lower case, `path` holds the {names}.

    `pairs` is the query with what is given more than once.
    """

    operation: str
    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    user: str
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> Body:
        """The JSON object sent; raises Refused 400 when it is none."""
        try:
            value = json.loads(self.raw or b"{}")
        except ValueError as error:
            raise malformed("The request body is not valid JSON.") from error
        if not isinstance(value, dict):
            raise malformed("The request body must be a JSON object.")
        return value

    def values(self, name: str) -> tuple[str, ...]:
        """All values given for a query parameter."""
        return tuple(value for key, value in self.pairs if key == name and value)

    def needed(self, name: str) -> str:
        """A query parameter that must be there; raises Refused 400."""
        value = self.query.get(name, "")
        if not value:
            raise missing(name)
        return value


@dataclass(frozen=True)
class Answer:
    """What goes back. `made` is kind and OCID of what a creating call has made."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    made: tuple[str, str] | None = None
    content_type: str = "application/json"


NOTHING = Answer(status=204)


def page_of(
    call: Call, items: Sequence[Body], wrap: str = "", headers: Mapping[str, str] | None = None
) -> Answer:
    """One page of a list, with opc-next-page when there is more.

    `wrap` names the field that holds the list in collections; empty for a bare list.
    """
    limit, start = _limit(call), _start(call)
    part = list(items[start : start + limit])
    extra = dict(headers or {})
    if start + limit < len(items):
        extra["opc-next-page"] = _token(start + limit)
    return Answer(body={wrap: part} if wrap else part, headers=extra)


def matching(call: Call, items: Sequence[Body], *names: str) -> list[Body]:
    """Those items whose fields equal (one of) the query parameters given under the same names."""
    wanted = {name: call.values(name) for name in names if call.values(name)}
    return [item for item in items if all(item.get(k) in v for k, v in wanted.items())]


def _limit(call: Call) -> int:
    text = call.query.get("limit", str(_DEFAULT_PAGE))
    if not text.isdigit() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise invalid(f"limit must be between 1 and {_LARGEST_PAGE}.")
    return int(text)


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"from:{offset}".encode()).decode()


def _start(call: Call) -> int:
    token = call.query.get("page")
    if not token:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise invalid("The page token is not valid.") from error
    if word != "from" or not number.isdigit():
        raise invalid("The page token is not valid.")
    return int(number)
