"""OpenAPI documents, as small as kubectl lets them be.

kubectl reads them to learn that the server itself checks unknown fields and applies patches; the
schemas leave every object open, so that it leaves all checking to the server.
"""

from __future__ import annotations

import hashlib

from installer.rehearsal.kubernetes.discovery import groups
from installer.rehearsal.kubernetes.kinds import Kind, Object

PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
# Not the strategic form, which needs whole schemas: kubectl then uses its own built-in types.
_MEDIA = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
)
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")


def v3_index() -> Object:
    """`/openapi/v3`: where the document of each group is."""
    paths = {}
    for group, version in groups():
        path = f"apis/{group}/{version}" if group else f"api/{version}"
        digest = hashlib.sha256(path.encode()).hexdigest()
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


def v3_document(group: str, version: str, server_version: str) -> Object:
    """`/openapi/v3/apis/GROUP/VERSION`."""
    kinds = groups().get((group, version), [])
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": server_version},
        "paths": {path: item for kind in kinds for path, item in _paths(kind).items()},
        "components": {"schemas": {_schema_name(kind): _schema(kind) for kind in kinds}},
    }


def _schema_name(kind: Kind) -> str:
    return f"io.k8s.api.{kind.group.split('.')[0] or 'core'}.{kind.version}.{kind.kind}"


def _gvk(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _schema(kind: Kind) -> Object:
    return {
        "type": "object",
        "description": f"{kind.kind}, with its fields left open.",
        "x-kubernetes-group-version-kind": [_gvk(kind)],
        "x-kubernetes-preserve-unknown-fields": True,
    }


def _paths(kind: Kind) -> Object:
    inside = "namespaces/{namespace}/" if kind.namespaced else ""
    collection = f"{kind.base}/{inside}{kind.plural}"
    return {
        collection: {"post": _operation(kind, "post")},
        f"{collection}/{{name}}": {
            verb: _operation(kind, verb) for verb in ("get", "put", "patch", "delete")
        },
    }


def _operation(kind: Kind, verb: str) -> Object:
    reference = {"$ref": f"#/components/schemas/{_schema_name(kind)}"}
    operation: Object = {
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": _gvk(kind),
        "responses": {
            "200": {
                "description": "OK",
                "content": {"application/json": {"schema": reference}},
            }
        },
    }
    if verb in ("post", "put", "patch"):
        operation["parameters"] = [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in _PARAMETERS
        ]
    if verb == "patch":
        content = {media: {"schema": {"type": "object"}} for media in _MEDIA}
        operation["requestBody"] = {"content": content}
    return operation


def v2_document(server_version: str) -> Object:
    """`/openapi/v2`: valid, and empty."""
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": server_version},
        "paths": {},
        "definitions": {},
    }


def v2_protobuf(server_version: str) -> bytes:
    """The same as the protobuf message that kubectl insists on (gnostic `openapi.v2.Document`)."""
    info = _text(1, "Kubernetes") + _text(2, server_version)
    return _text(1, "2.0") + _message(2, info) + _message(8, b"") + _message(9, b"")


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode())


def _message(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content
