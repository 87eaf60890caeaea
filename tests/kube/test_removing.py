"""Removal: what is ours and nothing else, and what holds data only when everything goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from installer.engine.errors import NotOurs
from installer.engine.state import new_installation_id
from installer.kube.cluster import Cluster
from installer.kube.objects import ref_of
from installer.kube.secret_objects import SecretWanted, secret_ref
from installer.kube.stamp import Stamp
from tests.kube.rehearsed import (
    Rehearsed,
    balancer,
    claim,
    config_map,
    deployment,
    impatient,
    job,
    namespace,
    patch,
)


def ready(cluster: Cluster, stamp: Stamp, *bodies: dict[str, object]) -> None:
    """Wait until all of them are ready."""

    def reason() -> str | None:
        standing = cluster.readiness_of([ref_of(body) for body in bodies], stamp)
        return next((one.words for one in standing.values() if not one.done), None)

    impatient("all objects", reason)


def test_pruning_removes_what_is_not_wanted_and_keeps_what_holds_data(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    server = deployment(space, "api")
    keep = [namespace(space), config_map(space, "wanted"), server]
    extra = [config_map(space, "old"), job(space, "init-0a1b2c"), claim(space, "data")]
    cluster.apply([*keep, *extra], stamp)
    cluster.create_secret(SecretWanted(space, "login", {"password": "long-enough"}), stamp)
    wanted = [ref_of(body) for body in keep]
    ready(cluster, stamp, server)

    found = cluster.prune(stamp, wanted, impatient)

    assert {one.ref.name for one in found.removable} == {"old", "init-0a1b2c"}
    assert {ref.kind for ref in found.kept} == {"PersistentVolumeClaim", "Secret"}
    left = {one.ref for one in cluster.inventory(stamp)}
    assert left == {*wanted, ref_of(claim(space, "data")), secret_ref(space, "login")}
    assert cluster.superfluous(stamp, wanted).removable == ()


def test_a_namespace_that_is_not_wanted_stays_while_it_holds_data(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    cluster.apply([namespace(space), claim(space, "data"), namespace(f"{space}-empty")], stamp)

    found = cluster.prune(stamp, [], impatient)

    assert [one.ref.name for one in found.removable] == [f"{space}-empty"]
    assert ref_of(namespace(space)) in found.kept


def test_pruning_leaves_other_installations_alone(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    other = Stamp(new_installation_id(), "other")
    cluster.apply([namespace(space), config_map(space, "theirs")], other)

    assert cluster.prune(stamp, [], impatient).removable == ()
    assert len(cluster.inventory(other)) == 2


def test_removing_everything_leaves_no_object_and_no_volume(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    server = deployment(space, "db", volume="data")
    door = balancer(space, "door")
    cluster.apply([namespace(space), claim(space, "data"), server, door], stamp)
    cluster.create_secret(SecretWanted(space, "login", {"password": "long-enough"}), stamp)
    ready(cluster, stamp, server, door)
    assert volumes(cluster, space)

    waits: list[tuple[str, list[str]]] = []

    def watching(
        what: str,
        check: Callable[[], str | None],
        every: float = 5.0,
        usually: float = 60.0,
        at_most: float = 3600.0,
    ) -> None:
        waits.append((what, volumes(cluster, space)))
        impatient(what, check, every, usually, at_most)

    cluster.delete_all(stamp, watching)

    assert cluster.inventory(stamp) == ()
    # A namespace that goes before its volumes leaves nobody to ask about them.
    named = [what for what, _ in waits]
    assert named.index("the volumes to be gone") < named.index(f"Namespace {space} to be gone")
    assert dict(waits)[f"Namespace {space} to be gone"] == []
    assert cluster.get(ref_of(namespace(space))) is None


def volumes(cluster: Cluster, space: str) -> list[str]:
    return [
        body["metadata"]["name"]
        for body in cluster.objects("v1", "PersistentVolume")
        if body["spec"]["claimRef"]["namespace"] == space
    ]


def test_guests_in_our_namespace_are_named_and_nothing_is_removed(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    guest = Stamp(new_installation_id(), "guest")
    cluster.apply([namespace(space), config_map(space, "ours")], stamp)
    cluster.apply([config_map(space, "guest")], guest)

    with pytest.raises(NotOurs) as refused:
        cluster.delete_all(stamp, impatient)

    assert refused.value.why == f"ConfigMap {space}/guest"
    assert len(cluster.inventory(stamp)) == 2


def test_what_the_cluster_makes_by_itself_is_no_guest(
    cluster: Cluster, kubernetes: Rehearsed, stamp: Stamp, space: str
) -> None:
    server = deployment(space, "api")
    cluster.apply([namespace(space), server], stamp)
    ready(cluster, stamp, server)
    owner = cluster.get(ref_of(server))
    assert owner is not None
    # What a controller makes beside our labels, owned by an object of ours.
    made = config_map(space, "made-by-a-controller")
    made["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "api",
            "uid": owner["metadata"]["uid"],
        }
    ]
    path = f"/api/v1/namespaces/{space}/configmaps/made-by-a-controller"
    patch(kubernetes, path, "application/apply-patch+yaml", made, "fieldManager=controller")

    cluster.delete_all(stamp, impatient)

    assert cluster.inventory(stamp) == ()


def test_a_namesake_that_came_later_is_not_removed(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    body = config_map(space, "settings")
    cluster.apply([namespace(space), body], stamp)
    before = [one for one in cluster.inventory(stamp) if one.ref.kind == "ConfigMap"]
    cluster.delete(before, stamp, impatient)
    cluster.apply([body], stamp)

    cluster.delete(before, stamp, impatient)

    left = [one for one in cluster.inventory(stamp) if one.ref.kind == "ConfigMap"]
    assert left[0].uid != before[0].uid
