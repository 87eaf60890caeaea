"""What happened, as values. Screens, lines, JSON and the log all take the same ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from installer.engine.masking import known_secrets


class Verb(StrEnum):
    """What a run is for."""

    INSTALL = "install"
    PLAN = "plan"
    DESTROY = "destroy"


class Outcome(StrEnum):
    """How a step ended."""

    MADE = "made"
    REPAIRED = "repaired"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    ABSENT = "absent"
    WOULD_MAKE = "would be made"
    WOULD_REPAIR = "would be repaired"
    LEFT = "left alone"
    CHECKED = "checked"


class Ending(StrEnum):
    """How a run ended."""

    DONE = "done"
    NOTHING_TO_DO = "nothing to do"
    FAILED = "failed"
    STOPPED = "stopped"
    PARKED = "parked"


@dataclass(frozen=True)
class StepInfo:
    """A step as a front end shows it; `usually` is in seconds."""

    id: str
    title: str
    group: str
    needs: tuple[str, ...]
    usually: float


@dataclass(frozen=True)
class RunStarted:
    """First event of a run."""

    verb: Verb
    installation: str
    steps: tuple[StepInfo, ...]


@dataclass(frozen=True)
class StepStarted:
    """A step begins to look at the world."""

    step: str


@dataclass(frozen=True)
class StepLooked:
    """What the step saw, and whether it is going to act."""

    step: str
    condition: str
    words: str
    acts: bool
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """The step waits for one named thing; times in seconds."""

    step: str
    what: str
    why: str
    elapsed: float
    usually: float


@dataclass(frozen=True)
class Retrying:
    """A temporary failure; the step is tried again after `pause` seconds."""

    step: str
    what: str
    why: str
    attempt: int
    attempts: int
    pause: float


@dataclass(frozen=True)
class Note:
    """Something worth saying that changes nothing."""

    words: str
    step: str | None = None


@dataclass(frozen=True)
class StepFinished:
    """A step ended well."""

    step: str
    outcome: Outcome
    words: str
    seconds: float


@dataclass(frozen=True)
class StepFailed:
    """A step ended badly: what, why, and what to do next."""

    step: str
    what: str
    why: str
    then: str
    exit_code: int
    seconds: float


@dataclass(frozen=True)
class RunFinished:
    """Last event of a run; `changed` counts the steps that changed something."""

    verb: Verb
    ending: Ending
    words: str
    changed: int
    exit_code: int
    seconds: float


Event = (
    RunStarted
    | StepStarted
    | StepLooked
    | Waiting
    | Retrying
    | Note
    | StepFinished
    | StepFailed
    | RunFinished
)
Report = Callable[[Event], None]


def masked(event: Event) -> Event:
    """The same event with every known secret replaced in its texts."""
    changes: dict[str, Any] = {
        field.name: _masked_value(getattr(event, field.name)) for field in dataclasses.fields(event)
    }
    return dataclasses.replace(event, **changes)


def _masked_value(value: object) -> object:
    if isinstance(value, StrEnum):
        return value
    if isinstance(value, str):
        return known_secrets.mask(value)
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return tuple(known_secrets.mask(item) for item in value)
    return value


def as_document(event: Event) -> dict[str, object]:
    """A plain mapping with the event's name first, for JSON lines."""
    return {"event": type(event).__name__, **dataclasses.asdict(event)}
