"""A night's backup, its drill and the way back, by the rendered scripts and the real programs.

PostgreSQL of Debian, rclone and SeaweedFS from their wheels; the bucket far away is a second one of
the same store, behind a door at which every request is counted. The message broker's pages are a
stand-in's; the real broker is asked in test_broker.py.
"""

from __future__ import annotations

import http.server
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.real_servers.backups import Door, PodEnded, door, run_pod, served
from tests.real_servers.extracting import Cluster, secret_values
from tests.real_servers.object_store import BUCKET, ObjectStore
from tests.real_servers.postgresql import Database
from tests.real_servers.processes import Site
from tests.real_servers.watching import ArgumentsWatch

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

FAR = "far-away"
FILES = {f"raw/Steps/2026/11/{number}_user.avro": b"steps %d" % number for number in range(40)}
DEFINITIONS = {"queues": [{"name": "health_data_processing"}], "exchanges": [], "bindings": []}


class Pages(http.server.BaseHTTPRequestHandler):
    """Of the message broker: its definitions, for who is its administrator."""

    login = ""
    given: list[Any]

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == f"Basic {self.login}"
        assert self.path == "/api/definitions/%2F"
        self._answer(200 if known else 401, json.dumps(DEFINITIONS).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.given.append(json.loads(body))
        self._answer(204, b"")

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""


class World:
    """Everything a backup touches; `ports` and `more` are where it is on this machine."""

    def __init__(
        self, site: Site, databases: tuple[Database, Database], store: ObjectStore, bucket: Door
    ) -> None:
        self.health, self.auth = databases
        self.store, self.bucket = store, bucket
        root = store.keys("root")
        self.site = replace(
            site,
            cluster=replace(
                site.cluster,
                secrets={
                    **site.cluster.secrets,
                    "backup-target": {"access_key": root.access, "secret_key": root.secret},
                },
            ),
            folder=site.new_folder(),
        )
        self.more = {
            "TARGET_ENDPOINT": f"http://127.0.0.1:{bucket.port}",
            "HEALTH_PORT": str(self.health.port),
            "AUTH_PORT": str(self.auth.port),
            "STORE_ENDPOINT": f"http://127.0.0.1:{store.server.port('s3')}",
        }

    def run(self, job: str, **more: str) -> PodEnded:
        """A pod of a job, with other variables."""
        return run_pod(self.site, job, (), {**self.more, **more})


@pytest.fixture(scope="module")
def world(
    site: Site, health_database: Database, auth_database: Database, store: ObjectStore
) -> Iterator[World]:
    root = store.by("root")
    root.create_bucket(Bucket=FAR)
    for name, content in FILES.items():
        store.by("health-api").put_object(Bucket=BUCKET, Key=name, Body=content)
    password = site.cluster.secrets["rabbitmq-secret"]["rabbitmq-password"]
    import base64

    Pages.login = base64.b64encode(f"admin:{password}".encode()).decode()
    Pages.given = []
    with door(store.server.port("s3")) as bucket, served(Pages) as pages:
        made = World(site, (health_database, auth_database), store, bucket)
        made.more["BROKER_URL"] = f"http://127.0.0.1:{pages}"
        yield made


def test_a_night_is_sealed_sent_counted_proved_and_brought_back(world: World) -> None:
    said = world.health.application(
        "healthdb",
        "CREATE TABLE uploads (id serial PRIMARY KEY, owner text NOT NULL)",
        "INSERT INTO uploads (owner) SELECT 'canary-of-a-person' FROM generate_series(1, 500)",
    )
    assert not said.refused, said.error
    world.bucket.seen.clear()
    with ArgumentsWatch() as watch:
        night = world.run("backup")
    assert night.well, night.printed
    assert world.bucket.checksum_headers() == set()
    first = world.bucket.count()
    print("first night", first)
    secrets = secret_values(world.site.cluster)
    assert watch.saw("rclone")
    assert watch.leaks(secrets) == []
    assert not any(secret in night.printed for secret in secrets)
