"""Limits as the rehearsal's Oracle tells them over the real SDK, and what a plan lacks of them."""

from __future__ import annotations

import pytest

from installer.oracle.limits import (
    LIMITS,
    LimitsReader,
    Needs,
    Reading,
    is_suspended,
    shortages,
)
from tests.oracle.world import World

BY_NAME = {limit.name: limit for limit in LIMITS}


def reading(name: str, left: int | None, value: int | None = None) -> Reading:
    return Reading(BY_NAME[name], value, left)


def test_a_trial_account_has_room_for_the_usual_plan(world: World) -> None:
    readings = LimitsReader(world.account()).read(Needs(network_balancers=1))
    told = {each.limit.name: each.left for each in readings}
    assert told["cluster-count"] == 1
    assert told["standard-a1-core-count"] == 41
    assert told["total-free-storage-gb"] == 200
    assert told["max-nlb-flexible-count"] == 1
    assert shortages(readings, Needs(network_balancers=1)) == ()


def test_only_what_the_plan_has_a_use_for_is_asked(world: World) -> None:
    names = {each.limit.name for each in LimitsReader(world.account()).read(Needs())}
    assert "nat-gateway-count" not in names
    assert "lb-flexible-count" not in names
    assert "total-storage-gb" not in names


def test_a_limit_that_cannot_say_what_is_left_counts_by_its_value(world: World) -> None:
    (nat,) = [
        each
        for each in LimitsReader(world.account()).read(Needs(nat_gateways=1))
        if each.limit.name == "nat-gateway-count"
    ]
    assert (nat.value, nat.left) == (1, 1)


def test_limits_nobody_may_read_are_unknown_and_no_obstacle(world: World) -> None:
    refused = {"do": "error", "status": 404, "code": "NotAuthorizedOrNotFound", "times": "always"}
    world.weather(
        {"operation": "GetResourceAvailability", **refused},
        {"operation": "ListLimitValues", **refused},
    )
    readings = LimitsReader(world.account()).read(Needs())
    assert {each.left for each in readings} == {None}
    assert shortages(readings, Needs()) == ()
    assert not is_suspended(readings)


def test_the_smaller_of_domain_and_region_decides() -> None:
    found = shortages(
        [
            reading("standard-a1-core-count", 41, 41),
            reading("standard-a1-core-regional-count", 1, 16),
        ],
        Needs(),
    )
    assert [(each.what, each.left, each.value) for each in found] == [("A1 OCPUs", 1, 16)]
    assert "2 needed, 1 left; the account's limit for A1 OCPUs in this region is 16" in (
        found[0].words
    )


def test_a_negative_figure_reads_as_none_left() -> None:
    (found,) = shortages([reading("total-free-storage-gb", -50, 200)], Needs())
    assert "50 needed, 0 left" in found.words


def test_what_is_ours_already_does_not_count_again() -> None:
    used_up = [reading("cluster-count", 0, 1), reading("total-free-storage-gb", 0, 200)]
    assert len(shortages(used_up, Needs(storage_gb=200))) == 2
    own = Needs(clusters=1, storage_gb=200)
    assert shortages(used_up, Needs(storage_gb=200), own) == ()
    (more,) = shortages(used_up, Needs(storage_gb=250), own)
    assert more.needed == 50


def test_who_agreed_to_a_bill_is_not_held_to_the_free_storage() -> None:
    full = [reading("total-free-storage-gb", 0, 200), reading("total-storage-gb", 5000, 6000)]
    assert shortages(full, Needs(storage_gb=250)) != ()
    assert shortages(full, Needs(storage_gb=250, paid=True)) == ()


@pytest.mark.parametrize(
    ("values", "suspended"), [((0, 0, 0), True), ((0, 0, 1), False), ((None, None, 0), False)]
)
def test_only_zeros_everywhere_are_a_suspended_account(
    values: tuple[int | None, ...], suspended: bool
) -> None:
    names = ("cluster-count", "vcn-count", "standard-a1-core-count")
    readings = [reading(name, value, value) for name, value in zip(names, values, strict=True)]
    assert is_suspended(readings) is suspended
