"""A running world for those tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oracle.world import World, world_in


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for a file of tests that only ask."""
    home: Path = tmp_path_factory.mktemp("world")
    with world_in(home) as running:
        yield running


@pytest.fixture(autouse=True)
def fine_weather(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves its weather to the next."""
    yield
    if "world" in request.fixturenames:
        running: World = request.getfixturevalue("world")
        running.fine()
