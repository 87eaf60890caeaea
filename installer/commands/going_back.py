"""The way back: answers that led to a good end are kept beside those of the last run."""

from __future__ import annotations

import contextlib
from pathlib import Path

from installer.answers.writing import replace_whole
from installer.engine.events import Ending
from installer.engine.places import Home

_GOOD = (Ending.DONE, Ending.NOTHING_TO_DO)


def keep_what_worked(home: Home, ending: Ending) -> None:
    """After a good end, take the answers of this run for those that work.

    Those that worked until now stay for one change more. What cannot be kept is left out: the run
    it belongs to has ended well without it.
    """
    now, until_now = _content(home.answers), _content(home.worked)
    if ending not in _GOOD or now is None or now == until_now:
        return
    with contextlib.suppress(OSError):
        if until_now is not None:
            replace_whole(home.worked_before, until_now)
        replace_whole(home.worked, now)


def way_back(home: Home, ending: Ending, flags: str) -> tuple[str, ...]:
    """How to get there, in a line; nothing where no other answers ever worked."""
    if ending in _GOOD:
        there = home.worked_before.exists()
        words, answers = "Go back to the answers before these", home.worked_before
    else:
        there = _content(home.worked) not in (None, _content(home.answers))
        words, answers = "Go back to the answers that worked last", home.worked
    return (f"{words}: health-install --headless {answers}{flags}",) if there else ()


def _content(file: Path) -> bytes | None:
    """None where there is no such file, or none that can be read."""
    with contextlib.suppress(OSError):
        return file.read_bytes()
    return None
