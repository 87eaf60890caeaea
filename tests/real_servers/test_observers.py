"""Prometheus and Alertmanager reading, judging and telling, on the rendered files.

The images are Prometheus 3.13 and Alertmanager 0.34, Debian's are 2.42 and 0.25. What differs is in
the README. Intervals are those rendered, so that these tests wait as long as a person would.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.modules.alerts.rules import CASES, rule_files
from tests.real_servers.broker import Broker
from tests.real_servers.discovering import NODE, of_pod, of_service
from tests.real_servers.object_store import ObjectStore
from tests.real_servers.observers import (
    SIGN_OF_LIFE,
    TOKEN,
    Observers,
    laid_out_alertmanager,
    observed_cluster,
    observers,
    request,
)
from tests.real_servers.processes import Site, until
from tests.real_servers.servers import page
from tests.real_servers.watching import ArgumentsWatch

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

HINT = "health-install/scrape"
SCRAPE_SECONDS = 30

FIGURES = Path(__file__).parent / "figures"
TARGET = {
    "/metrics": (FIGURES / "target.txt").read_text(encoding="utf-8"),
    "/probe": "pg_up 1\n",
    "/scrape": "redis_up 1\n",
    "/stats/prometheus": "envoy_server_live 1\n",
}
KUBELET = {
    "/metrics": (FIGURES / "kubelet.txt").read_text(encoding="utf-8"),
    "/metrics/cadvisor": (FIGURES / "cadvisor.txt").read_text(encoding="utf-8"),
}


@pytest.fixture(scope="module")
def post(message_broker: Broker, store: ObjectStore) -> Iterator[Observers]:
    """Both programs, looking at the real broker, the real store and stand-ins for the rest."""
    folder = Path(tempfile.mkdtemp(prefix="real-"))
    os.chmod(folder, 0o755)
    elsewhere = {
        ("rabbitmq", 15692): message_broker.server.port("metrics"),
        ("minio", 9327): store.server.port("metrics"),
    }
    try:
        with observers(folder, {"target": TARGET, "kubelet": KUBELET}, elsewhere) as made:
            assert until(lambda: _all_read(made), 3 * SCRAPE_SECONDS, 1), _states(made)
            yield made
    finally:
        shutil.rmtree(folder)


def _all_read(made: Observers) -> bool:
    targets = made.active_targets()
    return bool(targets) and all(one["health"] == "up" for one in targets)


def _states(made: Observers) -> list[tuple[str, str, str]]:
    return [
        (one["labels"]["job"], one["health"], one["lastError"]) for one in made.active_targets()
    ]


def _hinted(made: Observers) -> set[tuple[str, str]]:
    """Namespace and app.kubernetes.io/name of every Service that wants to be read."""
    return {
        (body["metadata"]["namespace"], body["metadata"]["labels"]["app.kubernetes.io/name"])
        for body in (entry.body for entry in made.site.cluster.rendered.objects)
        if body["kind"] == "Service" and body["metadata"].get("annotations", {}).get(HINT) == "true"
    }


def test_every_service_that_asks_for_it_is_read_once_and_no_other(post: Observers) -> None:
    found = [
        (one["labels"].get("namespace", ""), one["labels"]["job"]) for one in post.active_targets()
    ]
    named = _hinted(post)
    assert len(named) >= 13
    alone = {("", "kubelet"), ("", "cadvisor"), ("", "kube-state-metrics")}
    assert sorted(found) == sorted(named | alone)


def test_an_exporter_is_asked_about_each_server_by_name(post: Observers) -> None:
    asked = {visit.path for visit in post.target.visits}
    assert "/probe?auth_module=health&target=postgresql-health:5432/postgres" in asked
    assert "/probe?auth_module=auth&target=postgresql-auth:5432/postgres" in asked
    assert "/scrape?target=redis://redis-auth:6379" in asked
    (one,) = post.value('pg_up{job="postgresql-auth"}')
    assert one["metric"]["instance"] == "postgresql-auth:5432/postgres"
    assert one["metric"]["namespace"] == "health-data"
    assert one["metric"]["pod"].startswith("postgres-exporter")


def test_only_kubelets_get_the_accounts_token(post: Observers) -> None:
    assert {visit.authorization for visit in post.kubelet.visits} == {f"Bearer {TOKEN}"}
    assert {visit.path for visit in post.kubelet.visits} == {"/metrics", "/metrics/cadvisor"}
    assert {visit.authorization for visit in post.target.visits} == {""}


def test_t79_nothing_a_container_uses_is_counted_twice(post: Observers) -> None:
    series = post.value('container_cpu_usage_seconds_total{pod!=""}')
    assert [(one["metric"]["container"], one["value"][1]) for one in series] == [("c", "6")]
    (whole,) = post.value('container_cpu_usage_seconds_total{pod=""}')
    assert (whole["metric"]["id"], whole["metric"]["node"]) == ("/", NODE)
    # What only the pod as a whole has is kept.
    assert len(post.value("container_network_receive_bytes_total")) == 1
    assert not post.value("container_tasks_state")
    volumes = post.value("kubelet_volume_stats_used_bytes")
    assert [one["metric"]["namespace"] for one in volumes] == ["health-data"]


def test_nobody_fills_the_store_by_asking_for_paths_that_do_not_exist(post: Observers) -> None:
    stored = post.value('{__name__=~"ktor_.+", job="webauthn-server"}')
    assert [one["metric"]["route"] for one in stored] == ["/register/start"]
    assert not any(name.startswith("__tmp") for name in stored[0]["metric"])


def test_series_about_other_pods_keep_their_labels(post: Observers) -> None:
    (one,) = post.value('kube_pod_info{job="kube-state-metrics"}')
    assert one["metric"]["pod"] == "rabbitmq-0"
    assert one["metric"]["namespace"] == "health-data"


def test_what_the_alerts_ask_of_real_programs_is_exported_by_them(post: Observers) -> None:
    wanted = {
        name.partition("{")[0]
        for case in CASES.values()
        for kind, tried in case.items()
        if kind != "quiet"
        for name in tried["given"]
    }
    real = ("rabbitmq_", "SeaweedFS_", "prometheus_", "alertmanager_")
    asked = {name for name in wanted if name.startswith(real)}
    assert len(asked) >= 12
    # The store tells of its buckets a minute after its start, of room only once it ran out.
    assert until(lambda: not _unknown(post, asked), 4 * SCRAPE_SECONDS, 5), _unknown(post, asked)


def _unknown(made: Observers, names: set[str]) -> set[str]:
    return names - set(made.ask("label/__name__/values"))


def test_no_rule_fails_and_the_expected_ones_are_loaded(post: Observers) -> None:
    loaded = {
        rule["name"]: rule for group in post.ask("rules")["groups"] for rule in group["rules"]
    }
    files = rule_files(post.site.cluster.rendered)
    written = [
        rule.get("alert") or rule["record"]
        for text in files.values()
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
    ]
    assert set(loaded) == set(written)
    assert not [name for name, rule in loaded.items() if rule["health"] == "err"]


def test_settings_of_the_running_process_are_the_chosen_ones(post: Observers) -> None:
    flags = post.ask("status/flags")
    assert flags["storage.tsdb.retention.time"] == "30d"
    assert flags["storage.tsdb.retention.size"] == "8GiB"
    assert flags["web.enable-lifecycle"] == flags["web.enable-admin-api"] == "false"
    assert flags["storage.tsdb.wal-compression"] == "true"
    assert request(post.prometheus, "POST", "/-/quit")[0] == 403
    assert request(post.prometheus, "POST", "/api/v1/admin/tsdb/snapshot")[0] != 200
    alertmanagers = post.ask("alertmanagers")
    assert len(alertmanagers["activeAlertmanagers"]) == 1
    assert not alertmanagers["droppedAlertmanagers"]


def test_every_probe_of_both_passes(post: Observers) -> None:
    for server in (post.prometheus, post.alertmanager):
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert server.passes(probe), server.process.trouble(probe)


def test_a_new_service_or_pod_with_the_hint_is_read_within_two_scrapes(post: Observers) -> None:
    notes = {HINT: "true", f"{HINT}-port": "7000", f"{HINT}-path": "/stats/prometheus"}
    pod = {
        "name": "mine-0",
        "namespace": "health-api",
        "labels": {"app.kubernetes.io/name": "mine"},
        "annotations": {},
        "containers": [{"ports": [{"name": "a", "containerPort": n}]} for n in (7000, 7001)],
    }
    service = {
        "metadata": {"name": "mine", "namespace": "health-api", "annotations": notes},
        "spec": {"ports": [{"port": 7000, "targetPort": 7000}, {"port": 80, "targetPort": 7001}]},
    }
    lonely = {**copy.deepcopy(pod), "name": "lonely-0", "annotations": notes}
    lonely["labels"] = {"app.kubernetes.io/name": "lonely"}
    before = json.loads((post.folder / "endpointslice.json").read_text())
    post.found("endpointslice", [*before, *of_service(service, pod, post.address)])
    post.found("pod", [*of_pod(pod, post.address), *of_pod(lonely, post.address)])
    try:
        both = 'up{job=~"mine|lonely"} == 1'
        assert until(lambda: len(post.value(both)) == 2, 2 * SCRAPE_SECONDS + 5, 1), _states(post)
    finally:
        post.found("endpointslice", before)
        post.found("pod", [])


def test_three_severities_reach_their_receivers_and_the_sign_of_life_its_own(
    post: Observers,
) -> None:
    post.raise_alerts(
        {"alertname": "One", "severity": "critical", "part": "a"},
        {"alertname": "Two", "severity": "warning", "part": "b"},
        {"alertname": "Three", "severity": "info", "part": "c"},
        # The same part is broken already: whoever is told so need not be told this.
        {"alertname": "Four", "severity": "warning", "part": "a"},
    )
    wanted = {
        ("critical", "firing", frozenset({"One"})),
        ("warning", "firing", frozenset({"Two"})),
        ("info", "firing", frozenset({"Three"})),
    }
    assert until(lambda: wanted <= set(post.told()), 90, 1), post.told()
    assert not any("Four" in names for _, _, names in post.told())
    assert not any("Watchdog" in names for _, _, names in post.told())
    signs = [one for one in post.receiver.visits if one.path == SIGN_OF_LIFE]
    assert signs
    assert json.loads(signs[0].body)["alerts"][0]["labels"]["alertname"] == "Watchdog"


def test_a_stopped_broker_is_told_within_three_minutes(
    post: Observers, message_broker: Broker
) -> None:
    def is_told() -> bool:
        return any(
            (to, how) == ("critical", "firing") and "RabbitmqDown" in names
            for to, how, names in post.told()
        )

    assert not is_told()
    message_broker.server.stop()
    try:
        assert until(is_told, 180, 1), (post.told(), post.value("ALERTS"))
    finally:
        message_broker.server.start()


def test_a_silence_outlives_the_pod(post: Observers) -> None:
    silence = {
        "matchers": [{"name": "part", "value": "x", "isRegex": False, "isEqual": True}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "test",
        "comment": "kept",
    }
    status, _ = request(post.alertmanager, "POST", "/api/v2/silences", json.dumps(silence))
    assert status == 200
    post.alertmanager.restart()
    _, text = request(post.alertmanager, "GET", "/api/v2/silences")
    assert [one["comment"] for one in json.loads(text)] == ["kept"]


def test_no_address_of_a_receiver_is_among_arguments_or_in_a_log(post: Observers) -> None:
    secrets = {f":{post.receiver.port}/"}
    with ArgumentsWatch() as watch:
        assert post.alertmanager.passes("livenessProbe")
    assert watch.saw("alertmanager"), "the watch has not seen the server"
    assert watch.leaks(secrets) == []
    body = post.site.cluster.body("ConfigMap", "alertmanager")["data"]["alertmanager.yml"]
    assert not any(secret in body for secret in secrets)
    assert not any(secret in post.prometheus.process.told() for secret in secrets)


def test_amtool_sends_each_severity_where_it_belongs(site: Site) -> None:
    program = shutil.which("amtool")
    if program is None:
        pytest.skip("the program amtool is not here: apt-get install prometheus-alertmanager")
    folder = site.new_folder()
    server = laid_out_alertmanager(Site(observed_cluster(1), folder))
    file = server.mapping.path("/etc/alertmanager") / "alertmanager.yml"

    def amtool(*words: str) -> str:
        ended = subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    assert "SUCCESS" in amtool("check-config", str(file))
    for labels, receiver in (
        (["severity=critical", "alertname=X"], "critical"),
        (["severity=warning", "alertname=X"], "warning"),
        (["severity=info", "alertname=X"], "info"),
        (["severity=none", "alertname=Watchdog"], "heartbeat"),
        (["alertname=X"], "warning"),
    ):
        words = ["config", "routes", "test", f"--config.file={file}", *labels]
        assert amtool(*words).strip() == receiver


def test_pages_of_both_are_where_their_services_say(post: Observers) -> None:
    for server in (post.prometheus, post.alertmanager):
        notes = post.site.cluster.body("Service", server.pod.name)["metadata"]["annotations"]
        assert int(notes[f"{HINT}-port"]) == server.container.ports["http"]
        assert f"{server.pod.name}_build_info" in page(server.port("http"), notes[f"{HINT}-path"])
