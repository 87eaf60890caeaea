"""What each module asks for, added up here once more, and on which machines it may run."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

import pytest

from installer.answers.model import answers_model
from installer.answers.sources import gather
from installer.commands.sources import profile_layers
from installer.modules import catalogue, claims
from installer.modules.stamping import pod_template
from installer.plan import Plan, make_plan
from tests.modules.conftest import answers_for
from tests.modules.selections import all_names, plan_of

MEBIBYTE = 2**20


@lru_cache(maxsize=8)
def planned(profile: str) -> Plan:
    model = answers_model([module.questions for module in catalogue()])
    return make_plan(gather(model, profile_layers(profile)).answers)


def added_up(plan: Plan) -> dict[str, tuple[int, int]]:
    """Millicores and MiB that the servers of each module ask for; Jobs pass and are left out."""
    cpu: Counter[str] = Counter()
    memory: Counter[str] = Counter()
    fewest = {
        entry.body["spec"]["scaleTargetRef"]["name"]: entry.body["spec"]["minReplicas"]
        for entry in plan.rendered.objects
        if entry.body["kind"] == "HorizontalPodAutoscaler"
    }
    for entry in plan.rendered.objects:
        if entry.body["kind"] not in ("Deployment", "StatefulSet"):
            continue
        replicas = entry.body["spec"].get("replicas") or fewest[entry.body["metadata"]["name"]]
        template = pod_template(entry.body)
        assert template is not None
        for container in template["spec"]["containers"]:
            asked: dict[str, Any] = container["resources"]["requests"]
            # All are written in these two units; another one fails here.
            cpu[entry.module] += replicas * int(asked["cpu"].removesuffix("m"))
            memory[entry.module] += replicas * int(asked["memory"].removesuffix("Mi"))
    return {module: (cpu[module], memory[module]) for module in cpu}


@pytest.mark.parametrize("profile", ["free", "free-minimal", "full"])
def test_the_plan_s_sums_are_those_of_the_manifests(profile: str) -> None:
    plan = planned(profile)
    shares = {row: dict(plan.verdict.row(row).share_by_module) for row in ("CPU", "memory")}
    for module, (cpu, memory) in added_up(plan).items():
        assert shares["CPU"][module] == cpu, module
        assert shares["memory"][module] == memory * MEBIBYTE, module


@pytest.mark.parametrize(
    ("module", "cpu", "memory"),
    [
        # Millicores and MiB, added by hand: login server 100 and 320, gateway 50 and 64.
        ("authentication", 150, 384),
        # Health API and processing engine, 100 and 192 each.
        ("health-services", 200, 384),
    ],
)
def test_a_module_asks_for_what_was_added_by_hand(module: str, cpu: int, memory: int) -> None:
    assert added_up(planned("free"))[module] == (cpu, memory)


def test_without_looking_at_limits_the_volumes_are_as_large_as_in_the_studied_plan() -> None:
    sizes = {claim.name: claim.size_bytes // 2**30 for claim in claims(planned("full").answers)}
    assert sizes["postgresql-health"] == 60
    assert sizes["postgresql-auth"] == 20
    assert (sizes["redis-health"], sizes["minio"], sizes["rabbitmq"]) == (5, 80, 15)
    assert (sizes["prometheus"], sizes["alertmanager"]) == (20, 5)
    # Ceremonies of the login are not kept, and traces are kept in memory.
    assert not {"redis-auth", "jaeger"} & sizes.keys()


@pytest.mark.parametrize("profile", ["free", "free-minimal", "reduced-ha", "local"])
def test_there_is_one_of_each_unless_several_are_asked_for(profile: str) -> None:
    bodies = [entry.body for entry in planned(profile).rendered.objects]
    servers = [body for body in bodies if body["kind"] in ("Deployment", "StatefulSet")]
    assert {body["spec"]["replicas"] for body in servers} == {1}
    kinds = {body["kind"] for body in bodies}
    assert not kinds & {"HorizontalPodAutoscaler", "PodDisruptionBudget", "DaemonSet"}


def test_without_log_lines_the_plan_asks_for_less_by_their_two_parts() -> None:
    def asked(*, logs: bool) -> tuple[tuple[int, int], int]:
        answers = answers_for(catalogue(), modules={"observability": {"logs": logs}})
        sizes = [claim.size_bytes for claim in claims(answers)]
        return added_up(make_plan(answers))["observability"], sum(sizes) // 2**30

    (cpu, memory), storage = asked(logs=True)
    (less_cpu, less_memory), less_storage = asked(logs=False)
    # Loki and Alloy, by hand: 75 and 50 millicores, 256 and 128 MiB, and Loki's claim of 10 GiB.
    saved = (cpu - less_cpu, memory - less_memory, storage - less_storage)
    assert saved == (125, 384, 10)


def test_claims_of_lines_traces_and_dashboards_are_as_large_as_chosen() -> None:
    chosen = {
        "logs_storage": "5Gi",
        "grafana_storage": "5Gi",
        "traces_store": "disk",
        "traces_storage": "10Gi",
    }
    answers = answers_for(catalogue(), modules={"observability": chosen})
    sizes = {claim.name: claim.size_bytes // 2**30 for claim in claims(answers)}
    assert (sizes["loki"], sizes["grafana"], sizes["jaeger"]) == (5, 5, 10)


def test_the_usual_installation_has_every_program() -> None:
    servers = {
        entry.body["metadata"]["name"]
        for entry in planned("free").rendered.objects
        if entry.body["kind"] in ("Deployment", "StatefulSet")
    }
    assert servers >= {
        *("webauthn-server", "envoy-gateway", "health-api", "etl-engine"),
        *("prometheus", "alertmanager", "grafana", "loki", "alloy", "jaeger"),
    }


def test_no_pod_is_bound_to_a_kind_of_processor() -> None:
    for entry in plan_of(*all_names(), switches=True).rendered.objects:
        template = pod_template(entry.body)
        if template is not None:
            spec = template["spec"]
            bound = str(spec.get("nodeSelector", {})) + str(spec.get("affinity", {}))
            assert "kubernetes.io/arch" not in bound, entry.body["metadata"]["name"]
