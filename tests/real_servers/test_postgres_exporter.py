"""The exporter of both databases on its rendered arguments and passwords, where somebody has built
it; the packages have only one that is too old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from tests.modules.exported import METRICS
from tests.real_servers import programs
from tests.real_servers.mapping import LOOPBACK, stand_in_ports
from tests.real_servers.postgresql import EXPORTER, Database
from tests.real_servers.processes import Site, until
from tests.real_servers.servers import Server, page, running

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

HINT = "health-install/scrape-param-"
# Name, labels and value.
SERIES = re.compile(r"(?m)^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

HEALTH = "healthdb"
Series = list[tuple[str, dict[str, str], float]]


@pytest.fixture(scope="module")
def exporter(site: Site) -> Iterator[Server]:
    pod = site.cluster.pod("Deployment", "postgres-exporter")
    container = pod.container("exporter")
    ports = stand_in_ports(container.ports.values())
    process = site.prepare(pod, container.name, programs.postgres_exporter(), ports)
    with running(Server(site.cluster, pod, container, process)) as server:
        yield server


def question(database: Database, module: str = "") -> str:
    """What Prometheus asks for of this database, by the hints of its Service."""
    name = database.server.pod.name
    service = database.site.cluster.body("Service", f"{name}-metrics")
    hints: dict[str, str] = service["metadata"]["annotations"]
    target = hints[f"{HINT}target"].replace(f"{name}:5432", f"{LOOPBACK}:{database.port}")
    query = {"target": target, "auth_module": module or hints[f"{HINT}auth-module"]}
    return f"{hints['health-install/scrape-path']}?{urlencode(query)}"


def figures(exporter: Server, database: Database, module: str = "") -> Series:
    """What is exported of one database."""
    text = page(exporter.port("metrics"), question(database, module))
    return [
        (name, dict(LABEL.findall(labels)), float(value))
        for name, labels, value in SERIES.findall(text)
    ]


def values(found: Series, name: str, **labels: str) -> list[float]:
    return [
        value
        for metric, given, value in found
        if metric == name and labels.items() <= given.items()
    ]


def looked_up() -> set[str]:
    """The exporter's figures that rules and dashboards use."""
    return {name for name in METRICS if name.startswith("pg_")}


def test_of_both_databases_there_is_every_figure_that_is_looked_at(
    exporter: Server, health_database: Database, auth_database: Database
) -> None:
    assert len(looked_up()) >= 5
    for database in (health_database, auth_database):
        found = figures(exporter, database)
        assert values(found, "pg_up") == [1.0]
        assert looked_up() <= {name for name, _, _ in found}
        for name, labels, _ in found:
            assert set(METRICS.get(name, {"labels": ()})["labels"]) <= labels.keys(), name


def test_it_complains_of_nothing_and_keeps_no_connection(
    exporter: Server, health_database: Database
) -> None:
    before = exporter.process.told()
    for _ in range(12):
        assert values(figures(exporter, health_database), "pg_up") == [1.0]
    held = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{EXPORTER}'"
    assert until(lambda: health_database.administrator("postgres", held) == ("0",), 10)
    assert exporter.process.told() == before


def test_a_password_that_is_wrong_and_a_server_that_is_away_are_told_as_down(
    exporter: Server, health_database: Database
) -> None:
    assert values(figures(exporter, health_database, "auth"), "pg_up") == [0.0]
    ((_, nobody),) = stand_in_ports([5432])
    query = urlencode({"target": f"{LOOPBACK}:{nobody}/postgres", "auth_module": "health"})
    assert "\npg_up 0\n" in page(exporter.port("metrics"), f"/probe?{query}")


def test_a_transaction_left_open_by_the_application_is_seen(
    exporter: Server, health_database: Database
) -> None:
    name = "pg_stat_activity_max_tx_duration"
    idle = {"state": "idle in transaction", "datname": HEALTH}
    with ThreadPoolExecutor() as beside:
        left_open = beside.submit(
            health_database.application, HEALTH, "BEGIN", "SELECT 1", r"\! sleep 5"
        )
        seen = until(
            lambda: max(values(figures(exporter, health_database), name, **idle), default=0) > 1, 5
        )
        assert not left_open.result().refused
    assert seen
