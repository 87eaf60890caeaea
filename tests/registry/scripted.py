"""A server on loopback that says what a test wants, and keeps what it was asked."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from installer.registry.manifests import INDEX, MANIFEST

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Said:
    """One answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Asked:
    """One request; header names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]


Script = Callable[[Asked], Said]


@dataclass
class Server:
    """Where it answers, and everything it was asked."""

    port: int
    asked: list[Asked] = field(default_factory=list)

    @property
    def host(self) -> str:
        """For references."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """For endpoints and redirections."""
        return f"http://{self.host}"

    def count(self, words: str) -> int:
        """Requests whose path has these words in it."""
        return sum(words in each.path for each in self.asked)


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    """Runs a server while inside."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers)
            server.asked.append(asked)
            said = script(asked)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said.body)

        do_HEAD = do_CONNECT = do_GET

        def log_message(self, *_words: Any) -> None:
            """Silent."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(int(httpd.server_address[1]))
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def digest_of(body: bytes) -> str:
    """The digest of these bytes."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass
class Made:
    """Documents of an image, by digest; `top` is what its tag points to."""

    top: str
    documents: dict[str, tuple[str, bytes]]

    def answer(self, path: str) -> Said:
        """What a registry answers for a path that ends in a tag or digest."""
        last = path.rsplit("/", 1)[1]
        digest = last if last.startswith("sha256:") else self.top
        if digest not in self.documents:
            return Said(404, {}, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
        kind, body = self.documents[digest]
        return Said(200, {"Content-Type": kind, "Docker-Content-Digest": digest}, body)


def made_image(*platforms: str, layer: int = 1000, index: bool = True) -> Made:
    """An image for these platforms; each has a layer of so many zeros, and one of one more."""
    documents: dict[str, tuple[str, bytes]] = {}

    def keep(kind: str, content: dict[str, Any]) -> str:
        body = json.dumps(content).encode()
        documents[digest_of(body)] = (kind, body)
        return digest_of(body)

    entries: list[dict[str, Any]] = []
    for platform in platforms:
        system, architecture, *variant = platform.split("/")
        config = keep(CONFIG, {"os": system, "architecture": architecture})
        size = len(documents[config][1])
        manifest = keep(
            MANIFEST,
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "digest": config, "size": size},
                "layers": [
                    {"mediaType": LAYER, "digest": digest_of(bytes(size)), "size": size}
                    for size in (layer, layer + 1)
                ],
            },
        )
        of = {"os": system, "architecture": architecture}
        of |= {"variant": variant[0]} if variant else {}
        size = len(documents[manifest][1])
        entries.append({"mediaType": MANIFEST, "digest": manifest, "size": size, "platform": of})
    if not index:
        return Made(entries[0]["digest"], documents)
    return Made(
        keep(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}), documents
    )
