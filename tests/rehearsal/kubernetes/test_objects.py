"""Creating, reading, changing and deleting."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.aio.client import ApiException

from tests.rehearsal.kubernetes.conftest import Bench, deployment, pod, status_of

MERGE = "application/merge-patch+json"


async def test_a_stranger_is_not_let_in(bench: Bench) -> None:
    bench.core.api_client.configuration.api_key = {"authorization": "wrong"}
    with pytest.raises(ApiException) as caught:
        await bench.core.list_namespace()
    assert status_of(caught)["reason"] == "Unauthorized"


async def test_what_is_not_there_is_not_found(bench: Bench) -> None:
    with pytest.raises(ApiException) as caught:
        await bench.core.read_namespaced_secret("nobody", "health")
    status = status_of(caught)
    assert (status["code"], status["reason"]) == (404, "NotFound")
    assert status["message"] == 'secrets "nobody" not found'
    assert status["details"] == {"name": "nobody", "group": "", "kind": "secrets"}


async def test_a_name_is_taken_once(bench: Bench) -> None:
    body = {"metadata": {"name": "c"}, "data": {"a": "1"}}
    await bench.core.create_namespaced_config_map("health", body)
    with pytest.raises(ApiException) as caught:
        await bench.core.create_namespaced_config_map("health", body)
    assert (status_of(caught)["code"], status_of(caught)["reason"]) == (409, "AlreadyExists")


async def test_a_namespace_must_be_there_first(bench: Bench) -> None:
    with pytest.raises(ApiException) as caught:
        await bench.core.create_namespaced_config_map("nowhere", {"metadata": {"name": "c"}})
    assert status_of(caught)["message"] == 'namespaces "nowhere" not found'


async def test_a_stale_version_is_a_conflict(bench: Bench) -> None:
    made = await bench.core.create_namespaced_config_map("health", {"metadata": {"name": "c"}})
    stale = {"metadata": {"name": "c", "resourceVersion": made.metadata.resource_version}}
    await bench.core.replace_namespaced_config_map("c", "health", {**stale, "data": {"a": "1"}})
    with pytest.raises(ApiException) as caught:
        await bench.core.replace_namespaced_config_map("c", "health", stale)
    assert "the object has been modified" in status_of(caught)["message"]


async def test_all_mistakes_are_told_at_once(bench: Bench) -> None:
    wrong = deployment()
    wrong["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    container = wrong["spec"]["template"]["spec"]["containers"][0]
    container["volumeMounts"] = [{"name": "missing", "mountPath": "/x"}]
    with pytest.raises(ApiException) as caught:
        await bench.apps.create_namespaced_deployment("health", wrong)
    status = status_of(caught)
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert {cause["field"] for cause in status["details"]["causes"]} == {
        "spec.template.metadata.labels",
        "spec.template.spec.containers[0].volumeMounts[0].name",
    }


async def test_the_spec_does_not_take_a_status_nor_the_status_a_spec(bench: Bench) -> None:
    made = await bench.apps.create_namespaced_deployment(
        "health", {**deployment(), "status": {"readyReplicas": 9}}
    )
    assert made.status.ready_replicas is None
    patch = {"status": {"readyReplicas": 1}, "spec": {"replicas": 9}}
    told = await bench.apps.patch_namespaced_deployment_status(
        "web", "health", patch, _content_type=MERGE
    )
    assert (told.status.ready_replicas, told.spec.replicas) == (1, 1)


async def test_lists_come_in_pages_and_by_selector(bench: Bench) -> None:
    for number in range(5):
        colour = "red" if number % 2 else "blue"
        metadata = {"name": f"c{number}", "labels": {"colour": colour}}
        await bench.core.create_namespaced_config_map("health", {"metadata": metadata})
    names, token = [], None
    while token != "":
        page = await bench.core.list_namespaced_config_map("health", limit=2, _continue=token)
        assert len(page.items) <= 2
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue or ""
    assert names == [f"c{number}" for number in range(5)]
    red = await bench.core.list_namespaced_config_map("health", label_selector="colour in (red)")
    assert [item.metadata.name for item in red.items] == ["c1", "c3"]
    none = await bench.core.list_namespaced_config_map("health", label_selector="!colour")
    assert none.items == []
    one = await bench.core.list_namespaced_config_map("health", field_selector="metadata.name=c2")
    assert [item.metadata.name for item in one.items] == ["c2"]


async def test_an_unknown_field_selector_is_refused(bench: Bench) -> None:
    with pytest.raises(ApiException) as caught:
        await bench.core.list_namespaced_config_map("health", field_selector="data.x=1")
    assert status_of(caught)["message"] == 'field label not supported: "data.x"'


async def test_the_three_patch_forms(bench: Bench) -> None:
    two = deployment(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}])
    await bench.apps.create_namespaced_deployment("health", two)
    container = {"name": "app", "env": [{"name": "B", "$patch": "delete"}, {"name": "C"}]}
    patch: Any = {"spec": {"template": {"spec": {"containers": [container]}}}}
    changed = await bench.apps.patch_namespaced_deployment(
        "web", "health", patch, _content_type="application/strategic-merge-patch+json"
    )
    assert [e.name for e in changed.spec.template.spec.containers[0].env] == ["A", "C"]
    changed = await bench.apps.patch_namespaced_deployment(
        "web", "health", {"metadata": {"labels": {"app": None}}}, _content_type=MERGE
    )
    assert not changed.metadata.labels
    patch = [{"op": "replace", "path": "/spec/replicas", "value": 4}]
    changed = await bench.apps.patch_namespaced_deployment(
        "web", "health", patch, _content_type="application/json-patch+json"
    )
    assert changed.spec.replicas == 4


async def test_a_service_gets_its_address_and_keeps_it(bench: Bench) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}}
    made = await bench.core.create_namespaced_service("health", body)
    assert made.spec.type == "ClusterIP"
    assert made.spec.cluster_ip == made.spec.cluster_ips[0]
    same = await bench.core.replace_namespaced_service("s", "health", body)
    assert same.spec.cluster_ip == made.spec.cluster_ip
    with pytest.raises(ApiException) as caught:
        await bench.core.patch_namespaced_service(
            "s", "health", {"spec": {"clusterIP": "10.96.9.9"}}, _content_type=MERGE
        )
    assert status_of(caught)["code"] == 422


async def test_what_may_not_change_does_not(bench: Bench) -> None:
    job = {
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {**pod()["spec"], "restartPolicy": "Never"}}},
    }
    await bench.batch.create_namespaced_job("health", job)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "x:2"}]}}}}
    with pytest.raises(ApiException) as caught:
        await bench.batch.patch_namespaced_job("j", "health", image, _content_type=MERGE)
    assert "field is immutable" in status_of(caught)["message"]
    claim = {
        "metadata": {"name": "c"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "20Gi"}},
        },
    }
    await bench.core.create_namespaced_persistent_volume_claim("health", claim)
    less = {"spec": {"resources": {"requests": {"storage": "10Gi"}}}}
    with pytest.raises(ApiException) as caught:
        await bench.core.patch_namespaced_persistent_volume_claim(
            "c", "health", less, _content_type=MERGE
        )
    assert "can not be less" in status_of(caught)["message"]


async def test_a_restricted_namespace_refuses_a_careless_pod_in_the_real_words(
    bench: Bench,
) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    await bench.core.create_namespace({"metadata": {"name": "strict", "labels": labels}})
    with pytest.raises(ApiException) as caught:
        await bench.core.create_namespaced_pod("strict", pod())
    assert status_of(caught)["message"] == (
        'pods "one" is forbidden: violates PodSecurity "restricted:latest": '
        'allowPrivilegeEscalation != false (container "app" must set '
        "securityContext.allowPrivilegeEscalation=false), "
        'unrestricted capabilities (container "app" must set '
        'securityContext.capabilities.drop=["ALL"]), '
        'runAsNonRoot != true (pod or container "app" must set '
        "securityContext.runAsNonRoot=true), "
        'seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to '
        '"RuntimeDefault" or "Localhost")'
    )
    careful = pod()
    careful["spec"]["securityContext"] = {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    careful["spec"]["containers"][0]["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    await bench.core.create_namespaced_pod("strict", careful)


async def test_weather_strikes_by_operation(bench: Bench) -> None:
    bench.weather.inject(
        {"operation": "CREATE configmaps", "do": "error", "status": 503, "message": "later"}
    )
    with pytest.raises(ApiException) as caught:
        await bench.core.create_namespaced_config_map("health", {"metadata": {"name": "c"}})
    assert (caught.value.status, status_of(caught)["message"]) == (503, "later")
    await bench.core.create_namespaced_config_map("health", {"metadata": {"name": "c"}})


async def test_a_cut_connection_after_the_work_leaves_the_work_done(bench: Bench) -> None:
    bench.weather.inject({"operation": "CREATE configmaps", "do": "cut", "when": "after"})
    with pytest.raises(Exception, match=r"(?i)disconnect|reset|closed"):
        await bench.core.create_namespaced_config_map("health", {"metadata": {"name": "c"}})
    await bench.core.read_namespaced_config_map("c", "health")
