"""`health-install backup`: a backup now, instead of at night."""

from __future__ import annotations

import argparse

from installer.commands.ending import say
from installer.commands.restore import run_backup
from installer.commands.sources import case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.errors import ExitCode
from installer.plan import make_plan


def run(asked: argparse.Namespace) -> int:
    """Run the nightly job at once and print what it says."""
    meant = case(asked)
    gathered = meant.gathered()
    plan = in_our_words(lambda: make_plan(gathered.answers))
    with Workshop(meant) as workshop:
        run_backup(workshop, plan)
    say("See what there is: health-install restore --list")
    return ExitCode.OK
