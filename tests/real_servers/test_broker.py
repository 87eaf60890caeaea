"""The message broker on the rendered configuration.

The image is RabbitMQ 4.3, Debian's package 3.10. Both refuse to start on a setting they do not
know, so every rendered setting is known to the one used here. What cannot be seen with the older
one: 4.3 keeps its definitions in another kind of store and has queues of a newer make.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.real_servers.backups import IMAGES
from tests.real_servers.broker import ADMINISTRATOR, API, DEAD, ETL, EXCHANGE, QUEUE, Broker, broker
from tests.real_servers.extracting import secret_values
from tests.real_servers.processes import Site, run_to_end, until
from tests.real_servers.servers import page, running
from tests.real_servers.watching import ArgumentsWatch

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

KEY = "health.processing.stepsrecord"
BODY = json.dumps({"bucket": "health-data", "key": "raw/1.avro"}).encode()


@pytest.fixture(autouse=True)
def nothing_waits(message_broker: Broker) -> None:
    """Tests of other files use the same broker, and not all of them take out what they put in."""
    with message_broker.channel(ETL) as etl:
        etl.queue_purge(QUEUE)


def test_all_probes_of_the_broker_pass(message_broker: Broker) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert message_broker.server.passes(probe), message_broker.server.process.trouble(probe)


def test_exchange_queues_and_binding_are_what_the_applications_declare(
    message_broker: Broker,
) -> None:
    exchange = message_broker.read("exchanges", "/", EXCHANGE)
    assert (exchange["type"], exchange["durable"], exchange["auto_delete"]) == (
        "topic",
        True,
        False,
    )
    assert exchange["arguments"] == {}
    queues = {queue["name"]: queue for queue in message_broker.read("queues")}
    assert queues.keys() == {QUEUE, DEAD}
    for queue in queues.values():
        assert (queue["durable"], queue["auto_delete"]) == (True, False)
        # An argument more, and the processing engine's own declaration is refused.
        assert {**queue["arguments"], "x-queue-type": "classic"} == {"x-queue-type": "classic"}
    bindings = message_broker.read("exchanges", "/", EXCHANGE, "bindings", "source")
    assert [(one["destination"], one["routing_key"]) for one in bindings] == [
        (QUEUE, "health.processing.#")
    ]


def test_there_are_three_users_and_no_guest(message_broker: Broker) -> None:
    users = {user["name"]: user["tags"] for user in message_broker.read("users")}
    assert users.keys() == {ADMINISTRATOR, API, ETL}
    assert "administrator" in users[ADMINISTRATOR]
    assert not users[API]
    assert not users[ETL]


def test_the_generated_passwords_open_the_broker_and_nothing_else_does(
    message_broker: Broker,
) -> None:
    for user in (ADMINISTRATOR, API, ETL):
        with message_broker.connected(user) as connection:
            assert connection.is_open
    for user, password in (
        (API, "x" * 43),
        (API, message_broker.password(ETL)),
        (API, ""),
        ("guest", "guest"),
    ):
        assert _refused(message_broker, user, password), user


def test_the_management_pages_are_for_the_administrator(message_broker: Broker) -> None:
    for user in (API, ETL):
        status, _ = message_broker.management("/api/overview", user, message_broker.password(user))
        assert status == 401
    assert message_broker.management("/api/overview", "guest", "guest")[0] == 401
    assert message_broker.management("/api/overview", ADMINISTRATOR, "x" * 43)[0] == 401
    assert message_broker.read("overview")["object_totals"]["queues"] == 2


def test_a_message_of_the_api_reaches_the_processing_engine(message_broker: Broker) -> None:
    amqp: Any = pytest.importorskip("pika")
    with message_broker.channel(API) as api, message_broker.channel(ETL) as etl:
        api.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
        persistent = amqp.BasicProperties(delivery_mode=2, content_type="application/json")
        api.basic_publish(EXCHANGE, KEY, BODY, properties=persistent, mandatory=True)
        assert until(lambda: _waiting(etl, QUEUE) == 1, 10)
        method, _, body = etl.basic_get(QUEUE)
        assert (method.routing_key, body) == (KEY, BODY)
        etl.basic_ack(method.delivery_tag)
        with pytest.raises(amqp.exceptions.UnroutableError):
            api.basic_publish(EXCHANGE, "health.other", BODY, mandatory=True)


def test_the_api_publishes_but_neither_reads_nor_makes_queues(message_broker: Broker) -> None:
    for attempt in (
        lambda channel: channel.basic_get(QUEUE),
        lambda channel: list(channel.consume(QUEUE, inactivity_timeout=5)),
        lambda channel: channel.queue_purge(QUEUE),
        lambda channel: channel.queue_declare("health_data_own", durable=True),
        lambda channel: channel.queue_delete(QUEUE),
        lambda channel: channel.basic_publish("", QUEUE, BODY),
        lambda channel: channel.exchange_declare("other", exchange_type="topic"),
    ):
        assert _code(message_broker, API, attempt) == 403


def test_the_processing_engine_declares_what_its_code_declares(message_broker: Broker) -> None:
    with message_broker.channel(ETL) as etl:
        etl.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
        for queue in (QUEUE, DEAD):
            etl.queue_declare(queue, durable=True)
        etl.queue_bind(QUEUE, EXCHANGE, "health.processing.#")
        etl.basic_publish("", DEAD, BODY, mandatory=True)
        etl.queue_purge(DEAD)
        etl.basic_qos(prefetch_count=1)
    assert _code(message_broker, ETL, lambda channel: channel.queue_declare("own")) == 403
    assert _code(message_broker, ETL, lambda channel: channel.exchange_delete("amq.topic")) == 403


def test_a_message_comes_back_from_a_delay_queue(message_broker: Broker) -> None:
    delays = {30: 500, 300: 300000, 900: 900000}
    with message_broker.channel(ETL) as etl:
        try:
            for seconds, milliseconds in delays.items():
                # As the engine declares them, but the first with a shorter wait.
                etl.queue_declare(_delay(seconds), durable=True, arguments=_back(milliseconds))
            etl.basic_publish("", _delay(30), BODY, mandatory=True)
            assert until(lambda: _waiting(etl, QUEUE) == 1, 15)
            method, properties, body = etl.basic_get(QUEUE, auto_ack=True)
            assert (method.routing_key, body) == (KEY, BODY)
            assert properties.headers["x-death"][0]["queue"] == _delay(30)
        finally:
            for seconds in delays:
                etl.queue_delete(_delay(seconds))


def test_limits_follow_the_container_and_the_volume(message_broker: Broker) -> None:
    # The figures of a node come a few seconds after its start.
    assert until(lambda: "mem_limit" in message_broker.read("nodes")[0], 20)
    node = message_broker.read("nodes")[0]
    assert node["mem_limit"] == 300_000_000
    assert node["disk_free_limit"] == 512_000_000
    assert node["name"] == "rabbit@localhost"
    assert not node["mem_alarm"]


def test_metrics_are_where_the_service_says(message_broker: Broker) -> None:
    service = message_broker.site.cluster.body("Service", "rabbitmq")
    notes = service["metadata"]["annotations"]
    ports = message_broker.server.container.ports
    assert int(notes["health-install/scrape-port"]) == ports["metrics"]
    text = page(message_broker.server.port("metrics"), notes["health-install/scrape-path"])
    assert f'queue="{QUEUE}"' in text


def test_neither_server_nor_probe_shows_a_password(message_broker: Broker) -> None:
    secrets = secret_values(message_broker.site.cluster)
    with ArgumentsWatch() as watch:
        assert message_broker.server.passes("livenessProbe")
    assert watch.saw("beam.smp"), "the watch has not seen the server"
    assert watch.leaks(secrets) == []
    assert not any(secret in message_broker.server.process.told() for secret in secrets)


def test_the_cookie_is_its_owners_alone(message_broker: Broker) -> None:
    cookie = message_broker.server.mapping.path("/run/rabbitmq") / ".erlang.cookie"
    assert cookie.stat().st_mode & 0o777 == 0o400


def test_messages_outlive_the_pod_and_a_changed_password_is_in_force(
    site: Site, message_broker: Broker
) -> None:
    amqp: Any = pytest.importorskip("pika")
    before = _shape(message_broker)
    with message_broker.channel(API) as api:
        persistent = amqp.BasicProperties(delivery_mode=2)
        api.basic_publish(EXCHANGE, KEY, BODY, properties=persistent, mandatory=True)
    changed = site.cluster.with_secret("rabbitmq-secret", etl_password="N" * 43)
    message_broker.server.stop()
    successor = broker(site, changed)
    try:
        _move_data(message_broker, successor)
        with running(successor.server):
            assert _refused(successor, ETL, message_broker.password(ETL))
            assert _shape(successor) == before
            with successor.channel(ETL) as etl:
                assert etl.basic_get(QUEUE, auto_ack=True)[2] == BODY
    finally:
        _move_data(successor, message_broker)
        message_broker.server.start()


def _move_data(giver: Broker, taker: Broker) -> None:
    """Gives the volume of one pod to its successor."""
    held, place = (one.server.mapping.path("/var/lib/rabbitmq") for one in (giver, taker))
    source = held.resolve()
    place.unlink()
    place.symlink_to(source)


def _refused(made: Broker, user: str, password: str) -> bool:
    amqp: Any = pytest.importorskip("pika")
    try:
        with made.connected(user, password):
            return False
    except amqp.exceptions.AMQPConnectionError:
        return True


def _code(made: Broker, user: str, attempt: Any) -> int:
    """The reply code with which the broker closes the channel; 0 when it does not."""
    amqp: Any = pytest.importorskip("pika")
    try:
        with made.channel(user) as channel:
            attempt(channel)
    except amqp.exceptions.ChannelClosedByBroker as closed:
        code: int = closed.reply_code
        return code
    return 0


def _waiting(channel: Any, queue: str) -> int:
    count: int = channel.queue_declare(queue, passive=True).method.message_count
    return count


def _delay(seconds: int) -> str:
    return f"{QUEUE}_delay_{seconds}s"


def _back(milliseconds: int) -> dict[str, Any]:
    """Arguments of a queue whose messages go back to the exchange after a time."""
    return {
        "x-message-ttl": milliseconds,
        "x-dead-letter-exchange": EXCHANGE,
        "x-dead-letter-routing-key": KEY,
    }


def _shape(made: Broker) -> tuple[Any, ...]:
    """Users, rights and topology; not the passwords, which are salted anew at every start."""
    whole = made.read("definitions")
    kinds = ("permissions", "exchanges", "queues", "bindings", "policies")
    users = sorted((user["name"], tuple(user["tags"])) for user in whole["users"])
    return users, *(
        sorted(json.dumps(one, sort_keys=True) for one in whole[kind]) for kind in kinds
    )


def test_a_lost_queue_comes_back_from_a_backup_and_users_stay(message_broker: Broker) -> None:
    """What a backup keeps of the broker, and the container that brings it back."""
    kept = message_broker.read("definitions", "/")
    assert {"queues", "exchanges", "bindings"} <= kept.keys()
    assert "users" not in kept
    with message_broker.channel(ADMINISTRATOR) as channel:
        channel.queue_delete(DEAD)
    site = message_broker.site
    pod = site.cluster.pod("CronJob", "restore")
    port = message_broker.server.port("management")
    process = site.prepare(pod, "broker", IMAGES["broker"](), ((15672, port),), {"EVERY": "0.1"})
    work = process.mapping.path("/work")
    (work / "definitions.json").write_text(json.dumps(kept), encoding="utf-8")
    (work / "definitions.json").chmod(0o644)
    (work / "fetched").touch()
    with ArgumentsWatch() as watch:
        ended = run_to_end(process)
    assert ended.code == 0, ended.trouble
    assert "the message broker has its definitions" in ended.printed
    assert {one["name"] for one in message_broker.read("queues")} == {QUEUE, DEAD}
    assert watch.leaks(secret_values(site.cluster)) == []
