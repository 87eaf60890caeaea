"""Server-side apply, as its owners see it."""

from __future__ import annotations

import pytest
from kubernetes.aio.client import ApiException

from tests.rehearsal.kubernetes.conftest import APPLY, Bench, deployment, status_of


async def test_applying_the_same_again_changes_nothing(bench: Bench) -> None:
    first = await bench.apply(deployment())
    again = await bench.apply(deployment())
    assert again.metadata.resource_version == first.metadata.resource_version
    assert again.metadata.managed_fields == first.metadata.managed_fields


async def test_quantities_come_back_in_their_one_spelling_and_still_count_as_the_same(
    bench: Bench,
) -> None:
    wanted = deployment(resources={"requests": {"cpu": "0.5", "memory": "1024Mi"}})
    first = await bench.apply(wanted)
    requests = first.spec.template.spec.containers[0].resources.requests
    assert requests == {"cpu": "500m", "memory": "1Gi"}
    again = await bench.apply(wanted)
    assert again.metadata.resource_version == first.metadata.resource_version


async def test_a_field_of_somebody_else_is_a_conflict_that_names_both(bench: Bench) -> None:
    await bench.apply(deployment())
    with pytest.raises(ApiException) as caught:
        await bench.apply(deployment(image="example.org/app:2"), "second")
    assert caught.value.status == 409
    status = status_of(caught)
    assert status["reason"] == "Conflict"
    assert status["message"] == (
        'Apply failed with 1 conflict: conflict with "first": '
        '.spec.template.spec.containers[name="app"].image'
    )
    assert status["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "first"',
            "field": '.spec.template.spec.containers[name="app"].image',
        }
    ]
    kept = await bench.apps.read_namespaced_deployment("web", "health")
    assert kept.spec.template.spec.containers[0].image == "example.org/app:1"


async def test_several_conflicts_are_told_together(bench: Bench) -> None:
    await bench.apply(deployment())
    other = deployment(image="example.org/app:2")
    other["metadata"]["labels"] = {"app": "other"}
    with pytest.raises(ApiException) as caught:
        await bench.apply(other, "second")
    fields = {cause["field"] for cause in status_of(caught)["details"]["causes"]}
    assert fields == {
        ".metadata.labels.app",
        '.spec.template.spec.containers[name="app"].image',
    }


async def test_force_takes_a_field_over(bench: Bench) -> None:
    await bench.apply(deployment())
    taken = await bench.apply(deployment(image="example.org/app:2"), "second", force=True)
    assert taken.spec.template.spec.containers[0].image == "example.org/app:2"
    with pytest.raises(ApiException):
        await bench.apply(deployment())


async def test_two_who_want_the_same_own_it_together(bench: Bench) -> None:
    await bench.apply(deployment())
    await bench.apply(deployment(), "second")
    empty = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    left = await bench.apply(empty)
    assert left.spec.template.spec.containers[0].image == "example.org/app:1"
    assert {entry.manager for entry in left.metadata.managed_fields} == {"second"}


async def test_what_is_no_longer_applied_goes_and_what_others_own_stays(bench: Bench) -> None:
    mine = deployment(env=[{"name": "MINE", "value": "1"}, {"name": "OLD", "value": "1"}])
    await bench.apply(mine)
    other = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {"note": "theirs"}},
        "spec": {
            "template": {
                "spec": {"containers": [{"name": "app", "env": [{"name": "T", "value": "2"}]}]}
            }
        },
    }
    await bench.apply(other, "second")
    left = await bench.apply(deployment(env=[{"name": "MINE", "value": "1"}]))
    names = {variable.name for variable in left.spec.template.spec.containers[0].env}
    assert names == {"MINE", "T"}
    assert left.metadata.annotations == {"note": "theirs"}


async def test_defaults_belong_to_nobody(bench: Bench) -> None:
    made = await bench.apply(deployment())
    assert made.spec.replicas == 1
    owned = made.metadata.managed_fields[0].fields_v1
    assert "f:replicas" not in owned["f:spec"]
    scaled = await bench.apps.patch_namespaced_deployment_scale(
        "web", "health", {"spec": {"replicas": 3}}, _content_type="application/merge-patch+json"
    )
    assert scaled.spec.replicas == 3
    assert (await bench.apply(deployment())).spec.replicas == 3


async def test_a_plain_patch_owns_what_it_changed(bench: Bench) -> None:
    await bench.apply(deployment())
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "x:2"}]}}}}
    await bench.apps.patch_namespaced_deployment(
        "web",
        "health",
        patch,
        field_manager="somebody",
        _content_type="application/strategic-merge-patch+json",
    )
    with pytest.raises(ApiException) as caught:
        await bench.apply(deployment())
    assert 'conflict with "somebody" using apps/v1' in status_of(caught)["message"]


async def test_a_dry_run_tells_and_keeps_nothing(bench: Bench) -> None:
    told = await bench.apply(deployment(), dry=True)
    assert told.spec.template.spec.containers[0].image_pull_policy == "IfNotPresent"
    with pytest.raises(ApiException) as caught:
        await bench.apps.read_namespaced_deployment("web", "health")
    assert caught.value.status == 404
    await bench.apply(deployment())
    told = await bench.apply(deployment(image="example.org/app:9"), dry=True)
    assert told.spec.template.spec.containers[0].image == "example.org/app:9"
    kept = await bench.apps.read_namespaced_deployment("web", "health")
    assert kept.spec.template.spec.containers[0].image == "example.org/app:1"


async def test_ports_without_a_protocol_are_the_same_ports_with_tcp(bench: Bench) -> None:
    first = await bench.apply(deployment(ports=[{"containerPort": 80}]))
    again = await bench.apply(deployment(ports=[{"containerPort": 80, "protocol": "TCP"}]), "b")
    assert len(again.spec.template.spec.containers[0].ports) == 1
    assert first.metadata.generation == again.metadata.generation


async def test_an_item_named_twice_is_refused(bench: Bench) -> None:
    twice = deployment(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])
    with pytest.raises(ApiException) as caught:
        await bench.apply(twice)
    assert "duplicate entries for key" in status_of(caught)["message"]


async def test_the_generation_counts_changes_of_the_spec_alone(bench: Bench) -> None:
    first = await bench.apply(deployment())
    labelled = deployment()
    labelled["metadata"]["labels"]["more"] = "yes"
    second = await bench.apply(labelled)
    third = await bench.apply(deployment(image="example.org/app:2"), "first")
    generations = [one.metadata.generation for one in (first, second, third)]
    assert generations == [1, 1, 2]


async def test_a_secret_by_apply_keeps_its_values_and_repeats_quietly(bench: Bench) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"password": "x"},
    }
    versions = []
    for _ in range(2):
        made = await bench.core.patch_namespaced_secret(
            "s", "health", body, field_manager="first", _content_type=APPLY
        )
        versions.append(made.metadata.resource_version)
    assert made.data == {"password": "eA=="}
    assert versions[0] == versions[1]
