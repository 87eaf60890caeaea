"""Everything that lives in the tenancy, and how it passes from state to state.

A record carries its whole life as "from this simulated second on, this state". The state of the
moment follows from the clock; nothing runs in the background, so a restart changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from installer.rehearsal.clock import Clock
from installer.rehearsal.oracle.calls import Body
from installer.rehearsal.oracle.refusals import incorrect_state, not_found
from installer.rehearsal.shelf import Document, Shelf

GONE = frozenset({"TERMINATED", "DELETED", "DETACHED"})
GOING = frozenset({"TERMINATING", "DELETING", "DETACHING"})
# For so long one can still look at what has been deleted (simulated seconds).
_SEEN_AFTER_END = {"compartment": 90 * 86400.0, "cluster": 86400.0, "nodepool": 86400.0}
_SEEN_AFTER_END_USUALLY = 300.0


@dataclass
class Record:
    """One resource. `body` is what clients see, apart from the state; `notes` only we see."""

    kind: str
    id: str
    body: Body
    life: list[tuple[str, float]]
    etag: str = ""
    hidden_until: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)

    def state(self, now: float) -> str:
        """The state at that simulated second; empty before the life begins."""
        current = ""
        for state, since in self.life:
            if since > now:
                break
            current = state
        return current

    def since(self, state: str) -> float | None:
        """The simulated second at which the last stay in that state begins or will begin."""
        times = [since for name, since in self.life if name == state]
        return times[-1] if times else None

    def pass_through(self, now: float, *stages: tuple[str, float]) -> None:
        """Replaces the future: each stage is a state and how many seconds from now it begins."""
        self.life = [(state, since) for state, since in self.life if since <= now]
        self.life += [(state, now + delay) for state, delay in stages]
        self.etag = secrets.token_hex(16)


class Registry:
    """The records on the shelf, seen at the clock's time."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self.shelf = shelf
        self.clock = clock

    def save(self, record: Record) -> None:
        """Stores the record as it is."""
        self.shelf.put(
            record.kind,
            record.id,
            {
                "body": record.body,
                "life": record.life,
                "etag": record.etag,
                "hidden": record.hidden_until,
                "notes": record.notes,
            },
        )

    def change(self, record: Record) -> None:
        """Stores the record under a new etag."""
        record.etag = secrets.token_hex(16)
        self.save(record)

    def look_up(self, kind: str, ocid: str) -> Record | None:
        """The record whether or not it still lives, or None."""
        doc = self.shelf.get(kind, ocid)
        return None if doc is None else _record(kind, ocid, doc)

    def find(self, kind: str, ocid: str) -> Record:
        """A record that can be looked at; raises Refused 404."""
        record = self.look_up(kind, ocid)
        if record is None or not self._can_be_seen(record):
            raise not_found(ocid)
        return record

    def find_living(self, kind: str, ocid: str) -> Record:
        """A record that is neither gone nor going; raises Refused 404 or 409."""
        record = self.find(kind, ocid)
        state = self.state(record)
        if state in GONE:
            raise not_found(ocid)
        if state in GOING:
            raise incorrect_state(ocid, state)
        return record

    def seen(self, kind: str) -> list[Record]:
        """All records a list shows, oldest first."""
        return [record for record in self._all(kind) if self._can_be_seen(record)]

    def living(self, kind: str, when: Callable[[Record], bool] | None = None) -> list[Record]:
        """All records that exist (being created or deleted counts), hidden ones too."""
        return [
            record
            for record in self._all(kind)
            if self.state(record) not in GONE and (when is None or when(record))
        ]

    def state(self, record: Record) -> str:
        """The record's state now."""
        return record.state(self.clock.seconds())

    def view(self, record: Record) -> Body:
        """The body clients get."""
        return {"id": record.id, **record.body, "lifecycleState": self.state(record)}

    def stamp(self, seconds: float | None = None) -> str:
        """A simulated time (now when None) as Oracle writes times."""
        moment = self.clock.seconds() if seconds is None else seconds
        text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")

    def _all(self, kind: str) -> list[Record]:
        return [_record(kind, key, doc) for key, doc in self.shelf.all(kind)]

    def _can_be_seen(self, record: Record) -> bool:
        now = self.clock.seconds()
        state = record.state(now)
        if not state or record.hidden_until > now:
            return False
        if state not in GONE:
            return True
        ended = record.since(state) or 0.0
        return now < ended + _SEEN_AFTER_END.get(record.kind, _SEEN_AFTER_END_USUALLY)


def _record(kind: str, ocid: str, doc: Document) -> Record:
    return Record(
        kind=kind,
        id=ocid,
        body=doc["body"],
        life=[(str(state), float(since)) for state, since in doc["life"]],
        etag=doc["etag"],
        hidden_until=doc["hidden"],
        notes=doc["notes"],
    )
