"""Gone without a trace, and on paper: the receipt, the lost state, and what others keep."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from installer.commands.demolition import chosen_of
from installer.commands.keeping import price_words
from installer.commands.receipt import Holding, Line, Receipt
from installer.engine.errors import ExitCode, NotOurs
from installer.engine.masking import MASK, known_secrets
from installer.engine.state import Installation
from installer.oracle.belongings import Belonging
from installer.oracle.holdings import Census, Held
from installer.oracle.holdings import Holding as Thing
from tests.journeys.person import Ended, Person
from tests.journeys.world import WorldView

HEALTH = Installation("habc12345678", "health")
WHEN = datetime(2026, 11, 23, 18, 0, 5, tzinfo=UTC)


def destroy(person: Person, *words: str) -> Ended:
    return person.rehearsed("destroy", "--yes", *words)


def kept_receipts(person: Person) -> list[str]:
    return [path.read_text() for path in sorted(person.state.glob("receipt-*.txt"))]


def lose_state(person: Person) -> None:
    for path in person.state.glob("state.sqlite*"):
        path.unlink()


def keep_a_volume(world: WorldView) -> str:
    """Somebody puts a volume of their own into our compartment."""
    from oci.core.models import CreateVolumeDetails

    account = world.world.account()
    ours = next(each for each in world.inventory() if each["kind"] == "compartment")
    details = CreateVolumeDetails(
        compartment_id=ours["id"],
        availability_domain=account.availability_domains()[0],
        display_name="somebody-\x1b[31melses",
        size_in_gbs=50,
    )
    return str(account.clients.client("volumes").create_volume(details).data.id)


@pytest.mark.slow
def test_without_state_the_id_finds_it_and_what_others_keep_stays(tmp_path: Path) -> None:
    person = Person(tmp_path)
    # With the lock nobody could put anything of their own beside ours.
    assert person.install("--set", "money.spend_lock=no").code == ExitCode.OK
    with person.world() as world:
        volume = keep_a_volume(world)
        tags = (each["tags"].get("health-install") for each in world.inventory())
        known = next(tag for tag in tags if tag)
    lose_state(person)

    wrong = destroy(person, "--installation", "hnobodyknows")
    assert wrong.code == ExitCode.NOT_OURS
    assert known in wrong.err
    with person.world() as world:
        assert any(each["kind"] == "cluster" for each in world.inventory())

    gone = destroy(person, "--installation", known)

    assert gone.code == ExitCode.OK, gone.err
    assert "\x1b" not in gone.out
    (receipt,) = kept_receipts(person)
    assert known in receipt
    for noun in ("node pool", "cluster", "machine", "boot volume", "block volume", "network"):
        assert re.search(rf"^  {noun} .*ocid1\.", receipt, re.M), noun
    assert "Afterwards nothing carries its mark any more." in receipt
    beside = receipt[receipt.index("Not ours, left as it was:") :]
    assert volume in beside
    with person.world() as world:
        assert {each["kind"] for each in world.inventory()} == {"compartment", "volume"}
        assert all(each["tags"] == {} for each in world.inventory())

    again = destroy(person)
    assert (again.code, len(kept_receipts(person))) == (ExitCode.OK, 1)
    assert "There is nothing" in again.out


@pytest.mark.slow
def test_a_program_that_reads_events_gets_nothing_else(tmp_path: Path) -> None:
    person = Person(tmp_path)
    running = person.installing()
    running.until_finished("vcn")
    running.kill()
    person.world_is_gone()

    gone = destroy(person, "--events", "json")

    assert gone.code == ExitCode.OK, gone.err
    events = [line for line in gone.out.splitlines() if line.startswith("{")]
    assert all(json.loads(line)["event"] for line in events)
    assert "Receipt of the removal" not in gone.out
    assert "Receipt of the removal" in gone.err
    assert "network health-vcn" in kept_receipts(person)[0]


@pytest.mark.slow
def test_data_volumes_stay_on_request_and_have_a_price(tmp_path: Path) -> None:
    person = Person(tmp_path)
    assert person.install().code == ExitCode.OK
    with person.world() as world:
        data = {each["id"] for each in world.inventory() if each["kind"] == "volume"}
        assert data

    gone = destroy(person, "--keep-volumes")

    assert gone.code == ExitCode.OK, gone.err
    (receipt,) = kept_receipts(person)
    kept = receipt[receipt.index("Kept on request") :]
    assert all(ocid in kept for ocid in data)
    assert f"{50 * len(data)} GB kept, beside 0 GB of other volumes" in kept
    assert "0.00 US dollars a month" in kept
    assert "Not ours" not in receipt
    with person.world() as world:
        left = world.inventory()
        assert {each["id"] for each in left if each["kind"] == "volume"} == data
        assert {each["kind"] for each in left} == {"compartment", "volume"}
        assert not any("health-install" in each["tags"] for each in left)
        assert all(
            each["tags"].keys() & {"health-install-kept"}
            for each in left
            if each["kind"] == "volume"
        )


def volume(ocid: str, gb: int, tags: dict[str, str] | None = None) -> Thing:
    return Thing(ocid, "data", "AVAILABLE", tags or {}, kind=Held.VOLUME, gb=gb)


def test_what_is_kept_beyond_the_free_allowance_has_its_price() -> None:
    kept = [Belonging("ocid1.volume.1", "data", "AVAILABLE", noun="block volume", gb=50)]
    census = Census(
        (
            volume("ocid1.volume.1", 50),
            volume("ocid1.volume.2", 180),
            volume("ocid1.volume.3", 500, {"health-install": HEALTH.id}),
        )
    )
    words = price_words(kept, census, HEALTH.id)
    # 30 GB beyond 200, at 0.0255 and ten performance units of 0.0017 each.
    assert "50 GB kept, beside 180 GB" in words
    assert re.search(r": 1\.2[78] US dollars a month", words)


def test_of_several_installations_the_person_says_which() -> None:
    assert chosen_of("health", ("a", "b"), "b") == "b"
    assert chosen_of("health", ("a",), "") == "a"
    assert chosen_of("health", (), "") == ""
    with pytest.raises(NotOurs, match="2 installations") as several:
        chosen_of("health", ("a", "b"), "")
    assert "--installation ID" in several.value.then
    with pytest.raises(NotOurs, match="no installation"):
        chosen_of("health", ("a", "b"), "c")


def test_a_receipt_says_what_is_still_there_and_what_nobody_could_see() -> None:
    volume = Line("block volume data, 50 GB (AVAILABLE)", "ocid1.volume.1")
    before = Holding((volume, Line("network health-vcn (AVAILABLE)", "ocid1.vcn.1")))
    stuck = Receipt(HEALTH, WHEN, before, Holding((volume,), (), ("load balancers",)))
    text = "\n".join(stuck.lines())
    assert "Before, this carried its mark: 2" in text
    assert "STILL THERE and may cost money: 1" in text
    assert "does not let this user list: load balancers" in text
    blind = Receipt(HEALTH, WHEN, before, None, "Oracle cannot be reached.")
    assert "Afterwards nobody could look: Oracle cannot be reached." in blind.lines()


def test_a_receipt_is_for_its_owner_and_holds_no_secret(tmp_path: Path) -> None:
    known_secrets.add("canary-secret-in-a-name")
    line = Line("block volume canary-secret-in-a-name (AVAILABLE)", "ocid1.volume.1")
    path = Receipt(HEALTH, WHEN, Holding((line,)), Holding()).write(tmp_path)
    assert path.name == "receipt-2026-11-23-180005.txt"
    assert path.stat().st_mode & 0o077 == 0
    assert MASK in path.read_text()
    assert "canary" not in path.read_text()
