"""Four dashboards: every query is PromQL, asks for what is exported, and has an answer."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.modules import ClusterFacts
from tests.modules.alerts.rules import EVERY_PART, metrics_of_rules, rendered_with, rule_files
from tests.modules.conftest import Choose
from tests.modules.exported import METRICS, asked_in_vain
from tests.modules.observed import (
    BILLED,
    FREE,
    OWN,
    dashboards,
    file_of,
    observed,
    panel,
    queries,
    settings_of,
)
from tests.modules.promql import Selector, grouped_by, selectors

BOTH = pytest.mark.parametrize("facts", [BILLED, OWN], ids=["billed", "own"])
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is in Debian's package prometheus"
)

# A world of one machine, with what Prometheus adds to each series; a value every minute.
SERIES = (Path(__file__).parent / "dashboard_world.txt").read_text()


def expected(query: str, *samples: tuple[str, float]) -> dict[str, Any]:
    """What a query answers in the world above after an hour."""
    return {
        "expr": query,
        "eval_time": "1h",
        "exp_samples": [{"labels": labels, "value": value} for labels, value in samples],
    }


def promtool(tmp_path: Path, checks: list[dict[str, Any]], series: str = SERIES) -> str:
    """What promtool finds wrong with the answers; empty when nothing is."""
    pairs = [line.rpartition(" ")[::2] for line in series.strip().splitlines()]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in pairs],
        "promql_expr_test": checks,
    }
    path = tmp_path / "world.yml"
    path.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def only_query(title: str, uid: str, facts: ClusterFacts = BILLED) -> str:
    """The one query of a panel."""
    targets = panel(observed(facts), uid, title)["targets"]
    assert len(targets) == 1
    query: str = targets[0]["expr"]
    return query


@BOTH
def test_there_are_exactly_the_four_dashboards(facts: ClusterFacts) -> None:
    found = {uid: len(one["panels"]) for uid, one in dashboards(observed(facts)).items()}
    assert found == {
        "k8s-cluster-overview": 9,
        "health-api-perf": 6,
        "infra-health": 8,
        "cost-monitoring": 8,
    }


@needs_promtool
@BOTH
def test_promtool_reads_every_query(facts: ClusterFacts, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query}
        for number, (_, query) in enumerate(queries(observed(facts)))
    ]
    assert len(rules) >= 33
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@BOTH
def test_queries_ask_only_for_metrics_and_labels_that_exist(facts: ClusterFacts) -> None:
    for where, query in queries(observed(facts)):
        assert selectors(query), where
        assert asked_in_vain(query) == [], where


def test_every_metric_of_the_table_has_a_source_and_is_used(choose: Choose) -> None:
    shown = {
        one.metric
        for facts in (BILLED, OWN)
        for _, query in queries(observed(facts))
        for one in selectors(query)
    }
    asked, recorded = metrics_of_rules(rule_files(rendered_with(choose(modules=EVERY_PART))))
    assert shown | (asked - recorded) == METRICS.keys()
    assert all(entry["source"] and entry["job"] for entry in METRICS.values())


def test_prometheus_keeps_what_the_dashboards_ask_for() -> None:
    jobs = settings_of(observed(), "prometheus", "prometheus.yml")["scrape_configs"]
    rules = {job["job_name"]: job.get("metric_relabel_configs") for job in jobs}
    for name, entry in METRICS.items():
        if entry["job"] in ("cadvisor", "kubelet"):
            keeps = [
                rule["regex"]
                for rule in rules[entry["job"]]
                if rule.get("source_labels") == ["__name__"] and rule["action"] == "keep"
            ]
            assert keeps, entry["job"]
            assert all(re.fullmatch(regex, name) for regex in keeps), name


@needs_promtool
@BOTH
def test_every_query_answers_in_a_world_of_such_series(facts: ClusterFacts, tmp_path: Path) -> None:
    asked = list(queries(observed(facts)))
    # Not even one answer is what promtool is told to expect, so each that has one is told about.
    trouble = promtool(tmp_path, [expected(query) for _, query in asked])
    silent = [where for where, query in asked if _quoted(query) not in trouble]
    assert silent == []


def _quoted(query: str) -> str:
    return '"' + query.replace("\\", "\\\\").replace('"', '\\"') + '"'


@needs_promtool
def test_the_cost_panels_count_what_is_asked_for_against_what_is_free(tmp_path: Path) -> None:
    # 1.5 processors of 2100 / 700 = 3; the job that is over does not count.
    # 10 GiB of 14000 / 700 = 20; volumes of 50 and of 1, billed as 40, and a boot volume of 60.
    uid = "cost-monitoring"
    month = (4 * 700 - 2100) * 0.02 + (23 * 700 - 14000) * 0.003
    checks = [
        expected(only_query("CPU asked for", uid), ("{}", 0.5)),
        expected(only_query("Memory asked for", uid), ("{}", 0.5)),
        expected(only_query("Space billed", uid), ("{}", 150 / 300)),
        expected(only_query("Estimated cost of a month", uid), ("{}", month)),
    ]
    assert promtool(tmp_path, checks) == ""
    checks[0]["exp_samples"][0]["value"] = 0.6
    assert "exp: {} 6E-01" in promtool(tmp_path, checks)


@needs_promtool
def test_a_cluster_that_is_within_what_is_free_costs_nothing(tmp_path: Path) -> None:
    small = SERIES.replace('resource="cpu"} 4x90', 'resource="cpu"} 3x90').replace(
        'resource="memory"} 24696061952x90', 'resource="memory"} 20696061952x90'
    )
    query = only_query("Estimated cost of a month", "cost-monitoring")
    assert promtool(tmp_path, [expected(query, ("{}", 0.0))], small) == ""


@needs_promtool
def test_the_other_panels_say_what_the_series_say(tmp_path: Path) -> None:
    infra, api, cluster = "infra-health", "health-api-perf", "k8s-cluster-overview"
    checks = [
        expected(
            only_query("PostgreSQL", infra),
            ('{job="postgresql-health"}', 1),
            ('{job="postgresql-auth"}', 0),
        ),
        expected(
            only_query("Caches", infra), ('{job="redis-health"}', 1), ('{job="redis-auth"}', 0)
        ),
        expected(only_query("Message broker", infra), ("{}", 1)),
        # It is not even a target any more once its pod is gone.
        expected(only_query("Object store", infra), ("{}", 0)),
        expected(only_query("Memory of the caches", infra), ('{job="redis-health"}', 0.25)),
        expected(only_query("Share of failures", api), ("{}", 0.1)),
        expected(only_query("Memory by pod", api), ('{pod="health-api-1"}', 1000)),
        expected(only_query("CPU by pod", api), ('{pod="health-api-1"}', 0.1)),
        expected(only_query("CPU use of nodes", cluster), ('{node="a"}', 0.5)),
        expected(only_query("Memory use of nodes", cluster), ('{node="a"}', 0.25)),
        expected(only_query("Firing alerts", cluster), ("{}", 1)),
        expected(only_query("Failed pods", cluster), ("{}", 0)),
    ]
    assert promtool(tmp_path, checks) == ""


def colour_at(shown: Any, value: float) -> str:
    """The colour a panel takes: the last step whose value is not above."""
    steps = shown["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps[0]["value"] is None
    numbers = [step["value"] for step in steps[1:]]
    assert numbers == sorted(numbers)
    colour: str = steps[0]["color"]
    for step in steps[1:]:
        if value >= step["value"]:
            colour = step["color"]
    return colour


@pytest.mark.parametrize(
    ("uid", "title", "unit", "colours"),
    [
        ("cost-monitoring", "CPU asked for", "percentunit",
         {0.74: "green", 0.75: "yellow", 0.9: "orange", 1.0: "orange", 1.01: "red"}),
        ("cost-monitoring", "Memory asked for", "percentunit", {0.5: "green", 1.01: "red"}),
        ("cost-monitoring", "Space billed", "percentunit", {0.5: "green", 1.01: "red"}),
        ("cost-monitoring", "Estimated cost of a month", "currencyUSD", {0: "green", 0.01: "red"}),
        ("health-api-perf", "Response time", "s", {0.4: "green", 0.5: "yellow", 1: "red"}),
        ("health-api-perf", "Pods that answer", "none", {0: "red", 1: "green"}),
        ("k8s-cluster-overview", "Failed pods", "none", {0: "green", 1: "red"}),
        ("k8s-cluster-overview", "Firing alerts", "none", {0: "green", 1: "red"}),
        ("infra-health", "PostgreSQL", "none", {0: "red", 1: "green"}),
        ("infra-health", "Object store", "none", {0: "red", 1: "green"}),
    ],
)  # fmt: skip
def test_colours_change_at_values_in_the_unit_that_is_shown(
    uid: str, title: str, unit: str, colours: dict[float, str]
) -> None:
    shown = panel(observed(), uid, title)
    assert shown["fieldConfig"]["defaults"]["unit"] == unit
    assert {value: colour_at(shown, value) for value in colours} == colours


def test_what_is_free_is_written_nowhere_but_in_the_facts() -> None:
    text = file_of(observed(), "grafana-dashboards", "cost.json")
    assert FREE.title in text
    for number in (FREE.ocpu_hours, FREE.memory_gb_hours, FREE.volume_gb, FREE.boot_volume_gb):
        assert str(number) in text
    own = file_of(observed(OWN), "grafana-dashboards", "cost.json")
    assert "free" not in own
    assert "USD" not in own
    assert "Nothing is known of what this cluster costs." in own


def test_an_unknown_price_gives_no_sum() -> None:
    unknown = ClusterFacts(allowance=replace(FREE, volume_gb_month_usd=""))
    text = file_of(observed(unknown), "grafana-dashboards", "cost.json")
    assert "Nothing is known of what this cluster costs." in text
    assert "Space billed" in text


@BOTH
def test_panels_have_numbers_of_their_own_and_do_not_lie_on_each_other(
    facts: ClusterFacts,
) -> None:
    for uid, dashboard in dashboards(observed(facts)).items():
        ids = [one["id"] for one in dashboard["panels"]]
        assert len(ids) == len(set(ids)), uid
        cells = [
            (x, y)
            for one in dashboard["panels"]
            for place in (one["gridPos"],)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(cells) == len(set(cells)), uid
        assert max(x for x, _ in cells) < 24, uid


def test_all_dashboards_together_fit_in_one_configmap() -> None:
    data = file_of(observed(), "grafana-dashboards", "cluster.json")
    whole = sum(len(str(one)) for one in dashboards(observed()).values())
    assert len(data) > 1000
    assert whole < 2**20 / 2


def test_the_reader_of_queries_knows_metrics_from_the_rest() -> None:
    query = (
        'sum by (a) (rate(b_total{c=~"d_total",e!="f"}[5m])) / on (g) group_left (h) '
        "max(i) or vector(0) and clamp_min(j / 1073741824, 2)"
    )
    assert selectors(query) == (
        Selector("b_total", ("c", "e")),
        Selector("i", ()),
        Selector("j", ()),
    )
    assert grouped_by(query) == {"a", "g", "h"}
