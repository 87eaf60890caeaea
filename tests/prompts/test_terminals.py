"""Which asker a terminal gets, questionary itself, and Ctrl-C while something is being made."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from installer.engine.errors import ExitCode
from installer.prompts.asking import PlainAsker, RichAsker, asker_for_this_terminal

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    """Keys to press at a questionary prompt."""
    with create_pipe_input() as typed:
        yield typed


def asker(keys: PipeInput) -> RichAsker:
    return RichAsker(input=keys, output=DummyOutput())


def test_a_text_is_edited_from_its_suggestion(keys: PipeInput) -> None:
    keys.send_text("-2\r")
    assert asker(keys).text("Name", "health") == "health-2"


def test_a_choice_starts_at_its_suggestion(keys: PipeInput) -> None:
    keys.send_text("\r")
    assert asker(keys).choose("Where", ["oke", "existing"], "existing") == "existing"


def test_an_empty_secret_keeps_its_suggestion(keys: PipeInput) -> None:
    keys.send_text("\r")
    assert asker(keys).text("Password", "generate", secret=True) == "generate"


def test_going_back_is_a_choice_of_its_own(keys: PipeInput) -> None:
    keys.send_text("\x1b[B\x1b[B\r")
    assert asker(keys).choose("Where", ["oke", "existing"], "oke") == "<"


def test_ctrl_c_is_not_an_answer(keys: PipeInput) -> None:
    keys.send_text("\x03")
    with pytest.raises(KeyboardInterrupt):
        asker(keys).text("Name", "health")


def test_a_pipe_gets_plain_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(asker_for_this_terminal(), PlainAsker)


class Child:
    """Python in a terminal of its own."""

    def __init__(self, code: str, term: str = "xterm-256color") -> None:
        self._main, end = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=end,
            stdout=end,
            stderr=end,
            cwd=ROOT,
            env={**os.environ, "TERM": term},
            start_new_session=True,
        )
        os.close(end)
        self.said = ""

    def until(self, words: str) -> None:
        """Read until the child said this."""
        while words not in self.said:
            ready, _, _ = select.select([self._main], [], [], 60)
            assert ready, f"waited in vain for {words!r} after {self.said!r}"
            try:
                self.said += os.read(self._main, 4096).decode()
            except OSError:
                raise AssertionError(f"ended before {words!r}: {self.said!r}") from None


CHOOSE = """
from installer.prompts.asking import asker_for_this_terminal
print(type(asker_for_this_terminal(plain={plain})).__name__, flush=True)
"""


@pytest.mark.parametrize(
    ("term", "plain", "kind"),
    [
        ("xterm-256color", False, "RichAsker"),
        ("dumb", False, "PlainAsker"),
        ("xterm-256color", True, "PlainAsker"),
    ],
)
def test_a_terminal_gets_what_it_can_show(term: str, plain: bool, kind: str) -> None:
    child = Child(CHOOSE.format(plain=plain), term)
    child.until(kind)
    assert child.process.wait(60) == 0


WORK = """
import time
from installer.engine.step import StopFlag
from installer.prompts.stopping import stop_on_interrupt
stop = StopFlag()
with stop_on_interrupt(stop, lambda text: print(text, flush=True)):
    print("working", flush=True)
    while not ({ends} and stop.requested):
        time.sleep(0.02)
print("ended in order", flush=True)
"""


def test_the_first_interrupt_lets_the_work_end_in_order() -> None:
    child = Child(WORK.format(ends=True))
    child.until("working")
    child.process.send_signal(signal.SIGINT)
    child.until("ended in order")
    assert "Stopping after this step" in child.said
    assert child.process.wait(60) == 0


def test_the_second_interrupt_leaves_at_once() -> None:
    child = Child(WORK.format(ends=False))
    child.until("working")
    child.process.send_signal(signal.SIGINT)
    child.until("Stopping after this step")
    child.process.send_signal(signal.SIGINT)
    assert child.process.wait(60) == ExitCode.STOPPED_AT_ONCE
