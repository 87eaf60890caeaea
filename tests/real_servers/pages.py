"""Stand-ins of programs that are asked for pages or told something, and note both."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.real_servers.mapping import LOOPBACK


@dataclass(frozen=True)
class Visit:
    """One request: its path with the query readable, the login it brought, and what it said."""

    path: str
    authorization: str
    body: str


@dataclass
class Pages:
    """Texts by path, without the query; every request is kept in `visits`."""

    texts: Mapping[str, str] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def open(self, certificate: Path | None = None) -> Iterator[Pages]:
        """Answering on a port of its own, with TLS where a certificate with its key is given."""
        with served(_page_of(self), certificate) as self.port:
            yield self


@contextmanager
def served(handler: type[BaseHTTPRequestHandler], certificate: Path | None = None) -> Iterator[int]:
    """A small HTTP server on this machine, with TLS where a certificate with its key is given; its
    port."""
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _page_of(pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length).decode()
            login = self.headers.get("authorization", "")
            pages.visits.append(Visit(unquote(self.path), login, body))
            text = pages.texts.get(self.path.partition("?")[0], "").encode()
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests look at the visits."""

    return Page
