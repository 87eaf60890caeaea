"""Where the rehearsal world keeps its things: JSON documents in one SQLite file.

Every change is on the file before the call returns (or, inside `together()`, before the block
ends), so a world whose process is killed at any moment comes back exactly as the last answer
described it.
Losing the machine's power may lose the last moments: that is a price worth paying for speed here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS shelf (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    doc TEXT NOT NULL,
    UNIQUE (kind, key)
)
"""


class Shelf:
    """A write-through store of JSON documents by kind and key; each read gives a fresh copy.

    Not for use from several threads at once.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file at `path`, making it (and its directory, mode 0700) when absent."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._depth = 0
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        # With a write-ahead log this survives the death of the process without waiting for a disk.
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA cache_size=-1024")
        self._db.execute(_SCHEMA)

    def put(self, kind: str, key: str, doc: Document) -> None:
        """Stores `doc`, replacing what was there; its place in the order of `all` stays."""
        self._db.execute(
            "INSERT INTO shelf (kind, key, doc) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET doc = excluded.doc",
            (kind, key, json.dumps(doc, separators=(",", ":"))),
        )

    def get(self, kind: str, key: str) -> Document | None:
        """The document, or None when there is none."""
        row = self._db.execute(
            "SELECT doc FROM shelf WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return None if row is None else _document(row[0])

    def delete(self, kind: str, key: str) -> bool:
        """Removes the document; False when there was none."""
        return (
            self._db.execute("DELETE FROM shelf WHERE kind = ? AND key = ?", (kind, key)).rowcount
            > 0
        )

    def all(self, kind: str) -> list[tuple[str, Document]]:
        """Key and document of everything of this kind, in the order of first storing."""
        rows = self._db.execute(
            "SELECT key, doc FROM shelf WHERE kind = ? ORDER BY number", (kind,)
        ).fetchall()
        return [(key, _document(text)) for key, text in rows]

    def kinds(self) -> tuple[str, ...]:
        """The kinds of which at least one document is stored."""
        rows = self._db.execute("SELECT DISTINCT kind FROM shelf ORDER BY kind").fetchall()
        return tuple(row[0] for row in rows)

    @contextmanager
    def together(self) -> Iterator[None]:
        """All changes made inside are stored at once, or none when the block raises."""
        if self._depth == 0:
            self._db.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Closes the file; the object is of no use afterwards."""
        self._db.close()


def _document(text: str) -> Document:
    loaded: Document = json.loads(text)
    return loaded
