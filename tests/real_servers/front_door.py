"""Traefik on the rendered files, and parts behind it that say what reached them."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.modules.parts import API_PORT, AUTH_PORT, GRAFANA_PORT
from tests.real_servers import programs
from tests.real_servers.laying_out import Volumes
from tests.real_servers.mapping import LOOPBACK, stand_in_ports
from tests.real_servers.processes import Site
from tests.real_servers.servers import Server

DOMAIN = "health.example.org"
PORTS = (8000, 8443, 9100)
# What the Health API does by itself: a larger file is refused with its own words.
LARGEST_FILE = 50 * 2**20


class _Echo(BaseHTTPRequestHandler):
    """Says what arrived; files that are too large are refused as the Health API does."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        left = length
        while left:
            left -= len(self.rfile.read(min(left, 2**20)))
        status = 413 if length > LARGEST_FILE + 4096 else 200
        said = {
            "part": self.connection.getsockname()[1],
            "path": self.path,
            "length": length,
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer

    def log_message(self, *words: object) -> None:
        """Says nothing."""


@contextmanager
def parts_behind(server: Server) -> Iterator[None]:
    """The parts the routes lead to."""
    listening = [
        ThreadingHTTPServer((LOOPBACK, server.mapping.port(port)), _Echo)
        for port in (API_PORT, AUTH_PORT, GRAFANA_PORT)
    ]
    threads = [threading.Thread(target=one.serve_forever, daemon=True) for one in listening]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for one in listening:
            one.shutdown()
            one.server_close()


def front_door(site: Site, patience: int = 900) -> Server:
    """Traefik, laid out and not yet started; `patience` in seconds with missing certificates."""
    pod = site.cluster.pod("Deployment", "traefik")
    ports = stand_in_ports((*PORTS, API_PORT, AUTH_PORT, GRAFANA_PORT))
    more = {"CERTIFICATE_PATIENCE": str(patience)}
    process = site.prepare(pod, "traefik", programs.traefik(), ports, more)
    return Server(site.cluster, pod, pod.container("traefik"), process)


def volumes_of(server: Server) -> Volumes:
    """The volumes of the running pod, to change what is in them."""
    return Volumes(server.cluster, server.pod, server.mapping, server.process.identity)


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def arrived(self) -> dict[str, Any]:
        """What a part says had reached it."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class _Connection(http.client.HTTPSConnection):
    """To the front door under any name, whatever that name means elsewhere."""

    def __init__(self, name: str, port: int, context: ssl.SSLContext, first: bytes = b"") -> None:
        super().__init__(name, port, context=context, timeout=60)
        self._trusting, self._first = context, first

    def connect(self) -> None:
        plain = socket.create_connection((LOOPBACK, self.port), timeout=60)
        if self._first:
            plain.sendall(self._first)
        self.sock = self._trusting.wrap_socket(plain, server_hostname=self.host)


@dataclass(frozen=True)
class Client:
    """A browser that trusts one authority; `first` is sent before everything else."""

    server: Server
    authority: str | None
    first: bytes = b""

    def ask(
        self,
        name: str,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request over TLS to a public name."""
        connection = _Connection(name, self.server.port("websecure"), self.context, self.first)
        try:
            connection.request(method, path, body, {"Host": name, **(headers or {})})
            answer = connection.getresponse()
            found = {key.lower(): value for key, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    @property
    def context(self) -> ssl.SSLContext:
        if self.authority is None:
            # For certificates nobody vouches for, as before the first real one is there.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context
        return ssl.create_default_context(cadata=self.authority)

    def plain(self, name: str, path: str) -> Answer:
        """One request without TLS."""
        connection = http.client.HTTPConnection(LOOPBACK, self.server.port("web"), timeout=20)
        try:
            connection.request("GET", path, headers={"Host": name})
            answer = connection.getresponse()
            found = {key.lower(): value for key, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def certificate(self, name: str) -> bytes:
        """The certificate shown for a name, in DER form."""
        where = (LOOPBACK, self.server.port("websecure"))
        with (
            socket.create_connection(where, timeout=20) as plain,
            self.context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            shown = secured.getpeercert(binary_form=True)
            assert shown is not None
            return shown
