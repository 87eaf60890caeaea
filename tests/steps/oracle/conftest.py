"""A world and a person for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oracle.world import Person, World, world_in


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty tenancy."""
    with world_in(tmp_path / "world") as running:
        yield running


@pytest.fixture
def person(world: World, tmp_path: Path) -> Person:
    """Somebody with an empty folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return Person(world, folder)
