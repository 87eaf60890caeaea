"""What the cluster holds, and the stream of its changes.

Everything is in memory for reading and on the shelf before a change is answered. Objects handed out
are shared: whoever wants to change one makes a copy first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from installer.rehearsal.kubernetes.kinds import KINDS, Kind, Object
from installer.rehearsal.shelf import Shelf

_COUNTER = "counter"
_REMEMBERED_CHANGES = 4000
_FIRST_REVISION = 1000


@dataclass(frozen=True)
class Change:
    """One step of the cluster's history."""

    revision: int
    kind: Kind
    before: Object | None
    after: Object | None

    @property
    def about(self) -> Object:
        """The object after the change, or as it was when it went."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found


def namespace_of(obj: Object) -> str:
    """The namespace of an object; empty for those of the cluster."""
    return str(obj["metadata"].get("namespace", ""))


def name_of(obj: Object) -> str:
    """The name of an object."""
    return str(obj["metadata"]["name"])


class Store:
    """All objects of one cluster."""

    def __init__(self, shelf: Shelf) -> None:
        """Reads back everything on `shelf`; watches can go on from there, not from before."""
        self._shelf = shelf
        self._objects: dict[str, dict[tuple[str, str], Object]] = {k.key: {} for k in KINDS}
        self._by_uid: dict[str, tuple[Kind, str, str]] = {}
        self._history: deque[Change] = deque(maxlen=_REMEMBERED_CHANGES)
        self._listeners: set[asyncio.Queue[Change]] = set()
        self._followers: list[Callable[[Change], None]] = []
        self.revision = _FIRST_REVISION
        self._read_back()
        self._forgotten = self.revision

    def _read_back(self) -> None:
        counter = self._shelf.get(_COUNTER, _COUNTER)
        if counter is not None:
            self.revision = int(counter["revision"])
        for kind in KINDS:
            for _, obj in self._shelf.all(kind.key):
                self._objects[kind.key][namespace_of(obj), name_of(obj)] = obj
                self._by_uid[obj["metadata"]["uid"]] = (kind, namespace_of(obj), name_of(obj))

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        return self._objects[kind.key].get((namespace, name))

    def by_uid(self, uid: str) -> Object | None:
        """The object with this uid, whatever its kind."""
        where = self._by_uid.get(uid)
        return None if where is None else self.get(*where)

    def all(self, kind: Kind, namespace: str = "") -> list[Object]:
        """Objects of a kind, of one namespace or of all, by namespace and name."""
        found = self._objects[kind.key]
        return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    def everything(self, namespace: str = "") -> Iterator[tuple[Kind, Object]]:
        """Every object with its kind, of one namespace or of the whole cluster."""
        for kind in KINDS:
            for obj in self.all(kind, namespace):
                yield kind, obj

    def put(self, kind: Kind, obj: Object) -> Object:
        """Stores an object under a new resourceVersion, which it writes into it."""
        key = (namespace_of(obj), name_of(obj))
        before = self._objects[kind.key].get(key)
        with self._shelf.together():
            obj["metadata"]["resourceVersion"] = self._next()
            self._shelf.put(kind.key, "/".join(key), obj)
        self._objects[kind.key][key] = obj
        self._by_uid[obj["metadata"]["uid"]] = (kind, *key)
        self._tell(Change(self.revision, kind, before, obj))
        return obj

    def remove(self, kind: Kind, obj: Object) -> Object:
        """Removes an object; returns it with the resourceVersion of its removal."""
        key = (namespace_of(obj), name_of(obj))
        with self._shelf.together():
            revision = self._next()
            self._shelf.delete(kind.key, "/".join(key))
        self._objects[kind.key].pop(key, None)
        self._by_uid.pop(obj["metadata"]["uid"], None)
        gone = {**obj, "metadata": {**obj["metadata"], "resourceVersion": revision}}
        self._tell(Change(self.revision, kind, gone, None))
        return gone

    def _next(self) -> str:
        self.revision += 1
        self._shelf.put(_COUNTER, _COUNTER, {"revision": self.revision})
        return str(self.revision)

    def _tell(self, change: Change) -> None:
        if len(self._history) == self._history.maxlen:
            self._forgotten = self._history[0].revision
        self._history.append(change)
        for queue in self._listeners:
            queue.put_nowait(change)
        for follower in self._followers:
            follower(change)

    def follow(self, follower: Callable[[Change], None]) -> None:
        """Calls `follower` after each change."""
        self._followers.append(follower)

    def forget_history(self) -> None:
        """Makes every older resourceVersion too old to watch from."""
        self._history.clear()
        self._forgotten = self.revision

    def changes_since(self, revision: int) -> list[Change] | None:
        """The changes after a resourceVersion; None when that is too long ago."""
        if revision < self._forgotten:
            return None
        return [change for change in self._history if change.revision > revision]

    def listen(self) -> asyncio.Queue[Change]:
        """A queue of all changes from now on; give it back with `leave`."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._listeners.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[Change]) -> None:
        """Ends a `listen`."""
        self._listeners.discard(queue)
