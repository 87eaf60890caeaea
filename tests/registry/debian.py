"""Debian's docker-registry on loopback, and the little that is needed to fill it."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.registry.scripted import Asked, Made, Said

HER, HER_PASSWORD = "her", "secret-of-hers"
# Her password's bcrypt hash, made once: newer Pythons have no bcrypt of their own.
HER_HASH = "$2b$05$k.fR/kyaTI2xQEMK4IaX1.l7Yul1MEKerhw08ICFpoMloMP3G3zNK"
ISSUER, SERVICE = "token server of the tests", "registry of the tests"


@dataclass(frozen=True)
class Debian:
    """A running registry, and how to push to it."""

    host: str
    authorization: str = ""

    def push(self, name: str, image: Made, tag: str) -> None:
        """Puts an image there: blobs first, then manifests, the tagged one last."""
        for digest, (kind, body) in image.documents.items():
            if "manifest" not in kind and "index" not in kind:
                self._blob(name, digest, body)
        self._layers(name, image)
        for digest, (kind, body) in sorted(
            image.documents.items(), key=lambda each: "index" in each[1][0]
        ):
            if "manifest" in kind or "index" in kind:
                where = f"manifests/{tag if digest == image.top else digest}"
                self._ask("PUT", f"/v2/{name}/{where}", body, {"Content-Type": kind})

    def _layers(self, name: str, image: Made) -> None:
        """Layers of zeros, of the sizes the manifests tell."""
        for _, body in image.documents.values():
            for layer in json.loads(body).get("layers", ()):
                self._blob(name, layer["digest"], bytes(layer["size"]))

    def _blob(self, name: str, digest: str, body: bytes) -> None:
        there = self._ask("POST", f"/v2/{name}/blobs/uploads/", b"")
        onward = urljoin(f"http://{self.host}", there["Location"])
        joint = "&" if "?" in onward else "?"
        kind = {"Content-Type": "application/octet-stream"}
        self._ask("PUT", f"{onward}{joint}digest={digest}", body, kind)

    def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        url = path if path.startswith("http") else f"http://{self.host}{path}"
        request = urllib.request.Request(url, body, dict(headers or {}), method=method)
        if self.authorization:
            request.add_header("Authorization", self.authorization)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(answer.headers)


@contextmanager
def debian_registry(
    folder: Path, auth: Mapping[str, object] | None = None, authorization: str = ""
) -> Iterator[Debian]:
    """Runs one; skips the test where it is not installed."""
    program = shutil.which("docker-registry", path="/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("the program docker-registry is not here: apt-get install docker-registry")
    port = _free_port()
    settings = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        **({"auth": dict(auth)} if auth else {}),
    }
    file = folder / "registry.yml"
    file.write_text(yaml.safe_dump(settings))
    with (folder / "registry.log").open("w") as log:
        process = subprocess.Popen([program, "serve", str(file)], stdout=log, stderr=log)
    try:
        _wait_for(port, folder / "registry.log")
        yield Debian(f"127.0.0.1:{port}", authorization)
    finally:
        process.terminate()
        process.wait(10)


def htpasswd(folder: Path) -> Mapping[str, object]:
    """Asks for a name and a password."""
    file = folder / "htpasswd"
    file.write_text(f"{HER}:{HER_HASH}\n")
    return {"htpasswd": {"realm": "tests", "path": str(file)}}


class TokenServer:
    """Gives out signed tokens: to read `public/...` to everybody, everything to her.

    Tokens are JSON Web Tokens as the CNCF Distribution project's registry wants them.
    """

    def __init__(self, folder: Path) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._certificate = _certificate(self._key)
        self.bundle = folder / "bundle.pem"
        self.bundle.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def auth(self, realm: str) -> Mapping[str, object]:
        """The registry's part of the agreement."""
        return {
            "token": {
                "realm": realm,
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(self.bundle),
            }
        }

    def script(self, asked: Asked) -> Said:
        """One request for a token."""
        query = parse_qs(urlsplit(asked.path).query)
        name = asked.headers.get("authorization", "")
        hers = "Basic " + base64.b64encode(f"{HER}:{HER_PASSWORD}".encode()).decode()
        if name and name != hers:
            return Said(401, {}, b'{"errors": [{"code": "UNAUTHORIZED"}]}')
        assert query["service"] == [SERVICE]
        token = self.token(query["scope"][0], known=bool(name))
        return Said(200, {}, json.dumps({"token": token}).encode())

    def token(self, scope: str, *, known: bool) -> str:
        """A token for a scope, empty for what is not granted."""
        kind, repository, actions = scope.split(":")
        granted = known or repository.startswith("public/")
        now = datetime.now(UTC)
        access = {"type": kind, "name": repository, "actions": actions.split(",")}
        claims = {
            "iss": ISSUER,
            "sub": HER if known else "",
            "aud": SERVICE,
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            "nbf": int((now - timedelta(minutes=1)).timestamp()),
            "iat": int(now.timestamp()),
            "jti": "1",
            "access": [access] if granted else [],
        }
        chain = base64.b64encode(self._certificate.public_bytes(Encoding.DER)).decode()
        header = {"typ": "JWT", "alg": "RS256", "x5c": [chain]}
        signed = f"{_base64(json.dumps(header).encode())}.{_base64(json.dumps(claims).encode())}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens of the tests")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(port: int, log: Path) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"docker-registry does not answer: {log.read_text()[-2000:]}")
