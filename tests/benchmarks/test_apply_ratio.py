"""A wave costs little more than its bare requests, and waits for many answers at once.

Ratios of one run against one server, so that a slow machine slows both sides.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from installer.engine.state import new_installation_id
from installer.kube.cluster import Cluster
from installer.kube.stamp import Stamp
from tests.kube.conftest import connection_to
from tests.kube.rehearsed import PACE, Body, Rehearsed, config_map, namespace, rehearsed

pytestmark = pytest.mark.benchmark

COUNT = 48
_IN_FLIGHT = 16
_TURNS = 5
_SLOW = 0.05


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Rehearsed]:
    """A server that answers as fast as it can."""
    with rehearsed(tmp_path / "quick", "--no-player") as running:
        yield running


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[Rehearsed]:
    """A server that takes its time for every apply, as one far away does."""
    weather = [{"operation": "PATCH configmaps", "do": "slow", "seconds": _SLOW, "times": "always"}]
    with rehearsed(tmp_path / "slow", "--no-player", weather=weather) as running:
        yield running


def wave() -> list[Body]:
    return [config_map("data", f"settings-{number}") for number in range(COUNT)]


def least(action: Callable[[], Any]) -> float:
    """Seconds of the least disturbed turn."""
    spent = []
    for _ in range(_TURNS):
        began = time.perf_counter()
        action()
        spent.append(time.perf_counter() - began)
    return min(spent)


async def bare(running: Rehearsed, bodies: list[Body], in_flight: int) -> None:
    """The same applies with nothing around them: no look, no stamp, no words."""
    context = ssl.create_default_context(cafile=str(running.ca_file))
    headers = {
        "Authorization": f"Bearer {running.token}",
        "Content-Type": "application/apply-patch+yaml",
    }
    width = asyncio.Semaphore(in_flight)
    connector = aiohttp.TCPConnector(ssl=context, limit=in_flight)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def send(body: Body) -> None:
            path = f"/api/v1/namespaces/data/configmaps/{body['metadata']['name']}"
            url = f"{running.server}{path}?fieldManager=health-install&force=false"
            async with width, session.patch(url, json=body, headers=headers) as answer:
                assert answer.status in (200, 201)
                await answer.read()

        await asyncio.gather(*(send(body) for body in bodies))


def test_an_apply_costs_less_than_twice_its_bare_requests(server: Rehearsed) -> None:
    stamp = Stamp(new_installation_id(), "health")
    with Cluster(connection_to(server), pace=PACE) as cluster:
        cluster.apply([namespace("data"), *wave()], stamp)
        stamped = [stamp.put_on(body) for body in wave()]

        ours = least(lambda: cluster.apply(wave(), stamp))
        theirs = least(lambda: asyncio.run(bare(server, stamped, _IN_FLIGHT)))

    assert ours / theirs < 2.0, f"{ours:.3f} s against {theirs:.3f} s"


def test_a_wave_waits_for_many_answers_at_once(slow_server: Rehearsed) -> None:
    stamp = Stamp(new_installation_id(), "health")
    with Cluster(connection_to(slow_server), pace=PACE) as cluster:
        cluster.apply([namespace("data"), *wave()], stamp)
        stamped = [stamp.put_on(body) for body in wave()]

        began = time.perf_counter()
        asyncio.run(bare(slow_server, stamped, 1))
        one_by_one = time.perf_counter() - began
        ours = least(lambda: cluster.apply(wave(), stamp))

    assert one_by_one / ours > _IN_FLIGHT / 2, f"{one_by_one:.3f} s against {ours:.3f} s"
