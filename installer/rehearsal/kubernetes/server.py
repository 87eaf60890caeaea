"""The HTTP face of the cluster."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from installer.rehearsal.clock import Clock
from installer.rehearsal.kubernetes import discovery, openapi
from installer.rehearsal.kubernetes.figures import figures
from installer.rehearsal.kubernetes.kinds import REVIEWS, Object
from installer.rehearsal.kubernetes.patches import json_patch, merge_patch, strategic_patch
from installer.rehearsal.kubernetes.reader import Reader, query_of
from installer.rehearsal.kubernetes.refusals import (
    Refused,
    bad_request,
    no_such_path,
    runs_nothing,
    unauthorized,
)
from installer.rehearsal.kubernetes.requests import (
    Asked,
    asked,
    body_of,
    flag,
    object_of,
    wanted_form,
)
from installer.rehearsal.kubernetes.store import Store
from installer.rehearsal.kubernetes.subresources import (
    bind,
    evict,
    log_of,
    rescale,
    review,
    scale_of,
    success,
)
from installer.rehearsal.kubernetes.writer import Deletion, Options, Place, Writer
from installer.rehearsal.weather import Fault, Weather

Authenticate = Callable[[str], str | None]
PLAYER_AGENT = "health-rehearsal-player"
"""Requests with this User-Agent are the cluster's own and have no weather."""

_OPEN = ("/healthz", "/livez", "/readyz", "/version")
_APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")
_RETURNED_WHEN_GONE = {"Pod", "Namespace", "Service", "PersistentVolumeClaim", "PersistentVolume"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What a server is made of."""

    store: Store
    writer: Writer
    reader: Reader
    clock: Clock
    weather: Weather
    authenticate: Authenticate
    version: str


class ApiServer:
    """Answers requests; `application()` is what a web runner serves."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._writer, self._reader = parts.writer, parts.reader
        self._verbs: dict[str, Callable[[web.Request, Place], Awaitable[web.StreamResponse]]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }

    def application(self) -> web.Application:
        """The application, with one entrance for every path."""
        application = web.Application(client_max_size=8 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._routed(request)
        except Refused as refused:
            return _refusal(refused)
        except (asyncio.CancelledError, web.HTTPException):
            raise
        except Exception as error:  # noqa: BLE001 - a client must get a Status, whatever broke
            _log.exception("%s %s", request.method, request.path)
            return _refusal(Refused(500, "InternalError", f"Internal error occurred: {error!r}"))

    async def _routed(self, request: web.Request) -> web.StreamResponse:
        user = self._user(request)
        fault = await self._weather(request)
        if user is None:
            raise unauthorized()
        document: web.StreamResponse | None = self._document(request)
        if document is None:
            document = await self._resource(request, user)
            await self._hold(request, document)
        if fault is not None and fault.kind == "cut":
            _cut(request)
        return document

    def _user(self, request: web.Request) -> str | None:
        if request.path.startswith(_OPEN):
            return "system:anonymous"
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._parts.authenticate(token) if scheme == "Bearer" and token else None

    async def _weather(self, request: web.Request) -> Fault | None:
        """The fault that is left for after the work; others strike here."""
        if request.headers.get("User-Agent", "").startswith(PLAYER_AGENT):
            return None
        names, subject = _operation(request)
        fault = self._parts.weather.strike(
            *names, subject=subject, kinds=("error", "slow", "cut", "throttle")
        )
        if fault is None:
            return None
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return None
        if fault.kind == "throttle":
            words = "the server has received too many requests and has asked us to try again later"
            wait = max(1, round(fault.retry_after))
            raise Refused(429, "TooManyRequests", words, retry_after=wait)
        if fault.kind == "error":
            raise Refused(fault.status, fault.code, fault.message)
        if fault.when == "before":
            _cut(request)
        return fault

    async def _hold(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Weather after the work: what was really made, by others than the cluster itself."""
        own = request.headers.get("User-Agent", "").startswith(PLAYER_AGENT)
        if own or answer.status != 201 or request.query.get("dryRun"):
            return
        names, subject = _operation(request)
        made = json.loads(answer.text) if isinstance(answer, web.Response) and answer.text else {}
        metadata = made.get("metadata") or {}
        parts = (metadata.get("namespace", ""), metadata.get("name", ""))
        what = f"{names[1]} {'/'.join(part for part in parts if part)}"
        await self._parts.weather.hold(*names, subject=subject, what=what)

    # Documents

    def _document(self, request: web.Request) -> web.Response | None:
        path = request.path.rstrip("/")
        if path in ("/healthz", "/livez", "/readyz"):
            return web.Response(text="ok")
        if path == "/version":
            return _json(_version(self._parts.version))
        if path.startswith("/openapi/"):
            return self._openapi(request, path)
        if request.method == "GET":
            measured = figures(path, self._parts.store, self._parts.clock.now())
            if measured is not None:
                return _json(measured)
        return _discovery(request, path)

    def _openapi(self, request: web.Request, path: str) -> web.Response:
        version = self._parts.version
        if path == "/openapi/v3":
            return _json(openapi.v3_index())
        if path == "/openapi/v2":
            if "protobuf" in request.headers.get("Accept", ""):
                body = openapi.v2_protobuf(version)
                return web.Response(body=body, headers={"Content-Type": openapi.PROTOBUF})
            return _json(openapi.v2_document(version))
        parts = path.split("/")
        if parts[2:4] == ["v3", "api"] and len(parts) == 5:
            return _json(openapi.v3_document("", parts[4], version))
        if parts[2:4] == ["v3", "apis"] and len(parts) == 6:
            return _json(openapi.v3_document(parts[4], parts[5], version))
        raise no_such_path()

    # Resources

    async def _resource(self, request: web.Request, user: str) -> web.StreamResponse:
        wanted: Asked = asked(request)
        if wanted.place.kind in REVIEWS:
            if wanted.verb != "create":
                raise no_such_path()
            return _json(review(wanted.place.kind, await object_of(request), user), 201)
        return await self._verbs[wanted.verb](request, wanted.place)

    async def _get(self, request: web.Request, place: Place) -> web.StreamResponse:
        found = self._writer.present(place)
        if place.subresource == "log":
            return web.Response(text=log_of(found, request.query.get("container", "")))
        if place.subresource == "portforward":
            raise runs_nothing()
        if place.subresource == "scale":
            return _json(scale_of(found))
        if flag(request, "watch"):
            return await self._watch(request, place)
        return _json(self._reader.shown(place.kind, found, wanted_form(request)))

    async def _list(self, request: web.Request, place: Place) -> web.StreamResponse:
        return _json(self._reader.listing(request, query_of(request, place)))

    async def _watch(self, request: web.Request, place: Place) -> web.StreamResponse:
        return await self._reader.watch(request, query_of(request, place))

    async def _create(self, request: web.Request, place: Place) -> web.StreamResponse:
        options, body = _options(request), await object_of(request)
        if place.subresource == "portforward":
            raise runs_nothing()
        if place.subresource == "eviction":
            return _json(evict(self._writer, place, body), 201)
        if place.subresource == "binding":
            return _json(bind(self._writer, place, body, options), 201)
        made = self._writer.create(place, body, options)
        return self._written(request, place, made, options, 201)

    async def _update(self, request: web.Request, place: Place) -> web.StreamResponse:
        options, body = _options(request), await object_of(request)
        if place.subresource == "scale":
            return _json(rescale(self._writer, place, lambda _: body, options))
        if place.subresource == "finalize":
            return self._finalized(place, body)
        changed = self._writer.replace(place, body, options)
        return self._written(request, place, changed, options, 200)

    def _finalized(self, place: Place, body: Object) -> web.Response:
        namespace = self._writer.present(place)
        if "kubernetes" not in (body.get("spec") or {}).get("finalizers", []):
            self._writer.drop_finalizer(place.kind, namespace, "kubernetes")
        return _json(body)

    async def _patch(self, request: web.Request, place: Place) -> web.StreamResponse:
        options, body = _options(request), await body_of(request)
        if request.content_type in _APPLY:
            if not request.query.get("fieldManager"):
                raise bad_request("fieldManager: Required value: is required for apply patch")
            obj, new = self._writer.apply(place, body, options)
            return self._written(request, place, obj, options, 201 if new else 200)
        change = _change(request.content_type, place, body)
        if place.subresource == "scale":
            return _json(rescale(self._writer, place, change, options))
        changed = self._writer.patch(place, change, options)
        return self._written(request, place, changed, options, 200)

    def _written(
        self, request: web.Request, place: Place, obj: Object, options: Options, status: int
    ) -> web.Response:
        shown = self._reader.shown(place.kind, obj, wanted_form(request))
        response = _json(shown, status)
        for words in options.warnings:
            response.headers.add("Warning", f"299 - {json.dumps(words)}")
        return response

    async def _delete(self, request: web.Request, place: Place) -> web.StreamResponse:
        how = _deletion(request, await body_of(request))
        obj = self._writer.delete(place, how)
        there = self._parts.store.get(place.kind, place.namespace, place.name) is not None
        if there or place.kind.kind in _RETURNED_WHEN_GONE:
            return _json(self._reader.shown(place.kind, obj, wanted_form(request)))
        return _json(success(place.kind, place.name, obj["metadata"]["uid"]))

    async def _delete_collection(self, request: web.Request, place: Place) -> web.StreamResponse:
        how = _deletion(request, await body_of(request))
        listed = self._reader.listing(request, query_of(request, place))
        for obj in listed["items"]:
            metadata = obj["metadata"]
            where = Place(place.kind, metadata.get("namespace", ""), metadata["name"])
            self._writer.delete(where, how)
        return _json(listed)


def _change(content_type: str, place: Place, body: object) -> Callable[[Object], Object]:
    kind = "Scale" if place.subresource == "scale" else place.kind.kind
    if content_type == "application/json-patch+json" and isinstance(body, list):
        return lambda obj: json_patch(obj, body)
    if content_type == "application/merge-patch+json" and isinstance(body, dict):
        return lambda obj: dict(merge_patch(obj, body))
    if content_type == "application/strategic-merge-patch+json" and isinstance(body, dict):
        return lambda obj: strategic_patch(kind, copy.deepcopy(obj), body)
    raise Refused(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, "
        "application/strategic-merge-patch+json, application/apply-patch+yaml",
    )


def _options(request: web.Request) -> Options:
    query = request.query
    agent = request.headers.get("User-Agent", "unknown").partition("/")[0]
    dry = query.get("dryRun", "")
    if dry not in ("", "All"):
        raise bad_request(f'dryRun: Unsupported value: "{dry}": supported values: "All"')
    return Options(
        manager=query.get("fieldManager") or agent,
        dry_run=bool(dry),
        force=flag(request, "force"),
    )


def _deletion(request: web.Request, body: object) -> Deletion:
    said: Object = body if isinstance(body, dict) else {}
    query, preconditions = request.query, said.get("preconditions") or {}
    grace = said.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    return Deletion(
        propagation=said.get("propagationPolicy") or query.get("propagationPolicy", ""),
        grace=None if grace is None else int(grace),
        uid=preconditions.get("uid") or "",
        revision=preconditions.get("resourceVersion") or "",
        dry_run=bool(said.get("dryRun") or query.get("dryRun")),
    )


def _operation(request: web.Request) -> tuple[tuple[str, ...], str]:
    """The names under which weather knows a request, and what it is about."""
    plain = f"{request.method} {request.path}"
    try:
        wanted = asked(request)
    except Refused:
        return (plain,), ""
    place, verb = wanted.place, wanted.verb.upper()
    if request.content_type in _APPLY:
        verb = "APPLY"
    tail = f"/{place.subresource}" if place.subresource else ""
    plural = place.kind.plural + tail
    subject = "/".join(part for part in (place.namespace, place.name) if part)
    return (f"{request.method} {plural}", f"{verb} {plural}", plain), subject


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError


def _json(body: Object, status: int = 200) -> web.Response:
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json")


def _refusal(refused: Refused) -> web.Response:
    response = _json(refused.body(), refused.code)
    if refused.retry_after:
        response.headers["Retry-After"] = str(refused.retry_after)
    return response


def _discovery(request: web.Request, path: str) -> web.Response | None:
    parts = path.strip("/").split("/")
    aggregated = "as=APIGroupDiscoveryList" in request.headers.get("Accept", "")
    if path in ("/api", "/apis") and aggregated:
        response = _json(discovery.aggregated(path == "/api"))
        response.headers["Content-Type"] = discovery.AGGREGATED
        return response
    if path == "/api":
        return _json(discovery.api_versions(request.host))
    if path == "/apis":
        return _json(discovery.api_groups())
    known = discovery.groups()
    if parts[0] == "apis" and len(parts) == 2 and any(g == parts[1] for g, _ in known):
        return _json(discovery.api_group(parts[1]))
    where = ("", parts[1]) if parts[0] == "api" and len(parts) == 2 else tuple(parts[1:3])
    if parts[0] in ("api", "apis") and len(parts) <= 3 and where in known:
        return _json(discovery.api_resources(*where))
    return None


def _version(text: str) -> Object:
    major, minor = text.lstrip("v").split(".")[:2]
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "gitVersion": text,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2026-08-20T00:00:00Z",
        "goVersion": "",
        "compiler": "gc",
        "platform": "linux/arm64",
    }
