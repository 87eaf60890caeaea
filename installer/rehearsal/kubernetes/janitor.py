"""Takes away what no owner and no namespace holds any more."""

from __future__ import annotations

import asyncio
import copy

from installer.rehearsal.kubernetes.kinds import BY_KEY, Kind, Object
from installer.rehearsal.kubernetes.refusals import Refused
from installer.rehearsal.kubernetes.store import Change, Store, name_of, namespace_of
from installer.rehearsal.kubernetes.writer import Deletion, Place, Writer

_NAMESPACES = BY_KEY["namespaces"]
_FOREGROUND = "foregroundDeletion"
_ORPHAN = "orphan"


class Janitor:
    """Works on its own after each change that could leave something behind."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store, self._writer = store, writer
        self._wake = asyncio.Event()
        store.follow(self._look_at)

    def _look_at(self, change: Change) -> None:
        gone = change.after is None
        about = change.about["metadata"]
        if gone or about.get("deletionTimestamp") or about.get("ownerReferences"):
            self._wake.set()

    async def run(self) -> None:
        """Cleans until cancelled; begins with what an earlier life left."""
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._clean()
            # Lets requests through between two rounds.
            await asyncio.sleep(0)

    def _clean(self) -> None:
        everything = list(self._store.everything())
        children = _children(everything)
        for kind, seen in everything:
            # Earlier steps of this round may have changed or removed it.
            obj = self._store.get(kind, namespace_of(seen), name_of(seen))
            if obj is None:
                continue
            if obj["metadata"].get("deletionTimestamp"):
                self._go_on(kind, obj, children)
            elif obj["metadata"].get("ownerReferences"):
                self._check_owners(kind, obj)

    def _go_on(
        self, kind: Kind, obj: Object, children: dict[str, list[tuple[Kind, Object]]]
    ) -> None:
        """The next stage of a deletion that waits for something."""
        finalizers = obj["metadata"].get("finalizers") or []
        mine = children.get(obj["metadata"]["uid"], [])
        if kind == _NAMESPACES:
            self._empty_namespace(obj)
        elif _ORPHAN in finalizers:
            for child_kind, child in mine:
                self._let_go(child_kind, child, {obj["metadata"]["uid"]})
            self._writer.drop_finalizer(kind, obj, _ORPHAN)
        elif _FOREGROUND in finalizers:
            for child_kind, child in mine:
                self._delete(child_kind, child, "Foreground")
            if not self._still_blocked(obj, mine):
                self._drop_if_present(kind, obj, _FOREGROUND)

    def _still_blocked(self, owner: Object, children: list[tuple[Kind, Object]]) -> bool:
        uid = owner["metadata"]["uid"]
        for kind, child in children:
            present = self._store.get(kind, namespace_of(child), name_of(child))
            references = (present or {}).get("metadata", {}).get("ownerReferences") or []
            if any(r["uid"] == uid and r.get("blockOwnerDeletion") for r in references):
                return True
        return False

    def _drop_if_present(self, kind: Kind, obj: Object, finalizer: str) -> None:
        present = self._store.get(kind, namespace_of(obj), name_of(obj))
        if present is not None and present["metadata"]["uid"] == obj["metadata"]["uid"]:
            self._writer.drop_finalizer(kind, present, finalizer)

    def _check_owners(self, kind: Kind, obj: Object) -> None:
        references = obj["metadata"]["ownerReferences"]
        dead = {r["uid"] for r in references if self._store.by_uid(r["uid"]) is None}
        if dead and len(dead) == len(references):
            self._delete(kind, obj, "Background")
        elif dead:
            self._let_go(kind, obj, dead)

    def _let_go(self, kind: Kind, obj: Object, uids: set[str]) -> None:
        present = self._store.get(kind, namespace_of(obj), name_of(obj))
        if present is None:
            return
        after = copy.deepcopy(present)
        left = [r for r in after["metadata"]["ownerReferences"] if r["uid"] not in uids]
        after["metadata"]["ownerReferences"] = left
        if not left:
            del after["metadata"]["ownerReferences"]
        self._store.put(kind, after)

    def _delete(self, kind: Kind, obj: Object, propagation: str) -> None:
        present = self._store.get(kind, namespace_of(obj), name_of(obj))
        if present is None or present["metadata"].get("deletionTimestamp"):
            return
        place = Place(kind, namespace_of(obj), name_of(obj))
        try:
            self._writer.delete(place, Deletion(propagation, uid=obj["metadata"]["uid"]))
        except Refused as refused:
            # Gone or replaced since the look round: the next change brings us back.
            if refused.code not in (404, 409):
                raise

    def _empty_namespace(self, namespace: Object) -> None:
        name = name_of(namespace)
        for kind, obj in list(self._store.everything(name)):
            self._delete(kind, obj, "Background")
        if next(self._store.everything(name), None) is None:
            self._drop_if_present(_NAMESPACES, namespace, "kubernetes")


def _children(everything: list[tuple[Kind, Object]]) -> dict[str, list[tuple[Kind, Object]]]:
    found: dict[str, list[tuple[Kind, Object]]] = {}
    for kind, obj in everything:
        for reference in obj["metadata"].get("ownerReferences") or []:
            found.setdefault(reference["uid"], []).append((kind, obj))
    return found
