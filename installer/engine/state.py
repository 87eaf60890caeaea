"""What we made and what we were about to make: one SQLite file an installation.

Every commit is durable (full synchronous writes), so that a cut at any moment leaves either the
state before or the state after. The world decides what is true; this file only says where to look.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from installer.engine.errors import StateError

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS steps (
  id TEXT PRIMARY KEY, status TEXT NOT NULL, started TEXT, finished TEXT, words TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS resources (
  step TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, retry_token TEXT NOT NULL,
  resource_id TEXT, intended TEXT NOT NULL, made TEXT, PRIMARY KEY (step, kind)
) STRICT;
CREATE TABLE IF NOT EXISTS facts (
  step TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (step, key)
) STRICT;
"""


@dataclass(frozen=True)
class Installation:
    """Which installation this is; the id is on everything we make."""

    id: str
    name: str


@dataclass(frozen=True)
class StepRecord:
    """What is remembered of one step; times are ISO 8601 in UTC."""

    id: str
    status: str
    started: str | None
    finished: str | None
    words: str


@dataclass(frozen=True)
class ResourceRecord:
    """Something we made, or were about to make when `resource_id` is None."""

    step: str
    kind: str
    name: str
    retry_token: str
    resource_id: str | None
    intended: str
    made: str | None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_installation_id() -> str:
    """Twelve letters and digits, letter first: fits tags, labels and DNS names."""
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "h" + "".join(secrets.choice(alphabet) for _ in range(11))


class State:
    """Thread-safe access to one state file."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises StateError when that is impossible or the file is newer."""
        self.path = path
        self._guard = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._prepare()
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        path.chmod(0o600)

    def _prepare(self) -> None:
        found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if found > SCHEMA_VERSION:
            self._db.close()
            raise _newer(self.path, found)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        if found < SCHEMA_VERSION:
            with self._transaction():
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guard:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise _unusable(self.path, error) from error
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _rows(self, sql: str, *values: object) -> list[tuple[str, ...]]:
        with self._guard:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise _unusable(self.path, error) from error

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        with self._guard:
            self._db.close()

    # -- which installation -------------------------------------------------------------------

    def installation(self, name: str) -> Installation:
        """The identity of this installation, made on first use and kept ever after."""
        with self._transaction():
            rows = self._db.execute("SELECT value FROM meta WHERE key='installation'").fetchall()
            if rows:
                return Installation(rows[0][0], name)
            made = new_installation_id()
            self._db.execute("INSERT INTO meta VALUES ('installation', ?)", (made,))
            return Installation(made, name)

    @property
    def has_identity(self) -> bool:
        """Whether this file knows its installation already."""
        return self.meta("installation") is not None

    def adopt(self, installation_id: str) -> None:
        """Continue an installation whose state was lost, under the id its tags carry."""
        self.set_meta("installation", installation_id)

    def meta(self, key: str) -> str | None:
        """A fact about the installation as a whole."""
        rows = self._rows("SELECT value FROM meta WHERE key=?", key)
        return rows[0][0] if rows else None

    def set_meta(self, key: str, value: str) -> None:
        """Keep a fact about the installation as a whole; never a secret."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # -- steps --------------------------------------------------------------------------------

    def steps(self) -> dict[str, StepRecord]:
        """All steps that were ever started, by id."""
        rows = self._rows("SELECT id, status, started, finished, words FROM steps")
        return {row[0]: StepRecord(*row) for row in rows}

    def step_started(self, step: str) -> None:
        """The step is being worked on from now."""
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO steps VALUES (?, 'started', ?, NULL, '')", (step, _now())
            )

    def step_finished(self, step: str, status: str, words: str) -> None:
        """The step ended with this status."""
        with self._transaction():
            self._db.execute(
                "UPDATE steps SET status=?, finished=?, words=? WHERE id=?",
                (status, _now(), words, step),
            )

    # -- resources ----------------------------------------------------------------------------

    def intend(self, step: str, kind: str, name: str) -> ResourceRecord:
        """Record that a resource is about to be made, or give back the open intent.

        The retry token is kept while the intent is open: the creating call can be repeated after
        a cut without making a second resource.
        """
        with self._transaction():
            known = self._resource(step, kind)
            if known and known.resource_id is None and known.name == name:
                return known
            token = secrets.token_hex(16)
            self._db.execute(
                "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, NULL, ?, NULL)",
                (step, kind, name, token, _now()),
            )
            record = self._resource(step, kind)
            assert record is not None
            return record

    def made(self, step: str, kind: str, resource_id: str) -> None:
        """The resource exists under this id."""
        with self._transaction():
            self._db.execute(
                "UPDATE resources SET resource_id=?, made=? WHERE step=? AND kind=?",
                (resource_id, _now(), step, kind),
            )

    def _resource(self, step: str, kind: str) -> ResourceRecord | None:
        row = self._db.execute(
            "SELECT step, kind, name, retry_token, resource_id, intended, made FROM resources "
            "WHERE step=? AND kind=?",
            (step, kind),
        ).fetchone()
        return ResourceRecord(*row) if row else None

    def resource(self, step: str, kind: str) -> ResourceRecord | None:
        """What is known of one resource of a step."""
        with self._guard:
            return self._resource(step, kind)

    def resources(self) -> list[ResourceRecord]:
        """Everything made or intended, oldest first."""
        rows = self._rows(
            "SELECT step, kind, name, retry_token, resource_id, intended, made FROM resources "
            "ORDER BY intended, step, kind"
        )
        return [ResourceRecord(*row) for row in rows]

    # -- facts --------------------------------------------------------------------------------

    def remember(self, step: str, key: str, value: str) -> None:
        """Keep a fact a step learned; never a secret. Writes only what changed."""
        if self.recall(step, key) == value:
            return
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (step, key, value))

    def recall(self, step: str, key: str) -> str | None:
        """A fact a step learned earlier, perhaps in an earlier run."""
        rows = self._rows("SELECT value FROM facts WHERE step=? AND key=?", step, key)
        return rows[0][0] if rows else None

    def facts(self, step: str) -> dict[str, str]:
        """Everything a step learned, by key."""
        rows = self._rows("SELECT key, value FROM facts WHERE step=? ORDER BY key", step)
        return {row[0]: row[1] for row in rows}

    def forget(self, step: str) -> None:
        """Drop resources and facts of a step whose things are gone."""
        with self._transaction():
            self._db.execute("DELETE FROM resources WHERE step=?", (step,))
            self._db.execute("DELETE FROM facts WHERE step=?", (step,))

    def forget_everything(self) -> None:
        """After a complete removal: the next installation is a new one."""
        with self._transaction():
            for table in ("meta", "steps", "resources", "facts"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names are ours


@contextmanager
def remembered(path: Path) -> Iterator[State | None]:
    """The state kept at a path while inside, or None where none is kept; makes no file."""
    if not path.exists():
        yield None
        return
    state = State(path)
    try:
        yield state
    finally:
        state.close()


def _newer(path: Path, found: int) -> StateError:
    return StateError(
        "The state of this installation was written by a newer health-install.",
        f"{path} has format {found}; this version knows up to {SCHEMA_VERSION}.",
        "Upgrade health-install and run the same command again. Nothing was changed.",
    )


def _unusable(path: Path, error: sqlite3.Error) -> StateError:
    return StateError(
        f"The state file {path} cannot be used.",
        f"SQLite says: {error}.",
        "Check that the folder is writable and the disk has room. If the file is damaged, move it "
        "away: what was made carries our tag and is found again.",
    )
