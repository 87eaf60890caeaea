"""The platform on a cluster somebody has already: no Oracle, the budget from its own nodes."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from installer.engine.errors import ExitCode
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.objects import Ref
from installer.kube.stamp import FIELD_MANAGER, MANAGED_BY
from tests.journeys.person import Person
from tests.kube.rehearsed import Body, Rehearsed, patch, rehearsed
from tests.registry.scripted import Server, made_image, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def existing(tmp_path: Path) -> Iterator[Rehearsed]:
    """A cluster with one node of the free size, and nothing of ours."""
    with rehearsed(tmp_path / "cluster") as cluster:
        yield cluster


@pytest.fixture
def mirror() -> Iterator[Server]:
    """A registry that has one image, under every name it is asked for."""
    image = made_image("linux/amd64", "linux/arm64")
    with serving(lambda asked: image.answer(asked.path)) as server:
        yield server


@pytest.fixture
def person(tmp_path: Path, existing: Rehearsed, mirror: Server) -> Person:
    """Somebody whose answers name that cluster by its kubeconfig, and that mirror."""
    made = Person(tmp_path / "person")
    answers = {
        "version": 1,
        "target": "existing",
        "cluster": {"kubeconfig": str(existing.kubeconfig)},
        "images": {
            "registry": f"{mirror.host}/all",
            # Built by that somebody, since nobody publishes them.
            "overrides": {
                "health-api": f"{mirror.host}/all/own/health-api:1",
                "etl-engine": f"{mirror.host}/all/own/etl-engine:1",
            },
        },
        # As on a machine at home. With a balancer status would look its names up in the real world.
        "modules": {"edge": {"entry": "node_port", "tls": "own"}},
    }
    made.answers.write_text(yaml.safe_dump(answers), encoding="utf-8")
    return made


def namespaces(existing: Rehearsed) -> set[str]:
    with Cluster(Connection.from_kubeconfig(existing.kubeconfig)) as cluster:
        return {body["metadata"]["name"] for body in cluster.objects("v1", "Namespace")}


def crowd(existing: Rehearsed, node: str, cpu: str) -> None:
    """A neighbour's pod that asks for so much on the node."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "neighbour", "namespace": "default"},
        "spec": {
            "nodeName": node,
            "containers": [
                {"name": "busy", "image": "busy:1", "resources": {"requests": {"cpu": cpu}}}
            ],
        },
    }
    request = urllib.request.Request(
        f"{existing.server}/api/v1/namespaces/default/pods",
        json.dumps(pod).encode(),
        {"Authorization": f"Bearer {existing.token}", "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=str(existing.ca_file))
    with urllib.request.urlopen(request, context=context) as answer:
        assert answer.status == 201


def pulled(existing: Rehearsed) -> set[str]:
    """The images that our StatefulSets and Deployments name."""
    with Cluster(Connection.from_kubeconfig(existing.kubeconfig)) as cluster:
        ours = f"{MANAGED_BY}={FIELD_MANAGER}"
        kinds = ("StatefulSet", "Deployment")
        found = [cluster.objects("apps/v1", kind, selector=ours) for kind in kinds]
        bodies = [body for some in found for body in some]
    return {
        each["image"] for body in bodies for each in body["spec"]["template"]["spec"]["containers"]
    }


def test_every_image_is_looked_up_once_and_pinned(
    person: Person, existing: Rehearsed, mirror: Server
) -> None:
    assert person.plain("--headless", str(person.answers)).code == ExitCode.OK
    asked = len(mirror.asked)
    assert asked
    digest = made_image("linux/amd64", "linux/arm64").top
    for image in pulled(existing):
        assert image.startswith(f"{mirror.host}/all/")
        assert image.endswith(f"@{digest}")
    again = person.plain("--headless", str(person.answers), "--events", "json")
    assert again.finished["changed"] == 0, again.err
    assert len(mirror.asked) == asked


def test_without_the_check_nobody_is_asked_and_tags_stay(
    person: Person, existing: Rehearsed, mirror: Server
) -> None:
    words = ("--headless", str(person.answers), "--set", "images.check=false")
    assert person.plain(*words).code == ExitCode.OK
    assert mirror.asked == []
    assert not any("@" in image for image in pulled(existing))


def test_it_is_installed_left_alone_and_removed_without_oracle(
    person: Person, existing: Rehearsed
) -> None:
    before = namespaces(existing)
    first = person.plain("--headless", str(person.answers), "--events", "json")
    assert first.code == ExitCode.OK, first.err
    steps = {step["id"] for event in first.of("RunStarted") for step in event["steps"]}
    assert {"namespaces", "secrets", "nodes-ready"} <= steps
    assert not steps & {"account", "compartment", "vcn", "cluster", "node-pool"}

    again = person.plain("--headless", str(person.answers), "--events", "json")
    assert (again.code, again.finished["changed"]) == (ExitCode.OK, 0), again.err

    # What is ours does not count as taken by somebody else: the second plan fits as the first.
    plan = person.plain("plan", str(person.answers), "--live")
    assert plan.code == ExitCode.OK, plan.out
    assert "Nothing would change." in plan.out

    assert person.plain("destroy", "--yes").code == ExitCode.OK
    assert namespaces(existing) == before


METRICS = "v1beta1.metrics.k8s.io"


def served_by_somebody(existing: Rehearsed) -> Body:
    """A neighbour's APIService for the figures of pods, with a server that is down."""
    body = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": METRICS, "labels": {"k8s-app": "metrics-server"}},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443},
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
    path = f"/apis/apiregistration.k8s.io/v1/apiservices/{METRICS}"
    query = "fieldManager=neighbour"
    patch(existing, path, "application/apply-patch+yaml", body, query)
    return body


def test_a_metrics_server_of_somebody_else_is_left_alone_and_ours_left_out(
    person: Person, existing: Rehearsed
) -> None:
    theirs = served_by_somebody(existing)
    first = person.plain("--headless", str(person.answers))
    assert first.code == ExitCode.OK, first.err
    status = person.plain("status")
    assert status.code == ExitCode.OK, status.out
    assert "Metrics server" not in status.out
    assert METRICS in person.plain("plan", str(person.answers), "--live").out
    assert person.plain("destroy", "--yes").code == ExitCode.OK
    with Cluster(Connection.from_kubeconfig(existing.kubeconfig)) as cluster:
        found = cluster.get(Ref("apiregistration.k8s.io/v1", "APIService", "", METRICS))
        assert found is not None
        assert found["spec"] == theirs["spec"]
        assert found["metadata"]["labels"] == theirs["metadata"]["labels"]
        roles = cluster.objects("rbac.authorization.k8s.io/v1", "ClusterRole")
        assert not any("health-platform" in each["metadata"]["name"] for each in roles)


def test_what_others_run_there_counts_and_a_crowded_cluster_is_refused(
    person: Person, existing: Rehearsed
) -> None:
    before = namespaces(existing)
    with Cluster(Connection.from_kubeconfig(existing.kubeconfig)) as cluster:
        node = cluster.nodes()[0].name
    crowd(existing, node, "1400m")
    ended = person.plain("--headless", str(person.answers))
    assert ended.code == ExitCode.DOES_NOT_FIT, ended.err
    assert "CPU" in ended.err
    assert "too much" in ended.err
    assert namespaces(existing) == before


def test_a_storage_class_that_is_not_there_is_told_before_anything_is_made(
    person: Person, existing: Rehearsed
) -> None:
    before = namespaces(existing)
    answers = yaml.safe_load(person.answers.read_text(encoding="utf-8"))
    answers["cluster"]["storage_class"] = "no-such-class"
    person.answers.write_text(yaml.safe_dump(answers), encoding="utf-8")
    ended = person.plain("--headless", str(person.answers))
    assert ended.code == ExitCode.CLUSTER, ended.err
    assert "no-such-class" in ended.err
    assert "oci-bv" in ended.err
    assert namespaces(existing) == before


def test_a_kubeconfig_that_is_not_there_is_named(person: Person) -> None:
    answers = yaml.safe_load(person.answers.read_text(encoding="utf-8"))
    answers["cluster"]["kubeconfig"] = str(person.folder / "none")
    person.answers.write_text(yaml.safe_dump(answers), encoding="utf-8")
    ended = person.plain("--headless", str(person.answers))
    assert ended.code == ExitCode.CLUSTER
    assert "There is no kubeconfig at" in ended.err
