"""Starts the built-in Oracle and Kubernetes in a process of their own.

The world lives in the installation's folder, so the next rehearsal finds what this one made. It
ends when this process does: its standard input is ours to close, and the system closes it for us
after a kill.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from installer.engine.errors import AnswersError, InstallError
from installer.engine.places import Home

DEFAULT_SPEED = 60.0
# How the world ends when it cannot read its weather; it tells every mistake on standard error.
BAD_WEATHER = 2


@dataclass(frozen=True)
class RehearsalAddress:
    """Where the rehearsed Oracle and registries answer, and the credentials it knows."""

    oracle: str
    registry: str
    config_file: Path
    profile: str
    control: str


class RehearsalWorld:
    """Context manager around the process; `address` waits until the world is ready.

    `region` is where a new tenancy has its home, which decides how many availability domains there
    are; one that is there already stays where it is.
    """

    def __init__(
        self,
        home: Home,
        speed: float | None = None,
        weather: str | None = None,
        region: str = "",
    ) -> None:
        self.folder = home.folder / "world"
        self.speed = speed or DEFAULT_SPEED
        self._weather = weather
        self._region = region
        self._process: subprocess.Popen[str] | None = None
        self._log_began = 0

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        words = ["--home", str(self.folder), "--speed", str(self.speed)]
        if self._weather:
            words += ["--weather", self._weather]
        if self._region:
            words += ["--region", self._region]
        with (self.folder / "world.log").open("a", encoding="utf-8") as log:
            self._log_began = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "installer.rehearsal", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Ctrl-C is meant for the installer; the world goes on until its input ends.
                start_new_session=True,
            )
        return self

    @cached_property
    def address(self) -> RehearsalAddress:
        """Where it answers. Raises InstallError when it did not start."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._did_not_start(self._process.wait())
        ready = json.loads(line)
        return RehearsalAddress(
            ready["oracle"],
            ready["registry"],
            Path(ready["config_file"]),
            ready["profile"],
            ready["control"],
        )

    def _did_not_start(self, code: int) -> InstallError:
        log = self.folder / "world.log"
        if code == BAD_WEATHER:
            return AnswersError(
                "The weather file cannot be used.",
                _lines_after(log, self._log_began),
                "Mend it, or leave --weather out. Nothing was made.",
            )
        return InstallError(
            "The rehearsal's Oracle and Kubernetes did not start.",
            _last_line(log),
            f"See {log}. To begin with an empty world, remove {self.folder}.",
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _lines_after(log: Path, start: int) -> str:
    return log.read_bytes()[start:].decode(errors="replace").strip()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"Its last words: {lines[-1]}" if lines else "It said nothing."
