"""The exporter of both caches on its rendered arguments and passwords: Debian's, an older one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.modules.exported import METRICS
from tests.real_servers import programs
from tests.real_servers.mapping import LOOPBACK, stand_in_ports
from tests.real_servers.processes import Site
from tests.real_servers.servers import Server, page, running

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]


@pytest.fixture(scope="module")
def exporter(site: Site, health_cache: Server, auth_cache: Server) -> Iterator[Server]:
    """The exporter, which finds the two caches at their places on this machine."""
    pod = site.cluster.pod("Deployment", "redis-exporter")
    container = pod.container("exporter")
    ports = stand_in_ports(container.ports.values())
    process = site.prepare(pod, container.name, programs.redis_exporter(), ports)
    passwords = process.mapping.path("/run/secrets/exporter/passwords.json")
    text = passwords.read_text(encoding="utf-8")
    for name, cache in (("redis-health", health_cache), ("redis-auth", auth_cache)):
        text = text.replace(f"//{name}:6379", f"//{LOOPBACK}:{cache.port('redis')}")
    passwords.write_text(text, encoding="utf-8")
    with running(Server(site.cluster, pod, container, process)) as server:
        yield server


def figures(exporter: Server, target: str) -> dict[str, float]:
    """What is exported of one cache, as Prometheus asks for it: the figures without labels."""
    text = page(exporter.port("metrics"), f"/scrape?target={quote(target, safe='')}")
    return {name: float(value) for name, value in re.findall(r"(?m)^(\w+) (\S+)$", text)}


def looked_up() -> set[str]:
    """The exporter's figures that rules and dashboards use."""
    return {name for name in METRICS if name.startswith("redis_")}


def test_both_caches_are_asked_with_their_own_passwords(
    exporter: Server, health_cache: Server, auth_cache: Server
) -> None:
    assert looked_up()
    for server in (health_cache, auth_cache):
        found = figures(exporter, f"redis://{LOOPBACK}:{server.port('redis')}")
        assert found["redis_up"] == 1.0
        assert found["redis_memory_max_bytes"] == 64 * 2**20
        assert looked_up() <= found.keys()


def test_a_cache_whose_password_is_not_known_is_told_as_down(
    exporter: Server, health_cache: Server
) -> None:
    assert figures(exporter, f"redis://localhost:{health_cache.port('redis')}")["redis_up"] == 0.0
