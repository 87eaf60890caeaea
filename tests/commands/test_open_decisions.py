"""What a person has yet to decide: all of it is listed, and only what cannot wait stops a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.answers.model import answers_model
from installer.cli import main
from installer.commands.money import refuse_open_decisions
from installer.engine.errors import AnswersError, ExitCode
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.modules import catalogue
from installer.plan import Plan, make_plan
from tests.kube.rehearsed import Rehearsed

IMAGES = {"health-api": "registry.example.org/api:1", "etl-engine": "registry.example.org/etl:1"}


def plan_of(**given: Any) -> Plan:
    model = answers_model([module.questions for module in catalogue()])
    return make_plan(model.model_validate({"version": 1, **given}))


def test_images_and_domain_are_listed_and_only_images_stop_a_run() -> None:
    plan = plan_of()
    text = plan.text()
    for words in ("The image health-api", "The image etl-engine", "No domain is given"):
        assert words in text.partition("Open decisions")[2].partition("To know")[0]
    with pytest.raises(AnswersError) as refused:
        refuse_open_decisions(plan, rehearsed=False)
    assert "health-api" in refused.value.why
    assert "etl-engine" in refused.value.why
    assert "domain" not in refused.value.why
    refuse_open_decisions(plan_of(images={"overrides": IMAGES}), rehearsed=False)


def test_an_image_to_be_built_comes_with_the_command_that_builds_it() -> None:
    for target, platforms in (("oke", "linux/arm64"), ("existing", "linux/amd64,linux/arm64")):
        first = plan_of(target=target).decisions[0]
        command = first.then.rpartition(": ")[2]
        assert command.startswith(f"docker buildx build --platform {platforms} --push -t ")
        assert re.search(r"\.git#[0-9a-f]{40}:services/health-api-service'$", command)


def test_what_is_decided_is_not_listed() -> None:
    decided = plan_of(images={"overrides": IMAGES}, access={"domain": "health.example.org"})
    assert decided.decisions == ()
    assert "Open decisions" not in decided.text()


def test_an_alert_s_receiver_and_a_place_for_backups_are_told_and_stop_nothing() -> None:
    plan = plan_of(images={"overrides": IMAGES})
    told = "\n".join(plan.notices)
    assert "modules.observability.alert_receiver" in told
    assert "modules.disaster-recovery.target" in told
    refuse_open_decisions(plan, rehearsed=False)


@pytest.mark.slow
def test_a_run_without_questions_ends_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], somebodys: Rehearsed
) -> None:
    kubeconfig = somebodys.kubeconfig
    answers = {"version": 1, "target": "existing", "cluster": {"kubeconfig": str(kubeconfig)}}
    file = tmp_path / "answers.yaml"
    file.write_text(yaml.safe_dump(answers), encoding="utf-8")
    assert main(["--headless", str(file)]) == ExitCode.ANSWERS
    assert "Something has to be decided first." in capsys.readouterr().err
    with Cluster(Connection.from_kubeconfig(kubeconfig)) as cluster:
        spaces = {body["metadata"]["name"] for body in cluster.objects("v1", "Namespace")}
    assert not any(space.startswith("health-") for space in spaces)
