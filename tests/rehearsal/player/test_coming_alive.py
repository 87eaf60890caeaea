"""Workloads on a cluster that is played."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from kubernetes.client import ApiException

from tests.rehearsal.player.conftest import Alive, Room, claim, pod_spec, until, workload


def _condition(obj: Any, name: str) -> Any:
    return next((c for c in obj.status.conditions or [] if c.type == name), None)


def _done(obj: Any, name: str) -> bool:
    found = _condition(obj, name)
    return found is not None and found.status == "True"


def _gone(alive: Alive, read: str, *where: str) -> bool:
    try:
        getattr(alive.core, read)(*where)
    except ApiException as error:
        return bool(error.status == 404)
    return False


def test_the_node_offers_what_the_free_shape_was_measured_to_offer(alive: Alive) -> None:
    def ready() -> Any:
        nodes = alive.core.list_node().items
        return nodes[0] if nodes and _done(nodes[0], "Ready") else None

    node = until(ready)
    assert node.status.allocatable["cpu"] == "1830m"
    assert node.status.allocatable["memory"] == "9647964Ki"
    assert node.metadata.labels["kubernetes.io/arch"] == "arm64"


def test_okes_own_pods_leave_what_the_facts_say(alive: Alive) -> None:
    def settled() -> Any:
        pods = alive.core.list_namespaced_pod("kube-system").items
        return pods if len(pods) == 6 and all(_done(pod, "Ready") for pod in pods) else None

    requests = [pod.spec.containers[0].resources.requests or {} for pod in until(settled)]
    assert sum(int(r.get("cpu", "0m").rstrip("m")) for r in requests) == 300
    assert sum(int(r.get("memory", "0Mi").removesuffix("Mi")) for r in requests) == 264


def test_a_deployment_rolls_out_and_over(room: Room) -> None:
    apps = room.alive.apps
    apps.create_namespaced_deployment(room.name, workload("web", pod_spec(), replicas=2))

    def rolled_out(image: str) -> Any:
        seen = apps.read_namespaced_deployment("web", room.name)
        images = {pod.spec.containers[0].image for pod in room.pods()}
        whole = seen.status.updated_replicas == seen.status.ready_replicas == 2
        return seen if whole and images == {image} and seen.status.replicas == 2 else None

    seen = until(lambda: rolled_out("example.org/app:1"))
    assert _condition(seen, "Progressing").reason == "NewReplicaSetAvailable"
    container = {"name": "app", "image": "example.org/app:2"}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    apps.patch_namespaced_deployment("web", room.name, patch)
    until(lambda: rolled_out("example.org/app:2"))


def test_a_deployment_that_is_made_anew_returns_to_an_earlier_template(room: Room) -> None:
    apps = room.alive.apps
    body = workload("web", pod_spec())
    body["spec"]["strategy"] = {"type": "Recreate"}
    apps.create_namespaced_deployment(room.name, body)

    def runs(image: str) -> Any:
        seen = apps.read_namespaced_deployment("web", room.name)
        images = [pod.spec.containers[0].image for pod in room.pods()]
        status = seen.status
        return images == [image] and status.updated_replicas == status.ready_replicas == 1

    for image in ("example.org/app:1", "example.org/app:2", "example.org/app:1"):
        container = {"name": "app", "image": image}
        patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
        apps.patch_namespaced_deployment("web", room.name, patch)
        until(partial(runs, image))


def test_a_pod_too_big_waits_and_says_why_in_the_real_words(room: Room) -> None:
    body = {"metadata": {"name": "big"}, "spec": pod_spec(resources={"requests": {"cpu": "3"}})}
    room.alive.core.create_namespaced_pod(room.name, body)
    seen = until(
        lambda: next((p for p in room.pods() if _condition(p, "PodScheduled") is not None), None)
    )
    told = _condition(seen, "PodScheduled")
    assert (told.status, told.reason) == ("False", "Unschedulable")
    assert told.message == (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    )
    assert until(lambda: room.events("FailedScheduling"))[0].message == told.message


def test_a_pod_for_another_kind_of_node_says_so(room: Room) -> None:
    spec = {**pod_spec(), "nodeSelector": {"kubernetes.io/arch": "amd64"}}
    room.alive.core.create_namespaced_pod(room.name, {"metadata": {"name": "x"}, "spec": spec})
    events = until(lambda: room.events("FailedScheduling"))
    assert "1 node(s) didn't match Pod's node affinity/selector" in events[0].message
    assert "Preemption is not helpful for scheduling" in events[0].message


def test_a_claim_is_bound_with_its_first_consumer_and_never_below_50_gib(room: Room) -> None:
    core = room.alive.core
    core.create_namespaced_persistent_volume_claim(room.name, claim("data"))
    until(lambda: room.events("WaitForFirstConsumer"))
    mounted = {**pod_spec(), "volumes": [_mounting("data")]}
    core.create_namespaced_pod(room.name, {"metadata": {"name": "user"}, "spec": mounted})
    until(lambda: _done(core.read_namespaced_pod("user", room.name), "Ready"))
    bound = core.read_namespaced_persistent_volume_claim("data", room.name)
    assert bound.status.phase == "Bound"
    assert bound.status.capacity == {"storage": "50Gi"}
    volume = core.read_persistent_volume(bound.spec.volume_name)
    assert volume.spec.csi.driver == "blockvolume.csi.oraclecloud.com"
    assert volume.spec.csi.volume_handle.startswith("ocid1.volume.")
    core.delete_namespaced_persistent_volume_claim("data", room.name)
    waiting = core.read_namespaced_persistent_volume_claim("data", room.name)
    assert waiting.metadata.finalizers == ["kubernetes.io/pvc-protection"]
    core.delete_namespaced_pod("user", room.name)
    until(lambda: _gone(room.alive, "read_persistent_volume", volume.metadata.name))


def _mounting(name: str) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": name}}


def test_a_stateful_set_comes_up_one_by_one_with_claims_that_stay(room: Room) -> None:
    mount = {"volumeMounts": [{"name": "own", "mountPath": "/data"}]}
    body = workload(
        "db",
        pod_spec(**mount),
        replicas=2,
        serviceName="db",
        volumeClaimTemplates=[claim("own")],
    )
    room.alive.apps.create_namespaced_stateful_set(room.name, body)
    apps = room.alive.apps
    seen = until(
        lambda: next(
            (
                one
                for one in [apps.read_namespaced_stateful_set("db", room.name)]
                if one.status.ready_replicas == 2
            ),
            None,
        )
    )
    assert seen.status.update_revision == seen.status.current_revision
    first, second = sorted(room.pods(), key=lambda pod: pod.metadata.name)
    started = _condition(first, "Ready").last_transition_time
    assert second.metadata.creation_timestamp >= started
    apps.delete_namespaced_stateful_set("db", room.name)
    until(lambda: not room.pods())
    left = room.alive.core.list_namespaced_persistent_volume_claim(room.name).items
    assert {one.metadata.name for one in left} == {"own-db-0", "own-db-1"}


def test_a_job_runs_to_its_end(room: Room) -> None:
    spec = {**pod_spec(), "restartPolicy": "Never"}
    body = {"metadata": {"name": "once"}, "spec": {"template": {"spec": spec}}}
    room.alive.batch.create_namespaced_job(room.name, body)
    job = until(
        lambda: next(
            (j for j in room.alive.batch.list_namespaced_job(room.name).items if _over(j)), None
        )
    )
    assert (job.status.succeeded, _done(job, "Complete")) == (1, True)
    ended = room.pods()[0].status.container_statuses[0].state.terminated
    assert (ended.exit_code, ended.reason) == (0, "Completed")


def _over(job: Any) -> bool:
    return _done(job, "Complete") or _done(job, "Failed")


def test_a_job_whose_pods_fail_gives_up_after_its_limit(room: Room) -> None:
    spec = {**pod_spec(), "restartPolicy": "Never"}
    template = {
        "metadata": {"annotations": {"health-install/rehearsal-outcome": "Error"}},
        "spec": spec,
    }
    body = {"metadata": {"name": "never"}, "spec": {"backoffLimit": 1, "template": template}}
    room.alive.batch.create_namespaced_job(room.name, body)
    job = until(
        lambda: next(
            (j for j in room.alive.batch.list_namespaced_job(room.name).items if _over(j)), None
        )
    )
    assert _condition(job, "Failed").reason == "BackoffLimitExceeded"
    assert job.status.failed == 2


def test_a_missing_secret_holds_the_pod_until_it_comes(room: Room) -> None:
    reference = {"secretKeyRef": {"name": "pw", "key": "password"}}
    spec = pod_spec(env=[{"name": "PASSWORD", "valueFrom": reference}])
    spec["initContainers"] = [{"name": "first", "image": "example.org/init:1"}]
    room.alive.core.create_namespaced_pod(room.name, {"metadata": {"name": "x"}, "spec": spec})
    failed = until(lambda: room.events("Failed"))
    assert failed[0].message == 'Error: secret "pw" not found'
    states = room.pods()[0].status.init_container_statuses[0].state
    assert states.waiting.reason == "CreateContainerConfigError"
    secret = {"metadata": {"name": "pw"}, "stringData": {"password": "x"}}
    room.alive.core.create_namespaced_secret(room.name, secret)
    ready = until(lambda: next((p for p in room.pods() if _done(p, "Ready")), None))
    assert ready.status.init_container_statuses[0].state.terminated.exit_code == 0


def test_a_crashing_pod_backs_off_and_counts(room: Room) -> None:
    metadata = {
        "name": "x",
        "annotations": {"health-install/rehearsal-outcome": "OOMKilled"},
    }
    room.alive.core.create_namespaced_pod(room.name, {"metadata": metadata, "spec": pod_spec()})

    def crashed() -> Any:
        statuses = room.pods()[0].status.container_statuses or [None]
        return statuses[0] if statuses[0] is not None and statuses[0].restart_count > 1 else None

    seen = until(crashed)
    assert seen.last_state.terminated.reason == "OOMKilled"
    assert seen.last_state.terminated.exit_code == 137
    assert until(lambda: room.events("BackOff"))


def test_a_balancer_is_made_for_a_service_and_goes_with_it(room: Room) -> None:
    core = room.alive.core
    metadata = {
        "name": "door",
        "annotations": {"oci.oraclecloud.com/load-balancer-type": "nlb"},
    }
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "web"}}
    core.create_namespaced_service(room.name, {"metadata": metadata, "spec": spec})

    def given() -> Any:
        return core.read_namespaced_service("door", room.name).status.load_balancer.ingress

    assert until(given)[0].ip.startswith("203.0.113.")
    seen = core.read_namespaced_service("door", room.name)
    assert seen.metadata.finalizers == ["service.kubernetes.io/load-balancer-cleanup"]
    core.delete_namespaced_service("door", room.name)
    until(lambda: _gone(room.alive, "read_namespaced_service", "door", room.name))


def test_a_flexible_balancer_without_its_limits_is_refused_in_an_event(room: Room) -> None:
    shape = "service.beta.kubernetes.io/oci-load-balancer-shape"
    metadata = {"name": "door", "annotations": {shape: "flexible"}}
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    room.alive.core.create_namespaced_service(room.name, {"metadata": metadata, "spec": spec})
    told = until(lambda: room.events("SyncLoadBalancerFailed"))
    assert "flexible shape needs flex-min and flex-max" in told[0].message


def test_ready_pods_stand_behind_their_service(room: Room) -> None:
    core = room.alive.core
    ports = [{"name": "http", "containerPort": 8080}]
    body = workload("web", pod_spec(ports=ports))
    room.alive.apps.create_namespaced_deployment(room.name, body)
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
    core.create_namespaced_service(room.name, {"metadata": {"name": "web"}, "spec": spec})

    def addresses() -> Any:
        found = core.list_namespaced_endpoints(room.name).items
        subsets = found[0].subsets if found else None
        return subsets if subsets and subsets[0].addresses else None

    subset = until(addresses)[0]
    assert subset.ports[0].port == 8080
    assert subset.addresses[0].ip == room.pods()[0].status.pod_ip


def test_a_refused_pod_is_told_by_the_deployment(room: Room) -> None:
    label = {"pod-security.kubernetes.io/enforce": "baseline"}
    room.alive.core.patch_namespace(room.name, {"metadata": {"labels": label}})
    spec = {**pod_spec(), "hostNetwork": True}
    room.alive.apps.create_namespaced_deployment(room.name, workload("bad", spec))

    def failure() -> Any:
        seen = room.alive.apps.read_namespaced_deployment("bad", room.name)
        return _condition(seen, "ReplicaFailure")

    told = until(failure)
    assert (
        'violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)' in told.message
    )


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_a_deployment_takes_its_pods_with_it(room: Room, policy: str) -> None:
    apps = room.alive.apps
    apps.create_namespaced_deployment(room.name, workload("web", pod_spec()))
    until(lambda: any(_done(pod, "Ready") for pod in room.pods()))
    apps.delete_namespaced_deployment("web", room.name, propagation_policy=policy)
    until(lambda: not room.pods())
    until(lambda: not apps.list_namespaced_deployment(room.name).items)
