"""`health-install answers`: an example, the schema, a check."""

from __future__ import annotations

import argparse

from installer.answers.schema import schema_text
from installer.answers.writing import example_text
from installer.commands.ending import say
from installer.commands.sources import case, in_our_words, model
from installer.engine.errors import ExitCode
from installer.plan import make_plan


def run(asked: argparse.Namespace) -> int:
    """Print what was asked for; a check ends with 4 when there are mistakes."""
    if asked.verb == "example":
        say(example_text(model()))
    elif asked.verb == "schema":
        say(schema_text(model()))
    else:
        _check(asked)
    return ExitCode.OK


def _check(asked: argparse.Namespace) -> None:
    gathered = case(asked, asked.answers).gathered()
    in_our_words(lambda: make_plan(gathered.answers))
    say(f"{asked.answers}: no mistakes.")
