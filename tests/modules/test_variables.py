"""Variables a program does not read, lacks or cannot resolve stop the plan."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

import pytest
import yaml

from installer.modules import ClusterFacts, ModulesInvalid, Rendered, catalogue, render
from tests.modules.conftest import answers_for, one_volume

ASSETS = Path(__file__).parents[2] / "assets"
DESCRIPTION = """
version: 1
title: Clock
purpose: Tells the time.
namespaces: [{name: health-clock}]
waves: {2: Servers}
templates: [{file: clock.yaml.j2, wave: 2}]
images: [valkey, rabbitmq]
secrets:
  - {id: clock, name: clock-secret, values: [{key: CLOCK_PASSWORD, make: password}]}
variables:
  - {image: valkey, required: [CLOCK_HOST], optional: [CLOCK_PORT, CLOCK_URL, CLOCK_PASSWORD]}
"""
TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {PORT: "1"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: clock}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: clock}}
  template:
    spec:
      containers:
        - name: clock
          image: {{ image("IMAGE") }}
"""


def rendered_with(root: Path, container: Mapping[str, object], image: str = "valkey") -> Rendered:
    """What a module with one container renders, all other modules off."""
    folder = root / "modules" / "clock"
    folder.mkdir(parents=True)
    shutil.copy(ASSETS / "images.lock.yaml", root)
    (folder / "module.yaml").write_text(DESCRIPTION)
    more = indent(yaml.safe_dump(dict(container)), " " * 10)
    (folder / "clock.yaml.j2").write_text(TEMPLATE.replace("IMAGE", image) + more)
    modules = catalogue(root)
    answers = answers_for(modules)
    return render(answers, one_volume(answers, modules), ClusterFacts(), modules)


def problems_with(root: Path, container: Mapping[str, object], image: str = "valkey") -> str:
    """What is said about a container."""
    with pytest.raises(ModulesInvalid) as caught:
        rendered_with(root, container, image)
    return str(caught.value)


def env(**values: str) -> dict[str, object]:
    """A container's own variables, in the order given."""
    return {"env": [{"name": name, "value": value} for name, value in values.items()]}


def test_known_variables_pass(tmp_path: Path) -> None:
    assert rendered_with(tmp_path, env(CLOCK_HOST="tower", CLOCK_PORT="1")).objects


def test_a_variable_nobody_reads_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    said = problems_with(tmp_path, env(CLOCK_HOST="tower", CLOCK_PROT="1"))
    assert "clock/clock.yaml.j2: Deployment clock: container clock" in said
    assert "CLOCK_PROT, which valkey does not read; did you mean CLOCK_PORT?" in said


def test_a_variable_without_which_the_program_does_not_start_is_missed(tmp_path: Path) -> None:
    assert "lacks the variable CLOCK_HOST" in problems_with(tmp_path, env(CLOCK_PORT="1"))


def test_variables_that_come_in_sets_are_looked_at_too(tmp_path: Path) -> None:
    host, secret = env(CLOCK_HOST="$(CLOCK_PORT)"), {"secretRef": {"name": "clock-secret"}}
    settings = {"configMapRef": {"name": "settings"}}
    good = {**host, "envFrom": [{"prefix": "CLOCK_", **settings}, secret]}
    assert rendered_with(tmp_path / "good", good).objects
    bad = {**host, "envFrom": [settings, secret]}
    assert "the variable PORT" in problems_with(tmp_path / "bad", bad)


def test_a_variable_used_before_it_is_defined_would_stay_literal_text(tmp_path: Path) -> None:
    wrong = env(CLOCK_URL="http://$(CLOCK_HOST)", CLOCK_HOST="tower")
    said = problems_with(tmp_path / "wrong", wrong, "rabbitmq")
    assert "uses $(CLOCK_HOST) in CLOCK_URL before CLOCK_HOST is defined" in said
    right = env(CLOCK_HOST="tower", CLOCK_URL="http://$(CLOCK_HOST)/$$(none)")
    assert rendered_with(tmp_path / "right", right, "rabbitmq").objects


def test_an_image_without_a_table_may_have_any_variable(tmp_path: Path) -> None:
    assert rendered_with(tmp_path, env(ANYTHING="1"), "rabbitmq").objects


def test_a_table_for_an_image_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    shutil.copy(ASSETS / "images.lock.yaml", tmp_path)
    folder = tmp_path / "modules" / "clock"
    folder.mkdir(parents=True)
    (folder / "clock.yaml.j2").write_text(TEMPLATE.replace("IMAGE", "valkey"))
    (folder / "module.yaml").write_text(DESCRIPTION.replace("{image: valkey", "{image: envoy"))
    with pytest.raises(ModulesInvalid, match="variables: envoy is not listed under images"):
        catalogue(tmp_path)


def test_programs_that_ignore_what_they_do_not_know_have_a_table() -> None:
    """The platform's own programs: what they do not know they do not mention."""
    own = ("webauthn-server", "webauthn-example-service", "health-api", "etl-engine")
    tables = {table.image for module in catalogue() for table in module.file.variables}
    for module in catalogue():
        assert {name for name in module.images if name in own} <= tables, module.name
