"""An installation ends well only once what was installed was tried, anew after each change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from installer.engine.errors import ClusterError, ExitCode
from installer.engine.events import Ending
from installer.engine.run import Result, Runner
from installer.engine.state import State
from installer.kube.cluster import Cluster
from installer.smoke.trying import Health, Near
from installer.steps.front_door import PublicName
from installer.steps.smoke import Smoke, SmokePlan
from tests.smoke.stage import Asked, Reply, standing_in

SERVER = Health("The server answers", "health-data", "server", 80, "/ready")


@dataclass
class OneServer:
    """Stands for a cluster in which one server is well, sick or not to be reached."""

    status: int = 0
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def tunnel(self, namespace: str, service: str, port: int) -> Iterator[Near]:
        self.asked.append(f"{namespace}/{service}:{port}")
        if not self.status:
            raise ClusterError(f"There is no way to {namespace}/{service}.", "It is not there.")
        with standing_in(self.answer) as near:
            yield near

    def answer(self, _asked: Asked) -> Reply:
        return self.status, {}


def installed(folder: Path, server: OneServer, fingerprint: str = "first") -> Result:
    """A run over the one step, which goes on from the run before."""
    step = Smoke(
        lambda _ctx: cast("Cluster", server),
        SmokePlan(fingerprint, (SERVER,)),
        PublicName("health.example.org"),
        needs=(),
    )
    state = State(folder / "state.sqlite")
    try:
        runner = Runner([step], state, state.installation("health"), lambda _e: None, pace=1e-4)
        return runner.install()
    finally:
        state.close()


def test_a_run_fails_while_a_part_does_not_work_and_says_which(tmp_path: Path) -> None:
    for status in (0, 503):
        result = installed(tmp_path, OneServer(status))
        assert result.exit_code == ExitCode.CLUSTER
        assert result.error is not None
        assert result.error.what == "Everything is installed, but one thing does not work."
        assert "The server answers" in result.error.why
        assert "health-install smoke" in result.error.then


def test_it_is_tried_again_after_a_failure_and_after_a_change_and_not_otherwise(
    tmp_path: Path,
) -> None:
    server = OneServer(503)
    assert installed(tmp_path, server).exit_code == ExitCode.CLUSTER
    server.status = 200
    assert installed(tmp_path, server).exit_code == ExitCode.OK

    asked = len(server.asked)
    assert installed(tmp_path, server).ending is Ending.NOTHING_TO_DO
    assert len(server.asked) == asked

    assert installed(tmp_path, server, "changed").exit_code == ExitCode.OK
    assert len(server.asked) > asked
