"""Somebody at a machine of their own: runs the real command, reads its events, pulls the plug."""

from __future__ import annotations

import fcntl
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.conftest import UNWANTED, UNWANTED_PREFIXES
from tests.journeys.world import WorldView, opened, running_in

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
Event = dict[str, Any]
COMMAND = (sys.executable, "-m", "screens.start")


@dataclass(frozen=True)
class Ended:
    """A run that is over; `code` is negative after a signal."""

    code: int
    events: tuple[Event, ...]
    out: str
    err: str

    def of(self, kind: str) -> list[Event]:
        """Events of one kind."""
        return [event for event in self.events if event["event"] == kind]

    @property
    def finished(self) -> Event:
        """The event that ends a run; fails with all that was said when there is none."""
        found = self.of("RunFinished")
        assert found, f"exit {self.code}, no RunFinished\n{self.out[-2000:]}\n{self.err}"
        return found[-1]


class Running:
    """A command that runs; whatever it prints is read as it comes."""

    alive: ClassVar[list[Running]] = []

    def __init__(self, words: Sequence[str], env: dict[str, str], cwd: Path) -> None:
        self.process = subprocess.Popen(
            list(words),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._read: list[str] = []
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._follow, daemon=True),
            threading.Thread(target=self._follow_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self.alive.append(self)

    def _follow(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _follow_errors(self) -> None:
        assert self.process.stderr is not None
        self._errors.extend(self.process.stderr)

    def until(self, wanted: Callable[[Event], bool]) -> Event | None:
        """The next event that fits; None when the command ended without one."""
        limit = time.monotonic() + PATIENCE
        while True:
            line = self._next_line(limit)
            if line is None:
                self._lines.put(None)
                return None
            self._read.append(line)
            if line.startswith('{"event"') and wanted(event := json.loads(line)):
                return dict(event)

    def _next_line(self, limit: float) -> str | None:
        try:
            return self._lines.get(timeout=max(0.1, limit - time.monotonic()))
        except queue.Empty:
            said = "".join([*self._read[-5:], *self._errors])
            raise AssertionError(f"waited in vain; the last that was said:\n{said}") from None

    def until_finished(self, step: str) -> Event | None:
        """The end of a step."""
        return self.until(lambda each: each["event"] == "StepFinished" and each["step"] == step)

    def until_error_says(self, words: str) -> None:
        """Wait until a sentence is on standard error."""
        limit = time.monotonic() + PATIENCE
        while words not in "".join(self._errors):
            assert time.monotonic() < limit, f"never said: {words}"
            assert self.process.poll() is None, f"ended before it said: {words}"
            time.sleep(0.02)

    def freeze(self) -> None:
        """Not one instruction more, while the world goes on."""
        self.process.send_signal(signal.SIGSTOP)

    def kill(self) -> Ended:
        """Pull the plug."""
        self.process.kill()
        return self.end()

    def thaw(self) -> None:
        """Go on after a freeze."""
        self.process.send_signal(signal.SIGCONT)

    def interrupt(self) -> None:
        """Press Ctrl-C once."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> Ended:
        """Wait for the end and give back everything that was said."""
        self.process.wait(PATIENCE)
        if self in self.alive:
            self.alive.remove(self)
        for reader in self._readers:
            reader.join(PATIENCE)
        self.until(lambda _event: False)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        events = tuple(json.loads(line) for line in self._read if line.startswith('{"event"'))
        return Ended(self.process.returncode, events, "".join(self._read), "".join(self._errors))


def _clean_environment() -> dict[str, str]:
    """This machine's environment without anything that could steer the command."""
    unwanted = (*UNWANTED_PREFIXES, *UNWANTED)
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(unwanted) and not name.lower().endswith("_proxy")
    }


@dataclass
class Person:
    """One machine: a folder for state, an answers file, and nothing shared with anybody."""

    folder: Path
    speed: float = 600.0
    command: tuple[str, ...] = COMMAND
    cwd: Path = ROOT
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.answers = self.folder / "answers.yaml"
        if not self.answers.exists():
            self.answers.write_text(self.plain("answers", "example").out, encoding="utf-8")

    @property
    def state(self) -> Path:
        """The installation's own folder."""
        return self.folder / "home" / "rehearsals" / "health"

    @property
    def world_folder(self) -> Path:
        """Where the rehearsed world is kept."""
        return self.state / "world"

    def env(self) -> dict[str, str]:
        """The environment of every command."""
        return {
            **_clean_environment(),
            "HEALTH_INSTALL_HOME": str(self.folder / "home"),
            "HOME": str(self.folder),
            **self.extra,
        }

    def start(self, *words: str) -> Running:
        """Start a command with these words."""
        return Running((*self.command, *words), self.env(), self.cwd)

    def plain(self, *words: str) -> Ended:
        """Run a command to its end."""
        return self.start(*words).end()

    def installing(self, *words: str) -> Running:
        """Start to install into the rehearsal, without questions."""
        flags = ("--rehearse", "--speed", str(self.speed), "--events", "json")
        return self.start("--headless", str(self.answers), *flags, *words)

    def install(self, *words: str) -> Ended:
        """Install to the end."""
        return self.installing(*words).end()

    def rehearsed(self, *words: str) -> Ended:
        """Another command about the rehearsal: status, destroy."""
        return self.plain(*words, "--rehearse", "--speed", str(self.speed))

    def destroy(self) -> Ended:
        """Remove everything."""
        return self.rehearsed("destroy", "--yes", "--events", "json")

    @contextmanager
    def world(self) -> Iterator[WorldView]:
        """The world between two runs."""
        with opened(self.world_folder, self.speed) as view:
            yield view

    def world_is_gone(self) -> None:
        """Wait until the world of a killed run has closed; it still answers for a moment."""
        limit = time.monotonic() + PATIENCE
        with (self.world_folder / "world.lock").open("a") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                except BlockingIOError:
                    assert time.monotonic() < limit, "the world goes on without its run"
                    time.sleep(0.05)

    def world_now(self) -> WorldView:
        """The world of the run that is going on."""
        return running_in(self.world_folder)
