"""`health-install doctor` for a cluster that exists: what it is, what it has and what it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from installer.cli import main
from installer.engine.errors import ExitCode
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.stamp import Stamp
from installer.kube.wire import Request, Wire
from tests.commands.standin import kubectl_says, put_kubectl
from tests.kube.rehearsed import Rehearsed, rehearsed, storage_class

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


def test_the_default_class_is_told_with_what_its_volumes_can(
    capsys: pytest.CaptureFixture[str], somebodys: Rehearsed
) -> None:
    _, said = examined(capsys, somebodys)
    assert "good  Kubernetes 1.36 is one of those the manifests are checked against" in said
    assert "good  Its volumes are made where their pod runs (WaitForFirstConsumer)." in said
    assert "good  Its volumes can grow (allowVolumeExpansion)." in said


def test_a_class_whose_volumes_cannot_grow_is_told_and_not_in_the_way(
    capsys: pytest.CaptureFixture[str], somebodys: Rehearsed
) -> None:
    with Cluster(Connection.from_kubeconfig(somebodys.kubeconfig)) as cluster:
        cluster.apply([storage_class("fixed")], Stamp("hsomebody0000", "other"))
    code, said = examined(capsys, somebodys, "cluster.storage_class=fixed")
    assert code == ExitCode.OK, said
    assert "hint  Its volumes cannot grow" in said
    assert "next: Choose sizes that last" in said


def test_kubectl_is_compared_with_the_cluster_itself(
    capsys: pytest.CaptureFixture[str],
    somebodys: Rehearsed,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    put_kubectl(monkeypatch, tmp_path, kubectl_says("v1.33.1"))
    code, said = examined(capsys, somebodys)
    assert code == ExitCode.OK, said
    assert "hint  kubectl v1.33.1" in said
    assert "is 3 minor versions older than the cluster's Kubernetes 1.36." in said


def test_a_cluster_without_the_entrance_and_the_issuer_that_are_named_is_not_ready(
    capsys: pytest.CaptureFixture[str], somebodys: Rehearsed
) -> None:
    code, said = examined(
        capsys,
        somebodys,
        "modules.edge.ingress=cluster",
        "modules.edge.ingress_class=nginx",
        "modules.edge.cluster_issuer=letsencrypt",
    )
    assert code == ExitCode.CLUSTER, said
    assert "bad   Ingress class nginx is not there; the cluster has: none." in said
    assert "bad   The answers name the issuer letsencrypt" in said
    assert "In the way of an installation: 2." in said


def test_with_an_entrance_of_our_own_nobody_looks_for_another(
    capsys: pytest.CaptureFixture[str], somebodys: Rehearsed
) -> None:
    _, said = examined(capsys, somebodys, "modules.edge.ingress_class=nginx")
    assert "ngress class" not in said


def forbidden(operation: str) -> dict[str, Any]:
    refusal = {"status": 403, "code": "Forbidden", "message": f"{operation} is forbidden"}
    return {"operation": operation, "do": "error", "times": "always", **refusal}


def test_a_reading_that_is_refused_stops_no_other_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    refused = ("LIST nodes", "LIST storageclasses", "LIST apiservices")
    weather = [forbidden(each) for each in refused]
    with rehearsed(tmp_path / "home", "--version", "v1.33.2", weather=weather) as cluster:
        code, said = examined(
            capsys, cluster, "modules.edge.ingress=cluster", "modules.edge.ingress_class=nginx"
        )
    assert code == ExitCode.CLUSTER, said
    assert "hint  Kubernetes 1.33 is older than those" in said
    for kind in ("Node", "StorageClass", "APIService"):
        assert f"bad   The cluster does not allow us to list {kind} objects." in said
    assert "bad   Ingress class nginx is not there" in said
    assert "In the way of an installation: 4." in said


def test_a_login_that_is_refused_is_told_once(
    capsys: pytest.CaptureFixture[str], somebodys: Rehearsed, tmp_path: Path
) -> None:
    text = somebodys.kubeconfig.read_text(encoding="utf-8")
    wrong = tmp_path / "kubeconfig"
    wrong.write_text(text.replace(somebodys.token, "wrong"), encoding="utf-8")
    code, said = examined(capsys, somebodys, f"cluster.kubeconfig={wrong}")
    assert code == ExitCode.CLUSTER, said
    assert said.count("does not accept our login") == 1
    assert "In the way of an installation: 1." in said


def test_each_thing_is_asked_for_once(
    capsys: pytest.CaptureFixture[str],
    somebodys: Rehearsed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    attempt = Wire.attempt

    async def noted(wire: Wire, request: Request) -> Any:
        asked.append(request.path)
        return await attempt(wire, request)

    monkeypatch.setattr(Wire, "attempt", noted)
    _, said = examined(
        capsys, somebodys, "modules.edge.ingress=cluster", "modules.edge.cluster_issuer=own"
    )
    assert "/apis/cert-manager.io/v1" in asked, said
    assert sorted(asked) == sorted(set(asked))
