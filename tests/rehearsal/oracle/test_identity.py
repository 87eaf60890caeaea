"""The tenancy and its compartments."""

from __future__ import annotations

from typing import Any

import oci
import pytest

from tests.rehearsal.oracle.landscape import TAGS, compartment, vcn
from tests.rehearsal.oracle.playground import Playground, until
from tests.rehearsal.oracle.test_signatures import refused

models = oci.identity.models


def test_the_tenancy_has_one_home_region_with_one_domain(world: Playground) -> None:
    client = world.identity
    tenancy = client.get_tenancy(world.tenancy).data
    (region,) = client.list_region_subscriptions(world.tenancy).data
    assert (region.region_name, region.is_home_region) == ("eu-amsterdam-1", True)
    assert region.region_key == tenancy.home_region_key
    (domain,) = client.list_availability_domains(world.tenancy).data
    assert domain.name.endswith(":EU-AMSTERDAM-1-AD-1")
    faults = client.list_fault_domains(world.tenancy, domain.name).data
    assert [fault.name for fault in faults] == [f"FAULT-DOMAIN-{n}" for n in (1, 2, 3)]


def test_a_compartment_comes_to_life_carries_its_tags_and_can_be_listed(world: Playground) -> None:
    client = world.identity
    details = models.CreateCompartmentDetails(
        compartment_id=world.tenancy, name="life", description="d", freeform_tags=TAGS
    )
    made = client.create_compartment(details).data
    assert made.lifecycle_state == "CREATING"
    ready = until(client, client.get_compartment(made.id), "lifecycle_state", "ACTIVE").data
    assert ready.freeform_tags == TAGS
    assert ready.is_accessible
    listed = client.list_compartments(world.tenancy, name="life").data
    assert [item.id for item in listed] == [made.id]
    twin = refused(client.create_compartment, details)
    assert (twin.status, twin.code) == (409, "CompartmentAlreadyExists")


def test_nothing_can_be_made_in_a_compartment_that_is_not_active_yet(world: Playground) -> None:
    world.wind(0)
    details = models.CreateCompartmentDetails(
        compartment_id=world.tenancy, name="too-soon", description="d"
    )
    world.bad_weather(operation="CreateCompartment", do="not_found_for", seconds=3600)
    room = world.identity.create_compartment(details).data.id
    assert refused(vcn, world, room).status == 404
    assert refused(world.identity.get_compartment, room).code == "NotAuthorizedOrNotFound"
    world.wind(3600)
    assert vcn(world, room).compartment_id == room


def test_an_empty_compartment_goes_and_the_work_request_says_so(world: Playground) -> None:
    room = compartment(world)
    client = world.identity
    answer = client.delete_compartment(room)
    world.wind(20)
    work = answer.headers["opc-work-request-id"]
    done = until(client, client.get_work_request(work), "status", "SUCCEEDED").data
    assert done.operation_type == "DELETE_COMPARTMENT"
    assert client.get_compartment(room).data.lifecycle_state == "DELETED"


def test_a_compartment_with_something_in_it_stays(world: Playground) -> None:
    room = compartment(world)
    net = vcn(world, room).id
    client = world.identity
    work = client.delete_compartment(room).headers["opc-work-request-id"]
    world.wind(20)
    failed = until(client, client.get_work_request(work), "status", "FAILED").data
    assert net in failed.errors[0].message
    assert client.get_compartment(room).data.lifecycle_state == "ACTIVE"


def test_lists_come_in_pages_until_the_last(world: Playground) -> None:
    room = compartment(world)
    for name in "abcde":
        world.identity.create_compartment(
            models.CreateCompartmentDetails(compartment_id=room, name=name, description="d")
        )
    pages = [
        [item.name for item in page.data]
        for page in oci.pagination.list_call_get_all_results_generator(
            world.identity.list_compartments, "response", room, limit=2, sort_by="NAME"
        )
    ]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    bad: Any = refused(world.identity.list_compartments, room, page="nonsense")
    assert (bad.status, bad.code) == (400, "InvalidParameter")


def test_a_tag_too_many_is_refused(world: Playground) -> None:
    details = models.CreateCompartmentDetails(
        compartment_id=world.tenancy,
        name="tagged",
        description="d",
        freeform_tags={str(n): "x" for n in range(11)},
    )
    assert refused(world.identity.create_compartment, details).status == 400


@pytest.mark.parametrize("call", ["get_tenancy", "get_user", "get_compartment"])
def test_an_unknown_identifier_is_not_found_or_not_authorized(world: Playground, call: str) -> None:
    error = refused(getattr(world.identity, call), "ocid1.thing.oc1..unknown")
    assert (error.status, error.code) == (404, "NotAuthorizedOrNotFound")
