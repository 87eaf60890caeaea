"""The read side: get, list in pages, watch."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from installer.rehearsal.kubernetes.kinds import Kind, Object
from installer.rehearsal.kubernetes.refusals import bad_request, expired
from installer.rehearsal.kubernetes.requests import flag, wanted_form
from installer.rehearsal.kubernetes.selectors import Selection, selection
from installer.rehearsal.kubernetes.store import Change, Store, name_of, namespace_of
from installer.rehearsal.kubernetes.tables import table
from installer.rehearsal.kubernetes.writer import Place

_LONGEST_WATCH_SECONDS = 1800.0
_BOOKMARK_EVERY_SECONDS = 20.0
_INITIAL_END = {"k8s.io/initial-events-end": "true"}


@dataclass(frozen=True)
class Query:
    """What a list or watch is about."""

    kind: Kind
    namespace: str
    selection: Selection
    form: str

    def takes(self, obj: Object) -> bool:
        """Whether an object is part of the answer."""
        if self.namespace and namespace_of(obj) != self.namespace:
            return False
        return self.selection.takes(obj)


def query_of(request: web.Request, place: Place) -> Query:
    """The query of a request, selectors read."""
    fields = request.query.get("fieldSelector", "")
    if place.name:
        fields = f"metadata.name={place.name}" + (f",{fields}" if fields else "")
    chosen = selection(place.kind, request.query.get("labelSelector", ""), fields)
    return Query(place.kind, place.namespace, chosen, wanted_form(request))


class Reader:
    """Answers what is there and what changes."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self.closing = asyncio.Event()

    def shown(self, kind: Kind, obj: Object, form: str) -> Object:
        """One object in the form that was asked for."""
        if form == "Table":
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            return table(kind, [obj], metadata, self._now())
        return _partial(obj) if form == "PartialObjectMetadata" else obj

    def listing(self, request: web.Request, query: Query) -> Object:
        """A list, or one page of it."""
        found = [o for o in self._store.all(query.kind, query.namespace) if query.takes(o)]
        metadata: Object = {"resourceVersion": str(self._store.revision)}
        found = _page(request, found, metadata)
        if query.form == "Table":
            return table(query.kind, found, metadata, self._now())
        if query.form == "PartialObjectMetadataList":
            items = [_partial(obj) for obj in found]
            version = "meta.k8s.io/v1"
            return {"kind": query.form, "apiVersion": version, "metadata": metadata, "items": items}
        return {
            "kind": f"{query.kind.kind}List",
            "apiVersion": query.kind.api_version,
            "metadata": metadata,
            "items": found,
        }

    async def watch(self, request: web.Request, query: Query) -> web.StreamResponse:
        """Streams events until the client, its timeout or the server ends it."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        queue = self._store.listen()
        try:
            start = list(self._first_events(request, query))
            await response.prepare(request)
            for event in start:
                await response.write(_line(event))
            if not any(event["type"] == "ERROR" for event in start):
                async for event in self._later_events(request, query, queue):
                    await response.write(_line(event))
            await response.write_eof()
        except (ConnectionResetError, ConnectionError):
            # The watcher has hung up: the ordinary end of a watch.
            return response
        finally:
            self._store.leave(queue)
        return response

    def _first_events(self, request: web.Request, query: Query) -> list[Object]:
        text = request.query.get("resourceVersion", "")
        initial = request.query.get("sendInitialEvents")
        if initial == "true" or (initial is None and text in ("", "0")):
            present = [o for o in self._store.all(query.kind, query.namespace) if query.takes(o)]
            events = [self._event("ADDED", query, obj) for obj in present]
            end = [self._bookmark(query, _INITIAL_END)] if initial == "true" else []
            return events + end
        try:
            since = int(text or self._store.revision)
        except ValueError as error:
            raise bad_request(
                f"Invalid value: {text!r}: strconv.ParseUint: invalid syntax"
            ) from error
        missed = self._store.changes_since(since)
        if missed is None or since > self._store.revision:
            refused = expired(f"too old resource version: {since} ({self._store.revision})")
            return [{"type": "ERROR", "object": refused.body()}]
        return [event for change in missed for event in self._events(change, query)]

    async def _later_events(
        self, request: web.Request, query: Query, queue: asyncio.Queue[Change]
    ) -> AsyncIterator[Object]:
        loop = asyncio.get_running_loop()
        limit = float(request.query.get("timeoutSeconds") or _LONGEST_WATCH_SECONDS)
        until = loop.time() + limit
        bookmarks = flag(request, "allowWatchBookmarks")
        while (left := until - loop.time()) > 0 and not self.closing.is_set():
            change = await _next(queue, self.closing, min(left, _BOOKMARK_EVERY_SECONDS))
            if change is not None:
                for event in self._events(change, query):
                    yield event
            elif bookmarks and not self.closing.is_set():
                yield self._bookmark(query, None)

    def _events(self, change: Change, query: Query) -> list[Object]:
        if change.kind != query.kind:
            return []
        was = change.before is not None and query.takes(change.before)
        now = change.after is not None and query.takes(change.after)
        if now and change.after is not None:
            return [self._event("MODIFIED" if was else "ADDED", query, change.after)]
        if was and change.before is not None:
            return [self._event("DELETED", query, _at_revision(change))]
        return []

    def _event(self, name: str, query: Query, obj: Object) -> Object:
        form = "PartialObjectMetadata" if query.form.startswith("Partial") else query.form
        return {"type": name, "object": self.shown(query.kind, obj, form)}

    def _bookmark(self, query: Query, annotations: dict[str, str] | None) -> Object:
        metadata: Object = {"resourceVersion": str(self._store.revision)}
        if annotations:
            metadata["annotations"] = annotations
        if query.form == "Table":
            obj = table(query.kind, [], metadata, self._now())
            obj["rows"] = [{"cells": [], "object": {**_PARTIAL, "metadata": metadata}}]
            return {"type": "BOOKMARK", "object": obj}
        obj = {"kind": query.kind.kind, "apiVersion": query.kind.api_version, "metadata": metadata}
        return {"type": "BOOKMARK", "object": obj}


_PARTIAL: Object = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}


def _partial(obj: Object) -> Object:
    return {**_PARTIAL, "metadata": obj["metadata"]}


def _at_revision(change: Change) -> Object:
    """A deleted object carries the resourceVersion of its deletion."""
    about = change.before if change.before is not None else {}
    metadata = {**about["metadata"], "resourceVersion": str(change.revision)}
    return {**about, "metadata": metadata}


async def _next(
    queue: asyncio.Queue[Change], closing: asyncio.Event, seconds: float
) -> Change | None:
    if not queue.empty():
        return queue.get_nowait()
    waits: list[asyncio.Task[Any]] = [
        asyncio.ensure_future(queue.get()),
        asyncio.ensure_future(closing.wait()),
    ]
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    if waits[0] in done:
        found: Change = waits[0].result()
        return found
    return None


def _line(event: Object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def _page(request: web.Request, found: list[Object], metadata: Object) -> list[Object]:
    token = request.query.get("continue", "")
    if token:
        after, metadata["resourceVersion"] = _read_token(token)
        found = [obj for obj in found if (namespace_of(obj), name_of(obj)) > after]
    limit = int(request.query.get("limit") or 0)
    if limit and len(found) > limit:
        metadata["remainingItemCount"] = len(found) - limit
        found = found[:limit]
        last = [namespace_of(found[-1]), name_of(found[-1]), metadata["resourceVersion"]]
        metadata["continue"] = base64.urlsafe_b64encode(json.dumps(last).encode()).decode()
    return found


def _read_token(token: str) -> tuple[tuple[str, str], str]:
    try:
        namespace, name, revision = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise bad_request(f"continue key is not valid: {error}") from error
    return (namespace, name), revision
