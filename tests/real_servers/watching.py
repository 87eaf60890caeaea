"""Looks at the arguments of every process of this machine while something runs.

A password among the arguments can be read by every user of a node, so there must be none.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection
from pathlib import Path
from types import TracebackType


class ArgumentsWatch:
    """A context in which all arguments seen are kept; the passwords are never printed."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ArgumentsWatch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=10)

    def saw(self, program: str) -> bool:
        """Whether the program was among those looked at: the watch was not asleep."""
        return any(program in line for line in self._seen)

    def leaks(self, secrets: Collection[str]) -> list[str]:
        """The programs that had one of the secrets in their arguments."""
        return sorted(
            line.split(" ", 1)[0]
            for line in self._seen
            if any(secret in line for secret in secrets)
        )

    def _watch(self) -> None:
        while True:
            self._look()
            if self._ended.wait(0.003):
                return

    def _look(self) -> None:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            # A process may end between being listed and being read.
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                self._seen.add(words.decode(errors="replace"))
