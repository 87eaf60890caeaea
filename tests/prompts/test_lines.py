"""Events as lines and as JSON."""

from __future__ import annotations

import json

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
)
from installer.engine.masking import MASK, known_secrets
from installer.prompts.lines import JsonPrinter, LinePrinter
from installer.prompts.words import clean, clock_words, usual_words

STARTED = RunStarted(
    Verb.INSTALL, "health", (StepInfo("net", "Virtual network", "Network", (), 30.0),)
)
EVENTS: tuple[Event, ...] = (
    STARTED,
    StepStarted("net"),
    StepLooked("net", "absent", "", True),
    Waiting("net", "the gateway", "it is PROVISIONING", 65.0, 120.0),
    Retrying("net", "The line was cut.", "Connection reset.", 1, 8, 2.0),
    Note("All is well.", "net"),
    StepFinished("net", Outcome.MADE, "", 80.0),
    StepFailed("net", "It failed.", "Because.\nRequest id: 42.", "Do this.", 1, 3.0),
    RunFinished(Verb.INSTALL, Ending.DONE, "Done: 1 steps changed something.", 1, 0, 3700.0),
)


class Told:
    """A printer with a clock that only the test moves."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.now = 100.0
        self.tell = LinePrinter(self.lines.append, lambda: self.now)


def test_every_event_has_its_line_with_the_time_since_the_start() -> None:
    told = Told()
    for event in EVENTS:
        told.tell(event)
        told.now += 10
    assert told.lines == [
        "[0:00] Installing health: 1 steps.",
        "[0:20] Virtual network: absent, working",
        "[0:30] Virtual network: waiting for the gateway: it is PROVISIONING (1:05, usually 2 min)",
        "[0:40] Virtual network: The line was cut. Connection reset. Trying again in 2 s (1 of 8).",
        "[0:50] Virtual network: All is well.",
        "[1:00] Virtual network: made (1:20)",
        "[1:10] Virtual network: FAILED. It failed.",
        "[1:10] Because.",
        "[1:10] Request id: 42.",
        "[1:10] Do this.",
        "[1:20] Done: 1 steps changed something. (1:01:40)",
    ]


def test_a_wait_with_the_same_reason_is_repeated_once_a_minute_only() -> None:
    told = Told()
    told.tell(STARTED)
    for _ in range(30):
        told.tell(Waiting("net", "it", "not yet", 1.0, 2.0))
        told.now += 5
    assert len(told.lines) == 1 + 3
    told.tell(Waiting("net", "it", "nearly", 1.0, 2.0))
    assert "nearly" in told.lines[-1]


def test_a_step_that_needs_nothing_says_so_in_one_line() -> None:
    told = Told()
    for event in (
        STARTED,
        StepStarted("net"),
        StepLooked("net", "as wanted", "", False),
        StepFinished("net", Outcome.UNCHANGED, "", 0.1),
    ):
        told.tell(event)
    assert told.lines[1:] == ["[0:00] Virtual network: as wanted"]


def test_a_repair_says_what_it_changes() -> None:
    told = Told()
    told.tell(STARTED)
    told.tell(StepLooked("net", "different", "", True, ("rule 1 is missing", "rule 2 too")))
    assert told.lines[-1].endswith("different, rule 1 is missing; rule 2 too, working")


def test_the_json_printer_leaves_no_event_out() -> None:
    lines: list[str] = []
    tell = JsonPrinter(lines.append)
    for event in EVENTS:
        tell(event)
    told = [json.loads(line) for line in lines]
    assert [each["event"] for each in told] == [type(event).__name__ for event in EVENTS]
    assert told[3] == {
        "event": "Waiting",
        "step": "net",
        "what": "the gateway",
        "why": "it is PROVISIONING",
        "elapsed": 65.0,
        "usually": 120.0,
    }


def test_control_signs_of_others_do_not_reach_the_terminal() -> None:
    assert clean("a\x1b[2Jb\rc\nd\u202e") == "a?[2Jb c d?"


def test_secrets_are_masked_in_both_printers() -> None:
    canary = "canary-91f3-lines"
    known_secrets.add(canary)
    lines: list[str] = []
    for tell in (LinePrinter(lines.append), JsonPrinter(lines.append)):
        tell(STARTED)
        tell(Note(f"the password is {canary}", "net"))
        tell(StepFailed("net", canary, canary, canary, 1, 1.0))
    assert canary not in "".join(lines)
    assert MASK in "".join(lines)


def test_durations_are_said_as_people_say_them() -> None:
    assert [clock_words(seconds) for seconds in (0, 59.9, 60, 3661)] == [
        "0:00",
        "0:59",
        "1:00",
        "1:01:01",
    ]
    assert [usual_words(seconds) for seconds in (0.2, 45, 480)] == ["1 s", "45 s", "8 min"]
