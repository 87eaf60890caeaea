"""The world outlives its process, however that ends."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import oci
import psutil
import pytest

from tests.rehearsal.oracle.landscape import (
    cluster_details,
    compartment,
    core,
    network,
    pool_details,
    vcn,
    work,
)
from tests.rehearsal.oracle.playground import Playground

pytestmark = pytest.mark.slow


def test_killed_after_any_answer_the_world_comes_back_as_it_was(tmp_path: Path) -> None:
    with Playground(tmp_path, speed=60) as world:
        room = compartment(world)
        for n in range(3):
            made = world.network.create_vcn(
                _details(room, f"10.{n}.0.0/16"), opc_retry_token=f"token-{n}"
            ).data
            before, address, config = world.inventory(), world.address, world.config
            world.kill_and_restart()
            assert (world.address, world.config) == (address, config)
            assert _named(world.inventory()) == _named(before)
            again = world.network.create_vcn(
                _details(room, f"10.{n}.0.0/16"), opc_retry_token=f"token-{n}"
            ).data
            assert again.id == made.id


def _details(room: str, cidr: str) -> object:
    return core.CreateVcnDetails(compartment_id=room, cidr_blocks=[cidr])


def _named(inventory: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(item["id"], item["kind"]) for item in inventory]


def test_killed_in_the_middle_of_answers_nothing_is_there_twice_or_by_half(
    tmp_path: Path,
) -> None:
    with Playground(tmp_path) as world:
        room = compartment(world)
        zone = str(world.identity.list_availability_domains(world.tenancy).data[0].name)
        token = 0
        for _ in range(3):
            assert world.process is not None
            threading.Timer(0.1, world.process.kill).start()
            with contextlib.suppress(oci.exceptions.RequestException):
                while True:
                    _volume(world, room, zone, token)
                    token += 1
            world.kill_and_restart()
            _volume(world, room, zone, token)
            token += 1
        names = [item["name"] for item in world.inventory() if item["kind"] == "volume"]
        assert sorted(names) == sorted(str(n) for n in range(token))


def _volume(world: Playground, room: str, zone: str, token: int) -> None:
    """One more volume, or the same again when the token was used."""
    details = oci.core.models.CreateVolumeDetails(
        compartment_id=room,
        availability_domain=zone,
        display_name=str(token),
    )
    world.storage.create_volume(details, opc_retry_token=f"volume-{token}")


def test_what_was_under_way_goes_on_after_a_kill(tmp_path: Path) -> None:
    with Playground(tmp_path, speed=60) as world:
        net = network(world, compartment(world))
        world.wind(60)
        begun = world.engine.create_cluster(cluster_details(net))
        world.wind(240)
        world.kill_and_restart()
        ocid = begun.headers["opc-work-request-id"]
        assert world.engine.get_work_request(ocid).data.status == "IN_PROGRESS"
        world.wind(240)
        target = work(world, begun).resources[0].identifier
        pool = world.engine.create_node_pool(pool_details(world, net, target))
        world.kill_and_restart()
        world.wind(180)
        assert work(world, pool).operation_type == "NODEPOOL_CREATE"
        endpoint = world.engine.get_cluster(target).data.endpoints.public_endpoint
        world.kill_and_restart()
        assert world.engine.get_cluster(target).data.endpoints.public_endpoint == endpoint


def test_time_stands_still_while_nobody_runs_the_world(tmp_path: Path) -> None:
    with Playground(tmp_path, speed=1) as world:
        made = vcn(world, compartment(world))
        world.wind(1)
    with Playground(tmp_path, speed=1) as world:
        times = world.control("clock")["now"]
        assert times > made.time_created.isoformat()
        assert world.network.get_vcn(made.id).data.id == made.id


def test_a_second_world_in_the_same_home_is_refused(tmp_path: Path) -> None:
    with Playground(tmp_path):
        second = subprocess.run(
            [sys.executable, "-m", "installer.rehearsal", "--home", str(tmp_path)],
            stdin=subprocess.PIPE,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert second.returncode == 3
    assert "already running" in second.stderr


def test_a_wrong_weather_file_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "weather.yaml"
    file.write_text("- {operation: CreateVcn, do: rain}\n")
    words = ["--home", str(tmp_path / "home"), "--weather", str(file)]
    ended = subprocess.run(
        [sys.executable, "-m", "installer.rehearsal", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 2
    assert "do must be one of" in ended.stderr


def test_the_world_is_small(tmp_path: Path) -> None:
    with Playground(tmp_path) as world:
        compartment(world)
        assert world.process is not None
        assert psutil.Process(world.process.pid).memory_info().rss < 90 * 1024 * 1024
