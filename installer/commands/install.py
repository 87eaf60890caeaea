"""`health-install`: on a screen, on plain lines, or from a file."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from installer.commands.ending import say, say_failure, tell
from installer.engine.errors import AnswersError

if TYPE_CHECKING:
    from installer.commands.desk import InstallDesk
    from installer.conversation import Desk
    from installer.engine.events import Report

# Everything else is imported where it is used: a screen draws its first frame before the core,
# with its models and templates, is loaded behind it.


def run(asked: argparse.Namespace) -> int:
    """Choose the front end: a file asks for none, a rehearsal without a terminal needs none."""
    with ExitStack() as open_now:

        def open_desk() -> InstallDesk:
            from installer.commands.desk import InstallDesk
            from installer.commands.sources import case

            return open_now.enter_context(InstallDesk(case(asked, asked.headless)))

        if asked.headless or (asked.rehearse and not _terminal()):
            return _headless(open_desk(), asked.events)
        if not _terminal():
            raise _no_terminal()
        if asked.plain or asked.on_screen is None:
            return _on_lines(open_desk(), plain=asked.plain)
        return int(asked.on_screen(open_desk))


def printer(events: str) -> Report:
    """What tells events without a screen: lines for people, JSON for programs."""
    from installer.prompts.lines import JsonPrinter, LinePrinter

    return JsonPrinter(say) if events == "json" else LinePrinter(say)


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _on_lines(desk: Desk, *, plain: bool) -> int:
    from installer.prompts.asking import asker_for_this_terminal
    from installer.prompts.walk import converse

    return converse(desk, asker_for_this_terminal(plain=plain))


def _headless(desk: Desk, events: str) -> int:
    from installer.conversation import Draft, carry_out
    from installer.engine.step import StopFlag
    from installer.prompts.stopping import stop_on_interrupt
    from installer.prompts.words import conclusion_lines

    stop = StopFlag()
    with stop_on_interrupt(stop, tell):
        draft = Draft(desk.greeting().profile)
        conclusion = carry_out(desk, draft, printer(events), stop)
    if conclusion.failure is not None:
        say_failure(conclusion.failure)
        conclusion = replace(conclusion, failure=None, words="")
    # Programs that read JSON lines get nothing else on standard output.
    show = tell if events == "json" else say
    for line in conclusion_lines(conclusion):
        if line:
            show(line)
    return conclusion.exit_code


def _no_terminal() -> AnswersError:
    return AnswersError(
        "There is no terminal to ask on.",
        "Standard input or output is not a terminal.",
        "Give the answers in a file: health-install --headless answers.yaml. "
        "A complete file to start from: health-install answers example",
    )
