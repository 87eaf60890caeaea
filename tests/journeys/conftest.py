"""One installation that nobody disturbed, for comparing all others with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.journeys.person import Person, Running


@dataclass(frozen=True)
class Undisturbed:
    """What an installation is when nothing goes wrong.

    `operations` counts what was asked of Oracle, `made` names every object in the cluster as
    "configmaps health-data/minio".
    """

    steps: tuple[str, ...]
    likeness: Counter[str]
    operations: Counter[str]
    made: frozenset[str]


@pytest.fixture(autouse=True)
def nobody_is_left_behind() -> Iterator[None]:
    """A test that fails leaves no frozen process, and with it no world."""
    yield
    for running in list(Running.alive):
        running.kill()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Install once from beginning to end."""
    person = Person(tmp_path_factory.mktemp("undisturbed"))
    running = person.installing()
    finished = running.until(lambda each: each["event"] == "RunFinished")
    running.freeze()
    operations = person.world_now().operations()
    running.thaw()
    ended = running.end()
    assert (ended.code, finished) == (0, ended.finished), ended.err
    with person.world() as world:
        return Undisturbed(
            steps=tuple(step["id"] for step in ended.of("RunStarted")[0]["steps"]),
            likeness=world.likeness(),
            operations=operations,
            made=frozenset(world.names()),
        )
