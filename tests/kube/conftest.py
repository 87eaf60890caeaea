"""One rehearsal cluster for all tests of the room; each test has its own installation in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.engine.state import new_installation_id
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.stamp import Stamp
from tests.kube.rehearsed import PACE, Rehearsed, rehearsed


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """A running rehearsal cluster."""
    with rehearsed(tmp_path_factory.mktemp("rehearsal") / "home") as running:
        yield running


@pytest.fixture
def cluster(kubernetes: Rehearsed) -> Iterator[Cluster]:
    """The cluster as the installer opens it."""
    with Cluster(connection_to(kubernetes), pace=PACE) as opened:
        yield opened


@pytest.fixture
def stamp() -> Stamp:
    """A new installation."""
    return Stamp(new_installation_id(), "health")


@pytest.fixture
def space(stamp: Stamp) -> str:
    """A namespace's name that no other test uses."""
    return f"data-{stamp.installation_id}"


def connection_to(running: Rehearsed) -> Connection:
    """By address, certificate and token, as on Oracle's clusters."""
    return Connection(running.server, Path(running.ca_file).read_bytes(), lambda: running.token)
