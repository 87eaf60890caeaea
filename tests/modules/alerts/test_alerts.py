"""What must be true of every alert, and each one tried with promtool."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.modules.alerts.rules import (
    CASES,
    EVERY_PART,
    Alert,
    alerts_in,
    cases_of,
    metrics_of_rules,
    promtool,
    rendered_with,
    rule_files,
    rules_in,
)
from tests.modules.conftest import Choose
from tests.modules.exported import asked_in_vain

FILES = (
    "backup.rules.yml",
    "broker.rules.yml",
    "caches.rules.yml",
    "entrance.rules.yml",
    "etl.rules.yml",
    "health-api.rules.yml",
    "kubernetes.rules.yml",
    "login.rules.yml",
    "objectstore.rules.yml",
    "postgresql.rules.yml",
    "views.rules.yml",
    "watching.rules.yml",
)


@pytest.fixture
def files(choose: Choose) -> dict[str, str]:
    """The rule files with every part switched on."""
    return rule_files(rendered_with(choose(modules=EVERY_PART)))


@pytest.fixture
def alerts(files: dict[str, str]) -> list[Alert]:
    return alerts_in(files)


@pytest.fixture
def folder(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def try_cases(folder: Path, name: str, cases: list[dict[str, Any]]) -> None:
    """Has promtool try cases on one file of rules."""
    whole = {"rule_files": [name], "evaluation_interval": "30s", "tests": cases}
    (folder / "tests.yml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    promtool("test", "rules", "tests.yml", folder=folder)


def test_there_are_well_over_25_alerts_and_each_has_cases(
    files: dict[str, str], alerts: list[Alert]
) -> None:
    assert tuple(sorted(files)) == FILES
    names = [alert.name for alert in alerts]
    assert len(names) == len(set(names)) >= 45
    assert set(names) == set(CASES)
    for name, cases in CASES.items():
        assert "fires" in cases, name
        assert "quiet" in cases or name == "Watchdog", name


def test_promtool_accepts_every_rule(folder: Path, files: dict[str, str]) -> None:
    promtool("check", "rules", *files, folder=folder)


@pytest.mark.parametrize("name", FILES)
def test_every_alert_fires_when_it_should_and_keeps_quiet_when_not(
    folder: Path, alerts: list[Alert], name: str
) -> None:
    # A file at a time, since promtool evaluates every rule it is given for every case.
    try_cases(folder, name, [case for one in alerts if one.file == name for case in cases_of(one)])


def test_an_alert_that_does_not_fire_would_be_noticed(
    folder: Path, files: dict[str, str], alerts: list[Alert]
) -> None:
    """The judge judged: with the thresholds out of reach the same cases must not pass."""
    name = "watching.rules.yml"
    spoilt = files[name].replace("up == 0", "up == 2")
    assert spoilt != files[name]
    (folder / name).write_text(spoilt, encoding="utf-8")
    down = next(alert for alert in alerts if alert.name == "TargetDown")
    with pytest.raises(AssertionError, match="TargetDown"):
        try_cases(folder, name, cases_of(down))


def test_every_alert_says_what_happened_and_what_to_do(alerts: list[Alert]) -> None:
    for alert in alerts:
        notes: dict[str, str] = alert.body["annotations"]
        assert notes.keys() == {"summary", "action"}, alert.name
        assert all(text.rstrip().endswith(".") for text in notes.values()), alert.name
        assert alert.labels["severity"] in ("critical", "warning", "info", "none"), alert.name
        assert alert.labels["part"], alert.name


def test_alerts_name_only_labels_they_have(alerts: list[Alert]) -> None:
    for alert in alerts:
        texts = (*alert.body["annotations"].values(), *alert.labels.values())
        used = {name for text in texts for name in re.findall(r"\$labels\.(\w+)", text)}
        for case in (case for kind, case in CASES[alert.name].items() if kind != "quiet"):
            had: dict[str, Any] = case["is"]
            missing = used - had.keys()
            # One that fires for want of a series knows only what was asked for.
            assert missing <= {"instance"} or not case["given"], (alert.name, missing)


def test_alerts_of_parts_that_are_off_are_not_there(choose: Choose) -> None:
    off = {"grafana": False, "logs": False, "traces": False}
    answers = choose(
        modules={
            "observability": {"enabled": True, **off},
            "infrastructure": {"exporters": False},
            "authentication": {"enabled": False},
            "health-services": {"enabled": False},
            "edge": {"enabled": False},
        }
    )
    assert rule_files(rendered_with(answers)).keys() == {
        "broker.rules.yml",
        "kubernetes.rules.yml",
        "objectstore.rules.yml",
        "watching.rules.yml",
    }


def test_a_short_lived_certificate_is_not_called_late_before_it_is_renewed(choose: Choose) -> None:
    brief = choose(modules={**EVERY_PART, "edge": {"certificate_days": 6}})
    texts = [rule_files(rendered_with(answers)) for answers in (choose(modules=EVERY_PART), brief)]
    limits = [re.findall(r"/ 86400 < (.+)", files["entrance.rules.yml"]) for files in texts]
    assert limits == [["7", "2"], ["1.5", "0.5"]]


def test_rules_ask_only_for_metrics_and_labels_that_exist(files: dict[str, str]) -> None:
    asked, recorded = metrics_of_rules(files)
    assert len(asked) >= 50
    for rule in rules_in(files):
        assert asked_in_vain(rule["expr"], recorded) == [], rule
