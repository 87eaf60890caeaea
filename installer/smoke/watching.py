"""Whether metrics, log lines and traces arrive where people look for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from installer.smoke.talking import ask_json
from installer.smoke.trying import Check, Ended, Finding, Near, World
from installer.smoke.upload import basic

_NAMESPACE = "health-observability"
_DASHBOARDS = 4
_SECONDS = 120.0
_DAY = 86_400


def metrics_arrive(world: World) -> Iterator[Finding]:
    """Every target of Prometheus answers."""
    title = "Every source of metrics answers"

    def complaint() -> str:
        with world.reach(_NAMESPACE, "prometheus", 9090) as near:
            answer = ask_json(near, "GET", "/api/v1/targets?state=active")
        targets = answer.expect("the list of sources", 200).json()["data"]["activeTargets"]
        silent = sorted({_name(target) for target in targets if target["health"] != "up"})
        if not targets:
            return "there are no sources"
        return f"no metrics from {', '.join(silent)}" if silent else ""

    missing = world.eventually(complaint, _SECONDS)
    ended = Ended.BAD if missing else Ended.GOOD
    yield Finding(title, ended, missing or "all sources are up")


def _name(target: dict[str, Any]) -> str:
    labels = target.get("labels") or {}
    return str(labels.get("service") or labels.get("job") or "a source without a name")


def dashboards_are_there(world: World) -> Iterator[Finding]:
    """Grafana lets its administrator in and has its four dashboards."""
    if not world.option("observability", "grafana", True):
        return
    title = "Grafana has its dashboards"
    password = world.secret("health-observability", "grafana-secret", "admin-password")
    with world.reach(_NAMESPACE, "grafana", 3000) as near:
        answer = ask_json(near, "GET", "/api/search?type=dash-db", None, basic("admin", password))
        yield from _sources_answer(near, password)
    found = answer.expect("the list of dashboards", 200).json()
    if len(found) == _DASHBOARDS:
        yield Finding(title, Ended.GOOD, ", ".join(sorted(str(each["title"]) for each in found)))
    else:
        yield Finding(title, Ended.BAD, f"{len(found)} dashboards, expected {_DASHBOARDS}.")


def _sources_answer(near: Near, password: str) -> Iterator[Finding]:
    """Grafana's own test of each place it reads from."""
    login = basic("admin", password)
    listed = ask_json(near, "GET", "/api/datasources", None, login)
    for source in listed.expect("the list of data sources", 200).json():
        answer = ask_json(near, "GET", f"/api/datasources/uid/{source['uid']}/health", None, login)
        # Some kinds of source are asked by the browser alone; for them there is no such test.
        kinds = {200: Ended.GOOD, 404: Ended.NOT_TRIED}
        title = f"Grafana reaches {source['name']}"
        words = f"its test answers {answer.status}"
        yield Finding(title, kinds.get(answer.status, Ended.BAD), words)


def log_lines_arrive(world: World) -> Iterator[Finding]:
    """Loki has lines of every namespace of the platform that has pods."""
    if not world.option("observability", "logs", True):
        return
    title = "Log lines arrive"

    def complaint() -> str:
        query = urlencode({"start": f"{int(time.time()) - _DAY}000000000"})
        with world.reach(_NAMESPACE, "loki", 3100) as near:
            answer = ask_json(near, "GET", f"/loki/api/v1/label/namespace/values?{query}")
        found = set(answer.expect("the list of namespaces", 200).json().get("data") or ())
        missing = {health.namespace for health in world.health} - found
        return f"no lines from {', '.join(sorted(missing))}" if missing else ""

    missing = world.eventually(complaint, _SECONDS)
    ended = Ended.BAD if missing else Ended.GOOD
    yield Finding(title, ended, missing or "from every namespace")


def traces_arrive(world: World) -> Iterator[Finding]:
    """Jaeger knows the services that send spans; the upload and the login before this send some."""
    if not world.option("observability", "traces", True):
        return
    title = "Traces arrive"
    wanted = _who_sends_spans(world)

    def complaint() -> str:
        with world.reach("health-observability", "jaeger", 16686) as near:
            answer = ask_json(near, "GET", "/api/services")
        services = set(answer.expect("the list of services", 200).json().get("data") or ())
        return f"no spans of {', '.join(sorted(wanted - services))}" if wanted - services else ""

    missing = world.eventually(complaint, _SECONDS)
    ended = Ended.BAD if missing else Ended.GOOD
    yield Finding(title, ended, missing or f"spans of {', '.join(sorted(wanted))}")


def _who_sends_spans(world: World) -> set[str]:
    """By the names the modules give them. The processing engine sends none before it succeeds."""
    names = set()
    if world.has("health-services") and world.option("health-services", "api", True):
        names.add("health-api-service")
    if world.has("authentication") and world.option("authentication", "registration") == "open":
        names.add("webauthn-server")
    return names


METRICS = Check("Metrics arrive", ("observability",), metrics_arrive)
DASHBOARDS = Check("Dashboards", ("observability",), dashboards_are_there)
LOGS = Check("Log lines arrive", ("observability",), log_lines_arrive)
TRACES = Check("Traces arrive", ("observability",), traces_arrive)
