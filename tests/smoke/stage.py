"""A platform of stand-ins on loopback, whose answers a test chooses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from installer.engine.errors import ClusterError
from installer.smoke.trying import Near, World

Reply = tuple[int, Any]
Answering = Callable[["Asked"], Reply]


@dataclass(frozen=True)
class Asked:
    """One request as a stand-in got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Stage:
    """Stand-ins by (namespace, service, port); what is not there cannot be reached."""

    answers: dict[tuple[str, str, int], Answering] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    pauses: list[float] = field(default_factory=list)

    def serve(self, namespace: str, service: str, port: int, answering: Answering) -> None:
        self.answers[namespace, service, port] = answering

    def world(self, **more: Any) -> World:
        """The world the checks are given."""
        return World(
            reach=self.reach,
            secret=lambda namespace, name, key: self.secrets[f"{namespace}/{name}/{key}"],
            pause=self.pauses.append,
            **more,
        )

    @contextmanager
    def reach(self, namespace: str, service: str, port: int) -> Iterator[Near]:
        answering = self.answers.get((namespace, service, port))
        if answering is None:
            raise ClusterError(f"There is no way to {namespace}/{service}.", "It is not there.")
        with standing_in(answering) as near:
            yield near


@contextmanager
def standing_in(answering: Answering) -> Iterator[Near]:
    """One stand-in, as long as the block lasts."""

    class Listener(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, document = answering(Asked(self.command, self.path, headers, body))
            text = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_GET = do_POST = do_HEAD = _reply

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Near("127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
