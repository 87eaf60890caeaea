"""`plan --explain order`: namespaces with their levels, and what starts when."""

from __future__ import annotations

import re
from typing import Any

import pytest

from installer.cli import main
from installer.commands.sources import model
from installer.commands.starting import order_lines
from installer.commands.target import ExistingTarget
from installer.engine.order import in_order
from installer.plan import Plan, make_plan
from installer.steps.images import ImagesCanBePulled

LEVEL = "pod-security.kubernetes.io/enforce"
AFTER = "     begins after: "


def plan_of(**given: Any) -> Plan:
    return make_plan(model().model_validate({"version": 1, **given}))


def steps_told(lines: tuple[str, ...]) -> dict[str, list[str]]:
    """Title -> what stands below it, in the order told."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in lines[lines.index("") :]:
        if match := re.match(r"  \d+\. (.*)", line):
            title = match[1]
            found[title] = []
        elif title:
            found[title].append(line)
    return found


def waited_for(below: list[str]) -> list[str]:
    return [
        each
        for line in below
        if line.startswith(AFTER)
        for each in line.removeprefix(AFTER).split("; ")
    ]


@pytest.mark.usefixtures("nobody_is_asked")
def test_it_is_told_without_an_account_and_without_asking_anybody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "--explain", "Order"]) == 0
    assert "health-data (infrastructure): restricted" in capsys.readouterr().out


def test_an_unknown_subject_is_answered_with_order_among_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "--explain", "patience"]) == 4
    assert "or order for namespaces and the order of start" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["plan", "--help"])
    assert "order shows namespaces" in " ".join(capsys.readouterr().out.split())


def test_every_namespace_of_the_plan_has_its_level() -> None:
    plan = plan_of()
    bodies = [one.body for one in plan.rendered.objects if one.body["kind"] == "Namespace"]
    wanted = {body["metadata"]["name"]: body["metadata"]["labels"][LEVEL] for body in bodies}
    lines = order_lines(plan)
    told = dict(
        re.findall(r"  (\S+) \(\S+\): (\w+)", "\n".join(lines[: lines.index("")])),
    )
    assert told == wanted
    assert len(told) > 3


def test_the_steps_told_are_those_an_installation_walks() -> None:
    plan = plan_of(target="existing")
    walked = [
        step
        for step in in_order(ExistingTarget(plan.answers).steps(plan))
        if not isinstance(step, ImagesCanBePulled)
    ]
    titles = {step.id: step.title for step in walked}
    told = steps_told(order_lines(plan))
    assert list(told) == [step.title for step in walked]
    for step in walked:
        # Images are looked up before anything of a cluster is touched.
        assert waited_for(told[step.title]) == [
            titles[need] for need in step.needs if need in titles
        ]


def test_nothing_is_told_before_what_it_waits_for() -> None:
    told = steps_told(order_lines(plan_of()))
    titles = list(told)
    for title, below in told.items():
        assert all(titles.index(need) < titles.index(title) for need in waited_for(below)), title
    assert titles.index("Data layer: Servers") < titles.index("Login: Login server")


def test_every_server_and_job_starts_in_one_wave() -> None:
    plan = plan_of()
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Job")
    wanted = sorted(
        f"{body['kind']} {body['metadata']['namespace']}/{body['metadata']['name']}"
        for body in (entry.body for entry in plan.rendered.objects)
        if body["kind"] in kinds
    )
    head = "     starts: "
    told = sorted(
        each
        for line in order_lines(plan)
        if line.startswith(head)
        for each in line.removeprefix(head).split(", ")
    )
    assert told == wanted
