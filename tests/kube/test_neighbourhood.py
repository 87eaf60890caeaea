"""What a cluster that exists tells of itself for rendering."""

from __future__ import annotations

from typing import Any

import pytest

from installer.commands.neighbourhood import addresses_of, served_by_others
from installer.engine.errors import NotOurs
from installer.kube.cluster import Cluster
from installer.kube.objects import labels_of, ref_of
from installer.kube.removal import goes_first
from installer.kube.stamp import INSTALLATION, Stamp
from tests.kube.rehearsed import deployment, impatient, namespace


def api_service(name: str, space: str) -> dict[str, Any]:
    version, _, group = name.partition(".")
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name},
        "spec": {
            "group": group,
            "version": version,
            "service": {"namespace": space, "name": "web", "port": 443},
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }


def test_who_serves_an_api_is_told_by_the_label(cluster: Cluster, stamp: Stamp, space: str) -> None:
    name = f"v1.{space}.example.org"
    cluster.apply([namespace(space), api_service(name, space)], stamp)
    assert name not in served_by_others(cluster, stamp.installation_id)
    assert name in served_by_others(cluster, "")
    assert name in served_by_others(cluster, "hanother00000")


def test_an_api_of_somebody_else_is_never_taken_over(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    name = f"v1.{space}.example.org"
    body = api_service(name, space)
    cluster.apply([body], Stamp("hsomebody0000", "other"))
    with pytest.raises(NotOurs):
        cluster.apply([namespace(space), body], stamp)
    found = cluster.get(ref_of(body)) or {}
    assert labels_of(found)[INSTALLATION] == "hsomebody0000"


def test_an_api_is_ready_when_something_answers_behind_it(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    body = api_service(f"v1.{space}.example.org", space)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": space},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 443}]},
    }
    cluster.apply([namespace(space), body], stamp)

    def words() -> str:
        return cluster.readiness(body, stamp).words

    impatient("the verdict", lambda: None if "is not present" in words() else words())
    assert not cluster.readiness(body, stamp).done
    cluster.apply([service, deployment(space, "web")], stamp)
    impatient("the answer", lambda: None if cluster.readiness(body, stamp).done else words())


def test_an_api_goes_before_what_serves_it(cluster: Cluster, stamp: Stamp, space: str) -> None:
    body = api_service(f"v1.{space}.example.org", space)
    cluster.apply([namespace(space), body], stamp)
    first = [one.ref.kind for one in cluster.inventory(stamp) if goes_first(one)]
    assert first == ["APIService"]
    cluster.delete_all(stamp, impatient)
    assert cluster.inventory(stamp) == ()


def test_a_cluster_s_addresses_are_read_from_its_nodes_and_its_own_service(
    cluster: Cluster,
) -> None:
    impatient("a node", lambda: None if cluster.nodes(with_pods=False) else "none yet")
    found = addresses_of(cluster)
    assert found.nodes == ()
    assert found.pods == ("10.244.0.0/25",)
    assert "127.0.0.1" not in str(found.extra_nodes)
    assert all(0 < port < 65536 for port in found.api_ports)
