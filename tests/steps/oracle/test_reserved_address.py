"""A reserved address: made where it may be, given to the balancer, kept on request, taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from installer.commands.keeping import keep_address
from installer.engine.errors import ExitCode
from installer.engine.events import Ending, Note
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.stamp import Stamp
from installer.oracle.wanted import Reserve
from tests.oracle.world import Person, World
from tests.steps.oracle.test_installing_and_removing import settle
from tests.steps.oracle.test_limits import written, zero
from tests.weather.stage import Stage

LIMIT = "reserved-public-ip-count"


def quick(person: Person) -> Any:
    """Everything but machines and cluster."""
    return [each for each in person.steps() if each.group != "Cluster"]


def addresses(world: World) -> list[dict[str, Any]]:
    return [each for each in world.inventory() if each["kind"] == "publicip"]


@pytest.mark.parametrize("reserve", [Reserve.YES, Reserve.IF_POSSIBLE])
def test_one_address_is_reserved_with_our_tag_and_given_back(
    world: World, person: Person, reserve: Reserve
) -> None:
    person.reserve = reserve
    assert person.run("install", quick(person)).error is None
    (found,) = addresses(world)
    assert found["tags"]["health-install"] == person.id()
    assert found["id"] == person.recall("reserved-address")
    assert person.recall("reserved-address", "address").startswith("203.0.113.")
    assert person.run("install", quick(person)).ending is Ending.NOTHING_TO_DO
    assert person.run("destroy", quick(person)).error is None
    assert world.inventory() == []


def test_nothing_is_reserved_unasked_and_one_from_before_goes_with_the_rest(
    world: World, person: Person
) -> None:
    assert person.run("install", quick(person)).error is None
    assert not {"ListPublicIps", "CreatePublicIp"} & set(world.operations())
    person.reserve = Reserve.YES
    assert person.run("install", quick(person)).changed == 1
    person.reserve = Reserve.NO
    assert person.run("install", quick(person)).changed == 0
    assert len(addresses(world)) == 1
    assert person.run("destroy", quick(person)).error is None
    assert world.inventory() == []


def test_an_account_that_may_have_none_hears_it_once_and_goes_on(
    world: World, person: Person
) -> None:
    world.weather(*zero(LIMIT))
    person.reserve = Reserve.IF_POSSIBLE
    result = person.run("install", quick(person))
    assert result.error is None
    told = [each.words for each in person.events if isinstance(each, Note)]
    assert any("No address could be reserved" in each and "registrar" in each for each in told)
    since = world.requests()
    assert person.run("install", quick(person)).changed == 0
    assert "CreatePublicIp" not in world.operations(since)


def test_whoever_insists_is_refused_before_anything_is_made(world: World, person: Person) -> None:
    world.weather(*zero(LIMIT))
    person.reserve = Reserve.YES
    result = person.run("install", quick(person))
    assert result.exit_code == ExitCode.ACCOUNT
    assert result.error is not None
    assert "reserved addresses: 1 needed, 0 left" in result.error.why
    assert "place.reserved_ip" in result.error.then
    assert written(world) == set()


def test_a_kept_address_is_taken_back_by_the_next_installation_of_its_name(
    world: World, person: Person, tmp_path: Path
) -> None:
    person.reserve = Reserve.IF_POSSIBLE
    assert person.run("install", quick(person)).error is None
    digits, home = person.recall("reserved-address", "address"), person.recall("compartment")
    kept = keep_address(world.account(), person.id())
    assert len(kept.lines) == 1
    assert "costs nothing" in kept.price
    assert home in kept.price
    assert keep_address(world.account(), person.id()).lines == kept.lines
    assert person.run("destroy", quick(person)).error is None
    (left,) = addresses(world)
    assert "health-install" not in left["tags"]

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    heir = replace(person, folder=elsewhere, compartment=home, events=[])
    assert heir.run("install", quick(heir)).error is None
    assert heir.recall("reserved-address", "address") == digits
    assert addresses(world)[0]["tags"] == {
        "health-install": heir.id(),
        "health-install-name": "health",
    }
    assert heir.run("destroy", quick(heir)).error is None
    assert addresses(world) == []


def test_an_address_of_somebody_else_is_not_taken(world: World, person: Person) -> None:
    from oci.core.models import CreatePublicIpDetails

    account = world.account()
    person.compartment, person.reserve = account.tenancy, Reserve.YES
    details = CreatePublicIpDetails(
        compartment_id=account.tenancy, display_name="health-address", lifetime="RESERVED"
    )
    account.clients.client("network").create_public_ip(details)
    settle(world)
    before = world.inventory()
    assert person.run("install", quick(person)).exit_code == ExitCode.NOT_OURS
    assert person.run("destroy", quick(person)).error is None
    assert world.inventory() == before


@pytest.fixture
def stage(world: World, tmp_path: Path) -> Stage:
    """A small platform with a balancer."""
    folder = tmp_path / "stage"
    folder.mkdir()
    made = Stage(world, folder, "platform")
    made.person.reserve = Reserve.IF_POSSIBLE
    return made


def take_the_door_away(world: World, person: Person) -> None:
    """Somebody removes the Service by hand; its balancer goes with it."""
    access = world.account().cluster_connection(person.recall("cluster"))
    stamp = Stamp(person.id(), "health")
    with Cluster(Connection(access.server, access.ca_pem, access.token), 1 / 600) as cluster:
        doors = [each for each in cluster.inventory(stamp) if each.ref.name == "door"]
        cluster.delete(doors, stamp, wait_for)


def wait_for(
    what: str,
    check: Callable[[], str | None],
    every: float = 0.02,
    usually: float = 0.0,
    at_most: float = 0.0,
) -> None:
    while check() is not None:
        time.sleep(every)


@pytest.mark.slow
def test_the_balancer_has_the_reserved_address_and_a_new_one_has_it_again(
    world: World, stage: Stage
) -> None:
    assert stage.run("install").error is None
    digits = stage.person.recall("reserved-address", "address")
    client = world.account().clients.client("balancers")
    room = stage.person.recall("compartment")

    def balancers() -> list[Any]:
        found = client.list_load_balancers(room).data
        return [each for each in found if each.lifecycle_state == "ACTIVE"]

    (first,) = balancers()
    assert [each.ip_address for each in first.ip_addresses] == [digits]
    assert addresses(world)[0]["state"] == "ASSIGNED"
    assert stage.run("install").changed == 0

    take_the_door_away(world, stage.person)
    assert stage.run("install").error is None
    (second,) = balancers()
    assert second.id != first.id
    assert [each.ip_address for each in second.ip_addresses] == [digits]
    assert stage.run("destroy").error is None
    assert world.inventory() == []
