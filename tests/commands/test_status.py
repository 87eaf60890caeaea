"""`health-install status` on a cluster that exists: what is inside, and what is not well."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from installer.cli import main
from installer.engine.errors import ExitCode
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from tests.kube.rehearsed import Rehearsed, patch, rehearsed

pytestmark = pytest.mark.slow

OFF = ("authentication", "health-services", "metrics-server", "observability", "security")


def flags(cluster: Rehearsed) -> list[str]:
    """The entrance and what it needs; no name of a balancer is looked up, no registry asked."""
    given = (
        "target=existing",
        f"cluster.kubeconfig={cluster.kubeconfig}",
        "images.check=false",
        "modules.edge.entry=node_port",
        "modules.edge.tls=own",
        *(f"modules.{name}.enabled=false" for name in OFF),
    )
    return [word for each in given for word in ("--set", each)]


@pytest.fixture
def installed(
    somebodys: Rehearsed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Rehearsed:
    """The cluster with one installation in it."""
    answers = tmp_path / "answers.yaml"
    answers.write_text("version: 1\n", encoding="utf-8")
    code = main(["--headless", str(answers), *flags(somebodys)])
    said = capsys.readouterr()
    assert code == ExitCode.OK, said.err
    return somebodys


def status(capsys: pytest.CaptureFixture[str], cluster: Rehearsed) -> tuple[int, str, str]:
    """What status ends with and says."""
    code = main(["status", "--plain", *flags(cluster)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_pods_volumes_and_nodes_are_told_and_a_pod_that_is_not_well_makes_it_incomplete(
    capsys: pytest.CaptureFixture[str], installed: Rehearsed
) -> None:
    code, said, _ = status(capsys, installed)
    assert code == ExitCode.OK, said
    assert "Installation health is complete." in said
    assert "  infrastructure: 8 of 8 pods ready\n" in said
    assert "Volumes\n  health-data/" in said
    assert "Nobody measures what nodes use" in said
    assert "said to use what their pods ask for" not in said

    break_a_pod(installed)
    code, said, _ = status(capsys, installed)
    assert code == ExitCode.FAILED, said
    assert "    health-data: pod " in said
    assert "Installation health is not complete." in said


def break_a_pod(running: Rehearsed) -> None:
    """One pod of the data layer says that it is not ready, as a server does that hangs."""
    with Cluster(Connection.from_kubeconfig(running.kubeconfig)) as cluster:
        found = cluster.objects("v1", "Pod", "health-data", "health-install/module=infrastructure")
    running_pods = [pod for pod in found if pod["status"]["phase"] == "Running"]
    name = running_pods[0]["metadata"]["name"]
    unready = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    path = f"/api/v1/namespaces/health-data/pods/{name}/status"
    patch(running, path, "application/merge-patch+json", unready)


def test_a_cluster_that_does_not_answer_is_told_in_seconds_and_never_called_complete(
    capsys: pytest.CaptureFixture[str], somebodys: Rehearsed, tmp_path: Path
) -> None:
    nowhere = tmp_path / "kubeconfig"
    text = somebodys.kubeconfig.read_text(encoding="utf-8")
    nowhere.write_text(text.replace(somebodys.server, "https://127.0.0.1:1"), encoding="utf-8")
    began = time.monotonic()
    code, said, errors = status(capsys, replace(somebodys, kubeconfig=nowhere))
    assert time.monotonic() - began < 30.0
    assert code == ExitCode.UNREACHABLE
    assert "The cluster at https://127.0.0.1:1 does not answer." in errors
    assert "complete" not in said


def test_what_was_seen_is_told_before_what_the_cluster_refuses(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    refused = {"operation": "LIST namespaces", "do": "error", "status": 403, "times": "always"}
    refused |= {"after": 1}
    with rehearsed(tmp_path / "cluster", weather=[refused]) as running:
        code, said, errors = status(capsys, running)
    assert code == ExitCode.CLUSTER, errors
    assert "The cluster does not allow us to" in errors
    assert "Nodes are ready" in said
    assert "so that it is not called complete." in said
