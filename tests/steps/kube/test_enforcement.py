"""The trial whether the network holds to its rules: what it finds, and that it leaves nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from installer.engine.events import Ending, Note, StepStarted
from installer.engine.run import Runner
from installer.engine.state import State
from installer.engine.step import Condition
from installer.kube.cluster import Cluster
from installer.kube.objects import Ref, ref_of
from installer.kube.stamp import Stamp
from installer.modules.pod_security import violations
from installer.steps import enforcement
from installer.steps.enforcement import ENFORCEMENT, Enforcement, NetworkProbe, doubts, told
from installer.steps.tidy import Tidy
from tests.control_plane.control_plane import free_ports
from tests.kube.conftest import connection_to
from tests.kube.rehearsed import PACE, Rehearsed, impatient, rehearsed
from tests.steps.kube.conftest import Site

PROBE = NetworkProbe("registry.rehearsal.invalid/valkey:9", 999, 1000)


@contextlib.contextmanager
def site_in(tmp_path: Path, *weather: dict[str, Any]) -> Iterator[Site]:
    """An installation in a cluster of its own with this weather."""
    with (
        rehearsed(tmp_path / "home", weather=list(weather)) as running,
        Cluster(connection_to(running), pace=PACE) as cluster,
    ):
        settle(cluster)
        state = State(tmp_path / "state.sqlite")
        yield Site(cluster, state, state.installation("health"))
        state.close()


def settle(cluster: Cluster) -> None:
    """Return when what OKE runs on every machine is there, as it is long before a trial."""

    def coming() -> str | None:
        nodes = cluster.nodes(with_pods=False)
        there = len(cluster.objects("apps/v1", "DaemonSet"))
        return None if nodes and there == 4 else "still coming"

    impatient("the system", coming)


def runner(site: Site, probe: NetworkProbe = PROBE) -> Runner:
    """The trial, and the step that prunes after it."""
    trial = Enforcement(lambda _ctx: site.cluster, probe, ())
    tidy = Tidy(lambda _ctx: site.cluster, (), (ENFORCEMENT,))
    return Runner(
        (trial, tidy), site.state, site.installation, site._report, stop=site.stop, pace=PACE
    )


def again(site: Site) -> Ending:
    """How another trial ends, for itself."""
    trial = Enforcement(lambda _ctx: site.cluster, PROBE, ())
    return Runner([trial], site.state, site.installation, site._report, pace=PACE).install().ending


def notes(site: Site) -> str:
    return "\n".join(event.words for event in site.events if isinstance(event, Note))


def probe_space(site: Site) -> dict[str, Any] | None:
    name = f"health-probe-{site.installation.id}"
    return site.cluster.get(Ref("v1", "Namespace", "", name))


def ends_with(code: int) -> dict[str, Any]:
    return {
        "operation": "START pods",
        "subject": "health-probe-*/caller",
        "do": "fail",
        "message": f"exit {code}",
        "times": "always",
    }


def test_t47_flannel_ignores_the_rules_and_that_is_said_plainly(
    kubernetes: Rehearsed, site: Site
) -> None:
    settle(site.cluster)
    assert runner(site).install().error is None
    assert "Network rules are decoration here" in notes(site)
    assert doubts(site.state) == (told("ignored"),)
    assert probe_space(site) is None

    assert again(site) is Ending.NOTHING_TO_DO
    second = runner(site).plan()
    assert second.seen[ENFORCEMENT].condition is Condition.AS_WANTED
    assert "decoration" in second.seen[ENFORCEMENT].words


def test_a_network_that_holds_to_them_leaves_no_doubt(tmp_path: Path) -> None:
    with site_in(tmp_path, ends_with(0)) as site:
        assert runner(site).install().error is None
        assert "The network holds to the rules" in notes(site)
        assert doubts(site.state) == ()
        assert probe_space(site) is None


@pytest.mark.parametrize(
    ("weather", "said"),
    [
        (ends_with(11), "not even the connection the rules allow came about"),
        (ends_with(3), "the pod that tries ended with 3"),
        (
            {
                "operation": "START pods",
                "subject": "health-probe-*/listener",
                "do": "fail",
                "message": "ImagePullBackOff",
                "times": "always",
            },
            "/listener does not become ready",
        ),
    ],
    ids=["nothing connects", "it breaks", "no image"],
)
def test_what_cannot_be_found_out_is_said_and_fails_nothing(
    tmp_path: Path, weather: dict[str, Any], said: str
) -> None:
    with site_in(tmp_path, weather) as site:
        result = runner(site).install()
        assert result.error is None
        assert "could not be found out" in notes(site)
        assert said in notes(site)
        assert probe_space(site) is None
        assert again(site) is Ending.NOTHING_TO_DO


def test_another_network_is_tried_again(kubernetes: Rehearsed, site: Site) -> None:
    settle(site.cluster)
    assert runner(site).install().error is None
    site.state.remember(ENFORCEMENT, "network", "what was there before")
    planned = runner(site).plan()
    assert planned.seen[ENFORCEMENT].condition is Condition.DIFFERENT
    before = notes(site)
    assert again(site) is Ending.NOTHING_TO_DO, "trying is not a change"
    assert notes(site) != before
    assert site.state.recall(ENFORCEMENT, "network") != "what was there before"
    before = notes(site)
    assert again(site) is Ending.NOTHING_TO_DO
    assert notes(site) == before


def test_a_stop_in_the_middle_leaves_nothing_once_it_goes_on(
    kubernetes: Rehearsed, site: Site
) -> None:
    def stop_when_trying(event: object) -> None:
        if "/listener" in getattr(event, "what", ""):
            site.stop.request()

    site.listener = stop_when_trying
    assert runner(site).install().ending is Ending.STOPPED
    assert site.state.recall(ENFORCEMENT, "result") is None

    site.listener, site.stop = (lambda _event: None), type(site.stop)()
    assert runner(site).install().error is None
    assert probe_space(site) is None


def test_what_a_killed_trial_left_is_pruned_when_there_are_no_rules_any_more(
    kubernetes: Rehearsed, site: Site
) -> None:
    name = f"health-probe-{site.installation.id}"
    site.cluster.apply([enforcement._namespace(name), *enforcement._policies(name)], site.stamp)
    tidy = Tidy(lambda _ctx: site.cluster, (), ())
    done = Runner([tidy], site.state, site.installation, site._report, pace=PACE).install()
    assert done.error is None
    assert probe_space(site) is None


def test_a_trial_that_was_killed_is_begun_anew(kubernetes: Rehearsed, site: Site) -> None:
    name = f"health-probe-{site.installation.id}"
    step = Enforcement(lambda _ctx: site.cluster, PROBE, ())
    listener = step._pod(name, "listener", enforcement._servers(PROBE.image))
    site.cluster.apply([enforcement._namespace(name), listener], site.stamp)
    old = site.cluster.get(ref_of(listener))
    assert old is not None
    assert runner(site).install().error is None
    assert site.state.recall(ENFORCEMENT, "result") == "ignored"
    assert probe_space(site) is None


def test_a_trial_leaves_a_namesake_of_somebody_else_alone(
    kubernetes: Rehearsed, site: Site
) -> None:
    name = f"health-probe-{site.installation.id}"
    other = Stamp("hsomebody0000", "other")
    site.cluster.apply([enforcement._namespace(name)], other)
    assert runner(site).install().error is None
    assert site.state.recall(ENFORCEMENT, "result") == "unknown"
    found = probe_space(site)
    assert found is not None
    assert other.is_on(found)


def test_a_removal_does_not_try_anything(kubernetes: Rehearsed, site: Site) -> None:
    assert runner(site).install().error is None
    before = len([e for e in site.events if isinstance(e, Note)])
    assert runner(site).destroy().error is None
    assert len([e for e in site.events if isinstance(e, Note)]) == before
    assert any(isinstance(e, StepStarted) for e in site.events)


def test_its_pods_are_as_restricted_as_any(site: Site) -> None:
    step = Enforcement(lambda _ctx: site.cluster, PROBE, ())
    for containers in (enforcement._servers("one"), [enforcement._client("one", "10.0.0.1")]):
        pod = step._pod("space", "listener", containers)
        assert violations(pod["spec"]) == ()
        assert pod["spec"]["automountServiceAccountToken"] is False


# -- what the pods really run ----------------------------------------------------------------------


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder in which Debian's redis goes by the names of the image's programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("server", "cli"):
        found = shutil.which(f"valkey-{name}") or shutil.which(f"redis-{name}")
        if found is None:
            pytest.skip("neither valkey nor redis is installed (Debian: redis-server)")
        (folder / f"valkey-{name}").symlink_to(found)
    return folder


@contextlib.contextmanager
def listening(programs: Path, port: int) -> Iterator[None]:
    """The server a probe pod runs, on loopback."""
    command = [*enforcement._server_command(port), "--bind", "127.0.0.1"]
    command[0] = str(programs / command[0])
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(100):
                if knock(programs, port, port, tries="answers").returncode == 0:
                    break
                time.sleep(0.05)
            yield
        finally:
            server.terminate()


def knock(
    programs: Path, opened: int, closed: int, tries: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """The knocking pod's script; with `tries` only its question."""
    script = enforcement.SCRIPT
    if tries:
        script = script.splitlines()[0] + '\nanswers "$OPEN"\n'
    env = {"HOST": "127.0.0.1", "OPEN": str(opened), "CLOSED": str(closed), "PAUSE": "0"}
    path = f"{programs}:{os.environ['PATH']}"
    return subprocess.run(["sh", "-c", script], env={**env, "PATH": path}, check=False)


@pytest.mark.real_servers
def test_the_script_tells_the_three_results_apart(programs: Path) -> None:
    one, two = free_ports(2)
    assert enforcement.EXIT_CODES[knock(programs, one, two).returncode] == "unknown"
    with listening(programs, one):
        assert enforcement.EXIT_CODES[knock(programs, one, two).returncode] == "enforced"
        with listening(programs, two):
            assert enforcement.EXIT_CODES[knock(programs, one, two).returncode] == "ignored"
