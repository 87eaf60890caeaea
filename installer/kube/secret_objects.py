"""Secrets of the cluster: written once, never overwritten as a whole, never shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from installer.engine.errors import NotOurs
from installer.kube.applying import not_ours
from installer.kube.faults import Refusal, as_error
from installer.kube.objects import Document, Ref, at, labels_of, ref_of
from installer.kube.reading import Reading
from installer.kube.stamp import FIELD_MANAGER, INSTALLATION, Stamp
from installer.kube.wire import MERGE, Request


@dataclass(frozen=True)
class SecretSeen:
    """A Secret as it is; values decoded, and kept out of every text made from this."""

    ref: Ref
    installation: str
    version: str
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class SecretWanted:
    """A Secret to create; `labels` beside those of the stamp."""

    namespace: str
    name: str
    values: Mapping[str, str] = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    type: str = "Opaque"

    @property
    def ref(self) -> Ref:
        """Its name in the cluster."""
        return secret_ref(self.namespace, self.name)


def secret_ref(namespace: str, name: str) -> Ref:
    """Names a Secret."""
    return Ref("v1", "Secret", namespace, name)


class Secrets:
    """Reads and writes Secrets. They are created and patched rather than applied, so that keys
    that somebody adds stay and what exists is never replaced by accident.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def read(self, namespace: str, name: str) -> SecretSeen | None:
        """The Secret, or None when it is not there."""
        ref = secret_ref(namespace, name)
        body = await self._reading.get(ref)
        return _seen(ref, body) if body is not None else None

    async def versions(self, namespace: str, stamp: Stamp) -> dict[Ref, str]:
        """Our Secrets of a namespace, each with its uid and the server's count of its writes."""
        found = await self._reading.all_of(
            "v1", "Secret", namespace, stamp.selector, names_only=True
        )
        return {
            ref_of(body): f"{body['metadata'].get('uid')}/{body['metadata']['resourceVersion']}"
            for body in found
        }

    async def create(self, stamp: Stamp, wanted: SecretWanted) -> bool:
        """Create it; False when it exists already (of ours), whose values are then untouched.

        Raises NotOurs when the existing one is somebody else's.
        """
        body = stamp.put_on(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": wanted.name,
                    "namespace": wanted.namespace,
                    "labels": dict(wanted.labels),
                },
                "type": wanted.type,
                "data": _encoded(wanted.values),
            }
        )
        path = await self._reading.kinds.collection("v1", "Secret", wanted.namespace)
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        request = Request("POST", path, f"create {wanted.ref.words}", query, body)
        try:
            await self._reading.wire.attempt(request)
        except Refusal as refusal:
            if refusal.status == 409 and refusal.reason == "AlreadyExists":
                await self._require_ours(stamp, wanted.ref)
                return False
            raise as_error(refusal, request.doing) from refusal
        return True

    async def put_keys(self, stamp: Stamp, seen: SecretSeen, values: Mapping[str, str]) -> None:
        """Set these keys and leave all others. Temporary when somebody else changed it since."""
        if seen.installation != stamp.installation_id:
            raise foreign_secret(seen)
        body = {"metadata": {"resourceVersion": seen.version}, "data": _encoded(values)}
        path = await self._reading.kinds.path(seen.ref)
        query = {"fieldManager": FIELD_MANAGER}
        doing = f"add keys to {seen.ref.words}"
        await self._reading.wire.json(Request("PATCH", path, doing, query, body, MERGE))

    async def _require_ours(self, stamp: Stamp, ref: Ref) -> None:
        seen = await self.read(ref.namespace, ref.name)
        if seen is not None and seen.installation != stamp.installation_id:
            raise foreign_secret(seen)


def foreign_secret(seen: SecretSeen) -> NotOurs:
    """The error for a Secret with our name that is not ours."""
    owner = (
        f"belongs to the installation {seen.installation}"
        if seen.installation
        else "does not carry our label"
    )
    return not_ours([f"{seen.ref.words} exists and {owner}"])


def _seen(ref: Ref, body: Document) -> SecretSeen:
    return SecretSeen(
        ref,
        labels_of(body).get(INSTALLATION, ""),
        str(at(body, "metadata", "resourceVersion", default="")),
        {key: _decoded(value) for key, value in at(body, "data", default={}).items()},
    )


def _encoded(values: Mapping[str, str]) -> dict[str, Any]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode("utf-8", "replace")
    except binascii.Error:
        return ""
