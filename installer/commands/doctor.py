"""`health-install doctor`: examine everything an installation depends on, with a remedy each."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain

from installer.commands.ending import say
from installer.commands.issued import Ledger
from installer.commands.public_names import (
    OUTSIDE,
    diagnoses,
    front_address,
    looked_at,
    public_hosts,
    remember_certificates,
)
from installer.commands.remembering import not_asked
from installer.commands.sources import Case, case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.errors import AnswersError, ExitCode
from installer.oracle.doctor import Diagnosis
from installer.oracle.permissions import ANY_GROUP, PERMISSIONS, Permission
from installer.plan import Plan, make_plan, on_oracle


def run(asked: argparse.Namespace) -> int:
    """Print one diagnosis after the other; ends with 0 when none is bad, else with 5 or 12."""
    meant = case(asked)
    answers = meant.gathered().answers
    if asked.area == "policy":
        return _policy(answers.place.compartment)
    oracle = on_oracle(answers)
    if asked.area is not None and (asked.area == "oracle") is not oracle:
        raise _elsewhere(asked.area, answers.target)
    plan = in_our_words(lambda: make_plan(answers, not_asked(meant)))
    bad = 0
    with Workshop(meant) as workshop:
        for each in chain(workshop.examine(plan), _names(meant, plan)):
            say(f"{each.level:<4}  {each.words}")
            if each.remedy:
                say("      next: " + each.remedy.replace("\n", "\n            "))
            bad += each.level == "bad"
    say(f"\nIn the way of an installation: {bad or 'nothing'}.")
    if not bad:
        return ExitCode.OK
    return ExitCode.ACCOUNT if oracle else ExitCode.CLUSTER


def _names(meant: Case, plan: Plan) -> Iterator[Diagnosis]:
    """Public names and their certificates; a rehearsal has none in the world outside."""
    if meant.rehearsal:
        return
    hosts = looked_at(public_hosts(plan, front_address(meant.home)), OUTSIDE)
    ledger = Ledger()
    remember_certificates(hosts, ledger)
    yield from diagnoses(plan, hosts, ledger)


def _elsewhere(area: str, target: str) -> AnswersError:
    return AnswersError(
        f"There is nothing to examine at {area}.",
        f"The answers name target {target}.",
        "Leave the word away to examine what the answers name, or change the target, for example "
        "--set target=existing",
    )


def _policy(compartment: str) -> int:
    """Every statement with the steps that need it; asks nobody."""
    say(f"# For the policy of a user who is no administrator; {ANY_GROUP} is the user's group.")
    for permission in PERMISSIONS:
        say(f"# {_why(permission)}")
        say(permission.statement(compartment))
    return ExitCode.OK


def _why(permission: Permission) -> str:
    can_do_without = "; we can do without" if permission.optional else ""
    return f"to {permission.purpose} (steps: {', '.join(permission.steps)}){can_do_without}"
