"""Metrics, dashboards, logs and traces, against stand-ins that go wrong one at a time."""

from __future__ import annotations

from typing import Any

import pytest

from installer.smoke.trying import Ended, Finding, Health, try_everything
from installer.smoke.watching import DASHBOARDS, LOGS, METRICS, TRACES
from tests.smoke.stage import Asked, Reply, Stage

SPACE = "health-observability"
ALL = (METRICS, DASHBOARDS, LOGS, TRACES)


class Watchers:
    """Prometheus, Grafana, Loki and Jaeger as far as they are asked."""

    def __init__(self) -> None:
        self.stage = Stage(secrets={f"{SPACE}/grafana-secret/admin-password": "hush"})
        self.targets: list[dict[str, Any]] = [
            {"labels": {"service": "rabbitmq"}, "health": "up"},
            {"labels": {"job": "kubelet"}, "health": "up"},
        ]
        self.dashboards = [{"title": f"Dashboard {number}"} for number in range(4)]
        self.namespaces = ["health-data", "health-api"]
        self.source = 200
        self.services = ["jaeger", "health-api-service", "webauthn-server"]
        for service, port, answering in (
            ("prometheus", 9090, self.prometheus),
            ("grafana", 3000, self.grafana),
            ("loki", 3100, self.loki),
            ("jaeger", 16686, self.jaeger),
        ):
            self.stage.serve(SPACE, service, port, answering)

    def prometheus(self, asked: Asked) -> Reply:
        assert asked.path == "/api/v1/targets?state=active"
        return 200, {"data": {"activeTargets": self.targets}}

    def grafana(self, asked: Asked) -> Reply:
        # admin:hush
        assert asked.headers["authorization"] == "Basic YWRtaW46aHVzaA=="
        if asked.path == "/api/datasources":
            return 200, [{"uid": "loki", "name": "Loki"}]
        if asked.path == "/api/datasources/uid/loki/health":
            return self.source, {}
        assert asked.path == "/api/search?type=dash-db"
        return 200, self.dashboards

    def loki(self, asked: Asked) -> Reply:
        assert asked.path.startswith("/loki/api/v1/label/namespace/values?start=")
        return 200, {"data": self.namespaces}

    def jaeger(self, _asked: Asked) -> Reply:
        return 200, {"data": self.services}

    def findings(self, **options: object) -> dict[str, Finding]:
        health = tuple(Health(name, name, "service", 80) for name in ("health-data", "health-api"))
        chosen: dict[str, dict[str, object]] = {
            "observability": options,
            "health-services": {},
            "authentication": {"registration": "open"},
        }
        world = self.stage.world(options=chosen, health=health)
        return {each.title: each for each in try_everything(ALL, world)}


def test_where_all_is_well_everything_is_good() -> None:
    found = Watchers().findings()
    assert {each.ended for each in found.values()} == {Ended.GOOD}, found
    assert len(found) == 5


@pytest.mark.parametrize(
    ("attribute", "value", "title", "words"),
    [
        ("targets", [], "Every source of metrics answers", "there are no sources"),
        (
            "targets",
            [{"labels": {"service": "rabbitmq"}, "health": "down"}],
            "Every source of metrics answers",
            "no metrics from rabbitmq",
        ),
        ("dashboards", [{"title": "One"}], "Grafana has its dashboards", "1 dashboards"),
        ("namespaces", ["health-data"], "Log lines arrive", "no lines from health-api"),
        ("services", ["jaeger"], "Traces arrive", "no spans of health-api-service"),
        ("services", ["health-api-service"], "Traces arrive", "no spans of webauthn-server"),
        ("source", 400, "Grafana reaches Loki", "answers 400"),
    ],
)
def test_what_is_missing_is_named(attribute: str, value: object, title: str, words: str) -> None:
    watchers = Watchers()
    setattr(watchers, attribute, value)
    found = watchers.findings()[title]
    assert found.ended is Ended.BAD
    assert words in found.words


def test_what_comes_late_is_waited_for() -> None:
    watchers = Watchers()
    watchers.targets[0]["health"] = "unknown"
    pauses = watchers.stage.pauses

    class Patience(list[float]):
        def append(self, seconds: float) -> None:
            super().append(seconds)
            if len(self) == 3:
                watchers.targets[0]["health"] = "up"

    watchers.stage.pauses = Patience(pauses)
    assert watchers.findings()["Every source of metrics answers"].ended is Ended.GOOD
    assert len(watchers.stage.pauses) == 3


def test_parts_that_are_switched_off_are_not_asked() -> None:
    found = Watchers().findings(grafana=False, logs=False, traces=False)
    assert set(found) == {"Every source of metrics answers"}
