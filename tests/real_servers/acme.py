"""A small certificate authority that speaks ACME (RFC 8555), as far as HTTP-01 goes.

It asks for the challenge as the real one does: at the name, without encryption. It does not check
signatures, since it is Traefik that is tried here.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from installer.modules.certificates import authority, signed_by
from tests.real_servers.mapping import LOOPBACK

_TOKEN = "token-of-the-challenge-0123456789"


@dataclass
class Authority:
    """What it was asked and what it gave; `web_port` is where the names' port 80 is."""

    web_port: int
    bundle: str = field(default_factory=authority)
    asked: list[str] = field(default_factory=list)
    contacts: list[list[str]] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    reachable: bool = True
    port: int = 0

    @property
    def directory(self) -> str:
        """Where a client begins."""
        return f"https://{LOOPBACK}:{self.port}/directory"

    def answers_to(self, host: str) -> bool:
        """Whether the name shows the token of its challenge."""
        connection = http.client.HTTPConnection(LOOPBACK, self.web_port, timeout=10)
        try:
            path = f"/.well-known/acme-challenge/{_TOKEN}-{host}"
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status == 200 and answer.read().startswith(_TOKEN.encode())
        finally:
            connection.close()

    def sign(self, request: bytes) -> str:
        """The chain for a certificate request."""
        wanted = x509.load_der_x509_csr(request)
        ours = x509.load_pem_x509_certificates(self.bundle.encode())[0]
        key = serialization.load_pem_private_key(
            self.bundle[self.bundle.index("-----BEGIN PRIVATE") :].encode(), None
        )
        names = wanted.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        signed = (
            x509.CertificateBuilder()
            .subject_name(wanted.subject)
            .issuer_name(ours.subject)
            .public_key(wanted.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(ours.not_valid_before_utc)
            .not_valid_after(ours.not_valid_after_utc)
            .add_extension(names.value, False)
            .sign(key, hashes.SHA256())  # type: ignore[arg-type]
        )
        pem = serialization.Encoding.PEM
        self.given += [str(name) for name in names.value.get_values_for_type(x509.DNSName)]
        return signed.public_bytes(pem).decode() + ours.public_bytes(pem).decode()


class _Handler(BaseHTTPRequestHandler):
    """One request; the names of orders and challenges are part of their addresses."""

    authority: Authority
    chains: dict[str, str]

    def do_HEAD(self) -> None:
        self._say(200, {})

    def do_GET(self) -> None:
        base = f"https://{LOOPBACK}:{self.authority.port}"
        parts = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order"}
        self._say(200, {name: f"{base}/{path}" for name, path in parts.items()})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        payload = _decoded(body["payload"])
        base = f"https://{LOOPBACK}:{self.authority.port}"
        _, what, *rest = self.path.split("/")
        host = rest[0] if rest else ""
        if what == "account":
            self.authority.contacts.append(payload.get("contact", []))
            self._say(201, {"status": "valid"}, {"Location": f"{base}/account/1"})
        elif what == "order" and not host:
            host = payload["identifiers"][0]["value"]
            self.authority.asked.append(host)
            self.authority.refused.discard(host)
            self._say(201, self._order(host), {"Location": f"{base}/order/{host}"})
        elif what == "order":
            self._say(200, self._order(host))
        elif what == "authz":
            self._say(200, self._authz(host))
        elif what == "challenge":
            if self.authority.reachable and self.authority.answers_to(host):
                self.authority.valid.add(host)
            else:
                self.authority.refused.add(host)
            self._say(200, self._challenge(host))
        elif what == "finalize":
            self.chains[host] = self.authority.sign(_bytes(payload["csr"]))
            self._say(200, self._order(host), {"Location": f"{base}/order/{host}"})
        else:
            self._say(200, self.chains[host])

    def _order(self, host: str) -> dict[str, Any]:
        base = f"https://{LOOPBACK}:{self.authority.port}"
        done = host in self.chains
        tried = self._status(host)
        return {
            "status": "valid" if done else "ready" if tried == "valid" else tried,
            "identifiers": [{"type": "dns", "value": host}],
            "authorizations": [f"{base}/authz/{host}"],
            "finalize": f"{base}/finalize/{host}",
            **({"certificate": f"{base}/certificate/{host}"} if done else {}),
        }

    def _authz(self, host: str) -> dict[str, Any]:
        return {
            "status": self._status(host),
            "identifier": {"type": "dns", "value": host},
            "challenges": [self._challenge(host)],
        }

    def _challenge(self, host: str) -> dict[str, Any]:
        return {
            "type": "http-01",
            "url": f"https://{LOOPBACK}:{self.authority.port}/challenge/{host}",
            "token": f"{_TOKEN}-{host}",
            "status": self._status(host),
        }

    def _status(self, host: str) -> str:
        if host in self.authority.refused:
            return "invalid"
        return "valid" if host in self.authority.valid else "pending"

    def _say(self, status: int, said: object, headers: dict[str, str] | None = None) -> None:
        text = said if isinstance(said, str) else json.dumps(said)
        kind = "application/pem-certificate-chain" if isinstance(said, str) else "application/json"
        self.send_response(status)
        more = {"Replay-Nonce": "nonce-0123456789", "Content-Type": kind, **(headers or {})}
        for name, value in {**more, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    def log_message(self, *words: object) -> None:
        """Says nothing."""


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _decoded(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_bytes(text)) if text else {}
    return found


@contextmanager
def an_authority(web_port: int, folder: Path) -> Iterator[Authority]:
    """One that runs while inside."""
    made = Authority(web_port)
    own = folder / "acme-server.pem"
    own.write_text(signed_by(made.bundle, [LOOPBACK]), encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    handler = type("Handler", (_Handler,), {"authority": made, "chains": {}})
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        made.port = listening.server_address[1]
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            listening.shutdown()
