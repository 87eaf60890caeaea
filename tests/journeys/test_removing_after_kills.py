"""Whatever was there when the plug was pulled, a removal takes it away and nothing else.

One installation is cut off after every step. Each time its whole machine and its whole world are
copied, and the copy is asked to destroy what it has.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.person import Person, Running
from tests.weather.incidents import live_next_door

pytestmark = pytest.mark.slow

# A platform of one module: its steps are of every kind there is.
SMALL = tuple(
    word
    for module in ("authentication", "edge", "health-services", "metrics-server", "observability")
    for word in ("--set", f"modules.{module}.enabled=no")
)
# Removals that run beside the installation, for there are two cores.
SIDE_BY_SIDE = 2
Things = list[dict[str, Any]]


class Removal:
    """A copy of a machine whose plug was pulled after a step, and what becomes of it."""

    def __init__(self, original: Person, step: str, folder: Path) -> None:
        self.step = step
        shutil.copytree(original.folder, folder)
        self._person = Person(folder)
        words = ("destroy", "--yes", *SMALL, "--rehearse", "--speed", str(self._person.speed))
        self._running: Running = self._person.start(*words)

    def check(self, before: Things) -> None:
        """It ended well, and the tenancy is what it was."""
        ended = self._running.end()
        assert ended.code == 0, f"after {self.step}: {ended.err}"
        with self._person.world() as world:
            assert world.inventory() == before, f"after {self.step}"
        shutil.rmtree(self._person.folder)


def test_killed_after_any_step_a_removal_leaves_the_tenancy_as_it_was(tmp_path: Path) -> None:
    person = Person(tmp_path / "person")
    with person.world() as world:
        live_next_door(world.world)
        before = world.inventory()
    assert before
    removals: list[Removal] = []
    done: set[str] = set()
    while True:
        running = person.installing(*SMALL)
        step = next_new_step(running, done)
        if step is None:
            assert running.end().code == 0
            break
        done.add(step)
        running.kill()
        person.world_is_gone()
        removals.append(Removal(person, step, tmp_path / f"after-{len(done)}"))
        while len(removals) > SIDE_BY_SIDE:
            removals.pop(0).check(before)
    for removal in removals:
        removal.check(before)
    assert {"account", "compartment", "subnet-nodes", "cluster", "node-pool", "tidy"} <= done


def next_new_step(running: Running, done: set[str]) -> str | None:
    """The first step that ends for the first time; None when the installation ends without one."""
    found = running.until(lambda each: each["event"] == "StepFinished" and each["step"] not in done)
    return str(found["step"]) if found else None
