"""Full regions, silent machines, throttling: what happens, what is said, what is left."""

from __future__ import annotations

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Ending, Note, Retrying
from tests.oracle.world import Person, World


def notes(person: Person) -> str:
    return "\n".join(event.words for event in person.events if isinstance(event, Note))


def test_a_full_place_is_followed_by_the_next(world: World, person: Person) -> None:
    world.weather({"operation": "LaunchNodes", "do": "no_capacity", "times": 2})
    result = person.run("install")
    assert result.error is None
    assert notes(person).count("No free machine in") == 2
    assert (world.count()["nodepool"], world.count()["instance"]) == (1, 1)
    assert person.run("install").changed == 0


@pytest.mark.slow
def test_a_full_region_parks_the_installation(world: World, person: Person) -> None:
    person.compartment = "no-capacity"
    for _ in range(2):
        result = person.run("install")
        assert (result.ending, result.exit_code) == (Ending.PARKED, ExitCode.PARKED)
        assert result.error is not None
        assert "Out of host capacity" in result.error.why
        assert "FAULT-DOMAIN-3" in result.error.why
        assert "pay-as-you-go" in result.error.then
        assert world.count()["nodepool"] == 0
        assert world.count()["cluster"] == 1
    assert person.run("destroy").error is None
    assert world.inventory() == []


@pytest.mark.slow
def test_a_machine_that_does_not_join_is_about_network_rules(world: World, person: Person) -> None:
    world.weather({"operation": "LaunchNodes", "do": "register_timeout", "times": 1})
    result = person.run("install")
    assert result.exit_code == ExitCode.CLUSTER
    assert result.error is not None
    assert "register timeout" in result.error.why
    assert "12250" in result.error.then
    assert "unusually long" in notes(person)

    assert person.run("install").error is None
    assert (world.count()["nodepool"], world.count()["instance"]) == (1, 1)


@pytest.mark.slow
def test_a_limit_met_by_the_machine_is_told_apart_from_capacity(
    world: World, person: Person
) -> None:
    world.weather({"operation": "LaunchNodes", "do": "limit_zero", "times": 1})
    result = person.run("install")
    assert result.exit_code == ExitCode.ACCOUNT
    assert result.error is not None
    assert "limit for machines" in result.error.what


@pytest.mark.slow
def test_a_machine_that_was_deleted_is_replaced(world: World, person: Person) -> None:
    person.run("install")
    client = world.account().clients.client("clusters")
    pool = person.recall("node-pool")
    node = client.get_node_pool(pool).data.nodes[0]
    client.delete_node(pool, node.id, is_decrement_size=True)

    result = person.run("install")

    assert result.error is None
    assert world.count()["instance"] == 1
    assert person.recall("node-pool") == pool
    assert person.run("install").changed == 0


@pytest.mark.slow
def test_throttling_is_waited_out(world: World, person: Person) -> None:
    world.weather({"operation": "ListVcns", "do": "throttle", "retry_after": 30, "times": 8})
    assert person.run("install", person.network_steps()).error is None
    assert any(isinstance(event, Retrying) and event.pause >= 30 for event in person.events)


def test_trouble_at_oracle_is_waited_out(world: World, person: Person) -> None:
    world.weather({"operation": "CreateSubnet", "do": "error", "status": 503, "times": 5})
    assert person.run("install", person.network_steps()).error is None
    assert world.count()["subnet"] == 3


def test_a_refused_limit_is_not_tried_again(world: World, person: Person) -> None:
    world.weather({"operation": "CreateVcn", "do": "limit_zero", "times": "always"})
    result = person.run("install", person.network_steps())
    assert result.exit_code == ExitCode.ACCOUNT
    assert result.error is not None
    assert "LimitExceeded" in result.error.why
    assert "request id" in result.error.why
    assert not any(isinstance(event, Retrying) for event in person.events)
