"""A server's container, running: ready when its rendered probes say so."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tests.real_servers.extracting import Cluster, Container, Pod
from tests.real_servers.mapping import LOOPBACK, Mapping
from tests.real_servers.processes import Ended, Process, stop, until

STARTING_SECONDS = 60


@dataclass
class Server:
    """One running server with the cluster it belongs to."""

    cluster: Cluster
    pod: Pod
    container: Container
    process: Process
    stop_signal: signal.Signals = signal.SIGTERM
    after_stop: Callable[[], None] = lambda: None
    # For a program that has the server's port built in and is not told it by the manifest.
    more_for_probes: tuple[str, ...] = ()
    _started: subprocess.Popen[bytes] | None = None

    @property
    def mapping(self) -> Mapping:
        return self.process.mapping

    def port(self, name: str) -> int:
        """The port of this machine that stands for a named port of the container."""
        return self.mapping.port(self.container.ports[name])

    def secret(self, key: str) -> str:
        """A value of the Secret named after the server."""
        return self.cluster.secrets[f"{self.pod.name}-secret"][key]

    def start(self) -> None:
        """Starts the server; returns when the startup probe passes, asserts that it does."""
        self._started = self.process.start()
        ready = until(lambda: self._gone or self.passes("startupProbe"), STARTING_SECONDS)
        if not ready or self._gone:
            how = f"ended with {self._started.returncode}" if self._gone else "does not get ready"
            self.stop()
            raise AssertionError(self.process.trouble(how))

    def stop(self) -> int | None:
        """Stops the server; its exit code, or None when it had to be killed."""
        assert self._started is not None
        code = stop(self._started, self.stop_signal)
        self.after_stop()
        return code

    def restart(self) -> None:
        """The same container again, on the data it left behind."""
        self.stop()
        self.start()

    @property
    def group(self) -> int:
        """The process id of the server, which leads its group."""
        assert self._started is not None
        return self._started.pid

    def has_ended(self) -> bool:
        """Whether the server ended by itself."""
        return self._gone

    @property
    def _gone(self) -> bool:
        return self._started is not None and self._started.poll() is not None

    def passes(self, probe: str) -> bool:
        """Whether a probe of the manifest passes now."""
        wanted: dict[str, Any] = self.container.body[probe]
        seconds = wanted.get("timeoutSeconds", 1)
        if "exec" in wanted:
            program, *words = (self.mapping.text(word) for word in wanted["exec"]["command"])
            asked = self.process.run(program, *self.more_for_probes, *words, seconds=seconds + 30)
            return asked.returncode == 0
        if "httpGet" in wanted:
            return self._http_answers(wanted["httpGet"], seconds)
        return answers(self.port(wanted["tcpSocket"]["port"]), seconds)

    def wait_until_ready(self) -> None:
        """Waits until a Service would send clients here; asserts that it comes to that."""
        probe = self.container.body["readinessProbe"]
        successes, needed = 0, probe.get("successThreshold", 1)
        deadline = time.monotonic() + STARTING_SECONDS
        while True:
            successes = successes + 1 if self.passes("readinessProbe") else 0
            if successes >= needed:
                return
            assert time.monotonic() < deadline, self.process.trouble("is not ready")
            time.sleep(probe["periodSeconds"])

    def _http_answers(self, asked: dict[str, Any], seconds: float) -> bool:
        port = self.port(asked["port"])
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=seconds)
        if asked.get("scheme") == "HTTPS":
            # A kubelet checks no certificate, either.
            unchecked = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection(
                LOOPBACK, port, timeout=seconds, context=unchecked
            )
        try:
            connection.request("GET", asked["path"])
            return 200 <= connection.getresponse().status < 400
        except OSError:
            return False
        finally:
            connection.close()


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, started and in the end stopped whatever happens."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


class WithInit(Protocol):
    """A server with a job that prepares it."""

    @property
    def server(self) -> Server: ...

    def init(self) -> Ended:
        """Runs the job."""


PreparedT = TypeVar("PreparedT", bound=WithInit)


@contextmanager
def initialised(made: PreparedT) -> Iterator[PreparedT]:
    """The server, running, its init job run once."""
    with running(made.server):
        ended = made.init()
        assert ended.code == 0, ended.trouble
        yield made


def answers(port: int, seconds: float = 3) -> bool:
    """Whether something listens on the port of this machine."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=seconds).close()
    except OSError:
        return False
    return True


def page(port: int, path: str) -> str:
    """An HTTP page of this machine; asserts that it is served."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, f"{path}: {answer.status} {text[:300]}"
        return text
    finally:
        connection.close()
