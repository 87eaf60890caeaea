"""Finds objects: by label in as few requests as possible, one by one where it must be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from installer.kube.kinds import Kinds
from installer.kube.objects import Document, Ref, grouped, ref_of
from installer.kube.stamp import FIELD_MANAGER
from installer.kube.wire import JSON, MERGE, METADATA_ONLY, Request, Wire

T = TypeVar("T")
R = TypeVar("R")
_PAGE = "500"


async def for_each(work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Do it for all side by side and wait for all of them; then raise the first error, if any.

    Nothing is cut off in the middle: a request that was sent has its answer read.
    """
    answers = await asyncio.gather(*(work(item) for item in items), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


class Reading:
    """Reads from one cluster."""

    def __init__(self, wire: Wire, kinds: Kinds) -> None:
        self.wire = wire
        self.kinds = kinds

    async def get(self, ref: Ref) -> Document | None:
        """One object, or None when it is not there."""
        path = await self.kinds.path(ref)
        return await self.wire.found(Request("GET", path, f"read {ref.words}"))

    async def label(self, ref: Ref, labels: Mapping[str, str]) -> None:
        """Set labels of an object that exists; the one change made without owning the object."""
        path = await self.kinds.path(ref)
        body = {"metadata": {"labels": dict(labels)}}
        query = {"fieldManager": FIELD_MANAGER}
        doing = f"label {ref.words}"
        await self.wire.json(Request("PATCH", path, doing, query, body, MERGE))

    async def all_of(
        self,
        api_version: str,
        kind: str,
        namespace: str = "",
        selector: str = "",
        *,
        names_only: bool = False,
    ) -> list[Document]:
        """All objects of a kind; none where the cluster does not serve it. Reads page by page."""
        if await self.kinds.find(api_version, kind) is None:
            return []
        path = await self.kinds.collection(api_version, kind, namespace)
        query = {"limit": _PAGE}
        if selector:
            query["labelSelector"] = selector
        accept = METADATA_ONLY if names_only else JSON
        found: list[Document] = []
        while True:
            request = Request("GET", path, f"list {kind} objects", dict(query), accept=accept)
            answer = await self.wire.json(request)
            # Entries of a list say neither kind nor version of their own.
            entries = answer.get("items") or []
            found.extend({**each, "apiVersion": api_version, "kind": kind} for each in entries)
            following = (answer.get("metadata") or {}).get("continue")
            if not following:
                return found
            query["continue"] = following

    async def existing(self, refs: Sequence[Ref], selector: str) -> dict[Ref, Document]:
        """Those of the objects that exist, whoever owns them.

        Namespaces are looked for first, since nothing is in one that is not there: it spares a
        first installation most of the lists.
        """
        namespaces = [ref for ref in refs if ref.kind == "Namespace"]
        found = await self._existing(namespaces, selector)
        missing = {ref.name for ref in namespaces if ref not in found}
        others = [r for r in refs if r.kind != "Namespace" and r.namespace not in missing]
        return found | await self._existing(others, selector)

    async def _existing(self, refs: Sequence[Ref], selector: str) -> dict[Ref, Document]:
        """One list by our label answers for most of them, one of names for what it lacks; whole
        objects are read one by one only where somebody else has them.
        """

        async def ours(group: tuple[str, str, str]) -> list[Document]:
            api_version, kind, namespace = group
            return await self.all_of(api_version, kind, namespace, selector)

        groups = [group for group, _ in grouped(refs)]
        lists = await for_each(ours, groups)
        listed = {ref_of(body): body for bodies in lists for body in bodies}
        found = {ref: listed[ref] for ref in refs if ref in listed}
        unlisted = await self._known([ref for ref in refs if ref not in found])
        answers = await for_each(self.get, unlisted)
        for ref, body in zip(unlisted, answers, strict=True):
            if body is not None:
                found[ref] = body
        return found

    async def _known(self, refs: Sequence[Ref]) -> list[Ref]:
        """Those of the refs that may exist; asks for names where several are of one kind."""

        async def known(group: tuple[tuple[str, str, str], list[Ref]]) -> set[Ref]:
            (api_version, kind, namespace), wanted = group
            if len(wanted) == 1:
                return set(wanted)
            names = await self.all_of(api_version, kind, namespace, names_only=True)
            return {ref_of(body) for body in names}

        there = set().union(*await for_each(known, grouped(refs)))
        return [ref for ref in refs if ref in there]

    async def events(self, namespace: str) -> list[Document]:
        """Events of a namespace, newest first."""
        found = await self.all_of("v1", "Event", namespace)
        return sorted(found, key=_when, reverse=True)


def _when(event: Mapping[str, Any]) -> str:
    metadata = event.get("metadata") or {}
    return str(
        event.get("lastTimestamp")
        or event.get("eventTime")
        or metadata.get("creationTimestamp")
        or ""
    )
