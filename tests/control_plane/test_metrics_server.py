"""The metrics server on its rendered arguments, with its account's rights, asked as in a cluster.

Where somebody has built it: no package has it. Its kubelet is a stand-in with a certificate of the
cluster's authority.
"""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.control_plane.platform_inside import Body, Inside, token_of
from tests.real_servers import programs
from tests.real_servers.mapping import LOOPBACK
from tests.real_servers.pages import Pages
from tests.real_servers.processes import until
from tests.real_servers.servers import Server, running

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

HERE, NAME, VIEWER = "health-system", "metrics-server", "viewer"
MACHINE = "machine-with-figures"
FIGURES = "/apis/metrics.k8s.io/v1beta1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
LOGINS = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")


@dataclass
class Watched:
    """The metrics server, the kubelet it asks, and the one pod that is said to run."""

    inside: Inside
    server: Server
    kubelet: Pages
    texts: dict[str, str]
    pod: str

    def breathe(self) -> None:
        """The kubelet's figures of this moment: half a core is used."""
        now, used = int(time.time() * 1000), time.monotonic() / 2
        labels = f'{{container="exporter",namespace="health-data",pod="{self.pod}"}}'
        self.texts["/metrics/resource"] = (
            "".join(
                f"{kind}_cpu_usage_seconds_total{mark} {used:.6f} {now}\n"
                f"{kind}_memory_working_set_bytes{mark} {2**20} {now}\n"
                for kind, mark in (("node", ""), ("container", labels))
            )
            + f"container_start_time_seconds{labels} {now / 1000 - 600:.3f} {now}\n"
        )

    def ready(self) -> bool:
        self.breathe()
        return self.server.passes("readinessProbe")

    def ask(self, base: str, path: str, token: str, *, checked: bool = True) -> tuple[int, Any]:
        """Status and answer of one request with somebody's token."""
        context = ssl.create_default_context(cafile=str(self.inside.plane.ca_file))
        if not checked:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(base + path, headers=headers)
        try:
            with urllib.request.urlopen(request, context=context, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.reason


def _machine(inside: Inside, port: int) -> None:
    """A machine whose kubelet is on this port, and on which nothing may be placed."""
    body = {"metadata": {"name": MACHINE}, "spec": {"unschedulable": True}}
    inside.wire.ask("POST", "/api/v1/nodes", body)
    status = {
        "addresses": [{"type": "InternalIP", "address": LOOPBACK}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    inside.happened(f"/api/v1/nodes/{MACHINE}", status)


def _running_pod(inside: Inside) -> str:
    """One of the platform's pods, said to run."""
    name: str = inside.pod_of("health-data", "redis-exporter")["metadata"]["name"]
    inside.happened(f"/api/v1/namespaces/health-data/pods/{name}", {"phase": "Running"})
    return name


def _viewer(inside: Inside) -> None:
    """Somebody who may view everything, by the cluster's own role, and nothing else."""
    inside.wire.ask(
        "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": VIEWER}}
    )
    subject = {"kind": "ServiceAccount", "name": VIEWER, "namespace": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    body = {"metadata": {"name": VIEWER}, "roleRef": role, "subjects": [subject]}
    inside.wire.ask("POST", f"{RBAC}/clusterrolebindings", body)


def _kubelets_certificate(inside: Inside) -> Path:
    certificate, key = inside.plane.authority.issue("kubelet", f"system:node:{MACHINE}")
    both = certificate.with_name("kubelet.pem")
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    return both


@pytest.fixture(scope="module")
def watched(request: pytest.FixtureRequest) -> Iterator[Watched]:
    """Started, and ready since it had figures."""
    # Without the program there is no need of a control plane.
    found = programs.metrics_server()
    inside: Inside = request.getfixturevalue("inside")
    texts: dict[str, str] = {}
    with ExitStack() as stack:
        kubelet = stack.enter_context(Pages(texts).open(_kubelets_certificate(inside)))
        _machine(inside, kubelet.port)
        _viewer(inside)
        server = inside.program(NAME, found, inside.login(HERE, NAME), LOGINS)
        made = Watched(inside, server, kubelet, texts, _running_pod(inside))
        made.breathe()
        stack.enter_context(running(server))
        assert not server.passes("readinessProbe"), "ready without figures"
        assert until(made.ready, 60, every=1), server.process.trouble("does not get ready")
        yield made


def _served_here(watched: Watched) -> None:
    """The rendered place in the API, except that its Service leads to this machine."""
    (body,) = watched.inside.bodies("APIService")
    service = {
        "metadata": {"name": "on-this-machine"},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    }
    wire = watched.inside.wire
    wire.ask("POST", f"/api/v1/namespaces/{HERE}/services", service)
    place = {
        "name": "on-this-machine",
        "namespace": HERE,
        "port": watched.server.port("https"),
    }
    changed: Body = {**body, "spec": {**body["spec"], "service": place}}
    wire.ask("POST", "/apis/apiregistration.k8s.io/v1/apiservices", changed)


def _used(answer: Mapping[str, Any]) -> dict[str, float]:
    """Cores by name, of machines or of pods with one container."""
    found = {}
    for item in answer["items"]:
        usage = item.get("usage") or item["containers"][0]["usage"]
        text = usage["cpu"]
        found[item["metadata"]["name"]] = int(text.rstrip("nu")) / (1e9 if "n" in text else 1e6)
    return found


def test_who_may_view_is_told_by_the_api_server_what_machines_and_pods_use(
    watched: Watched,
) -> None:
    _served_here(watched)
    token = token_of(watched.inside.login("default", VIEWER))
    base = watched.inside.plane.server
    assert until(lambda: watched.ask(base, f"{FIGURES}/nodes", token)[0] == 200, 60, every=1)
    _, machines = watched.ask(base, f"{FIGURES}/nodes", token)
    _, pods = watched.ask(base, f"{FIGURES}/namespaces/health-data/pods", token)
    assert _used(machines) == {MACHINE: pytest.approx(0.5, rel=0.1)}
    assert _used(pods) == {watched.pod: pytest.approx(0.5, rel=0.1)}


def test_it_asks_the_api_server_who_a_caller_is_and_what_he_may(watched: Watched) -> None:
    base = f"https://{LOOPBACK}:{watched.server.port('https')}"
    logins = {
        name: watched.inside.login(*name) for name in (("default", VIEWER), (HERE, "traefik"))
    }
    statuses = {
        name: watched.ask(base, f"{FIGURES}/nodes", token_of(login), checked=False)[0]
        for (_, name), login in logins.items()
    }
    assert statuses == {VIEWER: 200, "traefik": 403}
    assert watched.ask(base, f"{FIGURES}/nodes", "made-up", checked=False)[0] == 401


def test_a_kubelet_is_asked_with_the_accounts_token_and_nothing_is_refused(
    watched: Watched,
) -> None:
    token = token_of(watched.server.mapping.folder.parent / f"{HERE}.{NAME}.kubeconfig")
    assert {visit.authorization for visit in watched.kubelet.visits} == {f"Bearer {token}"}
    assert {visit.path for visit in watched.kubelet.visits} == {"/metrics/resource"}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert watched.server.passes(probe), watched.server.process.trouble(probe)
    assert "forbidden" not in watched.server.process.told()
