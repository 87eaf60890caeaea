"""Prometheus and Alertmanager on the rendered files, between targets and a receiver of alerts."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from installer.modules import catalogue
from installer.modules.certificates import self_signed
from tests.real_servers import programs
from tests.real_servers.discovering import Group, of_node, of_services
from tests.real_servers.extracting import Cluster, cluster_of
from tests.real_servers.mapping import LOOPBACK, stand_in_ports
from tests.real_servers.pages import Pages
from tests.real_servers.processes import Site
from tests.real_servers.servers import Server, running

TOKEN = "a-token-of-the-service-account"
ALERTS, SIGN_OF_LIFE = "/alerts", "/sign-of-life"
WEBHOOK, HEARTBEAT = "observability.alert_webhook.url", "observability.heartbeat.url"
_TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def observed_cluster(receiver: int) -> Cluster:
    """Everything that is observed, and alerts sent to a port of this machine."""
    on = {"enabled": True}
    told = {**on, "alert_receiver": "webhook", "heartbeat": True}
    modules = {"observability": told, "infrastructure": on, "authentication": on, "edge": on}
    known = catalogue()
    others = {one.name: {"enabled": False} for one in known if one.name not in modules}
    base = f"http://{LOOPBACK}:{receiver}"
    given = {"access": {"domain": "example.org", "email": "me@example.org"}}
    return cluster_of(
        known,
        {**given, "modules": {**modules, **others}},
        {WEBHOOK: base + ALERTS, HEARTBEAT: base + SIGN_OF_LIFE},
    )


@dataclass
class Observers:
    """The two programs with what they look at and whom they tell.

    `elsewhere` has ports of real programs, by pod and port; everything else is `target`.
    """

    site: Site
    prometheus: Server
    alertmanager: Server
    target: Pages
    kubelet: Pages
    receiver: Pages
    elsewhere: Mapping[tuple[str, int], int]

    def address(self, pod: str, port: int) -> str:
        """Where a port of a pod is on this machine."""
        own = {"prometheus": self.prometheus, "alertmanager": self.alertmanager}
        if pod in own:
            return f"{LOOPBACK}:{own[pod].mapping.port(port)}"
        return f"{LOOPBACK}:{self.elsewhere.get((pod, port), self.target.port)}"

    def found(self, role: str, groups: list[Group]) -> None:
        """Lets discovery find these targets from now on."""
        path = self.folder / f"{role}.json"
        whole = path.with_suffix(".new")
        whole.write_text(json.dumps(groups), encoding="utf-8")
        whole.rename(path)

    @property
    def folder(self) -> Path:
        return self.site.folder / "found"

    def ask(self, path: str, **query: str) -> Any:
        """What Prometheus' API answers at a path; asserts that it does."""
        status, text = request(self.prometheus, "GET", f"/api/v1/{path}?{urlencode(query)}")
        assert status == 200, text
        return json.loads(text)["data"]

    def value(self, query: str) -> list[dict[str, Any]]:
        """The series a query gives now."""
        found: list[dict[str, Any]] = self.ask("query", query=query)["result"]
        return found

    def active_targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("targets", state="active")["activeTargets"]
        return found

    def told(self) -> list[tuple[str, str, frozenset[str]]]:
        """What reached the receiver: to whom, firing or resolved, and the names of the alerts."""
        messages = [json.loads(one.body) for one in self.receiver.visits if one.path == ALERTS]
        return [
            (
                message["receiver"],
                message["status"],
                frozenset(alert["labels"]["alertname"] for alert in message["alerts"]),
            )
            for message in messages
        ]

    def raise_alerts(self, *labels: Mapping[str, str]) -> None:
        """Gives Alertmanager alerts as Prometheus would."""
        body = json.dumps([{"labels": dict(one)} for one in labels])
        status, text = request(self.alertmanager, "POST", "/api/v2/alerts", body)
        assert status == 200, text


def request(server: Server, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    """Status and text of one request to a server's own port."""
    connection = http.client.HTTPConnection(LOOPBACK, server.port("http"), timeout=20)
    try:
        connection.request(method, path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def observers(
    folder: Path, texts: Mapping[str, Mapping[str, str]], elsewhere: Mapping[tuple[str, int], int]
) -> Iterator[Observers]:
    """Both programs running. `texts` has the pages of `target` and of `kubelet`."""
    certificate = folder / "kubelet.pem"
    certificate.write_text(self_signed(["localhost"]), encoding="utf-8")
    with ExitStack() as stack:
        target = stack.enter_context(Pages(texts["target"]).open())
        kubelet = stack.enter_context(Pages(texts["kubelet"]).open(certificate))
        receiver = stack.enter_context(Pages().open())
        site = Site(observed_cluster(receiver.port), folder)
        alertmanager = laid_out_alertmanager(site)
        prometheus = _laid_out_prometheus(site, alertmanager, target)
        made = Observers(site, prometheus, alertmanager, target, kubelet, receiver, elsewhere)
        made.folder.mkdir(mode=0o755)
        made.found("node", of_node(f"{LOOPBACK}:{kubelet.port}"))
        made.found("endpointslice", of_services(site.cluster, made.address))
        made.found("pod", [])
        stack.enter_context(running(alertmanager))
        stack.enter_context(running(prometheus))
        yield made


def laid_out_alertmanager(site: Site) -> Server:
    """Alertmanager, not yet started.

    Debian's cannot read an address for a webhook from a file, so it stands in the configuration.
    """
    pod = site.cluster.pod("Deployment", "alertmanager")
    container = pod.container("alertmanager")
    ports = stand_in_ports(container.ports.values())
    process = site.prepare(pod, container.name, programs.alertmanager(), ports)
    path = process.mapping.path("/etc/alertmanager") / "alertmanager.yml"
    file = yaml.safe_load(path.read_text(encoding="utf-8"))
    for receiver in file["receivers"]:
        for webhook in receiver.get("webhook_configs", []):
            webhook["url"] = Path(webhook.pop("url_file")).read_text(encoding="utf-8")
    path.write_text(yaml.safe_dump(file), encoding="utf-8")
    return Server(site.cluster, pod, container, process)


def _laid_out_prometheus(site: Site, alertmanager: Server, target: Pages) -> Server:
    """Prometheus, not yet started, with discovery by files in the place of Kubernetes."""
    pod = site.cluster.pod("Deployment", "prometheus")
    container = pod.container("prometheus")
    ports = stand_in_ports(container.ports.values())
    process = site.prepare(pod, container.name, programs.prometheus(), ports)
    token = process.mapping.path(_TOKEN_FILE)
    token.parent.mkdir(parents=True)
    token.write_text(TOKEN, encoding="utf-8")
    path = process.mapping.path("/etc/prometheus") / "prometheus.yml"
    file = yaml.safe_load(path.read_text(encoding="utf-8"))
    for job in file["scrape_configs"]:
        _by_files(job, site.folder / "found")
        if "authorization" in job:
            assert job["authorization"]["credentials_file"] == _TOKEN_FILE
            job["authorization"] = {"credentials_file": str(token)}
        for static in job.get("static_configs", []):
            assert static["targets"] == ["kube-state-metrics:8080"]
            static["targets"] = [f"{LOOPBACK}:{target.port}"]
    (told,) = file["alerting"]["alertmanagers"][0]["static_configs"]
    assert told["targets"] == ["alertmanager:9093"]
    told["targets"] = [f"{LOOPBACK}:{alertmanager.port('http')}"]
    path.write_text(yaml.safe_dump(file), encoding="utf-8")
    return Server(site.cluster, pod, container, process)


def _by_files(job: dict[str, Any], folder: Path) -> None:
    found = job.pop("kubernetes_sd_configs", None)
    if found is not None:
        (one,) = found
        files = [str(folder / f"{one['role']}.json")]
        job["file_sd_configs"] = [{"files": files, "refresh_interval": "1s"}]
