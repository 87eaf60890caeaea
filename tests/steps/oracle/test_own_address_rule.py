"""Only the person's own address reaches the API; the rule follows when it changes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Note
from installer.oracle.wanted import MINE, NetworkPlan
from tests.oracle.world import Person, World
from tests.steps.oracle.neighbours import Neighbour

FIRST, SECOND = "198.51.100.7/32", "198.51.100.99/32"


@pytest.fixture
def shy(person: Person) -> Person:
    """Somebody who lets nobody else in."""
    person.network = NetworkPlan(api_access_cidr=MINE)
    return person


def operators(world: World, person: Person) -> set[str]:
    """Who may reach the API from outside."""
    client = world.account().clients.client("network")
    rules: Any = client.get_security_list(person.recall("security-rules-api")).data
    return {
        rule.source
        for rule in rules.ingress_security_rules
        if rule.tcp_options and rule.tcp_options.destination_port_range.min == 6443
    } - {"10.20.1.0/24"}


def told(person: Person) -> str:
    return "\n".join(str(dataclasses.asdict(each)) for each in person.events)


def test_the_rule_follows_the_address_and_the_address_is_shown_to_nobody(
    world: World, shy: Person
) -> None:
    assert shy.run("install", shy.network_steps()).error is None
    assert operators(world, shy) == {FIRST}
    assert shy.run("install", shy.network_steps()).changed == 0

    world.move(SECOND.removesuffix("/32"))
    shy.run("plan", shy.network_steps())
    assert "open inbound: TCP 6443 from your own address" in told(shy)
    assert "close inbound: TCP 6443 from an address of yours from before" in told(shy)
    assert "198.51.100" not in told(shy)
    result = shy.run("install", shy.network_steps())
    assert (result.error, result.changed) == (None, 1)
    assert "198.51.100" not in told(shy)
    assert operators(world, shy) == {SECOND}
    assert shy.run("install", shy.network_steps()).changed == 0


def test_an_address_nobody_tells_stops_a_first_run_and_not_a_later_one(
    world: World, shy: Person
) -> None:
    world.move("10.0.0.4")
    result = shy.run("install", shy.network_steps())
    assert result.exit_code == ExitCode.ANSWERS
    assert result.error is not None
    assert "cluster.api_access_cidr" in result.error.then

    world.move(FIRST.removesuffix("/32"))
    assert shy.run("install", shy.network_steps()).error is None
    world.move("10.0.0.4")
    result = shy.run("install", shy.network_steps())
    assert (result.error, result.changed) == (None, 0)
    assert any("stays open" in each.words for each in shy.events if isinstance(each, Note))
    assert operators(world, shy) == {FIRST}
    assert shy.run("destroy", shy.network_steps()).error is None
    assert world.inventory() == []


def test_nobody_is_asked_for_it_unless_the_answers_say_so(world: World, person: Person) -> None:
    world.move("10.0.0.4")
    assert person.run("install", person.network_steps()).error is None
    assert operators(world, person) == {"0.0.0.0/0"}


def test_a_given_subnet_that_lacks_the_rule_hears_of_it_without_the_address(
    world: World, shy: Person
) -> None:
    neighbour = Neighbour(world).open().furnish(NetworkPlan(api_access_cidr=SECOND))
    shy.network = dataclasses.replace(shy.network, given=neighbour.given)
    result = shy.run("install", shy.network_steps())
    assert result.error is not None
    assert result.error.why.splitlines()[1:] == [
        "The subnet their-api: add the inbound rule TCP 6443 from your own address."
    ]
    world.move(SECOND.removesuffix("/32"))
    assert shy.run("install", shy.network_steps()).error is None
