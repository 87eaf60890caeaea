"""The smoke test's questions, answered by the real object store and the real broker."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from installer.smoke.object_store import Key, object_size
from installer.smoke.trying import Ended, Near, NotAsExpected, World, try_everything
from installer.smoke.upload import WHOLE_WAY
from tests.real_servers.broker import API as PUBLISHER
from tests.real_servers.broker import ETL as CONSUMER
from tests.real_servers.broker import EXCHANGE, QUEUE, Broker
from tests.real_servers.mapping import LOOPBACK
from tests.real_servers.object_store import BUCKET, ObjectStore
from tests.smoke.stage import Asked, Reply, standing_in

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

NAME = "raw/AvroStepsRecord/2026/11/25/a name with blanks+signs_1.avro"


@pytest.fixture
def key(store: ObjectStore) -> Key:
    keys = store.keys("etl")
    return Key(keys.access, keys.secret)


@pytest.fixture
def near(store: ObjectStore) -> Near:
    return Near(LOOPBACK, store.server.port("s3"))


def test_our_signature_reads_the_size_of_an_object(
    store: ObjectStore, key: Key, near: Near
) -> None:
    store.by("health-api").put_object(Bucket=BUCKET, Key=NAME, Body=b"x" * 1234)
    assert object_size(near, key, BUCKET, NAME) == 1234


def test_a_wrong_secret_is_refused_and_a_missing_object_is_said(
    store: ObjectStore, key: Key, near: Near
) -> None:
    with pytest.raises(NotAsExpected, match="403"):
        object_size(near, Key(key.access, "wrong"), BUCKET, NAME)
    with pytest.raises(NotAsExpected, match="404"):
        object_size(near, key, BUCKET, "raw/nothing")


class Api:
    """A Health API that does for real what matters here: it stores and it publishes."""

    def __init__(self, store: ObjectStore, broker: Broker) -> None:
        self.store, self.broker = store, broker
        self.refused = False

    def __call__(self, asked: Asked) -> Reply:
        match asked.path:
            case "/auth/register":
                return 201, {}
            case "/auth/jwt/login":
                return 200, {"access_token": "token"}
            case "/auth/jwt/logout":
                self.refused = True
                return 204, b""
            case "/v1/upload/history":
                return 200, {"uploads": [{"correlation_id": "c-1", "status": "queued"}]}
            case "/users/me":
                return (401 if self.refused else 200), {}
        begin = asked.body.index(b"Obj\x01")
        content = asked.body[begin : asked.body.rindex(b"\r\n--")]
        self.store.by("health-api").put_object(Bucket=BUCKET, Key=NAME, Body=content)
        with self.broker.channel(PUBLISHER) as channel:
            message = json.dumps({"key": NAME}).encode()
            channel.basic_publish(EXCHANGE, "health.processing.avrostepsrecord", message)
        return 202, {"object_key": NAME, "correlation_id": "c-1"}


def world(api: Api, store: ObjectStore, broker: Broker) -> World:
    """The real store and broker, the API above, and an engine that counts one message."""
    line = b'etl_messages_processed_total{record_type="x",status="failed"} 1.0\n'
    secrets = {
        "etl-access-key": store.keys("etl").access,
        "etl-secret-key": store.keys("etl").secret,
        "rabbitmq-password": broker.password("admin"),
    }

    @contextmanager
    def reach(_namespace: str, service: str, _port: int) -> Iterator[Near]:
        if service == "minio":
            yield Near(LOOPBACK, store.server.port("s3"))
        elif service == "rabbitmq":
            yield Near(LOOPBACK, broker.server.port("management"))
        else:
            with standing_in(api if service == "health-api" else lambda _asked: (200, line)) as end:
                yield end

    return World(
        reach=reach,
        secret=lambda _namespace, _name, key: secrets[key],
        # The broker counts for its pages every few seconds, so the pauses must be real ones.
        pause=lambda seconds: time.sleep(min(seconds, 1.0)),
        options={"health-services": {"etl": True}},
    )


def test_a_file_is_followed_through_the_real_store_and_the_real_broker(
    store: ObjectStore, message_broker: Broker
) -> None:
    broker = message_broker
    with broker.channel(CONSUMER) as channel:
        channel.basic_consume(QUEUE, lambda *_message: None)
        seen = world(Api(store, broker), store, broker)
        found = {each.title: each for each in try_everything((WHOLE_WAY,), seen)}
    assert found["The file is in the object store"].ended is Ended.GOOD, found
    assert found["The broker gets its message"].ended is Ended.GOOD, found
    assert found["The processing engine listens"].ended is Ended.GOOD, found
    assert found["The file is processed"].ended is Ended.IMAGE, found
