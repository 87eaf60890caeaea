"""The rules as rendered, and the cases as promtool takes them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.answers.model import Answers
from installer.modules import ClusterFacts, Rendered, render
from tests.modules.conftest import one_volume
from tests.modules.promql import selectors

CASES: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8")
)

# With every part of the platform switched on that a rule is about.
EVERY_PART = {
    "observability": {"enabled": True},
    "health-services": {"enabled": True},
    "disaster-recovery": {"target": "volume"},
}


@dataclass(frozen=True)
class Alert:
    """One alerting rule as it stands in the rendered file."""

    file: str
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.body["alert"])

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of the rule, places for others' values included."""
        labels: Mapping[str, str] = self.body["labels"]
        return labels


def rendered_with(answers: Answers) -> Rendered:
    """What is rendered, claims sharing one volume."""
    return render(answers, one_volume(answers), ClusterFacts("oci-bv", "arm64"))


def rule_files(rendered: Rendered) -> dict[str, str]:
    """The rule files by name; none when the module is off."""
    return {
        name: text
        for entry in rendered.objects
        if entry.body["kind"] == "ConfigMap" and entry.body["metadata"]["name"] == "prometheus"
        for name, text in entry.body["data"].items()
        if name.endswith(".rules.yml")
    }


def alerts_in(files: Mapping[str, str]) -> list[Alert]:
    """All alerting rules of the files."""
    return [
        Alert(name, rule)
        for name, text in files.items()
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]


def rules_in(files: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """All rules of the files, those that record included."""
    return [
        rule
        for text in files.values()
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
    ]


def metrics_of_rules(files: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """The metrics that the rules read, and those of them that rules record themselves."""
    rules = rules_in(files)
    recorded = {rule["record"] for rule in rules if "record" in rule}
    asked = {one.metric for rule in rules for one in selectors(rule["expr"])}
    return asked, recorded & asked


def promtool(*words: str, folder: Path) -> str:
    """Runs promtool in a folder; what it printed. Asserts that it was content."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("the program promtool is not here: apt-get install prometheus")
    ended = subprocess.run(
        [program, *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def cases_of(alert: Alert) -> list[dict[str, Any]]:
    """The alert's cases as promtool takes them."""
    return [
        _test(alert, kind, case, case.get("is") if kind != "quiet" else None)
        for kind, case in CASES[alert.name].items()
    ]


def _test(
    alert: Alert, kind: str, case: Mapping[str, Any], expected: Mapping[str, str] | None
) -> dict[str, Any]:
    series = [{"series": name, "values": text} for name, text in case["given"].items()]
    firing = []
    if expected is not None:
        plain = {key: text for key, text in alert.labels.items() if "{{" not in text}
        labels = {**plain, **expected, "alertname": alert.name, "alertstate": "firing"}
        listed = ", ".join(f'{key}="{text}"' for key, text in sorted(labels.items()))
        firing = [{"labels": f"ALERTS{{{listed}}}", "value": 1}]
    return {
        "name": f"{alert.name} {kind}",
        "interval": "30s",
        "input_series": series,
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{alert.name}", alertstate="firing"}}',
                "eval_time": case["at"],
                "exp_samples": firing,
            }
        ],
    }
