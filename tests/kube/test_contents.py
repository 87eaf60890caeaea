"""Pods by module, volumes and what nodes use, read from a rehearsed cluster as it comes to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from installer.commands.inside import inside_lines
from installer.engine.state import new_installation_id
from installer.kube.cluster import Cluster
from installer.kube.contents import Contents
from installer.kube.stamp import MODULE, Stamp
from tests.kube.conftest import connection_to
from tests.kube.rehearsed import (
    PACE,
    Body,
    Rehearsed,
    claim,
    deployment,
    impatient,
    job,
    namespace,
    patch,
    rehearsed,
    storage_class,
)

METRICS = "v1beta1.metrics.k8s.io"
GIB = 2**30


def of_module(module: str, body: Body) -> Body:
    """The object with the label that rendering puts on pods."""
    body["spec"]["template"]["metadata"]["labels"][MODULE] = module
    return body


def seen_once(
    cluster: Cluster, stamp: Stamp, enough: Callable[[Contents], bool]
) -> tuple[Contents, str]:
    """What is there once it is as far as that, and what is said of it."""
    found: list[Contents] = []

    def missing() -> str | None:
        found[:] = [cluster.contents(stamp)]
        return None if enough(found[0]) else "\n".join(inside_lines(found[0]))

    impatient("the contents", missing)
    return found[0], "\n".join(inside_lines(found[0]))


def test_pods_are_counted_by_module_and_the_one_that_does_not_run_is_named(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    well = of_module("edge", deployment(space, "door", replicas=3))
    broken = of_module("views", deployment(space, "board", outcome="ImagePullBackOff"))
    cluster.apply([namespace(space)], stamp)
    cluster.apply([well, broken], stamp)
    contents, said = seen_once(
        cluster,
        stamp,
        lambda seen: "cannot be pulled" in str(seen) and seen.pods[0].ready == 3,
    )
    assert [(each.module, each.ready, each.wanted) for each in contents.pods] == [
        ("edge", 3, 3),
        ("views", 0, 1),
    ]
    assert "  edge: 3 of 3 pods ready\n  views: 0 of 1 pod ready\n" in said
    assert f"    {space}: pod board-" in said
    assert "the image docker.io/library/busybox:1 cannot be pulled" in said
    assert not contents.runs


def test_pods_of_others_and_those_that_have_done_their_work_are_not_told(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    others = Stamp(new_installation_id(), "other")
    cluster.apply([namespace(space)], stamp)
    cluster.apply([of_module("edge", deployment(space, "theirs"))], others)
    cluster.apply([of_module("views", job(space, "once"))], stamp)
    done = cluster.objects

    def unfinished() -> str | None:
        phases = [pod["status"]["phase"] for pod in done("v1", "Pod", space, stamp.selector)]
        return None if phases == ["Succeeded"] else f"{phases}"

    impatient("the job", unfinished)
    assert cluster.contents(stamp).pods == ()
    assert cluster.contents(stamp).runs


def test_a_failed_pod_is_named_though_nothing_waits_for_it(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    cluster.apply([namespace(space)], stamp)
    cluster.apply([of_module("views", job(space, "once", outcome="exit 3"))], stamp)
    _, said = seen_once(cluster, stamp, lambda seen: "exit code 3" in str(seen))
    assert "  views: no pod runs\n" in said
    assert "main ended with exit code 3" in said


def test_volumes_of_all_namespaces_are_told_with_their_true_size_or_why_there_is_none(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    small = claim(space, "small")
    small["spec"]["resources"]["requests"]["storage"] = "20Gi"
    other, unused = f"{space}-b", claim(f"{space}-b", "unused")
    cluster.apply([namespace(space), namespace(other), storage_class("late")], stamp)
    cluster.apply([small, unused, deployment(space, "server", volume="small")], stamp)
    contents, said = seen_once(cluster, stamp, lambda seen: seen.claims[0].words == "")
    small_seen, unused_seen = contents.claims
    # Oracle's driver makes nothing smaller than 50 GiB, whatever was asked for.
    assert (small_seen.name, small_seen.size_bytes) == ("small", 50 * GIB)
    assert unused_seen.words == "Pending: gets its volume with its first pod"
    assert f"Volumes\n  {space}/small, 50 GiB\n  {other}/unused, 50 GiB, Pending: gets" in said


# -- a cluster of its own: others of the room would see what is served ------------------------


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """A cluster with a ready node, in which nobody measures anything."""
    with rehearsed(tmp_path_factory.mktemp("own") / "home") as running:
        with Cluster(connection_to(running), pace=PACE) as opened:

            def unready() -> str | None:
                nodes = opened.nodes(with_pods=False)
                return None if any(node.ready for node in nodes) else "no node is ready"

            impatient("the node", unready)
        yield running


@pytest.fixture
def alone(own: Rehearsed) -> Iterator[Cluster]:
    """That cluster, at the pace of the real world: nothing may wait in vain."""
    with Cluster(connection_to(own)) as opened:
        yield opened


def serve_figures(running: Rehearsed, service: str = "") -> None:
    """An APIService as a neighbour applies it: answered by the server itself, or by a Service."""
    spec: Body = {"groupPriorityMinimum": 100, "versionPriority": 100}
    spec |= {"group": "metrics.k8s.io", "version": "v1beta1"}
    if service:
        spec["service"] = {"name": service, "namespace": "kube-system", "port": 443}
        spec["insecureSkipTLSVerify"] = True
    body = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
    path = f"/apis/apiregistration.k8s.io/v1/apiservices/{METRICS}"
    metadata = {"metadata": {"name": METRICS}, "spec": spec}
    query = "fieldManager=neighbour&force=true"
    patch(running, path, "application/apply-patch+yaml", {**body, **metadata}, query)


def test_where_nobody_measures_nodes_a_sentence_names_the_answer_that_would(
    alone: Cluster, stamp: Stamp
) -> None:
    contents = alone.contents(stamp)
    assert [each.used_cpu for each in contents.nodes.nodes] == [None]
    said = "\n".join(inside_lines(contents))
    assert "Nobody measures what nodes use" in said
    assert "modules.metrics-server.enabled: true" in said
    assert "1.83 CPU and 9.2 GiB of memory for pods" in said
    # What is not measured says nothing about whether all runs.
    assert contents.runs


def test_what_serves_the_figures_and_is_down_is_told_without_waiting_for_it(
    own: Rehearsed, alone: Cluster, stamp: Stamp
) -> None:
    serve_figures(own, "nobody")
    began = time.monotonic()
    unknown = alone.contents(stamp).nodes.unknown
    assert time.monotonic() - began < 3.0
    assert "does not answer" in unknown
    assert f"kubectl get apiservices {METRICS}" in unknown


def test_nodes_are_told_with_what_they_use_of_what_they_allot(
    tmp_path: Path, stamp: Stamp, space: str
) -> None:
    with rehearsed(tmp_path / "home") as running, Cluster(connection_to(running), PACE) as cluster:
        serve_figures(running)
        busy = deployment(space, "busy", replicas=2)
        asked = {"cpu": "250m", "memory": "1Gi"}
        busy["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"] = asked
        cluster.apply([namespace(space)], stamp)
        cluster.apply([busy], stamp)
        contents, said = seen_once(
            cluster, stamp, lambda seen: bool(seen.pods) and seen.pods[0].ready == 2
        )
        (node,), (others,) = contents.nodes.nodes, cluster.nodes(stamp)
        assert node.used_cpu == 500 + others.requested_cpu
        assert node.used_memory == 2 * GIB + others.requested_memory
        assert f"{node.name}: CPU {node.used_cpu / 1000:.2f} of 1.83 (" in said
        assert f"memory {node.used_memory / GIB:.1f} of 9.2 GiB (" in said
        assert contents.nodes.unknown == ""


def test_what_the_cluster_refuses_to_tell_is_said_and_the_rest_is_told(
    tmp_path: Path, stamp: Stamp, space: str
) -> None:
    refused = {"operation": "LIST pods", "do": "error", "status": 403, "times": "always"}
    home = tmp_path / "home"
    with rehearsed(home, weather=[refused]) as running, Cluster(connection_to(running)) as cluster:
        cluster.apply([namespace(space)], stamp)
        cluster.apply([claim(space, "data")], stamp)
        contents = cluster.contents(stamp)
    said = "\n".join(inside_lines(contents))
    assert "Not all could be read: The cluster does not allow us to list Pod objects." in said
    assert f"  {space}/data, 50 GiB" in said
    assert not contents.runs


def test_a_cluster_that_does_not_answer_is_said_once_and_nothing_is_taken_for_well(
    own: Rehearsed, stamp: Stamp
) -> None:
    nowhere = replace(connection_to(own), server="https://127.0.0.1:1")
    with Cluster(nowhere, PACE) as cluster:
        contents = cluster.contents(stamp)
    (words,) = contents.unread
    assert "does not answer" in words
    assert "does not answer" in contents.nodes.unknown
    assert not contents.runs
