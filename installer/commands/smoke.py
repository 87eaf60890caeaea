"""`health-install smoke`: tries the installed platform as its users would."""

from __future__ import annotations

import argparse

from installer.commands.ending import say
from installer.commands.remembering import not_asked
from installer.commands.sources import case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.errors import ExitCode
from installer.engine.step import StopFlag
from installer.plan import make_plan
from installer.smoke.trying import Ended


def run(asked: argparse.Namespace) -> int:
    """Print a line for each thing tried; ends with 0 when nothing is bad, else with 12."""
    meant = case(asked)
    gathered = meant.gathered()
    plan = in_our_words(lambda: make_plan(gathered.answers, not_asked(meant)))
    seen: set[Ended] = set()
    with Workshop(meant) as workshop:
        for finding in workshop.try_out(plan, StopFlag()):
            seen.add(finding.ended)
            mark = "!" if finding.ended is Ended.BAD else " "
            say(f"{mark} {finding.title}: {finding.ended}. {finding.words}")
    say(f"\n{_verdict(seen)}")
    return ExitCode.CLUSTER if Ended.BAD in seen else ExitCode.OK


def _verdict(seen: set[Ended]) -> str:
    if Ended.BAD in seen:
        return "Not everything works."
    if Ended.IMAGE in seen:
        return "The installation works; what does not is the fault of an image, as said above."
    return "Everything tried works." if Ended.GOOD in seen else "Nothing could be tried."
