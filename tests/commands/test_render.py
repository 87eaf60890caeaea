"""`health-install render`: all that will be applied; nobody is asked, nothing left to fill in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.answers.model import answers_model
from installer.answers.rules.regions import KNOWN_REGIONS
from installer.cli import main
from installer.modules import catalogue
from installer.plan import make_plan

TO_FILL_IN = re.compile(
    r"change.?me\b|replace.?me\b|fill.?me\b|placeholder|\bto-?do\b|\bfixme\b|\bx{3,}\b|\byour[-_]",
    re.IGNORECASE,
)
"""What stands where a value is still missing."""


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["render", *words]) == 0
    return capsys.readouterr().out


def objects(text: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Every object by kind, namespace and name."""
    bodies = [body for body in yaml.safe_load_all(text) if body]
    named = [(body, body["metadata"]) for body in bodies]
    return {(body["kind"], meta.get("namespace", ""), meta["name"]): body for body, meta in named}


def test_it_prints_each_object_of_the_plan_and_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = answers_model([module.questions for module in catalogue()])
    plan = make_plan(model.model_validate({"version": 1}))

    bodies = objects(printed(capsys))

    assert list(bodies.values()) == [dict(entry.body) for entry in plan.rendered.objects]
    assert plan.rendered.secrets
    assert "Secret" not in {kind for kind, _, _ in bodies}


@pytest.mark.usefixtures("nobody_is_asked")
def test_no_address_is_asked_for_and_no_connection_opened(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(capsys)


@pytest.mark.parametrize("profile", ["free", "full", "local"])
def test_no_value_is_left_for_a_person_to_fill_in(
    capsys: pytest.CaptureFixture[str], profile: str
) -> None:
    lines = printed(capsys, "--profile", profile).splitlines()
    assert [line for line in lines if TO_FILL_IN.search(line)] == []
    assert TO_FILL_IN.search("password: CHANGE_ME")


def test_no_region_of_oracle_s_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys)
    assert [region for region in KNOWN_REGIONS if region in text] == []


def test_one_file_of_answers_makes_the_same_platform_on_every_kind_of_cluster(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("version: 1\naccess: {domain: health.example.org}\n", encoding="utf-8")
    ours = objects(printed(capsys, str(file), "--set", "target=oke"))
    theirs = objects(printed(capsys, str(file), "--set", "target=existing"))

    assert ours.keys() == theirs.keys()
    different = {(kind, name) for kind, space, name in ours
                 if ours[kind, space, name] != theirs[kind, space, name]}  # fmt: skip
    # Rules name the machines' addresses, which are known where the network is ours.
    assert {one for one in different if one[0] != "NetworkPolicy"} == {
        ("PersistentVolumeClaim", "data"),
        ("ConfigMap", "grafana-dashboards"),
        ("Deployment", "grafana"),
        ("ConfigMap", "prometheus"),
        ("Deployment", "prometheus"),
    }
