"""The message broker, its management pages, and AMQP spoken by a client of the platform's kind."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from tests.real_servers import programs
from tests.real_servers.extracting import Cluster
from tests.real_servers.mapping import LOOPBACK, free_ports, stand_in_ports
from tests.real_servers.processes import Site
from tests.real_servers.servers import Server

ADMINISTRATOR, API, ETL = "admin", "health-api", "etl"
EXCHANGE, QUEUE, DEAD = "health_data_exchange", "health_data_processing", "health_data_dlq"
_PASSWORDS = {ADMINISTRATOR: "rabbitmq-password", API: "health-api-password", ETL: "etl-password"}


@dataclass(frozen=True)
class Broker:
    """The broker with the site it stands on."""

    site: Site
    server: Server

    def password(self, user: str) -> str:
        """The generated password of a user."""
        return self.server.secret(_PASSWORDS[user])

    def management(self, path: str, user: str, password: str) -> tuple[int, Any]:
        """Status and JSON of a management page."""
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        connection = http.client.HTTPConnection(
            LOOPBACK, self.server.port("management"), timeout=20
        )
        try:
            connection.request("GET", path, headers={"Authorization": f"Basic {token}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def read(self, *path: str) -> Any:
        """What the administrator reads at a path of the management interface."""
        quoted = "/".join(quote(part, safe="") for part in path)
        password = self.password(ADMINISTRATOR)
        status, document = self.management(f"/api/{quoted}", ADMINISTRATOR, password)
        assert status == 200, f"{quoted}: {status}"
        return document

    @contextmanager
    def connected(self, user: str, password: str | None = None) -> Iterator[Any]:
        """An AMQP connection, with the generated password unless another is given."""
        amqp: Any = pytest.importorskip("pika", reason="pika is not here: pip install pika")
        credentials = amqp.PlainCredentials(
            user, self.password(user) if password is None else password
        )
        connection = amqp.BlockingConnection(
            amqp.ConnectionParameters(
                host=LOOPBACK,
                port=self.server.port("amqp"),
                credentials=credentials,
                socket_timeout=10,
                blocked_connection_timeout=10,
            )
        )
        try:
            yield connection
        finally:
            if connection.is_open:
                connection.close()

    @contextmanager
    def channel(self, user: str) -> Iterator[Any]:
        """A channel whose publishing is confirmed by the broker."""
        with self.connected(user) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel


def broker(site: Site, cluster: Cluster | None = None) -> Broker:
    """The broker, laid out and not yet started."""
    image = programs.rabbitmq()
    at = site if cluster is None else Site(cluster, site.new_folder())
    pod = at.cluster.pod("StatefulSet", "rabbitmq")
    container = pod.container("rabbitmq")
    nodes, names = free_ports(2)
    # The ports of Erlang are built in; in a container they are alone, here they are not.
    more = {"ERL_EPMD_PORT": str(names), "RABBITMQ_DIST_PORT": str(nodes)}
    ports = stand_in_ports(container.ports.values())
    process = at.prepare(pod, container.name, image, ports, more)

    def forget_names() -> None:
        """The name server of Erlang leaves the group of its starter, so it is stopped by name."""
        process.run("epmd", "-port", str(names), "-kill")

    return Broker(at, Server(at.cluster, pod, container, process, after_stop=forget_names))
