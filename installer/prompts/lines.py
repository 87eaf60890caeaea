"""The engine's events as plain lines, for people without a screen, for logs and for programs.

No cursor movement and no colour: every line is written once and stays true.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from installer.engine.events import (
    Ending,
    Event,
    Note,
    Outcome,
    Retrying,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepInfo,
    StepLooked,
    StepStarted,
    Verb,
    Waiting,
    as_document,
    masked,
)
from installer.prompts.words import clean, clock_words, outcome_words, usual_words

Write = Callable[[str], None]
Clock = Callable[[], float]

# The same reason is worth repeating now and then, but not at every poll.
REPEAT_AFTER = 60.0


class LinePrinter:
    """Writes one line for an event, with the time since the run began.

    `write` gets lines without line end. A wait that still has the same reason is repeated once a
    minute only.
    """

    def __init__(self, write: Write, clock: Clock = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._began = clock()
        self._steps: dict[str, StepInfo] = {}
        self._said: dict[str, tuple[str, float]] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._began = self._clock()
            self._steps = {step.id: step for step in event.steps}
        if isinstance(event, Waiting) and self._said_lately(event):
            return
        for line in self._lines(masked(event)):
            self._write(f"[{clock_words(self._clock() - self._began)}] {line}")

    def _said_lately(self, event: Waiting) -> bool:
        words, said = self._said.get(event.step, ("", 0.0))
        now = self._clock()
        if words == event.why and now - said < REPEAT_AFTER:
            return True
        self._said[event.step] = (event.why, now)
        return False

    def _title(self, step: str | None) -> str:
        if step is None:
            return ""
        return clean(self._steps[step].title) if step in self._steps else clean(step)

    def _lines(self, event: Event) -> tuple[str, ...]:
        if isinstance(event, RunStarted):
            return (_opening(event),)
        if isinstance(event, RunFinished):
            return (_closing(event),)
        if isinstance(event, StepFailed):
            return self._failure(event)
        line = self._line_of_step(event)
        return (line,) if line else ()

    def _line_of_step(self, event: Event) -> str:
        match event:
            case StepStarted():
                return ""  # What it saw follows at once and says more.
            case StepLooked():
                return self._looked(event)
            case Waiting():
                return (
                    f"{self._title(event.step)}: waiting for {clean(event.what)}: "
                    f"{clean(event.why)} ({clock_words(event.elapsed)}, "
                    f"usually {usual_words(event.usually)})"
                )
            case Retrying():
                return (
                    f"{self._title(event.step)}: {clean(f'{event.what} {event.why}')} "
                    f"Trying again in {event.pause:.0f} s ({event.attempt} of {event.attempts})."
                )
            case Note():
                title = self._title(event.step)
                return f"{title}: {clean(event.words)}" if title else clean(event.words)
            case StepFinished():
                return self._finished(event)
            case _:
                return ""

    def _looked(self, event: StepLooked) -> str:
        if not event.acts:
            return ""
        words = clean("; ".join(event.changes) or event.words)
        return f"{self._title(event.step)}: {clean(event.condition)}{_tail(words)}, working"

    def _finished(self, event: StepFinished) -> str:
        took = "" if event.outcome is Outcome.UNCHANGED else f" ({clock_words(event.seconds)})"
        words = "" if event.outcome is Outcome.REPAIRED else _tail(clean(event.words))
        return f"{self._title(event.step)}: {outcome_words(event.outcome)}{words}{took}"

    def _failure(self, event: StepFailed) -> tuple[str, ...]:
        parts = [part for text in (event.why, event.then) for part in text.splitlines()]
        first = f"{self._title(event.step)}: FAILED. {clean(event.what)}"
        return (first, *(clean(part) for part in parts))


def _tail(words: str) -> str:
    return f", {words}" if words else ""


def _opening(event: RunStarted) -> str:
    name, count = clean(event.installation), len(event.steps)
    return {
        Verb.INSTALL: f"Installing {name}: {count} steps.",
        Verb.PLAN: f"Looking at {name}: {count} steps; nothing is changed.",
        Verb.DESTROY: f"Removing {name}: {count} steps.",
    }[event.verb]


def _closing(event: RunFinished) -> str:
    word = {Ending.FAILED: "FAILED. ", Ending.STOPPED: "Stopped. ", Ending.PARKED: "Parked. "}
    return f"{word.get(event.ending, '')}{clean(event.words)} ({clock_words(event.seconds)})"


class JsonPrinter:
    """Writes one JSON object for every event, none left out."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def __call__(self, event: Event) -> None:
        self._write(json.dumps(as_document(masked(event)), ensure_ascii=False))
