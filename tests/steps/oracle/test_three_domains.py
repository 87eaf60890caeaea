"""A region with three availability domains: where the machine goes, and what is swept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.engine.state import State
from installer.oracle.belongings import Belongings
from installer.oracle.capacity import CapacityRadar
from installer.oracle.limits import LimitsReader, Needs, shortages
from installer.oracle.pace import MOST_AN_HOUR
from installer.oracle.placement import Outlook, Placement, in_order_of_hope, placements
from installer.oracle.sdk import models
from installer.oracle.wanted import NodePlan
from installer.rehearsal.oracle.credentials import settle_in
from installer.rehearsal.shelf import Shelf
from tests.oracle.world import SPEED, Person, World, world_in

MACHINE = Needs(ocpus=2, memory_gb=12, storage_gb=0)


@pytest.fixture(scope="module")
def frankfurt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_in(tmp_path_factory.mktemp("fra"), "--region", "eu-frankfurt-1") as running:
        yield running


@pytest.fixture
def there(frankfurt: World) -> World:
    """Frankfurt in fine weather."""
    frankfurt.fine()
    return frankfurt


def none_left(limit: str, *ends: str) -> list[dict[str, object]]:
    return [
        {"operation": "-", "do": "limit_zero", "limit": limit, "subject": f"*{end}"} for end in ends
    ]


def test_there_are_three_named_as_oracle_names_them(there: World) -> None:
    ends = [each.rsplit(":")[-1] for each in there.account().availability_domains()]
    assert ends == [f"EU-FRANKFURT-1-AD-{number}" for number in (1, 2, 3)]


def test_a_tenancy_stays_where_it_was_begun(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.sqlite")
    for region in ("us-ashburn-1", "eu-amsterdam-1"):
        identity, _ = settle_in(tmp_path, shelf, region)
        assert identity.region.name == "us-ashburn-1"
        ends = [each.rsplit(":")[-1] for each in identity.domains]
        assert ends == [f"US-ASHBURN-AD-{number}" for number in (1, 2, 3)]
    assert "region=us-ashburn-1" in (tmp_path / "oci" / "config").read_text()


def test_the_report_is_asked_in_each_domain_and_orders_them(there: World) -> None:
    account = there.account()
    one, two, three = account.availability_domains()
    there.weather({"operation": "LaunchNodes", "do": "no_capacity", "subject": "*AD-1*"})
    before = there.requests()
    places = placements([one, two, three], {})
    said = CapacityRadar(account).read(places, NodePlan())
    assert there.requests() - before == 3
    assert said[Placement(one)].outlook is Outlook.FULL
    assert [each.availability_domain for each in in_order_of_hope(places, said)] == [
        *(two, three, one),
    ]


def test_room_is_only_where_one_domain_has_all_of_it(there: World) -> None:
    reader = LimitsReader(there.account())
    one, two, three = there.account().availability_domains()
    there.weather(*none_left("standard-a1-core-count", "AD-1"))
    there.weather(*none_left("standard-a1-memory-count", "AD-2"))
    assert reader.domains_with_room(MACHINE) == (three,)
    assert shortages(reader.read(MACHINE), MACHINE) == ()

    there.weather(*none_left("standard-a1-core-count", "AD-3"))
    assert reader.domains_with_room(MACHINE) == ()
    (lacking,) = shortages(reader.read(MACHINE), MACHINE)
    assert "the availability domain with the most room" in lacking.words
    assert lacking.domain in (one, two, three)


def test_places_without_room_come_last_however_free_they_are() -> None:
    places = placements(["A", "B"], {})
    assert in_order_of_hope(places, {}, {"A"}) == (Placement("B"), Placement("A"))


def test_limits_of_a_domain_count_what_is_there_and_no_more(there: World) -> None:
    account = there.account()
    one, two, _ = account.availability_domains()
    made = volume(there, account.tenancy, one, {})
    limits = account.clients.client("limits")

    def used(domain: str) -> int:
        return int(
            limits.get_resource_availability(
                "block-storage", "total-storage-gb", account.tenancy, availability_domain=domain
            ).data.used
        )

    assert (used(one), used(two)) == (50, 0)
    account.clients.client("volumes").delete_volume(made)


def volume(world: World, compartment: str, domain: str, tags: dict[str, str]) -> str:
    client = world.account().clients.client("volumes")
    details = models("core").CreateVolumeDetails(
        compartment_id=compartment,
        availability_domain=domain,
        display_name="csi-left",
        size_in_gbs=50,
        freeform_tags=tags,
    )
    made = str(client.create_volume(details).data.id)
    while client.get_volume(made).data.lifecycle_state != "AVAILABLE":
        time.sleep(0.02)
    return made


def where_machines_are(world: World) -> set[str]:
    return {each["domain"] for each in world.inventory() if each["kind"] == "instance"}


@pytest.mark.slow
def test_a_spent_hour_holds_its_own_domain_only_and_a_removal_sweeps_all(
    there: World, tmp_path: Path
) -> None:
    person = Person(there, tmp_path)
    one, two, three = there.account().availability_domains()
    there.weather(*none_left("standard-a1-core-count", "AD-2"))
    _busy_hour_in(person, one)
    assert person.run("install").error is None
    assert where_machines_are(there) == {three}
    kept = json.loads(person.recall("node-pool", "attempts"))["attempts"]
    assert {domain: len(times) for domain, times in kept.items()} == {one: MOST_AN_HOUR, three: 1}

    ours = {"health-install": person.id(), "health-install-name": "health"}
    room = person.recall("compartment")
    for domain in (one, two):
        volume(there, room, domain, ours)
    found = Belongings(there.account()).inside(room).of(person.id())
    assert {each.domain for each in found if each.noun == "block volume"} == {one, two}
    there.fine()
    assert person.run("destroy").error is None
    assert there.inventory() == []


def _busy_hour_in(person: Person, domain: str) -> None:
    """As many attempts as an hour holds, just now."""
    state = State(person.folder / "state.sqlite")
    now = time.time() * SPEED
    kept = {"attempts": {domain: [now] * MOST_AN_HOUR}}
    state.remember("node-pool", "attempts", json.dumps(kept))
    state.close()


@pytest.mark.slow
def test_a_new_machine_goes_where_the_data_lies(there: World, tmp_path: Path) -> None:
    person = Person(there, tmp_path)
    _, two, _ = there.account().availability_domains()
    assert person.run("install", person.network_steps()).error is None
    ours = {"health-install": person.id(), "health-install-name": "health"}
    volume(there, person.recall("compartment"), two, ours)
    assert person.run("install").error is None
    assert where_machines_are(there) == {two}
    assert person.run("destroy").error is None
