"""A node is closed and emptied politely: budgets are asked, what belongs to the node stays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from installer.engine.errors import ClusterError
from installer.engine.events import Event, Note
from installer.engine.state import Installation, State
from installer.engine.step import Context, StopFlag
from installer.kube.cluster import Cluster
from installer.kube.objects import ref_of
from installer.kube.stamp import Stamp
from installer.steps.draining import Draining
from tests.kube.rehearsed import PACE, Body, claim, deployment, impatient, namespace


@pytest.fixture
def node(cluster: Cluster, stamp: Stamp) -> Iterator[str]:
    """The only node; open again afterwards."""
    impatient("the node", lambda: None if cluster.nodes(with_pods=False) else "not there yet")
    (found,) = cluster.nodes(with_pods=False)
    yield found.name
    cluster.close_node(found.name, stamp, closed=False)


@pytest.fixture
def machine(cluster: Cluster, node: str) -> str:
    """The OCID of the node's machine."""
    (found,) = cluster.objects("v1", "Node")
    return str(found["spec"]["providerID"])


def budget(space: str, name: str) -> Body:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": space},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": name}}},
    }


def put(cluster: Cluster, stamp: Stamp, *bodies: Body) -> None:
    cluster.apply(bodies, stamp)
    servers = [ref_of(body) for body in bodies if body["kind"] == "Deployment"]

    def reason() -> str | None:
        standing = cluster.readiness_of(servers, stamp)
        return next((one.words for one in standing.values() if not one.done), None)

    impatient("the servers", reason)


def context(stamp: Stamp, folder: Path, told: list[Event]) -> Context:
    state = State(folder / "state.sqlite")
    here = Installation(stamp.installation_id, stamp.name)
    return Context("node-pool", state, here, told.append, StopFlag(), PACE)


def leaving(cluster: Cluster, stamp: Stamp, node: str, space: str) -> list[Any]:
    return [pod for pod in cluster.pods_to_leave(node, stamp) if pod.namespace == space]


def clear(cluster: Cluster, stamp: Stamp) -> None:
    cluster.delete_all(stamp, impatient)


def test_a_budget_holds_a_pod_and_says_why(
    cluster: Cluster, stamp: Stamp, space: str, node: str
) -> None:
    put(cluster, stamp, namespace(space), deployment(space, "api"), budget(space, "api"))
    (pod,) = leaving(cluster, stamp, node, space)
    assert (pod.ours, pod.orphan) == (True, False)

    (held,) = cluster.evict([pod], stamp)

    assert held.held == "The disruption budget api needs 1 healthy pods and has 1 currently"
    assert [each.going for each in leaving(cluster, stamp, node, space)] == [False]
    clear(cluster, stamp)


def test_what_belongs_to_the_node_is_not_moved(cluster: Cluster, stamp: Stamp, node: str) -> None:
    impatient(
        "the cluster's own pods",
        lambda: None if cluster.pods_to_leave(node, stamp) else "nothing there yet",
    )
    owners = {
        reference["kind"]
        for pod in cluster.objects("v1", "Pod", "kube-system")
        for reference in pod["metadata"]["ownerReferences"]
    }
    assert "DaemonSet" in owners
    names = " ".join(pod.words for pod in cluster.pods_to_leave(node, stamp))
    assert "coredns" in names
    assert "kube-proxy" not in names


def test_a_drained_node_is_closed_empty_and_without_volumes(
    cluster: Cluster, stamp: Stamp, space: str, node: str, machine: str, tmp_path: Path
) -> None:
    put(
        cluster,
        stamp,
        *(namespace(space), claim(space, "data"), deployment(space, "db", volume="data")),
    )
    impatient("the volume", lambda: None if cluster.attached_to(node, stamp) else "not attached")
    draining = Draining(lambda _ctx: nullcontext(cluster))
    ctx = context(stamp, tmp_path, [])
    assert any(words.startswith(f"{space}/db") for words in draining.carried(ctx, machine))

    draining.drain(ctx, machine)

    (found,) = cluster.nodes(with_pods=False)
    assert not found.schedulable
    assert cluster.pods_to_leave(node, stamp) == []
    assert cluster.attached_to(node, stamp) == []
    assert draining.carried(ctx, "ocid1.instance.of.nobody") == ()
    cluster.close_node(node, stamp, closed=False)
    clear(cluster, stamp)


def test_a_budget_that_cannot_be_kept_holds_our_own_pods_for_a_minute_only(
    cluster: Cluster, stamp: Stamp, space: str, machine: str, tmp_path: Path
) -> None:
    put(cluster, stamp, namespace(space), deployment(space, "api"), budget(space, "api"))
    told: list[Event] = []
    begun = time.monotonic()
    Draining(lambda _ctx: nullcontext(cluster)).drain(context(stamp, tmp_path, told), machine)
    assert (time.monotonic() - begun) / PACE >= 60
    assert any("cannot be kept" in each.words for each in told if isinstance(each, Note))
    clear(cluster, stamp)


@pytest.mark.slow
def test_somebody_elses_pods_are_not_lost_and_their_budget_stops_the_drain(
    cluster: Cluster, stamp: Stamp, space: str, node: str, machine: str, tmp_path: Path
) -> None:
    other = Stamp("hsomebodyels", "other")
    put(cluster, other, namespace(space), deployment(space, "api"), budget(space, "api"))
    with pytest.raises(ClusterError) as kept:
        Draining(lambda _ctx: nullcontext(cluster)).drain(context(stamp, tmp_path, []), machine)
    assert "could not be emptied" in kept.value.what
    assert "needs 1 healthy pods" in kept.value.why
    (found,) = cluster.nodes(with_pods=False)
    assert found.schedulable, "it takes pods again"
    assert leaving(cluster, stamp, node, space)
    clear(cluster, other)
