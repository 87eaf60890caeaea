"""Answers that led to a good end are kept, and the way back to them is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.commands.going_back import keep_what_worked, way_back
from installer.engine.events import Ending
from installer.engine.places import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def run(home: Home, answers: str, ending: Ending) -> tuple[str, ...]:
    """A run with these answers, and what is told at its end."""
    home.answers.write_text(answers, encoding="utf-8")
    keep_what_worked(home, ending)
    return way_back(home, ending, " --name mine")


def test_after_a_failure_the_answers_that_worked_last_are_named(home: Home) -> None:
    assert run(home, "one", Ending.DONE) == ()
    (told,) = run(home, "two", Ending.FAILED)
    assert told.endswith(f"health-install --headless {home.worked} --name mine")
    assert home.worked.read_text(encoding="utf-8") == "one"
    assert home.worked.stat().st_mode & 0o777 == 0o600


def test_a_failure_of_the_same_answers_has_nowhere_to_go_back_to(home: Home) -> None:
    run(home, "one", Ending.DONE)
    assert run(home, "one", Ending.FAILED) == ()


def test_without_a_good_end_nothing_is_offered(home: Home) -> None:
    for ending in (Ending.FAILED, Ending.STOPPED, Ending.PARKED):
        assert run(home, "one", ending) == ()
        assert not home.worked.exists()


def test_after_a_good_change_the_answers_before_it_can_be_had_again(home: Home) -> None:
    run(home, "one", Ending.DONE)
    (told,) = run(home, "two", Ending.DONE)
    assert str(home.worked_before) in told
    run(home, "two", Ending.NOTHING_TO_DO)
    assert home.worked_before.read_text(encoding="utf-8") == "one"
    run(home, "three", Ending.FAILED)
    assert [path.read_text(encoding="utf-8") for path in (home.worked, home.worked_before)] == [
        "two",
        "one",
    ]
