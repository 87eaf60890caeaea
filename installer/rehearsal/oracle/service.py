"""The HTTP door: finds the operation, checks the signature, meets the weather, keeps retry tokens.

Each request's changes are stored in one go before its answer is sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web
from multidict import CIMultiDict

from installer.rehearsal.oracle.calls import Answer, Call
from installer.rehearsal.oracle.refusals import (
    Refused,
    limit_exceeded,
    not_found,
    out_of_host_capacity,
    token_invalidated,
)
from installer.rehearsal.oracle.signatures import Notary, Signed
from installer.rehearsal.oracle.tenancy import Route, Tenancy
from installer.rehearsal.weather import Fault, FaultKind

_NAME = re.compile(r"\{(\w+)\}")
_RETRY_SECONDS = 24 * 3600.0
_AT_THE_DOOR: tuple[FaultKind, ...] = ("error", "slow", "cut", "throttle", "empty")
_LARGEST_BODY = 4 * 1024 * 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Compiled:
    route: Route
    pattern: re.Pattern[str]


class Switchboard:
    """Finds the route for a method and a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [_Compiled(route, _compiled(route.pattern)) for route in routes]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the values of its {names}; raises Refused 404 or 405."""
        path = path.rstrip("/") or "/"
        other_method = False
        for compiled in self._routes:
            match = compiled.pattern.fullmatch(path)
            if match is None:
                continue
            if compiled.route.method == method:
                return compiled.route, match.groupdict()
            other_method = True
        if other_method:
            raise Refused(405, "MethodNotAllowed", f"{method} is not possible here.")
        raise not_found(path)


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = _NAME.split(pattern.rstrip("/"))
    text = "".join(
        re.escape(part) if n % 2 == 0 else f"(?P<{part}>{_value(part)})"
        for n, part in enumerate(parts)
    )
    return re.compile(text)


def _value(name: str) -> str:
    """Names of objects may hold slashes, which arrive as such."""
    return ".+" if name == "object" else "[^/]+"


class OracleService:
    """Answers every request below the services' base paths."""

    def __init__(self, tenancy: Tenancy, notary: Notary, routes: Iterable[Route]) -> None:
        self.tenancy = tenancy
        self.notary = notary
        self._asked: list[str] = []
        self._elsewhere: list[str] = []
        self._switchboard = Switchboard(routes)

    def requests_after(self, number: int) -> tuple[int, dict[str, int]]:
        """How many requests there were since this start, and how often each operation, after
        request `number`."""
        return len(self._asked), dict(Counter(self._asked[number:]))

    def note(self, operation: str) -> None:
        """Count a request that another service of the rehearsal answered."""
        self._elsewhere.append(operation)

    def requests_elsewhere(self) -> dict[str, int]:
        """How often each operation of other services was asked for, since this start."""
        return dict(Counter(self._elsewhere))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One request from first byte to last."""
        skew = self._skew()
        request_id = _request_id(request.headers)
        try:
            answer = await self._answer(request, skew)
        except Refused as refusal:
            answer = Answer(
                status=refusal.status,
                body={"code": refusal.code, "message": refusal.message},
                headers=refusal.headers,
            )
        except _Cut:
            return _hang_up(request)
        except Exception:  # noqa: BLE001 - answered as Oracle would, told in the log
            _log.exception("%s %s could not be answered.", request.method, request.rel_url.path)
            answer = Answer(
                status=500,
                body={"code": "InternalError", "message": "An internal server error occurred."},
            )
        return _response(answer, request_id, skew)

    async def _answer(self, request: web.Request, skew: timedelta) -> Answer:
        route, names = self._switchboard.find(request.method, request.rel_url.path)
        self._asked.append(route.operation)
        raw = await request.read()
        if len(raw) > _LARGEST_BODY:
            raise Refused(413, "RequestEntityTooLarge", "The request body is too large.")
        headers = {name.lower(): value for name, value in request.headers.items()}
        signed = Signed(request.method, request.raw_path, headers, raw, route.body_signed)
        user = self.notary.check(signed, skew)
        where = f"{request.method} {request.rel_url.path}"
        fault = self.tenancy.weather.strike(route.operation, where, kinds=_AT_THE_DOOR)
        await _meet(fault)
        pairs = tuple(request.query.items())
        call = Call(
            route.operation, request.method, names, dict(pairs[::-1]), headers, raw, user, pairs
        )
        answer = self._work(route, call)
        if answer.made is not None:
            made = " ".join((route.operation, *answer.made))
            await self.tenancy.weather.hold(route.operation, where, what=made)
        if fault is not None and fault.kind == "cut":
            raise _Cut
        if fault is not None and fault.kind == "empty":
            answer = replace(answer, body=_emptied(answer.body))
        return answer

    def _work(self, route: Route, call: Call) -> Answer:
        """Does the work, all of it stored or none; a repeated retry token repeats the answer."""
        limit = self.tenancy.weather.strike(route.operation, kinds=("limit_zero",))
        if limit is not None and not limit.limit and call.method == "POST":
            raise limit_exceeded("service-limit", route.operation)
        with self.tenancy.shelf.together():
            remembered = self._remembered(call)
            if remembered is not None:
                return remembered
            answer = route.run(self.tenancy, call)
            self._hide(route, answer)
            self._remember(call, answer)
            return answer

    def _hide(self, route: Route, answer: Answer) -> None:
        """Eventual consistency: what was just made is not found for a while."""
        if answer.made is None:
            return
        fault = self.tenancy.weather.strike(route.operation, kinds=("not_found_for",))
        record = self.tenancy.registry.look_up(*answer.made)
        if fault is not None and record is not None:
            record.hidden_until = self.tenancy.now + fault.seconds
            self.tenancy.registry.save(record)

    def _remembered(self, call: Call) -> Answer | None:
        doc = self.tenancy.shelf.get("retrytoken", _token_key(call))
        if doc is None or self.tenancy.now > doc["until"]:
            return None
        if doc["digest"] != _digest(call):
            raise token_invalidated()
        made = doc["made"]
        record = self.tenancy.registry.look_up(*made) if made else None
        if made and (record is None or self.tenancy.registry.state(record) in _ENDED):
            raise token_invalidated()
        body = doc["body"]
        if record is not None and isinstance(body, dict):
            body = {**body, **self.tenancy.registry.view(record)}
        return Answer(status=doc["status"], body=body, headers=doc["headers"])

    def _remember(self, call: Call, answer: Answer) -> None:
        if call.method != "POST" or "opc-retry-token" not in call.headers:
            return
        doc = {
            "until": self.tenancy.now + _RETRY_SECONDS,
            "digest": _digest(call),
            "made": list(answer.made) if answer.made else None,
            "status": answer.status,
            "body": answer.body,
            "headers": dict(answer.headers),
        }
        self.tenancy.shelf.put("retrytoken", _token_key(call), doc)

    def _skew(self) -> timedelta:
        fault = self.tenancy.weather.strike("ANY", kinds=("skew",))
        return timedelta(minutes=fault.minutes if fault is not None else 0)


_ENDED = frozenset({"TERMINATED", "DELETED", "TERMINATING", "DELETING"})


class _Cut(Exception):
    """The connection is to be closed without an answer."""


async def _meet(fault: Fault | None) -> None:
    """What the weather does before the work; returns when the work may go on."""
    if fault is None:
        return
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "error":
        if fault.message == "Out of host capacity.":
            raise out_of_host_capacity()
        raise Refused(fault.status, fault.code, fault.message)
    if fault.kind == "throttle":
        raise Refused(
            429,
            "TooManyRequests",
            "Too many requests for the user.",
            {"retry-after": f"{fault.retry_after:g}"} if fault.retry_after else {},
        )
    if fault.kind == "cut" and fault.when == "before":
        raise _Cut


def _emptied(body: object) -> object:
    """The same answer with every list in it empty."""
    if isinstance(body, list):
        return []
    if isinstance(body, dict):
        return {key: [] if isinstance(value, list) else value for key, value in body.items()}
    return body


def _token_key(call: Call) -> str:
    return f"{call.user}/{call.headers.get('opc-retry-token', '')}"


def _digest(call: Call) -> str:
    names = json.dumps(sorted(call.path.items()))
    return hashlib.sha256(f"{call.operation} {names} ".encode() + call.raw).hexdigest()


def _request_id(headers: Mapping[str, str]) -> str:
    """The caller's id with ours behind it, as Oracle writes them."""
    ours = f"{secrets.token_hex(16).upper()}/{secrets.token_hex(16).upper()}"
    theirs = headers.get("opc-request-id") or headers.get("opc-client-request-id")
    return f"{theirs}/{ours}" if theirs else ours


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def _response(answer: Answer, request_id: str, skew: timedelta) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict(answer.headers)
    headers["opc-request-id"] = request_id
    headers["Date"] = format_datetime(datetime.now(UTC) + skew, usegmt=True)
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    if isinstance(answer.body, bytes):
        return web.Response(
            status=answer.status,
            body=answer.body,
            headers=headers,
            content_type=answer.content_type,
        )
    return web.json_response(answer.body, status=answer.status, headers=headers)
