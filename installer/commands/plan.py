"""`health-install plan`: what would be made, what it needs, what it costs, what would change."""

from __future__ import annotations

import argparse
import json

import yaml

from installer.commands.ending import say
from installer.commands.money import exit_code_of
from installer.commands.sources import Case, case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.run import Result
from installer.engine.step import Condition, StopFlag
from installer.plan import NOT_ASKED, Plan, make_plan


def run(asked: argparse.Namespace) -> int:
    """Print the plan; ends with 0 if it fits, 2 if it would cost money, 3 if it does not fit."""
    meant = case(asked, asked.answers)
    gathered = meant.gathered()
    if not asked.live:
        plan = in_our_words(lambda: make_plan(gathered.answers, NOT_ASKED))
        _print(plan, asked.output, ())
        return exit_code_of(plan.verdict)
    return _live(meant, asked.output)


def _live(meant: Case, output: str) -> int:
    """Look at the world first: what is there, and what an installation would change."""
    gathered = meant.gathered()
    with Workshop(meant) as workshop:
        surroundings, findings = workshop.survey(gathered.answers, StopFlag())
        plan = in_our_words(lambda: make_plan(gathered.answers, surroundings))
        result = workshop.look(plan, lambda _event: None, StopFlag())
    if result.error is not None:
        raise result.error
    _print(plan, output, (*(each.words for each in findings), *_differences(result)))
    return exit_code_of(plan.verdict)


def _differences(result: Result) -> list[str]:
    lines = []
    for step, seen in result.seen.items():
        if seen.condition is not Condition.AS_WANTED:
            details = "; ".join(seen.changes) or seen.words
            lines.append(f"{step}: {seen.condition}" + (f" ({details})" if details else ""))
    return lines or ["Nothing would change."]


def _print(plan: Plan, output: str, live: tuple[str, ...]) -> None:
    if output == "table":
        say(plan.text())
        if live:
            say("\nIn the world now\n" + "\n".join(f"  {line}" for line in live))
        return
    data = {**plan.as_data(), **({"live": list(live)} if live else {})}
    if output == "json":
        say(json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True))
    else:
        say(yaml.safe_dump(data, sort_keys=True, allow_unicode=True))
