"""How much of an installation is anything but waiting for what Oracle takes its time over.

The rehearsed Oracle takes as long as the real one was seen to: eight minutes for a cluster, three
for its machines, two for a balancer, with everything compressed alike. The machines and the
balancer need the cluster and not each other, so nobody can be sooner than the cluster and the
longer of the two, and the compartment and the network before them. What we do ourselves is not
compressed: it weighs as many times as much here as in reality. Both ratios are held: against every
duration that is played, and, put back to real time, against cluster, machines and balancer alone.
"""

from __future__ import annotations

import importlib
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from installer.engine.events import Event, StepFinished
from installer.engine.step import Step
from installer.rehearsal.oracle import network
from installer.rehearsal.oracle.balancers import CREATING_SECONDS as BALANCER
from installer.rehearsal.oracle.clusters import CREATING_SECONDS as CLUSTER
from installer.rehearsal.oracle.identity import CREATING_SECONDS as COMPARTMENT
from installer.rehearsal.oracle.node_pools import READY_SECONDS as MACHINES
from tests.oracle.world import world_in
from tests.weather.stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.benchmark]

SPEED = 10.0
CRITICAL_PATH = CLUSTER + max(MACHINES, BALANCER)
# Each needs the one before it.
BEFORE = COMPARTMENT + sum(
    kind.seconds for kind in (network.VCN, network.INTERNET_GATEWAY, network.ROUTE_TABLE)
)
BEFORE += network.SUBNET.seconds
AT_MOST = 1.05


def test_the_rehearsed_durations_are_the_ones_that_were_seen() -> None:
    assert (CLUSTER, MACHINES, BALANCER) == (480.0, 180.0, 120.0)


def test_an_installation_takes_hardly_longer_than_oracle_does(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with world_in(tmp_path / "world", "--speed", str(SPEED)) as world, ExitStack() as open_now:
        stage = Stage(world, folder, "platform")
        stage.person.speed = SPEED
        steps = up_to_the_door(stage, open_now)
        load_the_sdks()
        ended: dict[str, float] = {}
        began = time.monotonic()
        result = stage.person.run("install", steps, events=Stopwatch(began, ended))
        wall = time.monotonic() - began
    assert result.error is None
    played = BEFORE + CRITICAL_PATH
    own = wall - played / SPEED
    compressed, real = wall / (played / SPEED), (played + own) / CRITICAL_PATH
    print(f"\nwall {wall:.1f} s at speed {SPEED:g}, of which our own {own:.2f} s")
    print(f"compressed {compressed:.3f} of {played:g} s, in real time {real:.3f} of", CRITICAL_PATH)
    print(", ".join(f"{step} {seconds:.1f}" for step, seconds in ended.items()))
    assert compressed <= AT_MOST
    assert real <= AT_MOST


def load_the_sdks() -> None:
    """That is measured elsewhere (`tests/journeys/test_bars.py`), and no part of the waiting."""
    for name in ("core", "container_engine", "load_balancer", "network_load_balancer", "limits"):
        importlib.import_module(f"oci.{name}")
    importlib.import_module("kubernetes.aio.client")


class Stopwatch(list[Event]):
    """Listens to events and notes when each step ended."""

    def __init__(self, began: float, ended: dict[str, float]) -> None:
        super().__init__()
        self._began, self._ended = began, ended

    def append(self, event: Event) -> None:
        """As the runner reports it."""
        super().append(event)
        if isinstance(event, StepFinished):
            self._ended[event.step] = time.monotonic() - self._began


def up_to_the_door(stage: Stage, open_now: ExitStack) -> tuple[Step, ...]:
    """What waits for Oracle: everything at Oracle, and the Service that has a balancer made."""
    known = stage._steps(open_now)
    wanted = {step.id for step in stage.person.steps()} | {"front-door"}
    while more := {need for one in known if one.id in wanted for need in one.needs} - wanted:
        wanted |= more
    return tuple(step for step in known if step.id in wanted)
