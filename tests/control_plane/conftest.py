"""One real control plane for all tests here, and kubelets played by the rehearsal's player."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from tests.control_plane.binaries import binaries_or_skip
from tests.control_plane.control_plane import ControlPlane, die_with_parent, running

SPEED = 120.0
PACE = 1.0 / SPEED


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The running programs; skips with the reason where they cannot be found."""
    binaries = binaries_or_skip()
    with running(binaries, tmp_path_factory.mktemp("control-plane")) as started:
        if not started.has_controllers:
            pytest.skip("kube-controller-manager and kube-scheduler are not beside kube-apiserver")
        yield started


@pytest.fixture(scope="session")
def kubelets(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A player in a process of its own that makes a node and brings pods and volumes to life."""
    log = tmp_path_factory.mktemp("player") / "log"
    command = [sys.executable, "-m", "installer.rehearsal.player", "--speed", str(SPEED)]
    # Controllers and scheduler are the real ones.
    command += ["--no-controllers", "--no-scheduler"]
    command += ["--kubeconfig", str(control_plane.token_kubeconfig)]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, preexec_fn=die_with_parent
        ) as player,
    ):
        try:
            assert player.stdout is not None
            assert player.stdout.readline(), log.read_text(encoding="utf-8")
            yield log
        finally:
            player.terminate()


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Iterator[Cluster]:
    """The control plane as the installer opens it, by client certificate."""
    connection = Connection.from_kubeconfig(control_plane.kubeconfig)
    with Cluster(connection, pace=PACE) as opened:
        yield opened
