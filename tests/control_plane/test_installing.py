"""The data layer and hard cases of server-side apply, judged by the real API server."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from installer.answers.model import answers_model
from installer.engine.errors import ClusterError, NotOurs
from installer.engine.events import Ending
from installer.engine.retrying import RetryPolicy
from installer.engine.run import Runner
from installer.engine.state import State, new_installation_id
from installer.kube.cluster import Cluster
from installer.kube.objects import ref_of
from installer.kube.stamp import Stamp
from installer.modules import catalogue
from installer.plan import Surroundings, make_plan
from installer.steps.enforcement import ENFORCEMENT, NetworkProbe
from installer.steps.kubernetes_part import ModulePart, kubernetes_part
from tests.control_plane.conftest import PACE
from tests.control_plane.control_plane import ControlPlane
from tests.kube.rehearsed import (
    Rehearsed,
    claim,
    config_map,
    deployment,
    impatient,
    job,
    namespace,
    patch,
)

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]


@pytest.fixture
def stamp() -> Stamp:
    return Stamp(new_installation_id(), "health")


@pytest.fixture
def space(stamp: Stamp) -> str:
    return f"data-{stamp.installation_id}"


def by_token(plane: ControlPlane) -> Rehearsed:
    """The same cluster for a stranger's tool, which logs in by token."""
    document = yaml.safe_load(plane.token_kubeconfig.read_text(encoding="utf-8"))
    token = document["users"][0]["user"]["token"]
    return Rehearsed(plane.server, plane.ca_file, token, plane.token_kubeconfig)


def test_the_data_layer_is_installed_left_alone_and_removed(
    cluster: Cluster, kubelets: Path, tmp_path: Path
) -> None:
    model = answers_model(tuple(module.questions for module in catalogue()))
    # No pod runs here that could answer for an API; its objects are judged by dry runs elsewhere.
    around = Surroundings(served_by_others=("v1beta1.metrics.k8s.io",))
    # Nobody here makes balancers.
    edge = {"edge": {"entry": "node_port", "tls": "own"}}
    given = {"version": 1, "target": "existing", "modules": edge}
    plan = make_plan(model.model_validate(given), around)
    questions = [module.questions for module in plan.modules]
    parts = [ModulePart(each.name, each.title, tuple(each.needs)) for each in questions]
    probe = NetworkProbe("registry.rehearsal.invalid/valkey:9", 999, 1000)
    steps = kubernetes_part(
        lambda _ctx: cluster, plan.rendered, parts, 1, lambda _path: None, probe=probe
    )
    state = State(tmp_path / "state.sqlite")
    installation = state.installation("health")

    def runner() -> Runner:
        policy = RetryPolicy(attempts=3)
        return Runner(steps, state, installation, lambda _e: None, pace=PACE, policy=policy)

    first = runner().install()
    assert first.error is None, str(first.error)
    second = runner().install()
    assert second.ending is Ending.NOTHING_TO_DO, [s.changes for s in second.seen.values()]

    # The kubelets played here know a network like flannel, and admission let the trial's pods in.
    assert state.recall(ENFORCEMENT, "result") == "ignored"

    removed = runner().destroy()
    assert removed.error is None, str(removed.error)
    assert cluster.inventory(Stamp(installation.id, installation.name)) == ()
    assert cluster.objects("v1", "PersistentVolume") == ()
    state.close()


def test_a_second_apply_changes_nothing_although_controllers_write_too(
    cluster: Cluster, kubelets: Path, stamp: Stamp, space: str
) -> None:
    bodies = [namespace(space), deployment(space, "api", replicas=2), config_map(space, "settings")]
    cluster.apply(bodies, stamp)

    def unready() -> str | None:
        one = cluster.readiness(bodies[1], stamp)
        return None if one.done else one.words

    reports = [cluster.apply(bodies, stamp) for _ in range(5)]
    impatient("the deployment", unready)
    reports.append(cluster.apply(bodies, stamp))

    assert {report.words for report in reports} == {"3 unchanged"}


def test_a_field_taken_over_is_named_with_its_manager(
    cluster: Cluster, control_plane: ControlPlane, stamp: Stamp, space: str
) -> None:
    cluster.apply([namespace(space), deployment(space, "api")], stamp)
    path = f"/apis/apps/v1/namespaces/{space}/deployments/api"
    body = {"spec": {"replicas": 3}}
    kind = "application/merge-patch+json"
    patch(by_token(control_plane), path, kind, body, "fieldManager=kubectl-edit")

    with pytest.raises(NotOurs) as refused:
        cluster.apply([deployment(space, "api")], stamp)

    assert "'kubectl-edit' changed spec.replicas" in refused.value.why


def test_pod_security_s_refusal_is_told_in_the_readiness(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    strict = namespace(space)
    strict["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "restricted"}
    loose = deployment(space, "api")
    del loose["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    cluster.apply([strict, loose], stamp)

    def untold() -> str | None:
        words = cluster.readiness(loose, stamp).words
        return None if "violates PodSecurity" in words else words

    impatient("the refusal", untold)


def test_an_unknown_field_is_refused_at_once(cluster: Cluster, stamp: Stamp, space: str) -> None:
    wrong = deployment(space, "api")
    wrong["spec"]["strange"] = 1
    cluster.apply([namespace(space)], stamp)

    with pytest.raises(ClusterError) as refused:
        cluster.apply([wrong], stamp)

    assert ".spec.strange" in refused.value.why


def test_a_job_with_other_content_is_said_to_be_made_anew(
    cluster: Cluster, stamp: Stamp, space: str
) -> None:
    cluster.apply([namespace(space), job(space, "init")], stamp)
    other = job(space, "init")
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "docker.io/library/busybox:2"

    assert cluster.compare([other], stamp).replaced == (ref_of(other),)


def test_pruning_keeps_data_and_removing_everything_does_not(
    cluster: Cluster, kubelets: Path, stamp: Stamp, space: str
) -> None:
    keep = [namespace(space), config_map(space, "wanted")]
    server = deployment(space, "db", volume="data")
    cluster.apply([*keep, config_map(space, "old"), claim(space, "data"), server], stamp)

    def unready() -> str | None:
        one = cluster.readiness(server, stamp)
        return None if one.done else one.words

    impatient("the server", unready)

    pruned = cluster.prune(stamp, [ref_of(body) for body in keep], impatient)
    assert {one.ref.name for one in pruned.removable} == {"old", "db"}
    assert [ref.name for ref in pruned.kept] == ["data"]

    cluster.delete_all(stamp, impatient)
    assert cluster.inventory(stamp) == ()
    assert cluster.get(ref_of(namespace(space))) is None


def test_guests_are_named_and_stop_the_removal(cluster: Cluster, stamp: Stamp, space: str) -> None:
    cluster.apply([namespace(space), config_map(space, "ours")], stamp)
    cluster.apply([config_map(space, "guest")], Stamp(new_installation_id(), "guest"))

    with pytest.raises(NotOurs) as refused:
        cluster.delete_all(stamp, impatient)

    assert refused.value.why == f"ConfigMap {space}/guest"
