"""The log file: every event and every trace, with a time, and no secret."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime
from pathlib import Path

from installer.engine.errors import StateError
from installer.engine.events import Event
from installer.engine.masking import known_secrets


class Log:
    """Appends lines to one file; safe from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        try:
            self._file = path.open("a", encoding="utf-8", buffering=1)
            path.chmod(0o600)
        except OSError as error:
            raise StateError(
                f"Cannot write the log file {path}.",
                f"The system says: {error.strerror or error}.",
                "Make the folder writable, or set HEALTH_INSTALL_HOME to one that is.",
            ) from error

    def write(self, text: str) -> None:
        """Append a text, each of its lines with the time in UTC."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines = known_secrets.mask(text).splitlines() or [""]
        with self._guard:
            self._file.write("".join(f"{now} {line}\n" for line in lines))

    def event(self, event: Event) -> None:
        """Append an event: its name and what it carries."""
        parts = [
            f"{field.name}={getattr(event, field.name)!r}"
            for field in dataclasses.fields(event)
            if field.name != "steps"
        ]
        self.write(f"{type(event).__name__} {' '.join(parts)}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
