"""The way back: answers that led to a good end are kept beside those of the last run."""

from __future__ import annotations

from installer.engine.events import Ending
from installer.engine.places import Home, keep_copy

_GOOD = (Ending.DONE, Ending.NOTHING_TO_DO)


def keep_what_worked(home: Home, ending: Ending) -> None:
    """After a good end, take the answers of this run for those that work.

    Those that worked until now stay for one change more.
    """
    if ending not in _GOOD or not home.answers.exists():
        return
    if not home.worked.exists():
        keep_copy(home.answers, home.worked)
    elif home.worked.read_bytes() != home.answers.read_bytes():
        keep_copy(home.worked, home.worked_before)
        keep_copy(home.answers, home.worked)


def way_back(home: Home, ending: Ending, flags: str) -> tuple[str, ...]:
    """How to get there, in a line; nothing where no other answers ever worked."""
    if ending in _GOOD:
        there = home.worked_before.exists()
        words, answers = "Go back to the answers before these", home.worked_before
    else:
        there = home.worked.exists() and home.worked.read_bytes() != home.answers.read_bytes()
        words, answers = "Go back to the answers that worked last", home.worked
    return (f"{words}: health-install --headless {answers}{flags}",) if there else ()
