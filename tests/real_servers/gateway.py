"""The gateway between stand-ins of the login server and of a program behind it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from installer.modules import catalogue
from tests.real_servers import programs
from tests.real_servers.extracting import Cluster, cluster_of
from tests.real_servers.mapping import LOOPBACK, free_ports
from tests.real_servers.processes import Site
from tests.real_servers.servers import Server, running
from tests.real_servers.tokens import SigningKey

DOMAIN = "example.org"
_LOGIN_PORT, _EXAMPLE_PORT, ADMIN_PORT = 8080, 9001, 9901
JWKS = "/.well-known/jwks.json"


@dataclass(frozen=True)
class Request:
    """One request as a program behind the gateway got it; header names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


@dataclass
class Backend:
    """A stand-in that notes what it gets and answers with its name; it publishes `keys`."""

    name: str
    port: int
    keys: list[SigningKey] = field(default_factory=list)
    got: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> str:
        """What it says; its list of keys where that is asked for."""
        if request.path == JWKS:
            return json.dumps({"keys": [key.published() for key in self.keys]})
        self.got.append(request)
        return self.name

    @contextmanager
    def open(self) -> Iterator[None]:
        """Listening for as long as the block lasts."""
        server = ThreadingHTTPServer((LOOPBACK, self.port), _page_of(self))
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _page_of(backend: Backend) -> type[BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length).decode()
            said = backend.answer(Request(self.command, self.path, headers, body)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET
        do_OPTIONS = do_GET

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests look at what was got."""

    return Page


@dataclass(frozen=True)
class Answer:
    """What a client of the gateway gets."""

    status: int
    text: str


@dataclass(frozen=True)
class Gateway:
    """The gateway with what stands behind it."""

    server: Server
    login: Backend
    example: Backend

    def ask(
        self,
        path: str,
        token: str = "",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        port: str = "http",
    ) -> Answer:
        """One request, its path sent as it is written."""
        connection = http.client.HTTPConnection(LOOPBACK, self.server.port(port), timeout=20)
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, path, body, {**bearer, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode())
        finally:
            connection.close()

    def forget(self) -> None:
        """Drop what the stand-ins noted."""
        self.login.got.clear()
        self.example.got.clear()


def login_cluster(**options: Any) -> Cluster:
    """The data layer and the login rendered with these options of the login."""
    modules = catalogue()
    wanted = {"infrastructure": {}, "authentication": options}
    others = {module.name: {"enabled": False} for module in modules if module.name not in wanted}
    return cluster_of(modules, {"access": {"domain": DOMAIN}, "modules": {**wanted, **others}})


def laid_out(site: Site) -> Gateway:
    """The gateway, not yet started, and its stand-ins, not yet listening."""
    pod = site.cluster.pod("Deployment", "envoy-gateway")
    container = pod.container("envoy")
    wanted = (*container.ports.values(), ADMIN_PORT, _LOGIN_PORT, _EXAMPLE_PORT)
    ports = tuple(zip(wanted, free_ports(len(wanted)), strict=True))
    process = site.prepare(pod, container.name, programs.envoy(), ports)
    server = Server(site.cluster, pod, container, process)
    login = Backend("login", dict(ports)[_LOGIN_PORT], [SigningKey("first")])
    return Gateway(server, login, Backend("example", dict(ports)[_EXAMPLE_PORT]))


@contextmanager
def gateway(site: Site) -> Iterator[Gateway]:
    """The gateway and both stand-ins, running."""
    made = laid_out(site)
    with made.login.open(), made.example.open(), running(made.server):
        yield made
