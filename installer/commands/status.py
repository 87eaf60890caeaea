"""`health-install status`: what is installed, asked from the world and not from a file."""

from __future__ import annotations

import argparse

from installer.answers.model import Answers
from installer.commands.ending import say
from installer.commands.issued import Ledger
from installer.commands.logins import login_lines
from installer.commands.public_names import (
    OUTSIDE,
    front_address,
    looked_at,
    name_lines,
    public_hosts,
    remember_certificates,
)
from installer.commands.remembering import not_asked, with_images
from installer.commands.sources import Case, case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.errors import ClusterError, ExitCode, InstallError
from installer.engine.events import Event, RunStarted, StepInfo
from installer.engine.run import Result
from installer.engine.step import Condition, StopFlag
from installer.plan import Plan, Surroundings, make_plan, on_oracle

WORDS = {
    Condition.AS_WANTED: "installed",
    Condition.ABSENT: "missing",
    Condition.DIFFERENT: "different",
    Condition.NOT_OURS: "not ours",
}


def run(asked: argparse.Namespace) -> int:
    """Print a line a step, then pods, volumes and nodes; ends with 0 when everything is installed
    and runs, else with 1 or the code of what stood in the way of looking.
    """
    meant = case(asked)
    answers = meant.gathered().answers
    steps: list[StepInfo] = []

    def listen(event: Event) -> None:
        if isinstance(event, RunStarted):
            steps.extend(event.steps)

    with Workshop(meant) as workshop:
        around = _surroundings(meant, workshop, answers)
        plan = _pinned(in_our_words(lambda: make_plan(answers, around)), around, workshop)
        result = workshop.look(plan, listen, StopFlag())
        told, runs = _inside(workshop, plan, result)
    if result.error is not None:
        _say_half(meant.name, [*_lines(steps, result), *told])
        raise result.error
    hosts = public_hosts(plan, front_address(meant.home))
    # What a rehearsal made has no place in the world outside.
    if not meant.rehearsal:
        hosts = looked_at(hosts, OUTSIDE)
        remember_certificates(hosts, Ledger())
    logins = _logins(meant, plan, result)
    for line in (*_lines(steps, result), *told, *name_lines(hosts), *logins):
        say(line)
    wanted = all(each.condition is Condition.AS_WANTED for each in result.seen.values())
    complete = wanted and runs
    say(f"\nInstallation {meant.name} is {'complete' if complete else 'not complete'}.")
    return ExitCode.OK if complete else ExitCode.FAILED


def _logins(meant: Case, plan: Plan, result: Result) -> tuple[str, ...]:
    """Where passwords are, once there are any."""
    # Here and not above: it loads an SDK, which by now is loaded.
    from installer.steps.secrets import SECRETS

    seen = result.seen.get(SECRETS)
    if seen is None or seen.condition is Condition.ABSENT:
        return ()
    lines = login_lines(meant, plan)
    return ("Where passwords are", *(f"  {line}" for line in lines)) if lines else ()


def _inside(workshop: Workshop, plan: Plan, result: Result) -> tuple[list[str], bool]:
    """What to say of pods, volumes and nodes, and whether all pods are known to run.

    Without a namespace of ours in the cluster there is nothing, and perhaps no cluster.
    """
    # Here, since they load the SDK, which the look has loaded by now.
    from installer.commands.inside import inside_lines
    from installer.steps.namespaces import NAMESPACES

    seen = result.seen.get(NAMESPACES)
    if seen is None or seen.condition is Condition.ABSENT:
        return [], False
    try:
        contents = workshop.contents(plan)
    except InstallError as error:
        return [f"Pods, volumes and nodes are not known. {error.what} {error.why}"], False
    lines = inside_lines(contents, rehearsed=workshop.case.rehearsal)
    return list(lines), contents.runs


def _say_half(name: str, lines: list[str]) -> None:
    """What was seen before something stood in the way; nothing where that was the first look."""
    for line in lines:
        say(line)
    if lines:
        unseen = "cannot be looked at to the end, so that it is not called complete"
        say(f"\nInstallation {name} {unseen}.")


def _surroundings(meant: Case, workshop: Workshop, answers: Answers) -> Surroundings:
    """What a cluster has of its own decides what is ours to bring; a new one has nothing."""
    if on_oracle(answers):
        return not_asked(meant)
    try:
        return workshop.survey(answers, StopFlag(), patient=False)[0]
    except ClusterError:
        # Without nodes that take pods there is still something to tell.
        return not_asked(meant)


def _pinned(plan: Plan, around: Surroundings, workshop: Workshop) -> Plan:
    """What was applied named images by digests; where those are forgotten, registries are asked."""
    found = workshop.find_images(plan, StopFlag())
    if not found.known:
        return plan
    return in_our_words(lambda: make_plan(plan.answers, with_images(around, found.known)))


def _lines(steps: list[StepInfo], result: Result) -> list[str]:
    lines: list[str] = []
    group = ""
    for step in steps:
        seen = result.seen.get(step.id)
        if seen is None:
            continue
        if step.group != group:
            group = step.group
            lines.append(group)
        details = seen.in_short
        lines.append(
            f"  {WORDS[seen.condition]:9} {step.title}" + (f": {details}" if details else "")
        )
    return lines
