"""kube-state-metrics on its rendered arguments and with the rights of its account.

Asked for all that rules and dashboards look at; where somebody has built it: no package has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.control_plane.platform_inside import Inside
from tests.modules.alerts.rules import rule_files, rules_in
from tests.modules.exported import METRICS
from tests.modules.observed import observed, queries
from tests.modules.promql import Comparison, comparisons
from tests.real_servers import programs
from tests.real_servers.processes import until
from tests.real_servers.servers import Server, page, running

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

HERE, NAME = "health-observability", "kube-state-metrics"
DATA = "/apis/batch/v1/namespaces/health-data"
MACHINE = "machine-of-nobody"
SERIES = re.compile(r"(?m)^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Series = list[tuple[str, dict[str, str]]]


def _machine(inside: Inside) -> None:
    """A machine on which nothing may be placed, since nobody would start it there."""
    metadata = {"name": MACHINE}
    inside.wire.ask(
        "POST", "/api/v1/nodes", {"metadata": metadata, "spec": {"unschedulable": True}}
    )
    room = {"cpu": "4", "memory": "24Gi", "pods": "110", "ephemeral-storage": "40Gi"}
    states = [("Ready", "True")]
    states += [(f"{what}Pressure", "False") for what in ("Memory", "Disk", "PID")]
    inside.happened(
        f"/api/v1/nodes/{MACHINE}",
        {
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": kind, "status": status} for kind, status in states],
        },
    )


def _trouble(inside: Inside) -> None:
    """A pod that was killed for its memory and now lacks its images."""
    pod = inside.pod_of("health-api", "health-api")
    ended = {"exitCode": 137, "reason": "OOMKilled"}
    inits, containers = (
        [
            {
                **{key: one[key] for key in ("name", "image")},
                "imageID": "",
                "ready": False,
                "restartCount": 4,
                "state": {"waiting": {"reason": reason}},
                "lastState": {"terminated": ended},
            }
            for one in pod["spec"][field]
        ]
        for field, reason in (
            ("initContainers", "CreateContainerConfigError"),
            ("containers", "ImagePullBackOff"),
        )
    )
    inside.happened(
        f"/api/v1/namespaces/health-api/pods/{pod['metadata']['name']}",
        {"initContainerStatuses": inits, "containerStatuses": containers},
    )


def _backups(inside: Inside) -> None:
    """Both regular jobs have once succeeded and once failed, and so has a job of another name."""
    for name in ("backup", "restore-drill"):
        cron = inside.wire.ask("GET", f"{DATA}/cronjobs/{name}")
        spec = {**cron["spec"]["jobTemplate"]["spec"], "activeDeadlineSeconds": 1}
        for failed in (f"{name}-29000000", f"like-{name}"):
            inside.wire.ask("POST", f"{DATA}/jobs", {"metadata": {"name": failed}, "spec": spec})
        inside.happened(f"{DATA}/cronjobs/{name}", {"lastSuccessfulTime": "2026-01-01T00:00:00Z"})


@pytest.fixture(scope="module")
def eventful(request: pytest.FixtureRequest) -> Inside:
    """The platform after something of each kind has happened that a rule is about."""
    # Without the program there is no need of a control plane.
    programs.kube_state_metrics()
    inside: Inside = request.getfixturevalue("inside")
    _machine(inside)
    _trouble(inside)
    _backups(inside)
    return inside


@pytest.fixture(scope="module")
def server(eventful: Inside) -> Iterator[Server]:
    login = eventful.login(HERE, NAME)
    with running(eventful.program(NAME, programs.kube_state_metrics(), login)) as started:
        started.wait_until_ready()
        yield started


def series(server: Server) -> Series:
    """What is exported now."""
    found = SERIES.findall(page(server.port("http"), "/metrics"))
    return [(name, dict(LABEL.findall(labels))) for name, labels, _ in found]


def _means(asked: tuple[str, tuple[Comparison, ...]], one: tuple[str, dict[str, str]]) -> bool:
    (metric, wanted), (name, labels) = asked, one
    return metric == name and all(each.holds(labels.get(each.label, "")) for each in wanted)


def asked_of_it(inside: Inside) -> set[tuple[str, tuple[Comparison, ...]]]:
    """Everything of it that rules and dashboards select."""
    rules: list[Any] = rules_in(rule_files(inside.plan.rendered))
    texts = [str(rule["expr"]) for rule in rules]
    texts += [query for _, query in queries(observed())]
    return {one for text in texts for one in comparisons(text) if one[0].startswith("kube_")}


def test_each_selection_of_a_rule_or_a_dashboard_finds_a_series(
    eventful: Inside, server: Server
) -> None:
    asked = asked_of_it(eventful)
    assert len(asked) > 30

    def missed() -> list[Any]:
        found = series(server)
        return [one for one in asked if not any(_means(one, each) for each in found)]

    assert until(lambda: missed() == [], 60, every=1), missed()
    given = series(server)
    for name, row in METRICS.items():
        if row["job"] == NAME:
            labels = set[str]().union(*(labels for metric, labels in given if metric == name))
            assert labels >= set(row["labels"]), name


def kinds(server: Server) -> set[str]:
    """What its series are about, as its argument names them."""
    return {f"{name.split('_')[1]}s" for name, _ in series(server) if name.startswith("kube_")}


def test_it_sees_the_listed_kinds_in_our_namespaces_and_nothing_else(
    eventful: Inside, server: Server
) -> None:
    (listed,) = (word for word in server.container.words if word.startswith("--resources="))
    assert until(lambda: kinds(server) == set(listed.partition("=")[2].split(",")), 20)
    ours = {body["metadata"]["name"] for body in eventful.bodies("Namespace")}
    assert {labels.get("namespace", "") for _, labels in series(server)} == ours | {""}


def test_its_account_is_refused_nothing(server: Server) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server.passes(probe), server.process.trouble(probe)
    assert "forbidden" not in server.process.told()


def test_with_the_rights_of_another_account_it_would_say_so(eventful: Inside) -> None:
    login = eventful.login(HERE, "alertmanager")
    other = eventful.program(NAME, programs.kube_state_metrics(), login)
    with running(other):
        assert until(lambda: "forbidden" in other.process.told(), 30)
        assert not [name for name, _ in series(other) if name.startswith("kube_pod_")]
