"""One process at a time works on an installation.

The operating system holds the lock, so it dies with its owner, however that ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from installer.engine.errors import Locked, StateError


@dataclass(frozen=True)
class Owner:
    """Who holds the lock."""

    pid: int
    host: str
    since: str
    command: str

    @classmethod
    def me(cls, command: str) -> Owner:
        """This very process."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(os.getpid(), socket.gethostname(), now, command)


class Lock:
    """Context manager; raises Locked, naming the holder, when somebody else has it."""

    def __init__(self, path: Path, command: str | None = None) -> None:
        self._path = path
        self._command = command or (sys.argv[1] if len(sys.argv) > 1 else "health-install")
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self._file = self._open()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = read_owner(self._path)
            self._file.close()
            self._file = None
            raise _locked(holder) from error
        self._sign()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def _open(self) -> IO[str]:
        try:
            return self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise StateError(
                f"Cannot open the lock file {self._path}.",
                f"The system says: {error.strerror or error}.",
                "Make the folder writable, or set HEALTH_INSTALL_HOME to one that is.",
            ) from error

    def _sign(self) -> None:
        assert self._file is not None
        self._file.truncate(0)
        self._file.write(json.dumps(vars(Owner.me(self._command))))
        self._file.flush()


def read_owner(path: Path) -> Owner | None:
    """Who last signed the lock; None when it cannot be told."""
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _locked(holder: Owner | None) -> Locked:
    who = (
        f"Process {holder.pid} on {holder.host} ({holder.command}) has held it since "
        f"{holder.since}."
        if holder
        else "Its holder has not signed yet."
    )
    return Locked(
        "Another run works on this installation.",
        who,
        "Wait until it ends, or stop that process; the lock goes with it.",
    )
