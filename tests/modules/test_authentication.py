"""The login module: what is rendered, and the traps it stays out of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from installer.modules import ClusterFacts, ModulesInvalid, Rendered, render
from installer.modules.choices import notices
from installer.modules.stamping import pod_template
from installer.modules.traffic import traffic_of
from tests.modules.conftest import Choose, one_volume

FACTS = ClusterFacts("oci-bv", "arm64")
Login = Callable[..., Rendered]


@pytest.fixture
def login(choose: Choose) -> Login:
    """Renders everything with options of the login module, and of others by their names."""

    def rendered(others: dict[str, Any] | None = None, /, **options: Any) -> Rendered:
        given = {"authentication": options, **(others or {})}
        answers = choose(access={"domain": "example.org"}, modules=given)
        return render(answers, one_volume(answers), FACTS).of_module("authentication")

    return rendered


def body(rendered: Rendered, kind: str, name: str) -> dict[str, Any]:
    """The one object of that kind and name."""
    found = [
        entry.body
        for entry in rendered.objects
        if (entry.body["kind"], entry.body["metadata"]["name"]) == (kind, name)
    ]
    assert len(found) == 1, (kind, name)
    return found[0]


def container(rendered: Rendered, name: str) -> dict[str, Any]:
    """The container of a Deployment."""
    containers: list[dict[str, Any]] = body(rendered, "Deployment", name)["spec"]["template"][
        "spec"
    ]["containers"]
    assert len(containers) == 1
    return containers[0]


def variables(rendered: Rendered) -> dict[str, str]:
    """The login server's variables that hold their value in the manifest."""
    return {
        entry["name"]: entry["value"]
        for entry in container(rendered, "webauthn-server")["env"]
        if "value" in entry
    }


def gateway(rendered: Rendered) -> dict[str, Any]:
    """The gateway's configuration."""
    text = body(rendered, "ConfigMap", "envoy-gateway")["data"]["envoy.yaml"]
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def kinds(rendered: Rendered) -> set[str]:
    """The kinds of all objects."""
    return {entry.body["kind"] for entry in rendered.objects}


def test_t12_the_login_server_and_its_database_have_one_role_from_one_place(login: Login) -> None:
    spec = next(spec for spec in login().secrets if spec.name == "webauthn-secrets")
    copied = {value.key: value.text for value in spec.values if value.make == "copy"}
    assert copied == {
        "database-user": "health-data/postgresql-auth-secret/username",
        "database-password": "health-data/postgresql-auth-secret/password",
        "redis-password": "health-data/redis-auth-secret/password",
    }


def test_t13_the_login_server_is_not_started_before_its_tables_are_there(login: Login) -> None:
    spec = body(login(), "Deployment", "webauthn-server")["spec"]["template"]["spec"]
    (wait,) = spec["initContainers"]
    assert wait["image"].startswith("docker.io/library/postgres:")
    script = body(login(), "ConfigMap", "webauthn-server")["data"]["wait-for-schema.sh"]
    assert "jwt_signing_keys" in script


def test_t27_traces_go_to_the_variable_the_server_reads_and_only_where_they_are_kept(
    login: Login,
) -> None:
    name = "MPO_AUTHN_OPEN_TELEMETRY_JAEGER_ENDPOINT"
    observed = variables(login({"observability": {"enabled": True}}))
    assert observed[name] == "http://jaeger.health-observability.svc.cluster.local:4317"
    for off in ({"enabled": False}, {"enabled": True, "traces": False}):
        assert name not in variables(login({"observability": off}))
    assert not any("JAEGER_AGENT" in known for known in observed)


def test_t28_no_second_collector_of_traces_is_made_beside_the_login_server(login: Login) -> None:
    observed = login({"observability": {"enabled": True}})
    assert not any("jaeger" in entry.body["metadata"]["name"] for entry in observed.objects)


def test_t29_the_gateway_expects_the_constants_of_the_login_server(login: Login) -> None:
    text = body(login(), "ConfigMap", "envoy-gateway")["data"]["envoy.yaml"]
    assert "issuer: mpo-webauthn\n" in text
    assert "audiences: [webauthn-clients]\n" in text
    assert "example.org" not in text


def test_t31_the_login_servers_image_is_one_that_is_made(login: Login) -> None:
    image = container(login(), "webauthn-server")["image"]
    assert image.startswith("docker.io/hitoshura25/webauthn-server:latest")


def test_t32_the_master_key_is_supplied_though_nothing_reads_it(login: Login) -> None:
    spec = next(spec for spec in login().secrets if spec.name == "webauthn-secrets")
    assert [v.key for v in spec.values if v.make == "encryption_key"] == ["jwt-master-key"]
    names = [entry["name"] for entry in container(login(), "webauthn-server")["env"]]
    assert "MPO_AUTHN_JWT_MASTER_ENCRYPTION_KEY" in names


@pytest.mark.parametrize("more", [{"replicas": 2}, {"autoscaling": True}])
def test_t36_rotation_by_age_is_off_and_refused_with_several_servers(
    login: Login, more: dict[str, Any]
) -> None:
    assert variables(login())["MPO_AUTHN_JWT_KEY_ROTATION_ENABLED"] == "false"
    alone = variables(login(key_rotation=True, key_rotation_days=90, key_retention_hours=2))
    assert alone["MPO_AUTHN_JWT_KEY_ROTATION_ENABLED"] == "true"
    assert alone["MPO_AUTHN_JWT_KEY_ROTATION_INTERVAL"] == "90d"
    assert alone["MPO_AUTHN_JWT_KEY_RETENTION"] == "2h"
    with pytest.raises(ModulesInvalid, match="only one of them would use the new signing key"):
        login(key_rotation=True, **more)


def test_a_replaced_key_outlives_the_tokens_it_signed_and_what_the_gateway_remembers(
    modules: tuple[Any, ...], login: Login
) -> None:
    (module,) = (one for one in modules if one.name == "authentication")
    bounds = {option.name: option for option in module.file.options}
    token_minutes = 15
    assert bounds["key_retention_hours"].minimum * 60 > token_minutes
    assert bounds["jwks_cache_seconds"].maximum <= 300


def test_t37_passkeys_are_bound_to_the_logins_own_host(login: Login) -> None:
    given = variables(login())
    assert given["MPO_AUTHN_APP_RELYING_PARTY_ID"] == "auth.example.org"
    assert not any("ORIGIN" in name for name in given)


def test_t48_every_pod_has_a_seccomp_profile_its_images_own_user_and_a_read_only_root(
    login: Login,
) -> None:
    users = {}
    for entry in login(example_service=True).objects:
        template = pod_template(entry.body)
        if template is None:
            continue
        security = template["spec"]["securityContext"]
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        users[entry.body["metadata"]["name"]] = security["runAsUser"]
        for one in [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]:
            assert one["securityContext"]["readOnlyRootFilesystem"] is True
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert users == {"webauthn-server": 1001, "envoy-gateway": 65532, "example-service": 1000}


def test_libraries_can_be_unpacked_and_run_from_tmp(login: Login) -> None:
    spec = body(login(), "Deployment", "webauthn-server")["spec"]["template"]["spec"]
    (tmp,) = (volume for volume in spec["volumes"] if volume["name"] == "tmp")
    # One in memory would be counted against the server's limit.
    assert tmp["emptyDir"].keys() == {"sizeLimit"}
    mounts = spec["containers"][0]["volumeMounts"]
    assert mounts == [{"name": "tmp", "mountPath": "/tmp"}]


def test_t34_a_slow_start_is_waited_for_and_readiness_reads_the_database(login: Login) -> None:
    server = container(login(), "webauthn-server")
    startup = server["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 120
    assert server["readinessProbe"]["httpGet"]["path"] == "/.well-known/jwks.json"
    assert server["livenessProbe"]["httpGet"]["path"] == "/live"


def test_t35_the_jvm_leaves_memory_for_what_is_not_heap(login: Login) -> None:
    flags = variables(login())["JAVA_OPTS"]
    assert "-XX:MaxRAMPercentage=60" in flags
    assert "JVMCI" not in flags
    assert "Experimental" not in flags


def test_no_variable_is_blank(login: Login) -> None:
    assert all(value.strip() for value in variables(login()).values())
    with pytest.raises(ModulesInvalid, match="relying_party_name is empty"):
        login(relying_party_name="  ")


@pytest.mark.parametrize(
    ("options", "limit", "refused"),
    [
        ({}, 20, False),
        ({"replicas": 2}, 26, False),
        ({"replicas": 2}, 25, True),
        ({"database_pool": 10, "replicas": 5}, 110, False),
        ({"database_pool": 10, "replicas": 5}, 109, True),
        ({"autoscaling": True}, 50, False),
        ({"autoscaling": True}, 49, True),
    ],
)
def test_t33_more_pools_than_the_database_takes_are_refused(
    login: Login, options: dict[str, Any], limit: int, refused: bool
) -> None:
    others = {"infrastructure": {"postgresql_auth_max_connections": limit}}
    if not refused:
        assert login(others, **options).objects
        return
    with pytest.raises(ModulesInvalid) as caught:
        login(others, **options)
    said = str(caught.value)
    assert said.startswith("modules.authentication: ")
    proposed = re.search(r"set database_pool to (\d+)", said)
    assert proposed
    assert login(others, **{**options, "database_pool": int(proposed[1])}).objects


def test_one_replica_each_unless_told_otherwise(login: Login) -> None:
    usual = login()
    for name in ("webauthn-server", "envoy-gateway"):
        assert body(usual, "Deployment", name)["spec"]["replicas"] == 1
    assert not {"HorizontalPodAutoscaler", "PodDisruptionBudget"} & kinds(usual)


def test_t35_several_are_protected_and_autoscaling_looks_at_the_cpu_alone(login: Login) -> None:
    several = login(replicas=2)
    assert body(several, "Deployment", "webauthn-server")["spec"]["replicas"] == 2
    assert body(several, "PodDisruptionBudget", "webauthn-server")["spec"]["maxUnavailable"] == 1
    assert "HorizontalPodAutoscaler" not in kinds(several)
    scaled = login(autoscaling=True, max_replicas=3)
    for name in ("webauthn-server", "envoy-gateway"):
        assert body(scaled, "PodDisruptionBudget", name)
        # A number of ours would undo the autoscaler's at every run.
        assert "replicas" not in body(scaled, "Deployment", name)["spec"]
        spec = body(scaled, "HorizontalPodAutoscaler", name)["spec"]
        assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 3)
        assert [metric["resource"]["name"] for metric in spec["metrics"]] == ["cpu"]
    with pytest.raises(ModulesInvalid, match="max_replicas is 2, fewer than"):
        login(autoscaling=True, max_replicas=2, replicas=3)


def test_the_gateways_admin_pages_are_for_its_own_pod(login: Login) -> None:
    config = gateway(login())
    address = config["admin"]["address"]["socket_address"]
    assert address == {"address": "127.0.0.1", "port_value": 9901}
    ports = {port["containerPort"] for port in container(login(), "envoy-gateway")["ports"]}
    assert ports == {8000, 9902}
    service = body(login(), "Service", "envoy-gateway")
    assert {port["port"] for port in service["spec"]["ports"]} == {8000, 9902}


def test_the_gateway_fetches_keys_as_often_as_told_and_from_the_login_server(login: Login) -> None:
    text = body(login(jwks_cache_seconds=90), "ConfigMap", "envoy-gateway")["data"]["envoy.yaml"]
    assert "cache_duration: 90s" in text
    assert "webauthn-server.health-auth.svc.cluster.local:8080/.well-known/jwks.json" in text


def test_the_example_is_off_and_everything_of_it_comes_with_the_switch(login: Login) -> None:
    usual, shown = login(), login(example_service=True)
    assert not any("example" in entry.body["metadata"]["name"] for entry in usual.objects)
    assert "example" not in str(gateway(usual))
    assert body(shown, "Deployment", "example-service")
    assert "example-service.health-auth" in str(gateway(shown))


def test_who_connects_is_told(choose: Choose, modules: tuple[Any, ...]) -> None:
    def flows(**options: Any) -> set[tuple[str, str, int]]:
        answers = choose(
            modules={"authentication": options, "observability": {"enabled": True}},
        )
        return {
            (flow.source.name, flow.target.name, flow.port)
            for flow in traffic_of(answers, modules)
            if flow.source.namespace == "health-auth"
        }

    usual = {
        ("envoy-gateway", "webauthn-server", 8080),
        ("webauthn-server", "postgresql-auth", 5432),
        ("webauthn-server", "redis-auth", 6379),
        ("webauthn-server", "jaeger", 4317),
    }
    assert usual <= flows()
    example = {
        ("envoy-gateway", "example-service", 9001),
        ("example-service", "webauthn-server", 8080),
    }
    assert not example & flows()
    assert example <= flows(example_service=True)


def test_open_registration_is_told_with_how_to_close_it(
    choose: Choose, modules: tuple[Any, ...]
) -> None:
    def said(registration: str) -> str:
        answers = choose(modules={"authentication": {"registration": registration}})
        return "\n".join(notices(answers, modules))

    assert "set modules.authentication.registration to closed" in said("open")
    assert "authentication.registration" not in said("closed")


def test_autoscaling_without_a_metrics_server_of_ours_is_told(
    choose: Choose, modules: tuple[Any, ...]
) -> None:
    def said(enabled: bool, autoscaling: bool) -> bool:
        given = {
            "authentication": {"autoscaling": autoscaling},
            "metrics-server": {"enabled": enabled},
        }
        return any("metrics server" in each for each in notices(choose(modules=given), modules))

    assert said(enabled=False, autoscaling=True)
    assert not said(enabled=True, autoscaling=True)
    assert not said(enabled=False, autoscaling=False)
