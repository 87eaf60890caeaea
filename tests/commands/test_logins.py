"""Where the passwords are: every login with its Secret and key, and never a value."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from installer.commands.conclusion import page_lines
from installer.commands.logins import login_lines
from installer.commands.sources import Case, model
from installer.conversation import Conclusion
from installer.engine.events import Ending
from installer.modules.logins import logins_of
from installer.modules.secret_values import make_secret
from installer.plan import Plan, make_plan
from installer.prompts.words import conclusion_lines
from screens.outcome import outcome_parts

ALWAYS = {"postgresql-health-secret", "postgresql-auth-secret", "minio-secret", "rabbitmq-secret"}


def plan_of(**given: Any) -> Plan:
    return make_plan(model().model_validate({"version": 1, **given}))


def case_of(*, rehearsal: bool = False) -> Case:
    return Case("health", rehearsal, None, None, "free", rehearsal, ())


def with_grafana(**given: Any) -> Plan:
    return plan_of(modules={"observability": {"enabled": True, "grafana": True, **given}})


@pytest.mark.parametrize(
    "plan",
    [plan_of(), plan_of(target="existing"), with_grafana(publish_grafana=True)],
    ids=["free", "existing", "published"],
)
def test_each_named_secret_and_key_is_in_the_plan_and_in_no_two_lines(plan: Plan) -> None:
    keys = {
        (spec.namespace, spec.name): {value.key for value in spec.values}
        for spec in plan.rendered.secrets
    }
    found = logins_of(plan.answers, plan.modules, plan.rendered.secrets)
    assert {login.secret for login in found} == ALWAYS | {"grafana-secret"}
    assert len(found) == len(ALWAYS) + 1
    for login in found:
        assert set(login.keys) <= keys[login.namespace, login.secret]


def test_a_user_s_name_is_told_unless_it_is_made_like_a_password() -> None:
    plan = with_grafana()
    found = logins_of(plan.answers, plan.modules, plan.rendered.secrets)
    assert {login.secret: login.user or login.user_key for login in found} == {
        "postgresql-health-secret": "postgres",
        "postgresql-auth-secret": "postgres",
        "minio-secret": "root-user",
        "rabbitmq-secret": "admin",
        "grafana-secret": "admin",
    }


@pytest.mark.parametrize("settings", [{"enabled": False}, {"grafana": False}])
def test_what_is_switched_off_has_no_line(settings: dict[str, bool]) -> None:
    lines = login_lines(case_of(), plan_of(modules={"observability": settings}))
    assert len(lines) == len(ALWAYS)
    assert "grafana" not in "".join(lines)


def test_both_last_pages_hold_every_line_and_no_value() -> None:
    plan = with_grafana()
    # A value of every Secret as it would be made, to be looked for in what is told.
    values: dict[tuple[str, str], dict[str, str]] = {}
    for spec in plan.rendered.secrets:
        made = make_secret(spec, lambda *name: values.get(name), lambda _path: None)
        values[spec.namespace, spec.name] = made
    lines = login_lines(case_of(), plan)
    end = Conclusion(Ending.DONE, 0, "Done.", logins=lines)
    told = "\n".join(conclusion_lines(end))
    shown = dict(outcome_parts(end))["Where passwords are"]
    assert shown == list(lines)
    assert all(line in told for line in lines)
    secret = {
        values[login.namespace, login.secret][key]
        for login in logins_of(plan.answers, plan.modules, plan.rendered.secrets)
        for key in login.keys
    }
    assert len(secret) == len(lines) + 1
    assert [value for value in secret if value in told] == []


def test_the_command_reaches_the_cluster_that_is_meant() -> None:
    home = str(case_of().home.kubeconfig)
    assert f"kubectl --kubeconfig {home} -n" in login_lines(case_of(), plan_of())[0]
    own = {"kubeconfig": "/a b/config", "context": "mine"}
    existing = plan_of(target="existing", cluster=own)
    expected = "kubectl --kubeconfig '/a b/config' --context mine -n health-data"
    assert expected in login_lines(case_of(), existing)[0]
    rehearsed = login_lines(case_of(rehearsal=True), plan_of())[0]
    assert "in a real installation this prints it: kubectl -n health-data" in rehearsed


def test_pages_without_a_public_name_are_opened_by_a_tunnel_each() -> None:
    plan, published = with_grafana(), with_grafana(publish_grafana=True)
    for shown, ours in ((plan, {"grafana"}), (published, set[str]())):
        lines = page_lines(case_of(), shown)
        opened = {line.rpartition("service/")[2].split()[0] for line in lines}
        assert opened == {"prometheus", "alertmanager", "jaeger", "rabbitmq"} | ours
    services = {
        (body["metadata"]["namespace"], body["metadata"]["name"], str(port["port"]))
        for body in (entry.body for entry in plan.rendered.objects)
        if body["kind"] == "Service"
        for port in body["spec"]["ports"]
    }
    for line in page_lines(case_of(), plan):
        words = line.partition(" -n ")[2].split()
        assert (words[0], words[2].removeprefix("service/"), words[3]) in services
        assert f"http://127.0.0.1:{words[3]} " in line
    assert page_lines(case_of(rehearsal=True), plan) == ()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
def test_kubectl_understands_the_command_and_prints_the_values(tmp_path: Path) -> None:
    plan = plan_of(target="existing")
    line = next(one for one in login_lines(case_of(), plan) if "minio-secret" in one)
    words = shlex.split(line.partition("prints them: ")[2])
    template = words[-1].removeprefix("go-template=")
    kept = {"root-user": "who", "root-password": "what"}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in kept.items()}
    secret = tmp_path / "secret.json"
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": data}
    secret.write_text(json.dumps(body))
    # kubectl fills a template in without any cluster when it is given the object.
    asked = [words[0], "label", "--local", "-f", str(secret), "a=b", f"-o=go-template={template}"]
    ended = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert ended.stdout == "who what\n"
