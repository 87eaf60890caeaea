"""The file's whole way, against stand-ins that go wrong one at a time."""

from __future__ import annotations

from typing import Any

import pytest

from installer.smoke.trying import Check, Ended, Finding, try_everything
from installer.smoke.upload import READY, REFUSAL, WHOLE_WAY
from tests.smoke.stage import Asked, Reply, Stage

API = ("health-api", "health-api", 8001)
STORE = ("health-data", "minio", 9000)
BROKER = ("health-data", "rabbitmq", 15672)
ENGINE = ("health-etl", "etl-engine", 8004)
MODULES: dict[str, dict[str, object]] = {"health-services": {"api": True, "etl": True}}


class Platform:
    """Stand-ins for API, store, broker and engine that know of each other."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.stage.secrets = {
            "health-data/minio-secret/etl-access-key": "AKID",
            "health-data/minio-secret/etl-secret-key": "a-secret-key",
            "health-data/rabbitmq-secret/rabbitmq-password": "a-password",
        }
        self.uploaded = b""
        self.published = 7
        self.consumers = 1
        self.processed = {"success": 0, "failed": 0}
        self.outcome = "success"
        self.forgets_logouts = False
        self.loses_files = False
        self.loses_messages = False
        self.logged_out: set[str] = set()
        self.uploads: list[dict[str, str]] = []
        self.forgets_uploads = False
        for place, answering in (
            (API, self.api),
            (STORE, self.store),
            (BROKER, self.broker),
            (ENGINE, self.engine),
        ):
            self.stage.serve(*place, answering)

    def findings(self, *checks: Check) -> dict[str, Finding]:
        world = self.stage.world(options=MODULES)
        return {each.title: each for each in try_everything(checks, world)}

    def api(self, asked: Asked) -> Reply:
        token = asked.headers.get("authorization", "")
        match asked.path:
            case "/health/ready":
                return 200, {}
            case "/auth/register":
                return 201, {"id": 1}
            case "/auth/jwt/login":
                return 200, {"access_token": "token-1", "token_type": "bearer"}
            case "/auth/jwt/logout":
                self.logged_out.add(token)
                return 204, b""
            case "/users/me":
                known = token == "Bearer token-1"
                out = token in self.logged_out and not self.forgets_logouts
                return (401 if out or not known else 200), {}
            case "/v1/upload/history":
                return 200, {"uploads": [] if self.forgets_uploads else self.uploads}
            case "/v1/upload":
                return self._take(asked)
        return 404, {}

    def _take(self, asked: Asked) -> Reply:
        if b'filename="notes.txt"' in asked.body:
            return 415, {"detail": "only avro"}
        begin = asked.body.index(b"Obj\x01")
        self.uploaded = asked.body[begin : asked.body.rindex(b"\r\n--")]
        if not self.loses_messages:
            self.published += 1
            self.processed[self.outcome] += 1
        self.uploads.append({"correlation_id": "c-1", "status": "queued"})
        return 202, {
            "object_key": "raw/AvroStepsRecord/2026/11/25/1_x.avro",
            "correlation_id": "c-1",
        }

    def store(self, asked: Asked) -> Reply:
        assert asked.method == "HEAD"
        assert "Credential=AKID/" in asked.headers["authorization"]
        there = asked.path.startswith("/health-data/raw/AvroStepsRecord/") and not self.loses_files
        return (200, self.uploaded) if there else (404, b"")

    def broker(self, asked: Asked) -> Reply:
        assert asked.path == "/api/queues/%2F/health_data_processing"
        document: dict[str, Any] = {"consumers": self.consumers}
        return 200, {**document, "message_stats": {"publish": self.published}}

    def engine(self, _asked: Asked) -> Reply:
        lines = "".join(
            f'etl_messages_processed_total{{record_type="x",status="{status}"}} {count}.0\n'
            for status, count in self.processed.items()
        )
        return 200, lines.encode()


@pytest.fixture
def platform() -> Platform:
    return Platform()


def test_where_all_is_well_everything_is_good(platform: Platform) -> None:
    found = platform.findings(READY, WHOLE_WAY, REFUSAL)
    assert {each.ended for each in found.values()} == {Ended.GOOD}, found
    assert len(found) == 9


@pytest.mark.parametrize(
    ("fault", "title", "words"),
    [
        ("loses_files", "A file goes all the way", "answer is 404, expected 200"),
        ("loses_messages", "The broker gets its message", "no message came"),
        ("forgets_logouts", "A logout counts at once", "still works"),
        ("forgets_uploads", "The upload is in the database", "has 0 uploads"),
    ],
)
def test_what_is_broken_is_named(platform: Platform, fault: str, title: str, words: str) -> None:
    setattr(platform, fault, True)
    found = platform.findings(READY, WHOLE_WAY, REFUSAL)
    assert found[title].ended is Ended.BAD
    assert words in found[title].words


def test_an_engine_that_does_not_listen_is_named(platform: Platform) -> None:
    platform.consumers = 0
    found = platform.findings(WHOLE_WAY)
    assert found["The processing engine listens"].ended is Ended.BAD


def test_an_engine_that_refuses_every_record_is_the_fault_of_its_image(platform: Platform) -> None:
    platform.outcome = "failed"
    found = platform.findings(WHOLE_WAY)
    assert found["The file is processed"].ended is Ended.IMAGE


def test_what_cannot_be_reached_stops_only_its_own_check(platform: Platform) -> None:
    del platform.stage.answers[BROKER]
    found = platform.findings(READY, WHOLE_WAY, REFUSAL)
    assert found["A file goes all the way"].ended is Ended.BAD
    assert "no way to health-data/rabbitmq" in found["A file goes all the way"].words
    assert found["A file of another kind is refused"].ended is Ended.GOOD


def test_without_its_module_nothing_is_tried(platform: Platform) -> None:
    assert list(try_everything((READY, WHOLE_WAY), platform.stage.world(options={}))) == []


def test_no_finding_repeats_what_a_service_said_or_a_secret(platform: Platform) -> None:
    def leaky(asked: Asked) -> Reply:
        return 500, {"detail": "a-password token-1 a-secret-key"}

    platform.stage.serve(*BROKER, leaky)
    found = platform.findings(READY, WHOLE_WAY, REFUSAL)
    text = " ".join(f"{each.title} {each.words}" for each in found.values())
    assert not any(secret in text for secret in ("a-password", "token-1", "a-secret-key"))
