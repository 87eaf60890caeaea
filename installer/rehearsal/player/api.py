"""The Kubernetes API as the player uses it: plain HTTP, like any other client."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from installer.rehearsal.kubernetes.kinds import Kind, Object
from installer.rehearsal.kubernetes.server import PLAYER_AGENT
from installer.rehearsal.kubernetes.world import Endpoint

_PATCH = "application/merge-patch+json"
_WATCH_SECONDS = 600
_LINE_LIMIT = 8 * 1024 * 1024


class ApiRefused(Exception):
    """The server's answer was a failure; `code`, `reason` and `message` are those of its Status."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason, self.message = code, reason, message


class WatchExpired(Exception):
    """The resourceVersion to watch from is too old: list again."""


class Api:
    """Requests to one API server; a context manager that owns its connections."""

    def __init__(self, endpoint: Endpoint, token: Callable[[], str]) -> None:
        """`token` is asked at each request, so that short-lived tokens can change."""
        self._endpoint, self._token = endpoint, token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Api:
        context = ssl.create_default_context(cadata=self._endpoint.ca_pem.decode())
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            headers={"User-Agent": f"{PLAYER_AGENT}/1", "Accept": "application/json"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            read_bufsize=_LINE_LIMIT,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self, method: str, path: str, body: Object | None = None, content: str = "application/json"
    ) -> Object:
        """One request and its JSON; ApiRefused for a failure."""
        assert self._session is not None
        data = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": content}
        async with self._session.request(
            method, self._endpoint.url + path, data=data, headers=headers
        ) as response:
            answer = await response.json(content_type=None)
        if response.status >= 400:
            raise ApiRefused(response.status, answer.get("reason", ""), answer.get("message", ""))
        found: Object = answer
        return found

    async def list(self, kind: Kind) -> tuple[list[Any], str]:
        """All objects of a kind, and the resourceVersion to watch from."""
        answer = await self.request("GET", f"{kind.base}/{kind.plural}")
        # Items of a list do not say what they are.
        named = {"apiVersion": kind.api_version, "kind": kind.kind}
        return [{**named, **item} for item in answer["items"]], answer["metadata"][
            "resourceVersion"
        ]

    async def watch(self, kind: Kind, revision: str) -> AsyncIterator[tuple[str, Object]]:
        """Changes after a resourceVersion; ends when the server ends it."""
        assert self._session is not None
        path = f"{kind.base}/{kind.plural}?watch=true&allowWatchBookmarks=true"
        path += f"&resourceVersion={revision}&timeoutSeconds={_WATCH_SECONDS}"
        headers = {"Authorization": f"Bearer {self._token()}"}
        async with self._session.get(self._endpoint.url + path, headers=headers) as response:
            if response.status >= 400:
                raise WatchExpired
            async for line in response.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise WatchExpired
                yield event["type"], event["object"]

    async def create(self, kind: Kind, obj: Object) -> Object:
        """POST."""
        namespace = obj["metadata"].get("namespace", "")
        named = {"apiVersion": kind.api_version, "kind": kind.kind}
        return await self.request("POST", path_of(kind, namespace), {**named, **obj})

    async def patch(self, kind: Kind, obj: Object, patch: Object, subresource: str = "") -> Object:
        """PATCH by JSON merge."""
        metadata = obj["metadata"]
        path = path_of(kind, metadata.get("namespace", ""), metadata["name"], subresource)
        return await self.request("PATCH", path, patch, _PATCH)

    async def delete(self, kind: Kind, obj: Object, grace: int | None = None) -> Object:
        """DELETE of this very object: one of the same name with another uid is left alone."""
        metadata = obj["metadata"]
        body: Object = {"preconditions": {"uid": metadata["uid"]}}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        path = path_of(kind, metadata.get("namespace", ""), metadata["name"])
        return await self.request("DELETE", path, body)


def path_of(kind: Kind, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The path of a collection, an object or a subresource."""
    inside = f"/namespaces/{namespace}" if kind.namespaced else ""
    tail = "".join(f"/{part}" for part in (name, subresource) if part)
    return f"{kind.base}{inside}/{kind.plural}{tail}"
