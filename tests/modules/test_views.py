"""Pods of Grafana, Loki, Alloy and Jaeger, and the traps they stay out of."""

from __future__ import annotations

from typing import Any

import pytest

from installer.modules import ModulesInvalid, Rendered, catalogue, enabled
from installer.modules.choices import notices
from installer.modules.stamping import pod_template
from installer.modules.traffic import traffic_of
from tests.modules.conftest import answers_for
from tests.modules.observed import body, observed

KINDS = {
    "loki": "StatefulSet",
    "alloy": "Deployment",
    "jaeger": "Deployment",
    "grafana": "Deployment",
}


def workload(rendered: Rendered, name: str) -> dict[str, Any]:
    """The object that makes the pod of one of the four."""
    return body(rendered, KINDS[name], name)


def pod(rendered: Rendered, name: str) -> dict[str, Any]:
    """The pod's spec."""
    template = pod_template(workload(rendered, name))
    assert template is not None
    spec: dict[str, Any] = template["spec"]
    return spec


def container(rendered: Rendered, name: str) -> dict[str, Any]:
    """The pod's only container."""
    containers: list[dict[str, Any]] = pod(rendered, name)["containers"]
    assert len(containers) == 1
    return containers[0]


def volume(rendered: Rendered, name: str, volume_name: str) -> dict[str, Any]:
    """One of the pod's volumes."""
    found: dict[str, Any] = next(
        one for one in pod(rendered, name)["volumes"] if one["name"] == volume_name
    )
    return found


@pytest.mark.parametrize(
    ("name", "user", "cpu", "memory", "limit"),
    [
        ("loki", 10001, "75m", "256Mi", "640Mi"),
        ("alloy", 473, "50m", "128Mi", "320Mi"),
        ("jaeger", 10001, "50m", "170Mi", "512Mi"),
        ("grafana", 472, "50m", "256Mi", "512Mi"),
    ],
)
def test_each_has_its_own_user_and_asks_for_what_was_planned(
    name: str, user: int, cpu: str, memory: str, limit: str
) -> None:
    rendered = observed()
    assert pod(rendered, name)["securityContext"]["runAsUser"] == user
    assert container(rendered, name)["resources"] == {
        "requests": {"cpu": cpu, "memory": memory},
        "limits": {"memory": limit},
    }


def test_no_two_write_to_one_volume_at_once() -> None:
    # T-87: a rolling update waits for a volume the old pod still holds.
    rendered = observed(traces_store="disk")
    for name in ("alloy", "jaeger", "grafana"):
        assert workload(rendered, name)["spec"]["strategy"] == {"type": "Recreate"}, name
    assert workload(rendered, "loki")["spec"]["replicas"] == 1


def test_only_alloy_has_a_token_and_only_for_pods_and_their_lines() -> None:
    rendered = observed()
    tokens = {name: pod(rendered, name)["automountServiceAccountToken"] for name in KINDS}
    assert tokens == {"loki": False, "alloy": True, "jaeger": False, "grafana": False}
    roles = [
        entry.body
        for entry in rendered.objects
        if entry.body["kind"] == "Role" and entry.body["metadata"]["name"] == "alloy"
    ]
    assert {role["metadata"]["namespace"] for role in roles} >= {"health-data"}
    for role in roles:
        assert role["rules"] == [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        ]
    wide = [e.body["metadata"]["name"] for e in rendered.objects if "ClusterRole" in e.body["kind"]]
    assert not any("alloy" in name for name in wide)


def test_no_pod_needs_a_folder_of_its_machine() -> None:
    # T-49: what reads the machine's own log files is refused at this level.
    rendered = observed(traces_store="disk")
    for name in KINDS:
        assert not any("hostPath" in one for one in pod(rendered, name)["volumes"]), name
    levels = [
        entry.body["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for entry in rendered.objects
        if entry.body["kind"] == "Namespace"
    ]
    assert levels == ["restricted"]


def test_every_folder_that_is_written_to_has_a_bound() -> None:
    for options in ({}, {"storage": "transient", "traces_store": "disk"}):
        rendered = observed(**options)
        for name in KINDS:
            for one in pod(rendered, name)["volumes"]:
                assert one.get("emptyDir", {"sizeLimit": "x"}).get("sizeLimit"), (name, one)


def test_what_is_kept_is_on_the_claim_and_what_is_not_is_gone_with_the_pod() -> None:
    kept = observed(traces_store="disk")
    transient = observed(
        storage="transient", traces_store="disk", logs_storage="3Gi", traces_storage="7Gi"
    )
    for name in ("loki", "jaeger", "grafana"):
        assert "persistentVolumeClaim" in volume(kept, name, "data"), name
    assert volume(transient, "loki", "data")["emptyDir"] == {"sizeLimit": "3Gi"}
    assert volume(transient, "jaeger", "data")["emptyDir"] == {"sizeLimit": "7Gi"}
    assert "sizeLimit" in volume(transient, "grafana", "data")["emptyDir"]
    assert not any(e.body["kind"] == "PersistentVolumeClaim" for e in transient.objects)


def test_traces_in_memory_need_no_volume_and_memory_for_as_many_as_are_held() -> None:
    usual, many = observed(), observed(traces_cap=100_000)
    assert not any(one["name"] == "data" for one in pod(usual, "jaeger")["volumes"])

    def limit(rendered: Rendered) -> int:
        memory: str = container(rendered, "jaeger")["resources"]["limits"]["memory"]
        return int(memory.removesuffix("Mi"))

    assert limit(many) - limit(usual) >= 90_000 * 20 // 1024


def test_grafana_may_take_three_minutes_to_start() -> None:
    probe = container(observed(), "grafana")["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 180


def test_alloy_can_be_asked_from_outside_its_pod() -> None:
    args = container(observed(), "alloy")["args"]
    assert "--server.http.listen-addr=0.0.0.0:12345" in args
    assert "--disable-reporting" in args


def test_without_a_part_nothing_of_it_is_left() -> None:
    for options, gone in (
        ({"logs": False}, ("loki", "alloy")),
        ({"traces": False}, ("jaeger",)),
        ({"grafana": False}, ("grafana", "grafana-dashboards")),
    ):
        names = {entry.body["metadata"]["name"] for entry in observed(**options).objects}
        assert names.isdisjoint(gone), options
    assert not observed(grafana=False).secrets or all(
        spec.name != "grafana-secret" for spec in observed(grafana=False).secrets
    )


def test_there_is_one_jaeger_and_it_is_here() -> None:
    # T-28
    found = [
        entry.body["metadata"]["namespace"]
        for entry in observed().objects
        if entry.body["kind"] == "Deployment" and entry.body["metadata"]["name"] == "jaeger"
    ]
    assert found == ["health-observability"]


def test_nothing_but_grafana_is_ever_reached_from_outside() -> None:
    # T-86: Jaeger asks for no login.
    file = next(module for module in catalogue() if module.name == "observability").file
    assert [one.name for one in file.endpoints if one.host] == ["grafana-published"]
    for entry in observed(publish_grafana=True).objects:
        if entry.body["kind"] == "Service":
            assert entry.body["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_publishing_dashboards_that_are_not_there_is_refused() -> None:
    with pytest.raises(ModulesInvalid, match="there are none"):
        observed(grafana=False, publish_grafana=True)


def test_publishing_dashboards_without_an_entrance_is_refused() -> None:
    modules = catalogue()
    chosen = {"edge": {"enabled": False}, "observability": {"publish_grafana": True}}
    answers = answers_for(modules, modules=chosen)
    with pytest.raises(ModulesInvalid, match="nothing leads there"):
        enabled(answers, modules)


def flows(**options: Any) -> set[tuple[str, str, int]]:
    """Which of the four may connect where."""
    modules = catalogue()
    answers = answers_for(modules, modules={"observability": {"enabled": True, **options}})
    return {
        (flow.source.name, flow.target.name, flow.port)
        for flow in traffic_of(answers, modules)
        if flow.source.name in KINDS
    }


def test_each_may_connect_only_to_what_it_needs() -> None:
    assert flows() == {
        ("grafana", "prometheus", 9090),
        ("grafana", "alertmanager", 9093),
        ("grafana", "loki", 3100),
        ("grafana", "jaeger", 16686),
        ("alloy", "loki", 3100),
        ("alloy", "kubernetes-api", 6443),
    }
    assert flows(logs=False, traces=False) == {
        ("grafana", "prometheus", 9090),
        ("grafana", "alertmanager", 9093),
    }


def told(**options: Any) -> str:
    """What a person is told about these answers."""
    modules = catalogue()
    answers = answers_for(modules, modules={"observability": {"enabled": True, **options}})
    return " ".join(notices(answers, modules))


def test_a_person_is_told_what_does_not_last() -> None:
    # Row 89 of the scope: without a volume this is said.
    assert "change in Grafana are gone" in told(storage="transient")
    assert "change in Grafana" not in told()
    assert "Jaeger is restarted" in told()
    assert "Jaeger is restarted" not in told(traces_store="disk")


def test_every_part_is_read_by_prometheus_at_the_port_it_has() -> None:
    rendered = observed()
    hints = {name: body(rendered, "Service", name)["metadata"]["annotations"] for name in KINDS}
    assert {name: one["health-install/scrape-port"] for name, one in hints.items()} == {
        "loki": "3100", "alloy": "12345", "jaeger": "8888", "grafana": "3000",
    }  # fmt: skip
    for name, one in hints.items():
        ports = [port["containerPort"] for port in container(rendered, name)["ports"]]
        assert int(one["health-install/scrape-port"]) in ports


def test_a_changed_dashboard_or_setting_restarts_what_reads_it_and_nothing_else() -> None:
    def notes(**options: Any) -> dict[str, str]:
        rendered = observed(**options)
        return {
            name: workload(rendered, name)["spec"]["template"]["metadata"]["annotations"][
                "health-install/configuration"
            ]
            for name in KINDS
        }

    before, after = notes(), notes(logs_days=20)
    assert {name for name in KINDS if before[name] != after[name]} == {"loki"}
