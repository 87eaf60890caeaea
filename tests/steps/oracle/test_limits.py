"""Nothing is written before the account's limits are known to have room for all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Ending
from installer.engine.state import State
from tests.oracle.world import Person, World, world_in


def zero(*limits: str) -> list[dict[str, object]]:
    return [
        {"operation": "ANY", "do": "limit_zero", "limit": limit, "times": "always"}
        for limit in limits
    ]


def written(world: World) -> set[str]:
    """Operations that change something."""
    return {
        name
        for name in world.operations()
        if not name.startswith(("Get", "List")) and name != "CreateKubeconfig"
    }


def volume(world: World, compartment: str, size: int) -> str:
    from oci.core.models import CreateVolumeDetails

    account = world.account()
    details = CreateVolumeDetails(
        compartment_id=compartment,
        availability_domain=account.availability_domains()[0],
        size_in_gbs=size,
    )
    return str(account.clients.client("volumes").create_volume(details).data.id)


def test_all_that_lacks_is_told_at_once_and_nothing_is_written(
    world: World, person: Person
) -> None:
    world.weather(*zero("standard-a1-core-regional-count", "vcn-count"))
    result = person.run("install")
    assert result.exit_code == ExitCode.ACCOUNT
    assert result.error is not None
    assert "A1 OCPUs: 2 needed, 0 left" in result.error.why
    assert "virtual networks: 1 needed, 0 left" in result.error.why
    assert "cluster.node_ocpus" in result.error.then
    assert "clusters" not in result.error.why
    assert written(world) == set()


def test_an_account_without_clusters_hears_why_and_what_its_choices_are(tmp_path: Path) -> None:
    with world_in(tmp_path / "world", "--account", "free") as world:
        folder = tmp_path / "folder"
        folder.mkdir()
        person = Person(world, folder)
        result = person.run("install")
        assert result.error is not None
        assert "limit for Kubernetes clusters in this region is 0" in result.error.why
        assert "Upgrade to pay-as-you-go" in result.error.then
        assert "target 'existing'" in result.error.then
        assert written(world) == set()
        assert person.run("plan").error is None


def test_zeros_everywhere_are_told_as_a_suspended_account(world: World, person: Person) -> None:
    from installer.oracle.limits import LIMITS

    world.weather(*zero(*(limit.name for limit in LIMITS)))
    result = person.run("install")
    assert result.exit_code == ExitCode.ACCOUNT
    assert result.error is not None
    assert "suspended" in result.error.why
    assert "support" in result.error.then
    assert written(world) == set()


@pytest.mark.parametrize(("size", "left"), [(180, 20), (250, 0)])
def test_storage_of_others_counts_against_the_free_storage(
    world: World, person: Person, size: int, left: int
) -> None:
    volume(world, world.account().tenancy, size)
    result = person.run("install")
    assert result.error is not None
    assert f"free boot and block storage: 50 needed, {left} left" in result.error.why
    assert "compartment" not in world.count()


def test_limits_used_up_by_ourselves_do_not_stop_a_rerun(
    world: World, person: Person, tmp_path: Path
) -> None:
    assert person.run("install").error is None
    volume(world, world.account().tenancy, 150)
    world.weather(*zero("cluster-count", "vcn-count", "standard-a1-core-count"))
    asked = world.requests()
    second = person.run("install")
    assert (second.error, second.ending) == (None, Ending.NOTHING_TO_DO)
    assert "GetResourceAvailability" not in world.operations(asked)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    state = State(elsewhere / "state.sqlite")
    state.adopt(person.id())
    state.close()
    found_again = Person(world, elsewhere).run("install")
    assert (found_again.error, found_again.changed) == (None, 0)


def test_a_removal_asks_for_no_limit(world: World, person: Person) -> None:
    assert person.run("install", person.network_steps()).error is None
    world.weather(*zero("cluster-count", "vcn-count"))
    asked = world.requests()
    assert person.run("destroy", person.network_steps()).error is None
    assert "GetResourceAvailability" not in world.operations(asked)
    assert world.inventory() == []
