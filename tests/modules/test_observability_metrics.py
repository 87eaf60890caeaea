"""Prometheus, Alertmanager and kube-state-metrics as rendered, and the traps they keep out of."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from installer.answers.model import Answers
from installer.modules import (
    ClusterFacts,
    ModulesInvalid,
    Rendered,
    catalogue,
    claims,
    render,
)
from installer.modules.choices import notices
from installer.modules.stamping import pod_template
from installer.modules.traffic import End, traffic_of
from tests.modules.conftest import Choose, one_volume

HERE = "health-observability"
READING = {"get", "list", "watch"}


def told(choose: Choose, **options: Any) -> Answers:
    """Answers with the module on."""
    return choose(modules={"observability": {"enabled": True, **options}})


def rendered_for(answers: Answers) -> Rendered:
    return render(answers, one_volume(answers), ClusterFacts("oci-bv", "arm64"))


def body(rendered: Rendered, kind: str, name: str, namespace: str = HERE) -> dict[str, Any]:
    """The one object."""
    found = [
        entry.body
        for entry in rendered.objects
        if entry.body["kind"] == kind
        and entry.body["metadata"]["name"] == name
        and entry.body["metadata"].get("namespace", namespace) == namespace
    ]
    assert len(found) == 1, (kind, name, len(found))
    return found[0]


def settings(rendered: Rendered, name: str, key: str) -> dict[str, Any]:
    """A configuration file of a ConfigMap, read."""
    text = body(rendered, "ConfigMap", name)["data"][key]
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def container(rendered: Rendered, name: str) -> dict[str, Any]:
    """The first container of a Deployment."""
    found: dict[str, Any] = body(rendered, "Deployment", name)["spec"]["template"]["spec"][
        "containers"
    ][0]
    return found


@pytest.fixture
def usual(choose: Choose) -> Rendered:
    return rendered_for(told(choose))


def test_t50_every_account_that_may_something_is_there(usual: Rendered) -> None:
    accounts = {
        (entry.body["metadata"]["namespace"], entry.body["metadata"]["name"])
        for entry in usual.objects
        if entry.body["kind"] == "ServiceAccount"
    }
    for entry in usual.objects:
        if entry.body["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            for subject in entry.body["subjects"]:
                assert (subject["namespace"], subject["name"]) in accounts


def test_rights_are_for_reading_and_not_for_secrets(usual: Rendered) -> None:
    rules = [
        rule
        for entry in usual.objects
        if entry.module == "observability" and entry.body["kind"] in ("Role", "ClusterRole")
        for rule in entry.body["rules"]
    ]
    assert rules
    for rule in rules:
        assert set(rule["verbs"]) <= READING
        assert not {"secrets", "configmaps", "*"} & set(rule["resources"])
        assert "nonResourceURLs" not in rule


def test_only_machines_are_read_cluster_wide(usual: Rendered) -> None:
    roles = [
        entry.body
        for entry in usual.of_module("observability").objects
        if entry.body["kind"] == "ClusterRole"
    ]
    wide = {resource for role in roles for rule in role["rules"] for resource in rule["resources"]}
    assert wide == {"nodes", "nodes/metrics"}


def test_a_token_is_only_where_rights_are(usual: Rendered) -> None:
    bound = {
        subject["name"]
        for entry in usual.objects
        if entry.module == "observability" and "subjects" in entry.body
        for subject in entry.body["subjects"]
    }
    for entry in usual.objects:
        template = pod_template(entry.body)
        if template is not None and entry.module == "observability":
            spec = template["spec"]
            assert spec["automountServiceAccountToken"] is (spec["serviceAccountName"] in bound)


def test_every_namespace_of_the_platform_is_looked_at_and_no_other(usual: Rendered) -> None:
    namespaces = {
        entry.body["metadata"]["name"]
        for entry in usual.objects
        if entry.body["kind"] == "Namespace"
    }
    jobs = settings(usual, "prometheus", "prometheus.yml")["scrape_configs"]
    looked_at = {
        tuple(sorted(found["namespaces"]["names"]))
        for job in jobs
        for found in job.get("kubernetes_sd_configs", [])
        if found["role"] != "node"
    }
    assert looked_at == {tuple(sorted(namespaces))}
    counted = next(
        word.partition("=")[2]
        for word in container(usual, "kube-state-metrics")["args"]
        if word.startswith("--namespaces=")
    )
    assert set(counted.split(",")) == namespaces


def test_figures_are_kept_for_the_days_and_below_the_space_chosen(choose: Choose) -> None:
    answers = told(choose, prometheus_days=30, prometheus_storage="20Gi")
    args = container(rendered_for(answers), "prometheus")["args"]
    assert "--storage.tsdb.retention.time=30d" in args
    assert "--storage.tsdb.retention.size=16384MB" in args
    sizes = {claim.name: claim.size_bytes for claim in claims(answers)}
    assert sizes["prometheus"] == 20 * 2**30
    assert sizes["alertmanager"] == 2**30


def test_prometheus_can_neither_be_changed_nor_stopped_from_outside(usual: Rendered) -> None:
    args = container(usual, "prometheus")["args"]
    assert not [word for word in args if "admin-api" in word or "lifecycle" in word]
    assert {"--storage.tsdb.wal-compression", "--query.max-concurrency=4"} <= set(args)


def test_t87_who_writes_to_a_volume_is_stopped_before_its_successor_starts(
    usual: Rendered,
) -> None:
    for name in ("prometheus", "alertmanager"):
        assert body(usual, "Deployment", name)["spec"]["strategy"] == {"type": "Recreate"}


def test_transient_figures_claim_no_volume_and_are_bounded(choose: Choose) -> None:
    answers = told(choose, storage="transient", prometheus_storage="3Gi")
    assert not [claim for claim in claims(answers) if claim.namespace == HERE]
    spec = body(rendered_for(answers), "Deployment", "prometheus")["spec"]["template"]["spec"]
    data = next(volume for volume in spec["volumes"] if volume["name"] == "data")
    assert data == {"name": "data", "emptyDir": {"sizeLimit": 3 * 2**30}}
    assert any("gone whenever the pod" in said for said in notices(answers, catalogue()))


def test_t89_no_kind_of_the_operators_is_used(usual: Rendered) -> None:
    groups = {entry.body["apiVersion"].partition("/")[0] for entry in usual.objects}
    assert "monitoring.coreos.com" not in groups


def test_t77_no_alert_asks_for_what_nothing_exports(usual: Rendered) -> None:
    texts = "".join(body(usual, "ConfigMap", "prometheus")["data"].values())
    for gone in (
        "http_requests_total{job=",
        "rabbitmq_up",
        "minio_cluster",
        "pg_replication_lag",
        "etl_job_failures_total",
        "etl_consumer_status",
        "etl_dead_letter_messages_total",
    ):
        assert gone not in texts, gone


def test_t85_whoever_is_told_of_nothing_is_told_so(choose: Choose) -> None:
    said = notices(told(choose), catalogue())
    assert any("Nobody is told when a part fails" in one for one in said)
    asked = notices(told(choose, alert_receiver="webhook"), catalogue())
    assert not any("Nobody is told when a part fails" in one for one in asked)


@pytest.mark.parametrize("receiver", ["none", "webhook", "email"])
def test_every_severity_has_its_receiver(choose: Choose, receiver: str) -> None:
    answers = told(
        choose,
        alert_receiver=receiver,
        alert_email_to="me@example.org",
        alert_email_from="alerts@example.org",
        alert_smtp_host="smtp.example.org",
    )
    file = settings(rendered_for(answers), "alertmanager", "alertmanager.yml")
    named = {entry["name"]: set(entry) - {"name"} for entry in file["receivers"]}
    kind = {"none": set(), "webhook": {"webhook_configs"}, "email": {"email_configs"}}[receiver]
    assert named == {"critical": kind, "warning": kind, "info": kind, "heartbeat": set()}
    assert {route["receiver"] for route in file["route"]["routes"]} == named.keys()


def test_mail_without_an_address_is_refused_with_every_reason(choose: Choose) -> None:
    with pytest.raises(ModulesInvalid) as caught:
        rendered_for(told(choose, alert_receiver="email"))
    for option in ("alert_email_to", "alert_email_from", "alert_smtp_host"):
        assert f"modules.observability.{option}" in str(caught.value)


def test_addresses_and_passwords_of_receivers_are_files_of_secrets(choose: Choose) -> None:
    answers = told(
        choose,
        alert_receiver="email",
        heartbeat=True,
        alert_email_to="me@example.org",
        alert_email_from="alerts@example.org",
        alert_smtp_host="smtp.example.org",
        alert_smtp_user="alerts",
    )
    rendered = rendered_for(answers)
    file = settings(rendered, "alertmanager", "alertmanager.yml")
    assert file["global"]["smtp_require_tls"] is True
    mounts = {
        mount["mountPath"]
        for mount in container(rendered, "alertmanager")["volumeMounts"]
        if mount.get("readOnly")
    }
    named = [
        file["global"]["smtp_auth_password_file"],
        *(
            one["url_file"]
            for receiver in file["receivers"]
            for one in receiver.get("webhook_configs", [])
        ),
    ]
    assert len(named) == 2
    for path in named:
        assert path.rpartition("/")[0] in mounts
    names = {spec.name for spec in rendered.secrets if spec.namespace == HERE}
    assert {"alertmanager-mail-secret", "alertmanager-heartbeat-secret"} <= names
    assert "alertmanager-webhook-secret" not in names


def test_t43_prometheus_may_reach_everything_it_is_to_read(choose: Choose) -> None:
    answers = choose(
        modules={"observability": {"enabled": True}, "health-services": {"enabled": True}}
    )
    rendered = rendered_for(answers)
    allowed = {
        (flow.target, flow.port)
        for flow in traffic_of(answers, catalogue())
        if flow.source == End(HERE, "prometheus")
    }
    assert (End("", "kubelets"), 10250) in allowed
    assert (End("", "kubernetes-api"), 6443) in allowed
    read = 0
    for entry in rendered.objects:
        notes = entry.body["metadata"].get("annotations", {})
        if entry.body["kind"] == "Service" and notes.get("health-install/scrape") == "true":
            read += 1
            pod = End(
                entry.body["metadata"]["namespace"],
                entry.body["spec"]["selector"]["app.kubernetes.io/name"],
            )
            assert (pod, int(notes["health-install/scrape-port"])) in allowed, pod
    assert read >= 11


def test_a_hint_names_the_same_port_at_the_service_and_at_the_pod(choose: Choose) -> None:
    answers = choose(
        modules={"observability": {"enabled": True}, "health-services": {"enabled": True}}
    )
    rendered = rendered_for(answers)
    ports = {
        (entry.body["metadata"]["namespace"], template["metadata"]["labels"][NAME]): {
            port["name"]: port["containerPort"]
            for one in template["spec"]["containers"]
            for port in one.get("ports", [])
        }
        for entry in rendered.objects
        if (template := pod_template(entry.body)) is not None
    }
    for entry in rendered.objects:
        notes = entry.body["metadata"].get("annotations", {})
        if entry.body["kind"] == "Service" and notes.get("health-install/scrape") == "true":
            spec = entry.body["spec"]
            pod = ports[entry.body["metadata"]["namespace"], spec["selector"][NAME]]
            wanted = int(notes["health-install/scrape-port"])
            led = [one["targetPort"] for one in spec["ports"] if one["port"] == wanted]
            assert len(led) == 1
            assert pod.get(str(led[0]), led[0]) == wanted


NAME = "app.kubernetes.io/name"


def test_a_changed_setting_replaces_prometheus_and_nothing_else(choose: Choose) -> None:
    before = rendered_for(told(choose))
    after = rendered_for(told(choose, prometheus_days=31))
    changed = {
        (one.body["kind"], one.body["metadata"]["name"])
        for one, two in zip(before.objects, after.objects, strict=True)
        if json.dumps(one.body) != json.dumps(two.body)
    }
    assert changed == {("Deployment", "prometheus")}


def test_alerts_leave_the_cluster_only_to_where_they_are_sent(choose: Choose) -> None:
    def ports(**options: Any) -> set[int]:
        return {
            flow.port
            for flow in traffic_of(told(choose, **options), catalogue())
            if flow.source == End(HERE, "alertmanager") and flow.target == End("", "internet")
        }

    assert ports() == set()
    assert ports(alert_receiver="webhook") == {443}
    assert ports(alert_receiver="email", alert_smtp_port="465") == {465}
    assert ports(heartbeat=True) == {443}


def test_the_module_asks_for_what_was_set_aside_for_it(usual: Rendered) -> None:
    # Millicores and MiB of each pod, as set aside; Jaeger needs more the more traces it holds.
    wanted = {
        "prometheus": (100, 320),
        "alertmanager": (10, 32),
        "kube-state-metrics": (10, 48),
        "grafana": (50, 256),
        "loki": (75, 256),
        "alloy": (50, 128),
        "jaeger": (50, 170),
    }
    asked: dict[str, tuple[int, int]] = {}
    for entry in usual.of_module("observability").objects:
        template = pod_template(entry.body)
        if template is None:
            continue
        requests = [one["resources"]["requests"] for one in template["spec"]["containers"]]
        asked[entry.body["metadata"]["name"]] = (
            sum(int(one["cpu"].removesuffix("m")) for one in requests),
            sum(int(one["memory"].removesuffix("Mi")) for one in requests),
        )
    assert asked == wanted
    assert sum(cpu for cpu, _ in asked.values()) == 345
    assert sum(memory for _, memory in asked.values()) == 1210


def test_the_claims_leave_room_on_the_smallest_volume_oracle_bills(choose: Choose) -> None:
    sizes = [one.size_bytes for one in claims(told(choose)) if one.namespace == HERE]
    assert 20 * 2**30 < sum(sizes) <= 46 * 2**30
