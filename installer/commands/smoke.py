"""`health-install smoke`: tries the installed platform as its users would."""

from __future__ import annotations

import argparse

from installer.commands.ending import say
from installer.commands.sources import case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.errors import ExitCode
from installer.engine.step import StopFlag
from installer.plan import make_plan


def run(asked: argparse.Namespace) -> int:
    """Print a line for each thing tried; ends with 0 when nothing is bad, else with 12."""
    meant = case(asked)
    gathered = meant.gathered()
    plan = in_our_words(lambda: make_plan(gathered.answers))
    well = True
    with Workshop(meant) as workshop:
        for finding in workshop.try_out(plan, StopFlag()):
            well = well and finding.good
            say(f"{'  ' if finding.good else '! '}{finding.words}")
    say("\nEverything tried works." if well else "\nNot everything works.")
    return ExitCode.OK if well else ExitCode.CLUSTER
