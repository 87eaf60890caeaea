"""`health-install doctor` for a cluster that exists: what it is and where its volumes come from."""

from __future__ import annotations

import pytest

from installer.cli import main
from installer.engine.errors import ExitCode
from tests.kube.rehearsed import Rehearsed

pytestmark = pytest.mark.slow


def examined(
    capsys: pytest.CaptureFixture[str], cluster: Rehearsed, *settings: str
) -> tuple[int, str]:
    """What doctor says with the profile for clusters that exist."""
    # By a port of the machines: no name of a balancer is looked up, and no registry is asked.
    given = (
        f"cluster.kubeconfig={cluster.kubeconfig}",
        "modules.edge.entry=node_port",
        "images.check=false",
        *settings,
    )
    flags = [word for each in given for word in ("--set", each)]
    code = main(["doctor", "cluster", "--profile", "local", *flags])
    return code, capsys.readouterr().out


def test_version_nodes_and_the_default_storage_class_are_told(
    capsys: pytest.CaptureFixture[str], somebodys: Rehearsed
) -> None:
    code, said = examined(capsys, somebodys)
    assert code == ExitCode.OK, said
    assert "good  Kubernetes v1." in said
    assert "1 node, arm64." in said
    assert "Volumes come from the default storage class oci-bv." in said
    assert "In the way of an installation: nothing." in said


def test_a_storage_class_that_is_not_there_is_bad_and_those_there_are_named(
    capsys: pytest.CaptureFixture[str], somebodys: Rehearsed
) -> None:
    code, said = examined(capsys, somebodys, "cluster.storage_class=local-path")
    assert code == ExitCode.CLUSTER, said
    assert "bad   Storage class local-path is not there; the cluster has: oci-bv" in said
    assert "In the way of an installation: 1." in said
