"""The way to a service through a real API server; only the kubelet behind it is a stand-in."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from installer.engine.state import new_installation_id
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.stamp import Stamp
from tests.control_plane.binaries import binaries_or_skip
from tests.control_plane.certificates import Authority
from tests.control_plane.conftest import PACE
from tests.control_plane.control_plane import ControlPlane, running
from tests.control_plane.wire import MERGE, Wire
from tests.kube.rehearsed import namespace
from tests.kube.test_tunnel import DoorKeeper, talk

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane of its own: the kubelets played beside other tests take every pod for theirs
    and would tell the API server that this one is not ready."""
    binaries = binaries_or_skip()
    with running(binaries, tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@contextmanager
def kubelet(keeper: DoorKeeper, folder: Path) -> Iterator[int]:
    """A kubelet that can forward ports and nothing else; its port."""
    certificate, key = Authority(folder).issue("kubelet", "kubelet")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def forward(request: web.Request) -> web.WebSocketResponse:
        keeper.paths.append(request.path)
        return await keeper.forward(request)

    async def begin() -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_get("/portForward/{namespace}/{pod}", forward)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        return runner, int(server.sockets[0].getsockname()[1])

    runner, port = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def status_of(wire: Wire, path: str, status: dict[str, Any]) -> None:
    wire.ask("PATCH", f"{path}/status", {"status": status}, MERGE)


def a_pod_on_a_node(wire: Wire, space: str, port: int) -> None:
    """A ready pod, as far as the API server is told, on a node with our kubelet."""
    node, pods = f"node-{space}", f"/api/v1/namespaces/{space}/pods"
    wire.ask("POST", "/api/v1/nodes", {"metadata": {"name": node}})
    address = {"type": "InternalIP", "address": "127.0.0.1"}
    endpoints = {"kubeletEndpoint": {"Port": port}}
    found = {"addresses": [address], "daemonEndpoints": endpoints}
    status_of(wire, f"/api/v1/nodes/{node}", found)
    container = {"name": "c", "image": "greeter", "ports": [{"name": "web", "containerPort": 8080}]}
    metadata = {"name": "greeter-1", "labels": {"app": "greeter"}}
    accounts = f"/api/v1/namespaces/{space}/serviceaccounts"
    wire.ask("POST", accounts, {"metadata": {"name": "greeter"}})
    spec = {
        "nodeName": node,
        "containers": [container],
        "serviceAccountName": "greeter",
        "automountServiceAccountToken": False,
    }
    wire.ask("POST", pods, {"metadata": metadata, "spec": spec})
    condition = {"type": "Ready", "status": "True"}
    status_of(wire, f"{pods}/greeter-1", {"phase": "Running", "conditions": [condition]})
    ports = [{"port": 80, "targetPort": "web"}]
    service = {"selector": {"app": "greeter"}, "ports": ports}
    body = {"metadata": {"name": "greeter"}, "spec": service}
    wire.ask("POST", f"/api/v1/namespaces/{space}/services", body)


def test_bytes_pass_through_the_real_api_server(alone: ControlPlane, tmp_path: Path) -> None:
    stamp = Stamp(new_installation_id(), "health")
    space, keeper = f"tunnel-{stamp.installation_id}", DoorKeeper()
    wire = Wire(alone.kubeconfig)
    with (
        Cluster(Connection.from_kubeconfig(alone.kubeconfig), pace=PACE) as cluster,
        kubelet(keeper, tmp_path) as port,
    ):
        cluster.apply([namespace(space)], stamp)
        a_pod_on_a_node(wire, space, port)
        with cluster.tunnel(space, "greeter", 80) as end:
            assert talk(end.host, end.port, b"one", b"two") == [b"heard one", b"heard two"]
    assert set(keeper.asked) == {"8080"}
    assert set(keeper.paths) == {f"/portForward/{space}/greeter-1"}
    wire.close()
