"""Kubernetes objects as they travel through this room: plain JSON documents and names for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, order=True)
class Ref:
    """Names one object of a cluster; `namespace` is empty for cluster-wide kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def words(self) -> str:
        """How people call it: kind, then namespace and name."""
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"


def ref_of(body: Mapping[str, Any]) -> Ref:
    """The name of an object, read from its document."""
    metadata = body["metadata"]
    return Ref(body["apiVersion"], body["kind"], metadata.get("namespace") or "", metadata["name"])


def labels_of(body: Mapping[str, Any]) -> Mapping[str, str]:
    """Its labels, empty when it has none."""
    return body.get("metadata", {}).get("labels") or {}


def at(body: Mapping[str, Any], *path: str, default: Any = None) -> Any:
    """The value at a path of keys; absent and null both give the default."""
    found: Any = body
    for key in path:
        if not isinstance(found, Mapping):
            return default
        found = found.get(key)
    return default if found is None else found


def has_owner(body: Mapping[str, Any]) -> bool:
    """Whether another object made this one and takes it away with itself."""
    return bool(at(body, "metadata", "ownerReferences", default=[]))


def grouped(refs: Sequence[Ref]) -> Iterator[tuple[tuple[str, str, str], list[Ref]]]:
    """The refs by (api version, kind, namespace): what one list request can answer."""
    groups: dict[tuple[str, str, str], list[Ref]] = {}
    for ref in refs:
        groups.setdefault((ref.api_version, ref.kind, ref.namespace), []).append(ref)
    yield from groups.items()
