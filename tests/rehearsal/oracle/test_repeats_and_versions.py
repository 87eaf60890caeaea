"""Retry tokens and etags."""

from __future__ import annotations

import oci
import pytest

from tests.rehearsal.oracle.landscape import compartment, core, vcn
from tests.rehearsal.oracle.playground import Playground
from tests.rehearsal.oracle.test_signatures import refused


@pytest.fixture(scope="module")
def room(module_world: Playground) -> str:
    return compartment(module_world)


def details(room: str, name: str = "same") -> core.CreateVcnDetails:
    return core.CreateVcnDetails(
        compartment_id=room, cidr_blocks=["10.30.0.0/16"], display_name=name
    )


def test_the_same_token_and_body_give_the_same_resource_with_its_state_of_now(
    world: Playground, room: str
) -> None:
    client = world.network
    first = client.create_vcn(details(room), opc_retry_token="one").data
    world.wind(60)
    second = client.create_vcn(details(room), opc_retry_token="one").data
    assert second.id == first.id
    assert second.lifecycle_state == "AVAILABLE"
    assert len(client.list_vcns(room, display_name="same").data) == 1


def test_the_same_token_with_another_body_is_refused(world: Playground, room: str) -> None:
    client = world.network
    client.create_vcn(details(room), opc_retry_token="two")
    error = refused(client.create_vcn, details(room, "other"), opc_retry_token="two")
    assert (error.status, error.code) == (409, "InvalidatedRetryToken")


def test_a_token_whose_resource_was_deleted_is_refused(world: Playground, room: str) -> None:
    client = world.network
    made = client.create_vcn(details(room), opc_retry_token="three").data
    client.delete_vcn(made.id)
    assert refused(client.create_vcn, details(room), opc_retry_token="three").status == 409


def test_a_token_is_forgotten_after_a_day(world: Playground, room: str) -> None:
    client = world.network
    first = client.create_vcn(details(room), opc_retry_token="four").data
    world.wind(24 * 3600)
    second = client.create_vcn(details(room), opc_retry_token="four").data
    assert second.id != first.id


def test_a_refused_request_uses_up_no_token(world: Playground, room: str) -> None:
    client = world.network
    wrong = core.CreateVcnDetails(compartment_id=room, cidr_blocks=["nonsense"])
    assert refused(client.create_vcn, wrong, opc_retry_token="five").status == 400
    assert client.create_vcn(details(room), opc_retry_token="five").data.id


def test_a_change_with_an_outdated_etag_is_refused(world: Playground, room: str) -> None:
    client = world.network
    made = vcn(world, room, "10.40.0.0/16")
    answer = client.get_vcn(made.id)
    change = core.UpdateVcnDetails(display_name="renamed")
    changed = client.update_vcn(made.id, change, if_match=answer.headers["etag"])
    assert changed.data.display_name == "renamed"
    assert changed.headers["etag"] != answer.headers["etag"]
    stale = refused(client.update_vcn, made.id, change, if_match=answer.headers["etag"])
    assert (stale.status, stale.code) == (412, "NoEtagMatch")
    assert refused(client.delete_vcn, made.id, if_match=answer.headers["etag"]).status == 412
    client.delete_vcn(made.id, if_match=changed.headers["etag"])


def test_the_sdks_own_retries_make_one_resource_out_of_a_lost_answer(
    world: Playground, room: str
) -> None:
    client = world.client(
        oci.core.VirtualNetworkClient,
        retry_strategy=oci.retry.RetryStrategyBuilder(
            retry_base_sleep_time_seconds=0, retry_max_wait_between_calls_seconds=0
        ).get_retry_strategy(),
    )
    world.bad_weather(operation="CreateVcn", do="cut", when="after")
    made = client.create_vcn(details(room, "lost")).data
    assert [item.id for item in client.list_vcns(room, display_name="lost").data] == [made.id]
