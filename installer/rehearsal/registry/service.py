"""The registry's answers: the OCI distribution specification, reading only, with tokens for all.

It answers for whatever host is named in a request, as if it were all registries of the world. The
weather knows its requests as "GET manifests", "HEAD manifests" and "GET token", each about
`host/repository:tag`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping

from aiohttp import web

from installer.rehearsal.registry.pretended import PLATFORMS, Kept, pretended
from installer.rehearsal.shelf import Shelf
from installer.rehearsal.weather import Fault, FaultKind, Weather

_HUB, _HUB_API = "docker.io", "registry-1.docker.io"
_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<what>manifests|blobs)/(?P<version>[^/]+)")
_TOKENS = "/registry-token"
_KEPT = "registry"
_STRIKES: tuple[FaultKind, ...] = ("error", "slow", "cut", "throttle", "other_machines", "moved")


class RegistryService:
    """What was ever shown stays to be had by its digest, on the shelf."""

    def __init__(self, shelf: Shelf, weather: Weather, note: Callable[[str], None]) -> None:
        """`note` is told the name of each request."""
        self._shelf = shelf
        self._weather = weather
        self._note = note
        self._key = secrets.token_bytes(16)

    def routes(self) -> list[web.RouteDef]:
        """For the application's router."""
        return [
            web.get(_TOKENS, self.give_token),
            web.get("/v2/", self.welcome),
            web.get("/v2/{path:.*}", self.answer),
        ]

    async def welcome(self, request: web.Request) -> web.StreamResponse:
        """Says that a registry is here, and how to log in."""
        return self._asks_for_token(request, "")

    async def give_token(self, request: web.Request) -> web.StreamResponse:
        """A token for what is asked for, to everybody."""
        self._note("GET token")
        scope = request.query.get("scope", "")
        name = f"{_host(request)}/{scope.partition(':')[2].rpartition(':')[0]}"
        fault = self._weather.strike("GET token", subject=name, kinds=("error", "throttle", "cut"))
        if fault is not None:
            return _struck(request, fault)
        return web.json_response({"token": self._token(scope), "expires_in": 300})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A manifest, an index or a configuration."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            return _refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
        repository, what, version = match["repository"], match["what"], match["version"]
        scope = f"repository:{repository}:pull"
        if request.headers.get("Authorization") != f"Bearer {self._token(scope)}":
            return self._asks_for_token(request, scope)
        operation = f"{request.method} {what}"
        self._note(operation)
        name = f"{_host(request)}/{repository}:{version}"
        fault = self._weather.strike(operation, subject=name, kinds=_STRIKES)
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind in ("error", "throttle", "cut"):
            return _struck(request, fault)
        kept = self._find(name, version, fault)
        if kept is None:
            return _refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        digest = {"Docker-Content-Digest": kept.digest}
        return web.Response(body=kept.body, content_type=kept.media_type, headers=digest)

    def _find(self, name: str, version: str, fault: Fault | None) -> Kept | None:
        if ":" in version:
            doc = self._shelf.get(_KEPT, version)
            return Kept(version, doc["type"], doc["body"].encode()) if doc else None
        moved = fault is not None and fault.kind == "moved"
        other = fault is not None and fault.kind == "other_machines"
        image = pretended(f"{name} moved" if moved else name, PLATFORMS[:1] if other else PLATFORMS)
        for kept in image.documents:
            self._shelf.put(
                _KEPT, kept.digest, {"type": kept.media_type, "body": kept.body.decode()}
            )
        return image.index

    def _asks_for_token(self, request: web.Request, scope: str) -> web.StreamResponse:
        # Whoever came here by a registry's own name is sent on under that name as well.
        here = request.host.startswith(("127.0.0.1", "localhost", "[::1]"))
        realm = f"{'http' if here else 'https'}://{request.host}{_TOKENS}"
        offer = f'Bearer realm="{realm}",service="{request.host}"'
        offer += f',scope="{scope}"' if scope else ""
        headers = {"WWW-Authenticate": offer}
        return _refusal(401, "UNAUTHORIZED", "authentication required", headers)

    def _token(self, scope: str) -> str:
        return hmac.new(self._key, scope.encode(), hashlib.sha256).hexdigest()


def _host(request: web.Request) -> str:
    return _HUB if request.host == _HUB_API else request.host


def _struck(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.kind == "cut":
        if request.transport is not None:
            request.transport.close()
        return web.Response()
    if fault.kind == "throttle":
        after = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after else {}
        return _refusal(429, "TOOMANYREQUESTS", "too many requests", after)
    return _refusal(fault.status, fault.code, fault.message)


def _refusal(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    body = json.dumps({"errors": [{"code": code, "message": message}]})
    return web.Response(
        status=status, text=body, content_type="application/json", headers=dict(headers or {})
    )
