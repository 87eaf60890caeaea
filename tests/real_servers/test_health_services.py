"""What the Health API and the processing engine are given opens the real servers, and the scripts
that watch over their start tell the truth about a real broker and a real database."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.real_servers.broker import ADMINISTRATOR, DEAD, ETL, EXCHANGE, QUEUE, Broker
from tests.real_servers.caches import say
from tests.real_servers.extracting import Cluster
from tests.real_servers.health_services import (
    API,
    ENGINE,
    login,
    s3,
    script,
    tables,
    tell,
    variables,
)
from tests.real_servers.mapping import LOOPBACK
from tests.real_servers.object_store import BUCKET, ObjectStore, refusal
from tests.real_servers.postgresql import Database
from tests.real_servers.processes import Ended, Site, end_group, run_to_end, until
from tests.real_servers.servers import Server

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

KEY = "health.processing.avrostepsrecord"
DATABASE = "healthdb"


# --- Health API ---


def test_the_health_apis_address_opens_its_database(
    cluster: Cluster, health_database: Database
) -> None:
    asyncpg: Any = pytest.importorskip("asyncpg")
    address = variables(cluster, API)["DATABASE_URL"]
    assert address.startswith("postgresql+asyncpg://")
    made = login(address)

    async def ask() -> Any:
        connection = await asyncpg.connect(
            host=LOOPBACK, port=health_database.port, user=made.user, password=made.password,
            database=made.rest,
        )  # fmt: skip
        try:
            return await connection.fetchrow("SELECT current_user AS u, current_database() AS d")
        finally:
            await connection.close()

    row = asyncio.run(ask())
    assert (row["u"], row["d"]) == ("healthapi", DATABASE)


@pytest.mark.parametrize(
    ("program", "name", "number"),
    [
        (API, "REDIS_URL", "0"),
        (API, "UPLOAD_RATE_LIMIT_STORAGE_URI", "0"),
        (ENGINE, "ETL_DEDUPLICATION_REDIS_URL", "2"),
    ],
)
def test_both_programs_addresses_open_their_part_of_the_cache(
    cluster: Cluster, health_cache: Server, program: str, name: str, number: str
) -> None:
    made = login(variables(cluster, program)[name])
    assert (made.host, made.rest) == ("redis-health", number)
    assert (
        say(health_cache, made.password, "-n", number, "SET", "blocklist:x", "", "EX", "9") == "OK"
    )
    assert say(health_cache, made.password, "-n", number, "EXISTS", "blocklist:x") == "1"
    say(health_cache, made.password, "-n", number, "DEL", "blocklist:x")


def test_uploads_go_into_the_store_and_come_out_for_the_engine(
    cluster: Cluster, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, month = "raw/AvroStepsRecord/2026/11/25/1_2.avro", "training/steps/2026/11/journal.jsonl"
    api = s3(store, cluster, API, monkeypatch)
    api.head_bucket(Bucket=BUCKET)
    api.put_object(Bucket=BUCKET, Key=raw, Body=b"Obj\x01...", ContentLength=7)
    engine = s3(store, cluster, ENGINE, monkeypatch)
    assert engine.get_object(Bucket=BUCKET, Key=raw)["Body"].read() == b"Obj\x01..."
    # The engine knows the first write of a month by this very answer.
    with pytest.raises(engine.exceptions.NoSuchKey):
        engine.get_object(Bucket=BUCKET, Key=month)
    engine.put_object(Bucket=BUCKET, Key=month, Body=b"{}\n", ContentType="application/jsonl")
    assert engine.get_object(Bucket=BUCKET, Key=month)["Body"].read() == b"{}\n"
    assert refusal(api.put_object, Bucket=BUCKET, Key=month, Body=b"") == "AccessDenied"
    assert refusal(engine.put_object, Bucket=BUCKET, Key=raw, Body=b"") == "AccessDenied"


def test_a_message_goes_from_one_programs_address_to_the_others(
    cluster: Cluster, message_broker: Broker
) -> None:
    api, etl = variables(cluster, API), variables(cluster, ENGINE)
    sender, receiver = login(api["RABBITMQ_URL"]), login(etl["ETL_RABBITMQ_URL"])
    assert (sender.rest, receiver.rest) == ("", "")
    with message_broker.connected(sender.user, sender.password) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.exchange_declare(api["RABBITMQ_MAIN_EXCHANGE"], "topic", durable=True)
        channel.basic_publish(api["RABBITMQ_MAIN_EXCHANGE"], KEY, b"{}", mandatory=True)
    with message_broker.connected(receiver.user, receiver.password) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        taken = next(channel.consume(etl["ETL_QUEUE_NAME"], inactivity_timeout=10))
        assert taken[2] == b"{}"
        channel.basic_ack(taken[0].delivery_tag)


@pytest.fixture
def empty(health_database: Database) -> Iterator[Database]:
    """The health database without the API's tables, before and after."""
    clear = "DROP TABLE IF EXISTS uploads, users"
    health_database.administrator(DATABASE, clear)
    yield health_database
    health_database.administrator(DATABASE, clear)


def owners(database: Database) -> tuple[str, ...]:
    return database.administrator(
        DATABASE,
        "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    )


def test_three_pods_at_once_make_the_tables_of_an_empty_database(
    site: Site, empty: Database
) -> None:
    """T-14: without the lock all but one may end with an error."""
    pytest.importorskip("sqlalchemy")
    made = [tables(site, empty) for _ in range(3)]
    ended: list[Ended] = []
    threads = [threading.Thread(target=lambda p=p: ended.append(run_to_end(p))) for p in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.code for one in ended] == [0, 0, 0], "\n".join(one.trouble for one in ended)
    assert owners(empty) == ("uploads|healthapi", "users|healthapi")


def test_a_pod_waits_while_another_makes_the_tables(site: Site, empty: Database) -> None:
    pytest.importorskip("sqlalchemy")
    process = tables(site, empty)
    source = process.mapping.path("/etc/health-install/tables.py").read_text()
    number = source.split("LOCK = ")[1].split()[0]
    asking = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with _held(empty, number):
        started = process.start()
        try:
            assert until(lambda: empty.administrator(DATABASE, asking) == ("1",), 20), (
                process.told()
            )
            assert owners(empty) == ()
        except BaseException:
            end_group(started)
            raise
    assert started.wait(timeout=30) == 0, process.told()
    assert owners(empty) == ("uploads|healthapi", "users|healthapi")


@contextmanager
def _held(database: Database, number: str) -> Iterator[None]:
    """Somebody else holding the lock."""
    asyncpg: Any = pytest.importorskip("asyncpg")
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(
        asyncpg.connect(
            host=LOOPBACK, port=database.port, user="healthapi",
            password=database.server.secret("password"), database=DATABASE,
        )
    )  # fmt: skip
    try:
        loop.run_until_complete(connection.execute(f"SELECT pg_advisory_lock({number})"))
        yield
    finally:
        loop.run_until_complete(connection.close())
        loop.close()


def test_a_wrong_password_of_the_database_is_told_in_words(site: Site, empty: Database) -> None:
    pytest.importorskip("sqlalchemy")
    right = variables(site.cluster, API)["DATABASE_URL"]
    wrong = right.replace(login(right).password, "x" * 43)
    ended = run_to_end(tables(site, empty, DATABASE_URL=wrong))
    assert ended.code == 1
    assert ended.printed.startswith("The health database refuses the password. Run health-install")
    assert "x" * 43 not in ended.printed


def test_a_wrong_driver_is_told_in_words(site: Site, empty: Database) -> None:
    """T-08."""
    pytest.importorskip("sqlalchemy")
    right = variables(site.cluster, API)["DATABASE_URL"]
    ended = run_to_end(tables(site, empty, DATABASE_URL=right.replace("+asyncpg", "")))
    assert ended.code == 1
    assert ended.printed.startswith("The image of the Health API lacks psycopg")


def test_a_database_that_is_away_is_waited_for(site: Site, empty: Database) -> None:
    pytest.importorskip("sqlalchemy")
    process = tables(site, empty)
    empty.server.stop()
    try:
        started = process.start()
        assert until(lambda: "Waiting for the health database" in process.told(), 30)
    finally:
        empty.server.start()
    try:
        assert started.wait(timeout=30) == 0, process.told()
    finally:
        end_group(started)
    assert login(variables(site.cluster, API)["DATABASE_URL"]).password not in process.told()


def test_an_image_that_keeps_its_tables_elsewhere_is_left_to_itself(
    site: Site, empty: Database
) -> None:
    ended = run_to_end(tables(site, empty, knows_tables=False))
    assert ended.code == 0
    assert "it makes them itself" in ended.printed


# --- Processing engine ---


@contextmanager
def consuming(broker: Broker) -> Iterator[None]:
    """An engine that takes messages, kept alive as its client keeps itself."""
    with broker.connected(ETL) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(QUEUE, lambda *_: None)
        yield


@pytest.fixture
def quiet(message_broker: Broker) -> Broker:
    """The broker with nobody connected to it."""
    assert until(lambda: message_broker.read("connections") == [], 20)
    return message_broker


def test_before_the_start_all_is_made_that_the_engine_makes(site: Site, quiet: Broker) -> None:
    with quiet.channel(ADMINISTRATOR) as channel:
        for queue in (QUEUE, DEAD):
            channel.queue_delete(queue)
        channel.exchange_delete(EXCHANGE)
    ended = tell(site, quiet, "prepare")
    assert ended.code == 0, ended.trouble
    assert ended.printed == (
        "The message broker takes etl; exchange, queues and binding are there.\n"
    )
    assert {queue["name"] for queue in quiet.read("queues")} == {QUEUE, DEAD}
    bound = quiet.read("exchanges", "/", EXCHANGE, "bindings", "source")
    assert [(one["destination"], one["routing_key"]) for one in bound] == [
        (QUEUE, "health.processing.#")
    ]
    assert tell(site, quiet, "prepare").code == 0


def test_a_wrong_password_of_the_broker_is_told_in_words(site: Site, quiet: Broker) -> None:
    """Left to itself the engine would stay up for ever, green and idle."""
    right = variables(site.cluster, ENGINE)["ETL_RABBITMQ_URL"]
    wrong = right.replace(login(right).password, "x" * 43)
    for word in ("prepare", "alive", "ready"):
        ended = tell(site, quiet, word, ETL_RABBITMQ_URL=wrong)
        assert ended.code == 1, ended.trouble
        assert ended.printed.startswith("The message broker refuses the password of its user etl.")
        assert "x" * 43 not in ended.printed


def test_a_queue_made_in_another_way_is_told_before_the_engine_stops_over_it(
    site: Site, quiet: Broker
) -> None:
    """T-04."""
    with quiet.channel(ADMINISTRATOR) as channel:
        channel.queue_delete(QUEUE)
        channel.queue_declare(QUEUE, durable=True, arguments={"x-message-ttl": 1800000})
    try:
        ended = tell(site, quiet, "prepare")
        assert ended.code == 1
        assert "made in another way" in ended.printed
        assert "x-message-ttl" in ended.printed
    finally:
        with quiet.channel(ADMINISTRATOR) as channel:
            channel.queue_delete(QUEUE)
        assert tell(site, quiet, "prepare").code == 0


def test_an_engine_that_takes_messages_passes(site: Site, quiet: Broker) -> None:
    with consuming(quiet):
        for word in ("alive", "ready"):
            ended = tell(site, quiet, word)
            assert (ended.code, ended.printed) == (0, ""), ended.trouble


def test_an_engine_without_a_connection_is_found_out(site: Site, quiet: Broker) -> None:
    """T-15: what happens when its first login fails."""
    for word in ("alive", "ready"):
        ended = tell(site, quiet, word)
        assert ended.code == 1
        assert "has no connection" in ended.printed


def test_an_engine_that_is_connected_and_takes_nothing_is_found_out(
    site: Site, quiet: Broker
) -> None:
    """T-04, T-18: what happens when the broker refuses a declaration and closes its channel."""
    with quiet.connected(ETL):
        for word in ("alive", "ready"):
            ended = tell(site, quiet, word)
            assert ended.code == 1
            assert "Nobody takes messages" in ended.printed


def test_asking_takes_no_message_and_leaves_no_connection(site: Site, quiet: Broker) -> None:
    with quiet.channel(ADMINISTRATOR) as channel:
        channel.basic_publish(EXCHANGE, KEY, json.dumps({}).encode(), mandatory=True)
        try:
            for word in ("prepare", "alive", "ready"):
                tell(site, quiet, word)
            assert channel.queue_declare(QUEUE, passive=True).method.message_count == 1
        finally:
            channel.queue_purge(QUEUE)
    assert until(lambda: quiet.read("connections") == [], 20)
    assert "closed unexpectedly" not in quiet.server.process.told()


def test_a_broker_that_is_away_is_waited_for_and_never_blamed_on_the_engine(
    site: Site, quiet: Broker
) -> None:
    process = script(site, quiet, "prepare")
    quiet.server.stop()
    try:
        alive, ready = (tell(site, quiet, word) for word in ("alive", "ready"))
        assert alive.code == 0, alive.trouble
        assert "the engine is not judged" in alive.printed
        assert ready.code == 1
        assert "does not answer" in ready.printed
        started = process.start()
        assert until(lambda: "Waiting for the message broker" in process.told(), 20)
    finally:
        quiet.server.start()
    try:
        assert started.wait(timeout=40) == 0, process.told()
    finally:
        end_group(started)


def test_a_probe_is_cheap(site: Site, quiet: Broker) -> None:
    """Every 15 seconds for ever, on a slow core."""
    with consuming(quiet):
        process = script(site, quiet, "ready")
        before = _children_seconds()
        assert run_to_end(process).code == 0
    assert _children_seconds() - before < 1


def _children_seconds() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
