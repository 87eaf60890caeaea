"""One real control plane for all tests here, and kubelets played by the rehearsal's player."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.engine.state import new_installation_id
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.stamp import Stamp
from installer.modules import catalogue
from installer.plan import make_plan
from tests.control_plane.binaries import binaries_or_skip
from tests.control_plane.control_plane import ControlPlane, die_with_parent, running
from tests.control_plane.platform_inside import Inside
from tests.control_plane.wire import Wire
from tests.modules.conftest import answers_for
from tests.modules.selections import AROUND

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


@pytest.fixture(scope="session")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """Every module's accounts, rights and workloads, in a control plane where no kubelet is played:
    what nobody reports on stays as it was written."""
    binaries = binaries_or_skip()
    chosen: dict[str, dict[str, object]] = {one.name: {"enabled": True} for one in catalogue()}
    chosen["disaster-recovery"]["target"] = "volume"
    chosen["health-services"]["autoscaling"] = True
    plan = make_plan(answers_for(catalogue(), target="existing", modules=chosen), AROUND)
    # Where the users of the pods may look, too.
    folder = Path(tempfile.mkdtemp(prefix="real-"))
    os.chmod(folder, 0o755)
    try:
        with running(binaries, tmp_path_factory.mktemp("inside")) as plane:
            if not plane.has_controllers:
                pytest.skip("kube-controller-manager is not beside kube-apiserver")
            made = Inside(plan, plane, Wire(plane.kubeconfig), folder)
            _apply(made)
            yield made
            made.wire.close()
    finally:
        shutil.rmtree(folder)


def _apply(made: Inside) -> None:
    stamp = Stamp(new_installation_id(), "health")
    with Cluster(Connection.from_kubeconfig(made.plane.kubeconfig), pace=PACE) as cluster:
        for kinds in (
            ("Namespace", "PriorityClass", "ClusterRole"),
            ("ServiceAccount", "Role", "RoleBinding", "ClusterRoleBinding"),
            ("Service", "PersistentVolumeClaim", "HorizontalPodAutoscaler"),
            ("Deployment", "StatefulSet", "Job", "CronJob"),
        ):
            cluster.apply(made.bodies(*kinds), stamp)
