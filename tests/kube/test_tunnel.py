"""A way to a port of a Service: bytes both ways, and what is said where there is no way."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from installer.engine.errors import ClusterError
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.tunnel import PROTOCOL, RunsNothing, Tunnel
from tests.kube.rehearsed import rehearsed

SPACE = "/api/v1/namespaces/space"


@dataclass
class DoorKeeper:
    """An API server that knows one Service, its pods, and how to forward a port of one of them."""

    ready: bool = True
    port: int = 0
    asked: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/v1", self.kinds)
        app.router.add_get(f"{SPACE}/services/greeter", self.service)
        app.router.add_get(f"{SPACE}/pods", self.pods)
        app.router.add_get(f"{SPACE}/pods/greeter-1/portforward", self.forward)
        return app

    async def kinds(self, _request: web.Request) -> web.Response:
        rows = [("services", "Service"), ("pods", "Pod")]
        verbs = ["get", "list"]
        resources = [
            {"name": name, "kind": kind, "namespaced": True, "singularName": "", "verbs": verbs}
            for name, kind in rows
        ]
        return web.json_response({"groupVersion": "v1", "resources": resources})

    async def service(self, _request: web.Request) -> web.Response:
        ports = [{"port": 80, "targetPort": "web"}, {"port": 81, "targetPort": 8081}]
        spec = {"selector": {"app": "greeter"}, "ports": ports}
        return web.json_response({"metadata": {"name": "greeter"}, "spec": spec})

    async def pods(self, request: web.Request) -> web.Response:
        assert request.query["labelSelector"] == "app=greeter"
        container = {"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}
        condition = {"type": "Ready", "status": "True" if self.ready else "False"}
        pod = {
            "metadata": {"name": "greeter-1", "namespace": "space"},
            "spec": {"containers": [container]},
            "status": {"conditions": [condition]},
        }
        return web.json_response({"items": [pod], "metadata": {}})

    async def forward(self, request: web.Request) -> web.WebSocketResponse:
        # An API server is asked for ports, a kubelet for a port.
        wanted = request.query.get("ports") or request.query["port"]
        self.asked.append(wanted)
        line = web.WebSocketResponse(protocols=(PROTOCOL,))
        await line.prepare(request)
        port = int(wanted).to_bytes(2, "little")
        await line.send_bytes(b"\x00" + port)
        await line.send_bytes(b"\x01" + port)
        async for message in line:
            assert message.type is WSMsgType.BINARY
            said = message.data[1:]
            if said == b"break":
                await line.send_bytes(b"\x01connection refused")
            else:
                await line.send_bytes(b"\x00heard " + said)
        return line


@contextmanager
def kept(keeper: DoorKeeper) -> Iterator[Cluster]:
    """The keeper, listening in a thread of its own, and the cluster that speaks with it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> tuple[Any, int]:
        runner = web.AppRunner(keeper.application())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        return runner, int(server.sockets[0].getsockname()[1])

    runner, port = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    with Cluster(Connection(f"http://127.0.0.1:{port}"), pace=0.001) as cluster:
        yield cluster
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def talk(host: str, port: int, *words: bytes) -> list[bytes]:
    """What comes back for each word, on one connection."""
    heard = []
    with socket.create_connection((host, port), timeout=10) as line:
        for word in words:
            line.sendall(word)
            heard.append(line.recv(1000))
    return heard


def test_bytes_go_both_ways_and_the_named_port_is_found() -> None:
    keeper = DoorKeeper()
    with kept(keeper) as cluster, cluster.tunnel("space", "greeter", 80) as end:
        assert end.host == "127.0.0.1"
        assert talk(end.host, end.port, b"one", b"two") == [b"heard one", b"heard two"]
        assert talk(end.host, end.port, b"three") == [b"heard three"]
    assert set(keeper.asked) == {"8080"}


def test_a_port_by_number_is_taken_as_it_is() -> None:
    keeper = DoorKeeper()
    with kept(keeper) as cluster, cluster.tunnel("space", "greeter", 81) as end:
        assert talk(end.host, end.port, b"x") == [b"heard x"]
    assert set(keeper.asked) == {"8081"}


def test_trouble_at_the_far_end_cuts_the_connection() -> None:
    with kept(DoorKeeper()) as cluster, cluster.tunnel("space", "greeter", 80) as end:
        assert talk(end.host, end.port, b"break") == [b""]


def test_nothing_listens_after_the_block() -> None:
    with kept(DoorKeeper()) as cluster:
        with cluster.tunnel("space", "greeter", 80) as end:
            pass
        with pytest.raises(ConnectionRefusedError):
            talk(end.host, end.port, b"x")


@pytest.mark.parametrize(
    ("service", "port", "ready", "why"),
    [
        ("nobody", 80, True, "It is not there."),
        ("greeter", 80, False, "No pod behind it is ready."),
        ("greeter", 99, True, "It has no port 99."),
    ],
)
def test_where_there_is_no_way_it_says_why(service: str, port: int, ready: bool, why: str) -> None:
    with (
        kept(DoorKeeper(ready=ready)) as cluster,
        pytest.raises(ClusterError) as refused,
        cluster.tunnel("space", service, port),
    ):
        pass
    assert refused.value.why == why


def test_a_rehearsed_cluster_says_that_it_runs_nothing(tmp_path: Path) -> None:
    with rehearsed(tmp_path / "home") as there:
        connection = Connection.from_kubeconfig(there.kubeconfig)
        with Cluster(connection, pace=0.01) as cluster:
            namespace, name = _some_pod(cluster)
            tunnel = Tunnel(cluster._reading, namespace, name, 53)
            with pytest.raises(RunsNothing):
                cluster._run(tunnel.begin())


def _some_pod(cluster: Cluster) -> tuple[str, str]:
    for _ in range(200):
        for pod in cluster.objects("v1", "Pod"):
            return pod["metadata"]["namespace"], pod["metadata"]["name"]
        threading.Event().wait(0.05)
    raise AssertionError("no pod came")
