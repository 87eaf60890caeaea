"""Demand is what the manifests say, kind by kind."""

from __future__ import annotations

from typing import Any

import pytest

from installer.budget.amounts import Amounts
from installer.budget.demand import measure
from tests.budget.pieces import Piece, container, pod_spec, thing, workload

POD = pod_spec(container("100m", "64Mi"))


def one(piece: Piece, *others: Piece) -> Any:
    return measure([piece, *others]).workloads[0]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_replicas_multiply_and_default_to_one(kind: str) -> None:
    assert one(workload(kind, "a", POD)).replicas == 1
    assert one(workload(kind, "a", POD, replicas=3)).replicas == 3
    assert one(workload(kind, "a", POD, replicas=0)).replicas == 0


def test_a_daemon_set_runs_on_every_node() -> None:
    demand = measure([workload("DaemonSet", "agent", POD)])
    assert demand.running(nodes=3) == Amounts(300, 3 * 64 * 2**20)
    assert demand.pods(nodes=3) == 3


def test_a_bare_pod_counts() -> None:
    assert measure([workload("Pod", "a", POD)]).running().cpu_milli == 100


@pytest.mark.parametrize(
    ("rollout", "replicas", "needed"),
    [
        ({}, 1, 1),  # a quarter more rounds up to one, a quarter fewer down to none
        ({}, 3, 1),
        ({}, 4, 0),  # one of four may be missing, so the rollout moves without room
        ({"type": "Recreate"}, 1, 0),
        ({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}, 1, 0),
        ({"rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}}, 2, 1),
        ({"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": "50%"}}, 2, 0),
        ({}, 0, 0),
    ],
)
def test_a_rollout_needs_room_when_no_pod_may_be_missing(
    rollout: dict[str, Any], replicas: int, needed: int
) -> None:
    piece = workload("Deployment", "a", POD, replicas=replicas, strategy=rollout)
    assert one(piece).passing == needed


@pytest.mark.parametrize(
    ("spec", "at_once"),
    [
        ({}, 1),
        ({"parallelism": 4}, 4),
        ({"parallelism": 4, "completions": 2}, 2),
        ({"suspend": True}, 0),
    ],
)
def test_a_job_passes(spec: dict[str, Any], at_once: int) -> None:
    job = one(workload("Job", "make-bucket", POD, **spec))
    assert (job.replicas, job.passing) == (0, at_once)


def test_a_cron_job_passes_unless_it_is_suspended() -> None:
    assert one(workload("CronJob", "dump", POD)).passing == 1
    assert one(workload("CronJob", "dump", POD, suspend=True)).passing == 0


@pytest.mark.parametrize(
    ("stated", "running", "most"), [(None, 2, 5), (4, 4, 5), (9, 5, 5), (0, 0, 0)]
)
def test_an_autoscaler_bounds_the_replicas(stated: int | None, running: int, most: int) -> None:
    scaler = thing(
        "HorizontalPodAutoscaler",
        "a",
        {
            "minReplicas": 2,
            "maxReplicas": 5,
            "scaleTargetRef": {"kind": "Deployment", "name": "a"},
        },
    )
    found = one(workload("Deployment", "a", POD, replicas=stated), scaler)
    assert (found.replicas, found.most) == (running, most)


def test_a_limit_range_reaches_its_own_namespace_only() -> None:
    silent = pod_spec({"name": "main"})
    limits = thing(
        "LimitRange", "l", {"limits": [{"type": "Container", "defaultRequest": {"cpu": "9m"}}]}
    )
    here = workload("Pod", "here", silent)
    there = workload("Pod", "there", silent, namespace="elsewhere")
    assert [load.pod.cpu_milli for load in measure([here, there, limits]).workloads] == [9, 0]


def test_claims_and_claim_templates_are_wanted_volumes() -> None:
    size = {"resources": {"requests": {"storage": "5Gi"}}, "accessModes": ["ReadWriteOnce"]}
    claim = thing("PersistentVolumeClaim", "data", size)
    template = {"metadata": {"name": "own"}, "spec": size}
    stateful = workload("StatefulSet", "db", POD, replicas=2, volumeClaimTemplates=[template])
    found = measure([claim, stateful]).volumes
    assert [(wish.name, wish.size_bytes) for wish in found] == [
        ("data", 5 * 2**30),
        ("own-db-0", 5 * 2**30),
        ("own-db-1", 5 * 2**30),
    ]


@pytest.mark.parametrize(
    ("annotations", "kind", "mbps"),
    [
        ({"oci.oraclecloud.com/load-balancer-type": "nlb"}, "network", 0),
        (
            {
                "service.beta.kubernetes.io/oci-load-balancer-shape": "flexible",
                "service.beta.kubernetes.io/oci-load-balancer-shape-flex-min": "10",
                "service.beta.kubernetes.io/oci-load-balancer-shape-flex-max": "10",
            },
            "flexible",
            10,
        ),
        ({}, "fixed", 0),
    ],
)
def test_a_balancer_is_known_by_its_annotations(
    annotations: dict[str, str], kind: str, mbps: int
) -> None:
    service = thing("Service", "door", {"type": "LoadBalancer"}, annotations=annotations)
    (found,) = measure([service]).balancers
    assert (found.kind, found.mbps) == (kind, mbps)


def test_services_inside_the_cluster_are_no_balancers() -> None:
    assert measure([thing("Service", "db", {"type": "ClusterIP"}), thing("Service", "x", {})]) == (
        measure([])
    )


def test_every_number_leads_back_to_its_object_and_file() -> None:
    origin = one(workload("Deployment", "api", POD, module="etl")).origin
    assert origin.words() == "Deployment health/api (etl/api.yaml.j2)"
