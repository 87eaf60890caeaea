"""`health-install plan`: what would be made, what it needs, what it costs, what would change."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

import yaml

from installer.budget.advice import Advice
from installer.budget.envelope import DEFAULT_ENVELOPE, envelope_names, load_envelope
from installer.budget.explaining import explain, row_names
from installer.budget.reference import REFERENCE, load_reference, reckon, report
from installer.commands.ending import say
from installer.commands.issued import Ledger
from installer.commands.money import exit_code_of
from installer.commands.public_names import front_address, limit_warnings, public_hosts
from installer.commands.remembering import not_asked, with_images
from installer.commands.sources import Case, case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.errors import AnswersError
from installer.engine.run import Result
from installer.engine.step import Condition, StopFlag
from installer.plan import Plan, Surroundings, advice_for, make_plan

REFERENCE_ALLOWANCE = "always-free-2025"
"""The allowance the reference was written for."""


def run(asked: argparse.Namespace) -> int:
    """Print the plan; ends with 0 if it fits, 2 if it would cost money, 3 if it does not fit."""
    if asked.profile == REFERENCE:
        return _reference(asked)
    meant = case(asked, asked.answers)
    gathered = meant.gathered()
    against = _allowance(asked.against)
    if asked.live:
        surroundings, live = _live(meant, against)
    else:
        surroundings, live = not_asked(meant), ()
    plan = in_our_words(lambda: make_plan(gathered.answers, surroundings, against=against))
    if not meant.rehearsal:
        hosts = public_hosts(plan, front_address(meant.home))
        plan = dataclasses.replace(
            plan, notices=(*plan.notices, *limit_warnings(plan, hosts, Ledger()))
        )
    if asked.explain:
        say("\n".join(_explained(plan, asked.explain)))
        return exit_code_of(plan.verdict)
    advice = advice_for(plan, surroundings, against=against) if asked.fit else None
    _print(plan, asked.output, live, advice)
    return exit_code_of(plan.verdict)


def _reference(asked: argparse.Namespace) -> int:
    """The reference's own sizes can be planned, never installed; none of ours are asked."""
    then = load_envelope(_allowance(asked.against or REFERENCE_ALLOWANCE))
    say("\n".join(report(then, load_envelope())))
    return exit_code_of(reckon(load_reference(), then).verdict)


def _allowance(name: str | None) -> str:
    known = envelope_names()
    if name is not None and name not in known:
        raise AnswersError(
            f"There is no allowance called {name}.",
            f"There are {', '.join(known)}.",
            "Name one of them, or leave --against out for the one in force.",
        )
    return name or DEFAULT_ENVELOPE


ORDER = "order"
"""What can be explained beside the rows of the budget."""


def _explained(plan: Plan, resource: str) -> tuple[str, ...]:
    if resource.lower() == ORDER:
        # Here and not above: a plan loads no SDK.
        from installer.commands.starting import order_lines

        return order_lines(plan)
    try:
        return explain(plan.verdict, resource)
    except KeyError:
        raise AnswersError(
            f"The budget has no row called {resource}.",
            f"It has {', '.join(row_names(plan.verdict))}.",
            f"Name one of them after --explain, or {ORDER} for namespaces and the order of start.",
        ) from None


def _live(meant: Case, against: str) -> tuple[Surroundings, tuple[str, ...]]:
    """Look at the world first: what is there, and what an installation would change."""
    gathered = meant.gathered()
    with Workshop(meant) as workshop:
        surroundings, findings = workshop.survey(gathered.answers, StopFlag())
        plan = in_our_words(lambda: make_plan(gathered.answers, surroundings, against=against))
        found = workshop.find_images(plan, StopFlag())
        if found.known:
            surroundings = with_images(surroundings, found.known)
            plan = in_our_words(lambda: make_plan(gathered.answers, surroundings, against=against))
        result = workshop.look(plan, lambda _event: None, StopFlag())
    if result.error is not None:
        raise result.error
    words = [each.words for each in (*findings, *found.findings)]
    return surroundings, (*words, *_differences(result))


def _differences(result: Result) -> list[str]:
    """A line for each change, with its step; a rule among twenty is not found in a row of them."""
    lines = []
    for step, seen in result.seen.items():
        if seen.condition is Condition.AS_WANTED:
            continue
        for details in seen.changes or (seen.words,):
            lines.append(f"{step}: {seen.condition}" + (f" ({details})" if details else ""))
    return lines or ["Nothing would change."]


def _print(
    plan: Plan, output: str, live: tuple[str, ...], advice: tuple[Advice, ...] | None
) -> None:
    if output == "table":
        say(plan.text())
        if live:
            say("\nIn the world now\n" + "\n".join(f"  {line}" for line in live))
        if advice is not None:
            say("\n" + "\n".join(_advice_lines(plan, advice)))
        return
    data = {**plan.as_data(), **({"live": list(live)} if live else {})}
    if advice is not None:
        data["advice"] = [_advice_data(one) for one in advice]
    if output == "json":
        say(json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True))
    else:
        say(yaml.safe_dump(data, sort_keys=True, allow_unicode=True))


def _advice_lines(plan: Plan, advice: tuple[Advice, ...]) -> list[str]:
    if not advice:
        if plan.verdict.fits and plan.verdict.consented:
            return ["Nothing has to change."]
        return ["Nothing that could be given up makes it fit; switch modules off, or pay for more."]
    lines = ["What would make it fit, the least loss first"]
    for number, one in enumerate(advice, start=1):
        lines += [f"  {number}. {change.words()}" for change in one.changes[:1]]
        lines += [f"     {change.words()}" for change in one.changes[1:]]
        lines += [f"     then {words}" for words in one.after]
        given = " ".join(f"--set {change.path}={change.value}" for change in one.changes)
        lines.append(f"     {given}")
    return lines


def _advice_data(advice: Advice) -> dict[str, Any]:
    return {
        "changes": [dataclasses.asdict(change) for change in advice.changes],
        "after": list(advice.after),
        "hurts": advice.hurts,
    }
