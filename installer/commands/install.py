"""`health-install`: on a screen, on plain lines, or from a file."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack

from installer.commands.desk import InstallDesk
from installer.commands.ending import say, tell
from installer.commands.sources import case
from installer.conversation import Desk, Draft, carry_out
from installer.engine.errors import AnswersError
from installer.engine.events import Report
from installer.engine.step import StopFlag
from installer.prompts.asking import asker_for_this_terminal
from installer.prompts.lines import JsonPrinter, LinePrinter
from installer.prompts.stopping import stop_on_interrupt
from installer.prompts.walk import converse
from installer.prompts.words import conclusion_lines


def run(asked: argparse.Namespace) -> int:
    """Choose the front end: a file asks for none, a rehearsal without a terminal needs none."""
    with ExitStack() as open_now:

        def open_desk() -> InstallDesk:
            return open_now.enter_context(InstallDesk(case(asked, asked.headless)))

        if asked.headless or (asked.rehearse and not _terminal()):
            return _headless(open_desk(), printer(asked.events))
        if not _terminal():
            raise _no_terminal()
        if asked.plain or asked.on_screen is None:
            return converse(open_desk(), asker_for_this_terminal(plain=asked.plain))
        return int(asked.on_screen(open_desk))


def printer(events: str) -> Report:
    """What tells events without a screen: lines for people, JSON for programs."""
    return JsonPrinter(say) if events == "json" else LinePrinter(say)


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _headless(desk: Desk, report: Report) -> int:
    stop = StopFlag()
    with stop_on_interrupt(stop, tell):
        conclusion = carry_out(desk, Draft(desk.greeting().profile), report, stop)
    # Programs that read JSON lines get nothing else on standard output.
    show = tell if isinstance(report, JsonPrinter) else say
    for line in conclusion_lines(conclusion):
        show(line)
    return conclusion.exit_code


def _no_terminal() -> AnswersError:
    return AnswersError(
        "There is no terminal to ask on.",
        "Standard input or output is not a terminal.",
        "Give the answers in a file: health-install --headless answers.yaml. "
        "A complete file to start from: health-install answers example",
    )
