"""What the progress page knows: the state of every step, learned from events alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from installer.engine.events import (
    Event,
    Retrying,
    RunStarted,
    StepFailed,
    StepFinished,
    StepInfo,
    StepLooked,
    StepStarted,
    Waiting,
)
from installer.prompts.words import outcome_words

TO_DO, LOOKING, WORKING, WAITING, AGAIN, FAILED = (
    "to do",
    "looking",
    "working",
    "waiting",
    "again",
    "FAILED",
)
RUNNING = frozenset({LOOKING, WORKING, WAITING, AGAIN})


@dataclass(frozen=True)
class StepRow:
    """One step; `state` is a word, `since` the start on our clock, `seconds` set at its end."""

    info: StepInfo
    state: str = TO_DO
    since: float = 0.0
    seconds: float | None = None
    wait: Waiting | None = None

    @property
    def running(self) -> bool:
        """Whether something is being done about it now."""
        return self.state in RUNNING

    @property
    def ended(self) -> bool:
        """Whether it ended, well or badly."""
        return self.state != TO_DO and not self.running

    @property
    def role(self) -> str:
        """The state as a class name, for the stylesheet."""
        if self.state == FAILED:
            return "failed"
        return "running" if self.running else ("done" if self.ended else "to-do")


class Board:
    """All steps in order. Times come from a clock that is passed in, in seconds."""

    def __init__(self) -> None:
        self._rows: dict[str, StepRow] = {}
        self.started = 0.0

    def take(self, event: Event, now: float) -> None:
        """Learn from one event; unknown steps and other events are passed over."""
        if isinstance(event, RunStarted):
            self._rows = {step.id: StepRow(step) for step in event.steps}
            self.started = now
            return
        step = getattr(event, "step", None)
        row = self._rows.get(step) if isinstance(step, str) else None
        if row is not None:
            self._rows[row.info.id] = _after(row, event, now)

    @property
    def groups(self) -> tuple[tuple[str, tuple[StepRow, ...]], ...]:
        """The steps under the headings of their groups, in the order of their first step."""
        groups: dict[str, list[StepRow]] = {}
        for row in self._rows.values():
            groups.setdefault(row.info.group, []).append(row)
        return tuple((name, tuple(rows)) for name, rows in groups.items())

    @property
    def running(self) -> tuple[StepRow, ...]:
        """What is being done now, longest first."""
        rows = (row for row in self._rows.values() if row.running)
        return tuple(sorted(rows, key=lambda row: row.since))

    @property
    def ended(self) -> int:
        """How many steps ended."""
        return sum(1 for row in self._rows.values() if row.ended)

    @property
    def total(self) -> int:
        """How many steps there are."""
        return len(self._rows)

    @property
    def usually(self) -> float:
        """How long all steps usually take, one after the other, in seconds."""
        return sum(row.info.usually for row in self._rows.values())


def _after(row: StepRow, event: Event, now: float) -> StepRow:
    match event:
        case StepStarted():
            return dataclasses.replace(row, state=LOOKING, since=now, seconds=None, wait=None)
        case StepLooked() if event.acts:
            return dataclasses.replace(row, state=WORKING, wait=None)
        case Waiting():
            return dataclasses.replace(row, state=WAITING, wait=event)
        case Retrying():
            return dataclasses.replace(row, state=AGAIN, wait=None)
        case StepFinished():
            state = outcome_words(event.outcome)
            return dataclasses.replace(row, state=state, seconds=event.seconds, wait=None)
        case StepFailed():
            return dataclasses.replace(row, state=FAILED, seconds=event.seconds, wait=None)
        case _:
            return row
