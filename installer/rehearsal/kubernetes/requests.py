"""What a request asks for: its path, its body and its answer's form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml
from aiohttp import web

from installer.rehearsal.kubernetes.kinds import KINDS, Kind, Object, kind_at
from installer.rehearsal.kubernetes.protobuf import read_protobuf
from installer.rehearsal.kubernetes.refusals import Refused, bad_request, no_such_path
from installer.rehearsal.kubernetes.writer import Place

_NAMESPACES = next(kind for kind in KINDS if kind.kind == "Namespace")
_TRUE = ("true", "1", "True")
JSON = "application/json"


@dataclass(frozen=True)
class Asked:
    """One request for a resource."""

    place: Place
    verb: str
    """get, list, watch, create, update, patch, delete or deletecollection."""


def asked(request: web.Request) -> Asked:
    """Reads the path and the method; 404 for what is not served."""
    place = _place(request.path.strip("/").split("/"))
    named = bool(place.name)
    verb = {
        "GET": "get" if named else "list",
        "POST": "create",
        "PUT": "update",
        "PATCH": "patch",
        "DELETE": "delete" if named else "deletecollection",
    }.get(request.method)
    if verb is None or (verb == "create" and named and not place.subresource):
        raise Refused(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
    if verb == "list" and flag(request, "watch"):
        verb = "watch"
    return Asked(place, verb)


def _place(parts: list[str]) -> Place:
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise no_such_path()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and kind_at(group, version, rest[2]):
        namespace, rest = rest[1], rest[2:]
    kind = kind_at(group, version, rest[0])
    if kind is None or len(rest) > 3:
        raise no_such_path()
    return _checked(kind, namespace, [*rest[1:], "", ""][:2])


def _checked(kind: Kind, namespace: str, tail: list[str]) -> Place:
    name, subresource = tail
    allowed = (*kind.subresources, "finalize") if kind == _NAMESPACES else kind.subresources
    if subresource and subresource not in allowed:
        raise no_such_path()
    if kind.namespaced and name and not namespace:
        raise no_such_path()
    if namespace and not kind.namespaced:
        raise no_such_path()
    return Place(kind, namespace, name, subresource)


def flag(request: web.Request, name: str) -> bool:
    """A yes-or-no parameter."""
    return request.query.get(name) in _TRUE


async def body_of(request: web.Request) -> Any:
    """The body, from JSON, YAML or protobuf; 415 or 400 for what cannot be read."""
    kind = request.content_type
    if kind == "application/vnd.kubernetes.protobuf":
        return read_protobuf(await request.read())
    if "protobuf" in kind or "cbor" in kind:
        raise Refused(
            415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {kind}"
        )
    text = await request.text()
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except ValueError:
        return _yaml(text)


def _yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding the body: {error}") from error


async def object_of(request: web.Request) -> Object:
    """The body, which must be an object."""
    body = await body_of(request)
    if not isinstance(body, dict):
        raise bad_request("couldn't get version/kind; json parse error: the body is no object")
    return body


def wanted_form(request: web.Request) -> str:
    """`Table`, `PartialObjectMetadata`, `PartialObjectMetadataList` or empty for plain JSON."""
    for accepted in request.headers.get("Accept", "").split(","):
        parts = [part.strip() for part in accepted.split(";")]
        if parts[0] != JSON:
            continue
        return next((part[3:] for part in parts[1:] if part.startswith("as=")), "")
    return ""
