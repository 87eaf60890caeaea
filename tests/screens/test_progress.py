"""Progress: what the board learns, floods, and stopping."""

from __future__ import annotations

import threading

from installer.conversation import Conclusion, Draft
from installer.engine.errors import ExitCode
from installer.engine.events import (
    Ending,
    Event,
    Note,
    Outcome,
    Report,
    Retrying,
    RunStarted,
    StepFailed,
    StepFinished,
    StepInfo,
    StepLooked,
    StepStarted,
    Verb,
    Waiting,
)
from installer.engine.step import StopFlag
from screens.board import Board
from screens.messages import Reported
from screens.outcome import OutcomePage
from screens.progress import ProgressPage, wait_text
from screens.results import Parting
from tests.screens.made_up_desk import MadeUpDesk
from tests.screens.reading import AppPilot, greeted, page, running, text, until

STEPS = (
    StepInfo("network", "Network", "Oracle", (), 30.0),
    StepInfo("cluster", "Cluster", "Oracle", ("network",), 480.0),
)
STARTED = RunStarted(Verb.INSTALL, "health", STEPS)
STOPPED = Conclusion(Ending.STOPPED, ExitCode.STOPPED, "Stopped on request.")


def board_after(*events: Event) -> Board:
    board = Board()
    for now, event in enumerate((STARTED, *events)):
        board.take(event, float(now))
    return board


def states(board: Board) -> list[str]:
    return [row.state for _group, rows in board.groups for row in rows]


def test_every_state_of_a_step_is_a_word() -> None:
    told: list[tuple[Event, str]] = [
        (StepStarted("network"), "looking"),
        (StepLooked("network", "absent", "", True), "working"),
        (Waiting("network", "it", "not yet", 1.0, 2.0), "waiting"),
        (Retrying("network", "cut", "", 1, 5, 2.0), "again"),
        (StepFinished("network", Outcome.MADE, "", 3.0), "made"),
        (StepFinished("network", Outcome.UNCHANGED, "", 3.0), "as wanted"),
        (StepFailed("network", "no", "", "", 1, 3.0), "FAILED"),
    ]
    for event, word in told:
        assert states(board_after(event)) == [word, "to do"]


def test_a_step_that_is_as_wanted_does_not_say_that_it_works() -> None:
    board = board_after(StepStarted("network"), StepLooked("network", "as wanted", "", False))
    assert states(board) == ["looking", "to do"]


def test_events_of_unknown_steps_and_notes_change_nothing() -> None:
    assert states(board_after(StepStarted("moon"), Note("hello"))) == ["to do", "to do"]


def test_the_wait_names_the_thing_the_reason_and_how_long_it_usually_takes() -> None:
    board = board_after(
        StepStarted("cluster"), Waiting("cluster", "cluster health", "CREATING", 63.0, 480.0)
    )
    assert wait_text(board) == "Waiting for cluster health: CREATING (1:03, usually 8 min)"


def test_a_newer_wait_replaces_one_that_was_not_shown_yet_and_nothing_else() -> None:
    wait = Reported(Waiting("network", "it", "not yet", 1.0, 2.0))
    later = Reported(Waiting("network", "it", "not yet", 5.0, 2.0))
    other = Reported(Waiting("cluster", "it", "not yet", 5.0, 2.0))
    note = Reported(Note("hello"))
    assert later.can_replace(wait)
    assert not other.can_replace(wait)
    assert not wait.can_replace(note)
    assert not note.can_replace(wait)


class Held:
    """An installation that goes on until it is told to stop, or let go."""

    def __init__(self) -> None:
        self.stop: StopFlag | None = None
        self.go_on = threading.Event()

    def __call__(self, _draft: Draft, report: Report, stop: StopFlag) -> Conclusion:
        self.stop = stop
        report(STARTED)
        report(StepStarted("network"))
        self.go_on.wait(60)
        return STOPPED


async def begun(pilot: AppPilot) -> ProgressPage:
    await greeted(pilot)
    await pilot.press("end", "enter")
    await until(pilot, lambda: "Install now" in text(pilot))
    await pilot.press("enter")
    found = await page(pilot, ProgressPage)
    await until(pilot, lambda: "looking" in text(pilot))
    return found


async def test_the_first_ctrl_q_asks_to_stop_and_says_so() -> None:
    held = Held()
    async with running(MadeUpDesk(install_with=held)) as pilot:
        await begun(pilot)
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert held.stop is not None
        assert held.stop.requested
        assert "Stopping after this step" in text(pilot)
        held.go_on.set()
        await page(pilot, OutcomePage)
        await pilot.press("enter")
    assert pilot.app.return_value == Parting(ExitCode.STOPPED, STOPPED)


async def test_the_second_one_leaves_at_once_while_the_thread_still_works() -> None:
    held = Held()
    async with running(MadeUpDesk(install_with=held)) as pilot:
        await begun(pilot)
        await pilot.press("ctrl+c")
        await pilot.press("ctrl+c")
    assert pilot.app.return_value == Parting(ExitCode.STOPPED_AT_ONCE, at_once=True)
    held.go_on.set()


async def test_stopping_works_with_the_help_open() -> None:
    held = Held()
    async with running(MadeUpDesk(install_with=held)) as pilot:
        await begun(pilot)
        await pilot.press("f1")
        await pilot.pause()
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert held.stop is not None
        assert held.stop.requested
        held.go_on.set()


async def test_a_thousand_events_at_once_are_all_taken() -> None:
    def install(_draft: Draft, report: Report, _stop: StopFlag) -> Conclusion:
        report(STARTED)
        report(StepStarted("network"))
        for number in range(1000):
            report(Waiting("network", "it", f"poll {number}", float(number), 480.0))
        report(StepFinished("network", Outcome.MADE, "", 3.0))
        return STOPPED

    async with running(MadeUpDesk(install_with=install)) as pilot:
        await greeted(pilot)
        await pilot.press("end", "enter")
        await until(pilot, lambda: "Install now" in text(pilot))
        await pilot.press("enter")
        await page(pilot, OutcomePage)
