"""Loki on the rendered configuration, where somebody has built it; no package has it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.modules import catalogue
from tests.real_servers import programs
from tests.real_servers.extracting import cluster_of
from tests.real_servers.mapping import LOOPBACK, stand_in_ports
from tests.real_servers.processes import Site, until
from tests.real_servers.servers import Server, page, running

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

DAY = 24 * 3600
# What a test cannot wait for, and what would refuse a line that is too old from the start.
SHORTENED = {
    "compaction_interval: 10m": "compaction_interval: 2s",
    "retention_delete_delay: 2h": "retention_delete_delay: 1s",
    "reject_old_samples: true": "reject_old_samples: false",
}


def loki(folder: Path) -> Server:
    """Loki, laid out and not yet started."""
    others = {
        module.name: {"enabled": False}
        for module in catalogue()
        if module.name not in ("infrastructure", "observability")
    }
    chosen = {"enabled": True, "grafana": False, "traces": False, "logs_days": 7}
    cluster = cluster_of(catalogue(), {"modules": {**others, "observability": chosen}})
    pod = cluster.pod("StatefulSet", "loki")
    image = programs.loki()
    process = Site(cluster, folder).prepare(pod, "loki", image, stand_in_ports([3100, 9095]))
    return Server(cluster, pod, pod.container("loki"), process)


def change(server: Server, changes: dict[str, str]) -> None:
    """Other settings from the next start on; asserts that each is there to be changed."""
    file = server.mapping.path("/etc/loki/loki.yaml").resolve()
    text = file.read_text()
    for before, after in changes.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file.chmod(0o644)
    file.write_text(text)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="real-"))
    os.chmod(made, 0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made)


def push(server: Server, when: float, line: str, **labels: str) -> int:
    """Sends a line as the collector does; the status of the answer."""
    stream = {"stream": {"app": "x", **labels}, "values": [[str(int(when * 1e9)), line]]}
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{server.port('http')}/loki/api/v1/push",
        json.dumps({"streams": [stream]}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def lines(server: Server, start: float, end: float) -> list[str]:
    """The lines of one span of time."""
    asked = urllib.parse.urlencode(
        {"query": '{app="x"}', "start": int(start * 1e9), "end": int(end * 1e9)}
    )
    answer = json.loads(page(server.port("http"), f"/loki/api/v1/query_range?{asked}"))
    return [line for stream in answer["data"]["result"] for _, line in stream["values"]]


def test_a_line_is_found_again_also_after_a_restart(folder: Path) -> None:
    now = time.time()
    with running(loki(folder)) as server:
        server.wait_until_ready()
        assert push(server, now, "hello", namespace="health-api") == 204
        assert until(lambda: lines(server, now - 60, now + 60) == ["hello"], 20)
        assert push(server, now - 8 * DAY, "long ago") == 400
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert server.passes(probe), server.process.trouble(probe)
        server.restart()
        server.wait_until_ready()
        assert until(lambda: lines(server, now - 60, now + 60) == ["hello"], 20)


def chunks(server: Server) -> set[str]:
    """The files that hold lines."""
    folder = server.mapping.path("/loki") / "chunks" / "fake"
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_what_is_older_than_the_days_to_keep_is_deleted(folder: Path) -> None:
    now = time.time()
    before = now - 3 * DAY
    server = loki(folder)
    change(server, SHORTENED)
    with running(server):
        server.wait_until_ready()
        assert push(server, before, "old") == 204
        # Ending, it writes what it holds; of so long ago only that is looked through.
        server.restart()
        server.wait_until_ready()
        assert until(lambda: lines(server, before - 60, before + 60) == ["old"], 60)
        old = chunks(server)
        assert len(old) == 1
        assert push(server, now, "new") == 204
        change(server, {"retention_period: 168h": "retention_period: 24h"})
        server.restart()
        server.wait_until_ready()
        assert until(lambda: old.isdisjoint(chunks(server)), 200, every=1), chunks(server)
        assert len(chunks(server)) == 1
        assert until(lambda: lines(server, now - 60, now + 60) == ["new"], 20)
