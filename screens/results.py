"""What a page gives back when it is left; the walk in `app.py` reads these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from installer.conversation import Conclusion, Finding, Suggestion


@dataclass(frozen=True)
class Begun:
    """The first page was left with this profile (empty: whichever is suggested)."""

    profile: str = ""
    straight_to_review: bool = False


@dataclass(frozen=True)
class Answered:
    """A question was answered; the text was accepted by the question's own `parse`."""

    text: str


@dataclass(frozen=True)
class Switched:
    """The modules were chosen, by name."""

    enabled: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class GoOn:
    """The page needs nothing more."""


@dataclass(frozen=True)
class Found:
    """The account or the cluster was looked at."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Ended:
    """The installation ended."""

    conclusion: Conclusion


@dataclass(frozen=True)
class Install:
    """Go ahead; `consent` is the monthly amount that was typed, in US dollars."""

    consent: Decimal | None = None


@dataclass(frozen=True)
class Change:
    """Ask the question with this path again."""

    path: str


@dataclass(frozen=True)
class Fitted:
    """A suggestion was taken; `enabled` are switches that were made before and not kept yet."""

    suggestion: Suggestion
    enabled: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Back:
    """To the page before."""


@dataclass(frozen=True)
class MoreQuestions:
    """Ask the advanced questions, too, or no longer."""


@dataclass(frozen=True)
class Quit:
    """Leave the program."""


@dataclass(frozen=True)
class Parting:
    """How the app was left; `conclusion` is None when nothing was begun."""

    exit_code: int
    conclusion: Conclusion | None = None
    at_once: bool = False


Said = (
    Begun
    | Answered
    | Switched
    | Found
    | GoOn
    | Install
    | Ended
    | Change
    | Fitted
    | Back
    | MoreQuestions
    | Quit
)
