"""What a step is, and what it may ask of the engine while it works."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from installer.engine.errors import InstallError, Stopped
from installer.engine.events import Note, Report, StepInfo, Waiting
from installer.engine.state import Installation, State


class Condition(StrEnum):
    """How the world compares to what a step wants."""

    ABSENT = "absent"
    AS_WANTED = "as wanted"
    DIFFERENT = "different"
    NOT_OURS = "not ours"


@dataclass(frozen=True)
class Seen:
    """What a step saw; `words` in a sentence, `changes` one line each."""

    condition: Condition
    words: str = ""
    changes: tuple[str, ...] = ()

    @property
    def telling(self) -> tuple[str, ...]:
        """The changes that tell more than the words: not the parts of what is not there at all."""
        return () if self.condition is Condition.ABSENT and self.words else self.changes

    @property
    def in_short(self) -> str:
        """What was seen, on one line."""
        return "; ".join(self.telling) or self.words


class StopFlag:
    """Set by the first Ctrl-C; read between steps and between polls."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def request(self) -> None:
        """Ask everything to stop at its next safe place."""
        self._event.set()

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleep, but wake at once when somebody asks to stop."""
        self._event.wait(seconds)


@dataclass
class Intent:
    """An open promise to make one resource, already on disk."""

    retry_token: str
    _save: Callable[[str], None]

    def made(self, resource_id: str) -> None:
        """Save the id the moment it is known, before any waiting."""
        self._save(resource_id)


class Context:
    """A step's way to state, events, waiting and stopping.

    `pace` scales waiting in a rehearsal; `removing` is True while an installation is taken away.
    """

    def __init__(
        self,
        step: str,
        state: State,
        installation: Installation,
        report: Report,
        stop: StopFlag,
        pace: float = 1.0,
        removing: bool = False,
    ) -> None:
        self.step = step
        self.removing = removing
        self.installation = installation
        self.pace = pace
        self._state = state
        self._report = report
        self._stop = stop

    @contextmanager
    def intend(self, kind: str, name: str) -> Iterator[Intent]:
        """Record durably what is about to be made; the creating call goes inside."""
        record = self._state.intend(self.step, kind, name)
        yield Intent(record.retry_token, lambda made: self._state.made(self.step, kind, made))

    def made(self, kind: str) -> str | None:
        """The id of the resource this step made, if it is known."""
        record = self._state.resource(self.step, kind)
        return record.resource_id if record else None

    def remember(self, key: str, value: str) -> None:
        """Keep a fact for later steps and later runs; never a secret."""
        self._state.remember(self.step, key, value)

    def recall(self, key: str, step: str | None = None) -> str | None:
        """A fact of this step, or of another one."""
        return self._state.recall(step or self.step, key)

    def forget(self) -> None:
        """Drop what is known of this step's things, now that they are gone."""
        self._state.forget(self.step)

    def note(self, words: str) -> None:
        """Say something to whoever watches."""
        self._report(Note(words, self.step))

    def checkpoint(self) -> None:
        """Raises Stopped if the person asked to stop."""
        if self._stop.requested:
            raise Stopped()

    def pause(self, seconds: float) -> None:
        """Sleep (scaled in a rehearsal); raises Stopped if asked to stop."""
        self._stop.sleep(seconds * self.pace)
        self.checkpoint()

    def wait(
        self,
        what: str,
        check: Callable[[], str | None],
        every: float = 5.0,
        usually: float = 60.0,
        at_most: float = 3600.0,
    ) -> None:
        """Poll until `check` returns None; until then it returns the reason in words.

        Times are in seconds of the real world and are scaled in a rehearsal. Raises Stopped when
        asked to stop, InstallError when it takes longer than `at_most`.
        """
        started = time.monotonic()
        while (why := check()) is not None:
            elapsed = (time.monotonic() - started) / self.pace
            self._report(Waiting(self.step, what, why, elapsed, usually))
            if elapsed > at_most:
                raise _took_too_long(what, why, at_most)
            self.pause(every)


def _took_too_long(what: str, why: str, at_most: float) -> InstallError:
    return InstallError(
        f"Waited {at_most / 60:.0f} minutes for {what}.",
        f"It still says: {why}",
        "Everything made so far is kept. Run the same command again to wait longer, or "
        "health-install destroy to remove it.",
    )


class Step(ABC):
    """Desired state of one thing. Look first, act only on a difference.

    `needs` are ids of steps that must be done before; `usually` is in seconds. A step that
    `checks_only` makes nothing, so a removal looks through it but never asks it to remove. One
    that `looks_alone` can say what is there even when something it needs is gone, which a person
    may have removed by hand; the others are taken for absent then.
    """

    id: str
    title: str
    group: str
    needs: tuple[str, ...] = ()
    usually: float = 1.0
    checks_only: bool = False
    looks_alone: bool = False

    @abstractmethod
    def look(self, ctx: Context) -> Seen:
        """Compare the world with what is wanted; changes nothing in it."""

    @abstractmethod
    def make(self, ctx: Context, seen: Seen) -> None:
        """Create or repair; returns when everything is as wanted."""

    @abstractmethod
    def unmake(self, ctx: Context) -> None:
        """Remove what is ours; returns when it is really gone."""

    def info(self) -> StepInfo:
        """How front ends show this step."""
        return StepInfo(self.id, self.title, self.group, self.needs, self.usually)
