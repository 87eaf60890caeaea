"""A night's backup, its drill and the way back, by the rendered scripts and the real programs.

PostgreSQL of Debian, rclone and SeaweedFS from their wheels; the bucket far away is a second one of
the same store, behind a door at which every request is counted. The message broker's pages are a
stand-in's; the real broker is asked in test_broker.py.
"""

from __future__ import annotations

import base64
import copy
import http.server
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from installer.commands.restore import sets_in
from tests.real_servers.backups import Door, PodEnded, door, run_pod
from tests.real_servers.extracting import secret_values
from tests.real_servers.object_store import BUCKET, ObjectStore, object_store
from tests.real_servers.pages import served
from tests.real_servers.postgresql import Database, database
from tests.real_servers.processes import Site
from tests.real_servers.servers import initialised
from tests.real_servers.watching import ArgumentsWatch

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

FAR = "far-away"
CANARY = "canary-of-a-person"
FILES = {f"raw/Steps/2026/11/{number}_user.avro": b"steps %d" % number for number in range(15)}
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

    def log_message(self, format: str, *args: Any) -> None:
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
            "EVERY": "0.1",
            "SAMPLE": "4",
            "TARGET_ENDPOINT": f"http://127.0.0.1:{bucket.port}",
            "HEALTH_PORT": str(self.health.port),
            "AUTH_PORT": str(self.auth.port),
            "STORE_ENDPOINT": f"http://127.0.0.1:{store.server.port('s3')}",
        }

    def nothing_is_readable_outside(self) -> None:
        """Neither content nor names of files are in what was sent."""
        root = self.store.by("root")
        listed = [one["Key"] for one in root.list_objects_v2(Bucket=FAR)["Contents"]]
        assert not any("raw" in key or "user" in key for key in listed)
        for key in listed:
            content = root.get_object(Bucket=FAR, Key=key)["Body"].read()
            assert content.startswith(b"RCLONE\0\0"), key
            assert CANARY.encode() not in content

    def lose_everything(self) -> None:
        """Files and rows are gone; the roles and the bucket are as after an installation."""
        root = self.store.by("root")
        for name in FILES:
            root.delete_object(Bucket=BUCKET, Key=name)
        self.health.administrator("healthdb", "DROP TABLE uploads")

    def spoil_copies(self) -> None:
        """Somebody wrote over every copy of a file."""
        root = self.store.by("root")
        for one in root.list_objects_v2(Bucket=FAR, Prefix="files/")["Contents"]:
            root.put_object(Bucket=FAR, Key=one["Key"], Body=b"RCLONE\0\0" + b"x" * 100)

    def with_passphrase(self, text: str) -> World:
        """The same, where somebody generated another passphrase."""
        made = copy.copy(self)
        secrets = {**self.site.cluster.secrets, "backup-passphrase": {"passphrase": text}}
        cluster = replace(self.site.cluster, secrets=secrets)
        made.site = replace(self.site, cluster=cluster, folder=self.site.new_folder())
        return made

    def run(self, job: str, **more: str) -> PodEnded:
        """A pod of a job, with other variables."""
        return run_pod(self.site, job, (), {**self.more, **more})


@pytest.fixture(scope="module")
def world(site: Site) -> Iterator[World]:
    """Servers of these tests alone, since they lose and bring back what others count on."""
    own = Site(site.cluster, site.new_folder())
    with (
        initialised(database(own, "postgresql-health")) as health,
        initialised(database(own, "postgresql-auth")) as auth,
        initialised(object_store(own)) as store,
    ):
        yield from world_of(own, (health, auth), store)


def world_of(
    site: Site, databases: tuple[Database, Database], store: ObjectStore
) -> Iterator[World]:
    """Files on the platform, a bucket far away, and the pages of a message broker."""
    root = store.by("root")
    root.create_bucket(Bucket=FAR)
    for name, content in FILES.items():
        store.by("health-api").put_object(Bucket=BUCKET, Key=name, Body=content)
    password = site.cluster.secrets["rabbitmq-secret"]["rabbitmq-password"]
    Pages.login = base64.b64encode(f"admin:{password}".encode()).decode()
    Pages.given = []
    with door(store.server.port("s3")) as bucket, served(Pages) as pages:
        made = World(site, databases, store, bucket)
        made.more["BROKER_URL"] = f"http://127.0.0.1:{pages}"
        yield made


@dataclass(frozen=True)
class FirstNight:
    """What the first backup printed, asked of the bucket, and showed to other users."""

    ended: PodEnded
    asked: Mapping[str, int]
    checksums: set[str]
    watch: ArgumentsWatch


@pytest.fixture(scope="module")
def first_night(world: World) -> FirstNight:
    """A backup of files and of a table its application made."""
    said = world.health.application(
        "healthdb",
        "CREATE TABLE uploads (id serial PRIMARY KEY, owner text NOT NULL)",
        f"INSERT INTO uploads (owner) SELECT '{CANARY}' FROM generate_series(1, 500)",
    )
    assert not said.refused, said.error
    world.bucket.seen.clear()
    with ArgumentsWatch() as watch:
        ended = world.run("backup")
    assert ended.well, ended.printed
    checksums = world.bucket.checksum_headers()
    return FirstNight(ended, world.bucket.count(), checksums, watch)


def test_a_night_is_sealed_and_sent_with_as_few_requests_as_can_be(
    world: World, first_night: FirstNight
) -> None:
    printed = first_night.ended.printed
    assert f"{len(FILES)} files, of which {len(FILES)} were sent" in printed
    # One for each file, five for the rest of the set, two listings.
    assert first_night.asked == {"PUT": len(FILES) + 5, "LIST": 2}
    assert first_night.checksums == set()
    world.nothing_is_readable_outside()
    secrets = secret_values(world.site.cluster)
    assert first_night.watch.saw("rclone")
    assert first_night.watch.leaks(secrets) == []
    assert not any(secret in printed for secret in secrets)

    world.bucket.seen.clear()
    second = world.run("backup")
    assert second.well, second.printed
    assert f"{len(FILES)} files, of which 0 were sent" in second.printed
    assert world.bucket.count() == {"PUT": 5, "LIST": 2}


def test_what_was_lost_is_listed_proved_and_brought_back(
    world: World, first_night: FirstNight
) -> None:
    listed = world.run("restore")
    assert listed.well, listed.printed
    first = sets_in(listed.printed)[-1]
    assert first.whole
    assert f"set {first.name} is sent" in first_night.ended.printed
    world.bucket.seen.clear()

    drill = world.run("restore-drill")
    assert drill.well, drill.printed
    assert "healthdb: 1 tables with 500 rows, as they were dumped" in drill.printed
    assert "of 4 files drawn by lot 4 are the same, 0 are not, 0 are no longer" in drill.printed
    # Listings, and three for each of four dumps and lists and each file of the sample.
    assert sum(world.bucket.count().values()) <= 2 + 2 + 3 * (4 + 4)

    world.lose_everything()
    back = world.run("restore", MODE="restore")
    assert back.well, back.printed
    assert sum(world.bucket.count().values()) <= 2 * len(FILES) + 30
    assert Pages.given == [DEFINITIONS]
    inserted = world.health.application(
        "healthdb", "INSERT INTO uploads (owner) VALUES ('new')", "SELECT max(id) FROM uploads"
    )
    assert inserted.rows == ("501",), inserted.error
    assert world.health.application("healthdb", "CREATE TABLE more (id int)").code == 0
    found = world.store.by("etl")
    for name, content in FILES.items():
        assert found.get_object(Bucket=BUCKET, Key=name)["Body"].read() == content
    secrets = secret_values(world.site.cluster)
    for printed in (listed.printed, drill.printed, back.printed):
        assert not any(secret in printed for secret in secrets)


@pytest.mark.usefixtures("first_night")
def test_old_sets_and_copies_go_and_every_file_is_copied_anew_before(world: World) -> None:
    # Nothing is old on one day; with no day to be kept everything of before is.
    ended = world.run("backup", KEEP_DAYS="0")
    assert ended.well, ended.printed
    listed = world.store.by("root").list_objects_v2(Bucket=FAR)
    assert listed["KeyCount"] == len(FILES) + 5
    assert world.bucket.count()["DELETE"] >= len(FILES) + 5
    drill = world.run("restore-drill")
    assert drill.well, drill.printed
    assert "0 files are in no copy" in drill.printed


@pytest.mark.usefixtures("first_night")
def test_what_is_damaged_or_sealed_otherwise_is_found_out(world: World) -> None:
    """The drill can fail, and says why."""
    wrong = world.with_passphrase("another-passphrase-altogether")
    ended = wrong.run("restore-drill")
    assert not ended.well
    assert "does not open; is the passphrase that of the time it was made?" in ended.printed
    world.spoil_copies()
    ended = world.run("restore-drill")
    assert not ended.well
    assert "a copy in set" in ended.printed


def test_a_folder_of_the_cluster_takes_the_same(world: World) -> None:
    folder = world.site.folder / "claim"
    folder.mkdir()
    folder.chmod(0o777)
    # With a second slash it is not taken for a path of the container.
    volume = {"TARGET": "volume", "TARGET_FOLDER": f"/{folder}"}
    ended = world.run("backup", **volume)
    assert ended.well, ended.printed
    (found,) = sets_in(world.run("restore", **volume).printed)
    assert found.whole
    assert len([one for one in folder.rglob("*") if one.is_file()]) == 5 + len(FILES)


def test_what_finds_no_room_or_no_database_fails_aloud(world: World) -> None:
    world.bucket.seen.clear()
    ended = world.run("backup", MOST_BYTES="1000")
    assert not ended.well
    assert "no room" in ended.printed
    assert world.bucket.count()["PUT"] == 0
    ended = world.run("backup", AUTH_PORT="1")
    assert not ended.well
    assert "does not answer" in ended.printed
    assert world.bucket.count()["PUT"] == 0
