"""One world a file: starting it takes most of a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rehearsal.oracle.playground import Playground


@pytest.fixture(scope="module")
def module_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    with Playground(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def world(module_world: Playground) -> Playground:
    """The file's world, in fine weather."""
    module_world.control("weather", method="DELETE")
    return module_world
