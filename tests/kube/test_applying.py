"""Server-side apply against an API server: never by force, never twice, never on others' things."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from installer.engine.errors import ClusterError, NotOurs, Unreachable
from installer.engine.state import new_installation_id
from installer.kube.applying import Applying
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.objects import Ref, ref_of
from installer.kube.secret_objects import SecretWanted
from installer.kube.stamp import APPLIED, Stamp
from installer.kube.wire import Request, Wire
from tests.kube.conftest import connection_to
from tests.kube.rehearsed import (
    PACE,
    Body,
    Rehearsed,
    claim,
    config_map,
    deployment,
    impatient,
    namespace,
    patch,
    rehearsed,
)


def objects(space: str) -> list[Body]:
    return [
        config_map(space, "settings", level="1"),
        deployment(space, "api"),
        claim(space, "data"),
        # Last on purpose: apply itself must see to it that the namespace comes first.
        namespace(space),
    ]


def test_a_second_apply_changes_nothing(cluster: Cluster, stamp: Stamp, space: str) -> None:
    first = cluster.apply(objects(space), stamp)

    def reason() -> str | None:
        one = cluster.readiness(objects(space)[1], stamp)
        return None if one.done else one.words

    impatient("the deployment", reason)

    second = cluster.apply(objects(space), stamp)

    assert len(first.created) == 4
    assert first.words == "4 created"
    assert (second.created, second.changed, len(second.unchanged)) == ((), (), 4)
    assert cluster.compare(objects(space), stamp).is_as_wanted


def test_every_object_and_every_pod_carries_our_stamp(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    cluster.apply(objects(space), stamp)

    for body in objects(space):
        found = cluster.get(ref_of(body))
        assert found is not None
        assert stamp.labels.items() <= found["metadata"]["labels"].items()
        assert found["metadata"]["annotations"]["health-install/name"] == "health"

    def no_pod() -> str | None:
        return None if cluster.objects("v1", "Pod", space, stamp.selector) else "none yet"

    impatient("a pod", no_pod)


def test_a_comparison_tells_what_would_change_and_changes_nothing(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    cluster.apply(objects(space), stamp)
    wanted = [config_map(space, "settings", level="2"), deployment(space, "api", replicas=2)]
    wanted.append(config_map(space, "new"))

    found = cluster.compare(wanted, stamp)

    assert set(found.changes) == {
        f"ConfigMap {space}/settings: data.level 1 -> 2",
        f"Deployment {space}/api: spec.replicas 1 -> 2",
    }
    assert [ref.name for ref in found.absent] == ["new"]
    assert cluster.compare(objects(space), stamp).is_as_wanted


def test_a_volume_keeps_its_size_where_less_is_wanted_and_grows_where_more_is(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    wanted = claim(space, "data")
    cluster.apply([namespace(space), wanted], stamp)
    less, more = copy.deepcopy(wanted), copy.deepcopy(wanted)
    less["spec"]["resources"]["requests"]["storage"] = "40Gi"
    more["spec"]["resources"]["requests"]["storage"] = "60Gi"

    planned = cluster.compare([less], stamp)
    report = cluster.apply([less], stamp)
    growing = cluster.compare([more], stamp)

    assert planned.is_as_wanted
    assert report.unchanged == (ref_of(wanted),)
    assert f"volumes do not shrink: PersistentVolumeClaim {space}/data" in report.words
    assert growing.changes == (
        f"PersistentVolumeClaim {space}/data: spec.resources.requests.storage 50Gi -> 60Gi",
    )


def test_what_we_no_longer_say_is_taken_out_of_the_object(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    cluster.apply([namespace(space), config_map(space, "settings", one="1", two="2")], stamp)

    report = cluster.apply([config_map(space, "settings", one="1")], stamp)

    found = cluster.get(ref_of(config_map(space, "settings")))
    assert found is not None
    assert found["data"] == {"one": "1"}
    assert len(report.changed) == 1


def test_an_object_without_our_label_is_named_and_nothing_is_changed(
    cluster: Cluster, kubernetes: Rehearsed, stamp: Stamp, space: str
) -> None:
    cluster.apply([namespace(space)], stamp)
    theirs = config_map(space, "settings", level="theirs")
    path = f"/api/v1/namespaces/{space}/configmaps/settings"
    patch(kubernetes, path, "application/apply-patch+yaml", theirs, "fieldManager=them")

    with pytest.raises(NotOurs) as refused:
        cluster.apply([config_map(space, "fresh"), config_map(space, "settings")], stamp)

    assert f"ConfigMap {space}/settings exists and does not carry our label" in refused.value.why
    assert cluster.get(ref_of(config_map(space, "fresh"))) is None
    found = cluster.compare([config_map(space, "settings")], stamp)
    assert len(found.not_ours) == 1


def test_an_object_of_another_installation_is_not_ours(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    other = Stamp(new_installation_id(), "other")
    cluster.apply([namespace(space), config_map(space, "settings")], other)

    with pytest.raises(NotOurs) as refused:
        cluster.apply([config_map(space, "settings", level="ours")], stamp)

    assert f"belongs to the installation {other.installation_id}" in refused.value.why


def test_a_field_that_somebody_took_over_is_named_with_its_manager(
    cluster: Cluster, kubernetes: Rehearsed, stamp: Stamp, space: str
) -> None:
    cluster.apply(objects(space), stamp)
    patch(
        kubernetes,
        f"/apis/apps/v1/namespaces/{space}/deployments/api",
        "application/merge-patch+json",
        {"spec": {"replicas": 3}},
        "fieldManager=kubectl-edit",
    )

    with pytest.raises(NotOurs) as refused:
        cluster.apply([deployment(space, "api")], stamp)

    assert "'kubectl-edit' changed spec.replicas" in refused.value.why
    assert "run the same command again" in refused.value.then
    found = cluster.get(ref_of(deployment(space, "api")))
    assert found is not None
    assert found["spec"]["replicas"] == 3
    assert "spec.replicas" in cluster.compare([deployment(space, "api")], stamp).not_ours[0]


def test_a_field_that_somebody_removed_is_put_back(
    cluster: Cluster, kubernetes: Rehearsed, stamp: Stamp, space: str
) -> None:
    cluster.apply(objects(space), stamp)
    patch(
        kubernetes,
        f"/api/v1/namespaces/{space}/configmaps/settings",
        "application/merge-patch+json",
        {"data": {"level": None}},
        "fieldManager=kubectl-edit",
    )

    drift = cluster.compare(objects(space), stamp)
    cluster.apply(objects(space), stamp)

    assert drift.changes[0].startswith(f"ConfigMap {space}/settings: data")
    assert cluster.compare(objects(space), stamp).is_as_wanted


def test_a_refused_object_says_which_field_is_wrong(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    cluster.apply(objects(space), stamp)
    wrong = copy.deepcopy(deployment(space, "api"))
    wrong["spec"]["selector"]["matchLabels"] = {"app": "another"}

    with pytest.raises(ClusterError) as refused:
        cluster.apply([wrong], stamp)

    assert "spec.selector" in refused.value.why
    assert f"Deployment {space}/api" in refused.value.what


def test_a_kind_the_cluster_lacks_is_named(cluster: Cluster, stamp: Stamp, space: str) -> None:
    strange = {
        "apiVersion": "example.org/v1",
        "kind": "Strange",
        "metadata": {"name": "x", "namespace": space},
    }

    with pytest.raises(ClusterError, match=r"does not know the kind Strange of example.org/v1"):
        cluster.apply([strange], stamp)


def test_passing_refusals_and_cut_connections_are_sat_out(tmp_path: Path, stamp: Stamp) -> None:
    weather = [
        {"operation": "PATCH configmaps", "do": "throttle", "retry_after": 1, "times": 2},
        {"operation": "PATCH configmaps", "do": "error", "status": 503, "after": 2, "times": 2},
        {"operation": "PATCH configmaps", "do": "cut", "when": "after", "after": 4, "times": 2},
    ]
    with (
        rehearsed(tmp_path / "home", "--no-player", weather=weather) as running,
        Cluster(connection_to(running), pace=PACE) as cluster,
    ):
        cluster.apply([namespace("data")], stamp)
        maps = [config_map("data", f"m{n}") for n in range(12)]

        report = cluster.apply(maps, stamp)

        assert len(report.created) == 12
        assert cluster.compare(maps, stamp).is_as_wanted


def test_a_server_that_does_not_answer_is_unreachable_and_named() -> None:
    connection = Connection("http://127.0.0.1:9", None, lambda: "token")

    with Cluster(connection, pace=PACE) as cluster, pytest.raises(Unreachable) as refused:
        cluster.version()

    assert "http://127.0.0.1:9" in refused.value.what
    assert refused.value.then


def test_a_server_with_another_certificate_is_not_trusted(
    kubernetes: Rehearsed, tmp_path: Path
) -> None:
    from tests.control_plane.certificates import Authority

    other = Authority(tmp_path).ca_file.read_bytes()
    connection = Connection(kubernetes.server, other, lambda: kubernetes.token)

    with Cluster(connection, pace=PACE) as cluster, pytest.raises(ClusterError) as refused:
        cluster.version()

    assert "not the cluster we expect" in refused.value.what


def test_a_wrong_token_is_said_to_be_refused(kubernetes: Rehearsed) -> None:
    ca = kubernetes.ca_file.read_bytes()
    connection = Connection(kubernetes.server, ca, lambda: "wrong-token-value")

    with Cluster(connection, pace=PACE) as cluster, pytest.raises(ClusterError) as refused:
        cluster.nodes()

    assert "does not accept our login" in refused.value.what
    assert "wrong-token-value" not in str(refused.value)


def test_the_token_is_asked_for_at_every_request(kubernetes: Rehearsed) -> None:
    asked = []

    def token() -> str:
        asked.append(1)
        return kubernetes.token

    connection = Connection(kubernetes.server, kubernetes.ca_file.read_bytes(), token)
    with Cluster(connection, pace=PACE) as cluster:
        cluster.version()
        cluster.version()

    assert len(asked) == 2


def dry_runs(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The objects the server is asked about from now on, by dry runs."""
    asked: list[str] = []
    real = Applying._would_become

    async def noted(self: Applying, body: Body) -> object:
        asked.append(f"{body['kind']} {body['metadata']['name']}")
        return await real(self, body)

    monkeypatch.setattr(Applying, "_would_become", noted)
    return asked


def test_what_is_plainly_as_it_was_applied_is_not_asked_about(
    cluster: Cluster, stamp: Stamp, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.apply(objects(space), stamp)
    asked = dry_runs(cluster, monkeypatch)
    assert cluster.compare(objects(space), stamp).is_as_wanted
    assert asked == []


def test_what_somebody_touched_or_is_wanted_otherwise_is_asked_about(
    cluster: Cluster,
    kubernetes: Rehearsed,
    stamp: Stamp,
    space: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster.apply(objects(space), stamp)
    path = f"/api/v1/namespaces/{space}/configmaps/settings"
    patch(kubernetes, path, "application/merge-patch+json", {"data": {"level": "9"}})
    other = [deployment(space, "api", replicas=2)]
    asked = dry_runs(cluster, monkeypatch)

    found = cluster.compare([*objects(space)[:1], *other, *objects(space)[2:]], stamp)

    assert sorted(asked) == ["ConfigMap settings", "Deployment api"]
    assert any("replicas 1 -> 2" in line for line in found.changes)
    assert any("settings" in line for line in found.not_ours)


def test_a_secret_carries_no_note_of_what_is_in_it(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    cluster.apply([namespace(space)], stamp)
    cluster.create_secret(SecretWanted(space, "door", {"word": "hush"}, {}, "Opaque"), stamp)
    made = cluster.get(Ref("v1", "Secret", space, "door"))
    assert made is not None
    assert APPLIED not in made["metadata"]["annotations"]


def test_nothing_is_looked_for_in_a_namespace_that_is_not_there(
    cluster: Cluster, stamp: Stamp, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = Wire.attempt

    async def noted(self: Wire, request: Request) -> dict[str, Any]:
        asked.append(request.path)
        return await real(self, request)

    monkeypatch.setattr(Wire, "attempt", noted)
    before = cluster.compare(objects(space), stamp)
    inside = [path for path in asked if f"/namespaces/{space}" in path]
    cluster.apply(objects(space), stamp)
    cluster.compare(objects(space), stamp)

    assert len(before.absent) == 4
    # Only the namespace itself, by name, since no list of ours has it.
    assert [path.rpartition("/")[2] for path in inside] == [space]
    assert any(path.endswith(f"/namespaces/{space}/configmaps") for path in asked)
