"""Each kind of bad weather, as the real SDK meets it."""

from __future__ import annotations

import time

import oci
import pytest

from tests.rehearsal.oracle.landscape import compartment, vcn
from tests.rehearsal.oracle.playground import Playground
from tests.rehearsal.oracle.test_signatures import refused


@pytest.fixture(scope="module")
def room(module_world: Playground) -> str:
    return compartment(module_world)


def test_an_error_comes_as_often_as_asked_and_after_as_many_calls(
    world: Playground, room: str
) -> None:
    world.bad_weather(
        operation="GET /20160918/vcns",
        do="error",
        status=503,
        code="ServiceUnavailable",
        message="closed for lunch",
        after=1,
        times=2,
    )
    client = world.network
    client.list_vcns(room)
    for _ in range(2):
        error = refused(client.list_vcns, room)
        assert (error.status, error.message) == (503, "closed for lunch")
    client.list_vcns(room)


def test_a_throttled_call_says_when_to_come_back(world: Playground, room: str) -> None:
    world.bad_weather(operation="List*", do="throttle", retry_after=7)
    error = refused(world.network.list_vcns, room)
    assert (error.status, error.code) == (429, "TooManyRequests")
    assert error.headers["retry-after"] == "7"


def test_a_slow_answer_takes_its_time(world: Playground, room: str) -> None:
    world.bad_weather(operation="ListVcns", do="slow", seconds=0.4)
    begun = time.monotonic()
    world.network.list_vcns(room)
    assert time.monotonic() - begun >= 0.4


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_connection_cut_leaves_the_work_undone_or_done(
    world: Playground, room: str, when: str, made: int
) -> None:
    before = len(world.network.list_vcns(room).data)
    world.bad_weather(operation="CreateVcn", do="cut", when=when)
    with pytest.raises((oci.exceptions.RequestException, oci.exceptions.ConnectTimeout)):
        vcn(world, room)
    assert len(world.network.list_vcns(room).data) - before == made


def test_what_was_just_made_is_not_found_for_a_while(world: Playground, room: str) -> None:
    world.bad_weather(operation="CreateVcn", do="not_found_for", seconds=3600)
    made = vcn(world, room)
    assert refused(world.network.get_vcn, made.id).status == 404
    assert made.id not in [item.id for item in world.network.list_vcns(room).data]
    assert made.id in [item["id"] for item in world.inventory()]
    world.wind(3600)
    assert world.network.get_vcn(made.id).data.id == made.id


def test_limit_zero_without_a_name_refuses_the_operation(world: Playground, room: str) -> None:
    world.bad_weather(operation="CreateVcn", do="limit_zero")
    assert refused(vcn, world, room).code == "LimitExceeded"


def test_the_out_of_capacity_message_is_oracles_own(world: Playground, room: str) -> None:
    world.bad_weather(operation="ListVcns", do="error", message="Out of host capacity.")
    error = refused(world.network.list_vcns, room)
    assert (error.status, error.code) == (500, "InternalError")


def test_requests_are_counted_by_operation_since_any_moment(world: Playground, room: str) -> None:
    since = world.control("requests")["total"]
    world.network.list_vcns(room)
    world.network.list_vcns(room)
    assert world.control(f"requests?since={since}")["operations"] == {"ListVcns": 2}
