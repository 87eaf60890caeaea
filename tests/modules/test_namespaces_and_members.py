"""What lives in which namespace, and at which level."""

from __future__ import annotations

import pytest

from installer.modules.pod_security import violations
from installer.modules.stamping import pod_template
from tests.modules.selections import all_names, plan_of
from tests.modules.test_network_rules import NAME, everything, pod, pods, rules_of, templates

MEMBERS = {
    "health-data": {
        "postgresql-health",
        "postgresql-auth",
        "redis-health",
        "redis-auth",
        "minio",
        "rabbitmq",
    },
    "health-auth": {"webauthn-server", "envoy-gateway"},
    "health-api": {"health-api"},
    "health-etl": {"etl-engine"},
    "health-observability": {
        "prometheus",
        "alertmanager",
        "kube-state-metrics",
        "grafana",
        "loki",
        "alloy",
        "jaeger",
    },
    "health-system": {"metrics-server", "traefik"},
}


def servers(namespace: str) -> dict[str, int]:
    """Replicas of the workloads in a namespace, by name; Jobs and exporters left out."""
    kinds = ("Deployment", "StatefulSet")
    return {
        e.body["metadata"]["name"]: int(e.body["spec"].get("replicas", 1))
        for e in everything().rendered.objects
        if e.body["kind"] in kinds and e.body["metadata"]["namespace"] == namespace
    }


@pytest.mark.parametrize("namespace", MEMBERS)
def test_every_namespace_holds_its_members_and_enforces_the_strictest_level(
    namespace: str,
) -> None:
    levels = {
        e.body["metadata"]["name"]: e.body["metadata"]["labels"]
        for e in everything().rendered.objects
        if e.body["kind"] == "Namespace"
    }
    for mode in ("enforce", "audit", "warn"):
        assert levels[namespace][f"pod-security.kubernetes.io/{mode}"] == "restricted"
    found = {name for name in servers(namespace) if not name.endswith("-exporter")}
    assert found == MEMBERS[namespace]


def test_there_is_no_other_namespace_and_none_that_is_weaker() -> None:
    spaces = {
        e.body["metadata"]["name"]: e.body["metadata"]["labels"]
        for e in everything().rendered.objects
        if e.body["kind"] == "Namespace"
    }
    assert spaces.keys() == MEMBERS.keys()


def test_there_is_one_jaeger_and_it_is_not_beside_the_logins() -> None:
    homes = [space for space in MEMBERS if "jaeger" in servers(space)]
    assert homes == ["health-observability"]


def test_the_health_api_may_have_several_replicas_and_the_processing_engine_one() -> None:
    assert servers("health-api")["health-api"] >= 1
    assert servers("health-etl")["etl-engine"] == 1


def test_t48_every_container_has_a_seccomp_profile_and_is_restricted() -> None:
    for _, template in templates(plan_of(*all_names(), switches=True).rendered):
        assert violations(template["spec"]) == (), template["metadata"]["labels"][NAME]
        assert template["spec"]["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"


def test_t49_nothing_uses_the_machine_s_network_or_files() -> None:
    for _, template in templates(plan_of(*all_names(), switches=True).rendered):
        spec = template["spec"]
        assert not spec.get("hostNetwork")
        assert not any("hostPath" in volume for volume in spec.get("volumes", []))


def test_t50_every_object_has_one_owner_and_every_binding_an_account_that_exists() -> None:
    bodies = [e.body for e in plan_of(*all_names(), switches=True).rendered.objects]
    names = [
        (b["apiVersion"], b["kind"], b["metadata"].get("namespace", ""), b["metadata"]["name"])
        for b in bodies
    ]
    assert len(names) == len(set(names))
    accounts = {(n[2], n[3]) for n in names if n[1] == "ServiceAccount"}
    for body in bodies:
        for subject in body.get("subjects", []):
            assert (subject["namespace"], subject["name"]) in accounts, body["metadata"]["name"]
        template = pod_template(body)
        if template is not None:
            place = (body["metadata"]["namespace"], template["spec"]["serviceAccountName"])
            assert place in accounts, place


def test_the_gateway_is_reached_from_the_front_door_alone() -> None:
    plan = everything()
    gateway = pod("health-auth", "envoy-gateway")
    allowed = {each.name for each in pods(plan) if rules_of(plan).connects(each, gateway, 8000)}
    assert allowed == {"traefik"}
