"""Service limits with their pitfalls, capacity, the kind of account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import oci
import pytest

from tests.rehearsal.oracle.landscape import cluster_details, compartment, network, vcn
from tests.rehearsal.oracle.playground import Playground
from tests.rehearsal.oracle.test_signatures import refused


@pytest.fixture(scope="module")
def free_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    with Playground(tmp_path_factory.mktemp("free"), account="free") as world:
        yield world


def value(world: Playground, service: str, name: str) -> int:
    (limit,) = world.limits.list_limit_values(world.tenancy, service, name=name).data
    return int(limit.value)


def zone(world: Playground) -> str:
    return str(world.identity.list_availability_domains(world.tenancy).data[0].name)


def volume(world: Playground, room: str, size: int) -> Any:
    details = oci.core.models.CreateVolumeDetails(
        compartment_id=room, availability_domain=zone(world), size_in_gbs=size
    )
    return world.storage.create_volume(details).data


def test_a_trial_may_have_a_cluster_and_a_free_account_may_not(
    world: Playground, free_world: Playground
) -> None:
    assert value(world, "container-engine", "cluster-count") == 1
    assert value(free_world, "container-engine", "cluster-count") == 0
    net = network(free_world, compartment(free_world))
    error = refused(free_world.engine.create_cluster, cluster_details(net))
    assert (error.status, error.code) == (400, "LimitExceeded")


def test_limits_are_read_from_the_root_only(world: Playground) -> None:
    room = compartment(world)
    assert refused(world.limits.list_limit_values, room, "vcn").status == 404


def test_availability_needs_the_domain_exactly_where_the_limit_has_one(world: Playground) -> None:
    ask = world.limits.get_resource_availability
    assert refused(ask, "compute", "standard-a1-core-count", world.tenancy).status == 400
    name = "standard-a1-core-regional-count"
    wrong = refused(ask, "compute", name, world.tenancy, availability_domain=zone(world))
    assert (wrong.status, wrong.code) == (400, "InvalidParameter")
    here = ask("compute", "standard-a1-core-count", world.tenancy, availability_domain=zone(world))
    assert (here.data.used, here.data.available) == (0, 41)


def test_a_limit_without_availability_says_so_and_is_not_found(world: Playground) -> None:
    definitions = world.limits.list_limit_definitions(world.tenancy, service_name="vcn").data
    nat = next(item for item in definitions if item.name == "nat-gateway-count")
    assert not nat.is_resource_availability_supported
    ask = world.limits.get_resource_availability
    assert refused(ask, "vcn", nat.name, world.tenancy).status == 404
    scopes = world.limits.list_limit_values(world.tenancy, "vcn", name=nat.name).data
    assert scopes[0].scope_type == "UNKNOWN_ENUM_VALUE"


def test_the_free_storage_figure_counts_to_200_while_the_service_limit_does_not(
    world: Playground,
) -> None:
    room = compartment(world)
    for size in (50, 100, 100):
        volume(world, room, size)
    ask = world.limits.get_resource_availability
    free = ask("block-storage", "total-free-storage-gb-regional", world.tenancy).data
    assert (free.used, free.available) == (250, -50)


def test_a_free_account_is_refused_the_fourth_volume(free_world: Playground) -> None:
    room = compartment(free_world)
    for _ in range(4):
        volume(free_world, room, 50)
    error = refused(volume, free_world, room, 50)
    assert (error.status, error.code) == (400, "LimitExceeded")
    assert "total-storage-gb" in error.message


def test_a_free_account_has_two_networks_at_most(free_world: Playground) -> None:
    room = compartment(free_world)
    while len(free_world.network.list_vcns(room).data) + _networks_elsewhere(free_world, room) < 2:
        vcn(free_world, room)
    assert "vcn-count" in refused(vcn, free_world, room).message


def _networks_elsewhere(world: Playground, room: str) -> int:
    kinds = [r for r in world.inventory() if r["kind"] == "vcn" and r["compartment"] != room]
    return len(kinds)


def test_a_limit_can_be_taken_to_zero_by_the_weather(world: Playground) -> None:
    world.bad_weather(operation="ANY", do="limit_zero", limit="vcn-count", times="always")
    assert value(world, "vcn", "vcn-count") == 0
    assert refused(vcn, world, compartment(world)).code == "LimitExceeded"


def test_the_services_and_their_limits_come_in_pages(world: Playground) -> None:
    listed = oci.pagination.list_call_get_all_results(
        world.limits.list_limit_definitions, world.tenancy, limit=5
    ).data
    assert len(listed) == len({(item.service_name, item.name) for item in listed}) > 20
    assert {s.name for s in world.limits.list_services(world.tenancy).data} >= {"vcn", "compute"}


def test_the_billing_gateway_tells_the_kind_of_account(
    world: Playground, free_world: Playground
) -> None:
    found = []
    for place in (world, free_world):
        client = place.client(oci.osp_gateway.SubscriptionServiceClient)
        (item,) = client.list_subscriptions("eu-amsterdam-1", place.tenancy).data.items
        found.append((item.plan_type, item.upgrade_state))
    assert found == [("FREE_TIER", "PROMO"), ("FREE_TIER", None)]


def test_the_capacity_report_follows_the_weather(world: Playground) -> None:
    models = oci.core.models
    details = models.CreateComputeCapacityReportDetails(
        compartment_id=world.tenancy,
        availability_domain=zone(world),
        shape_availabilities=[
            models.CreateCapacityReportShapeAvailabilityDetails(
                instance_shape=shape,
                instance_shape_config=models.CapacityReportInstanceShapeConfig(ocpus=2),
            )
            for shape in ("VM.Standard.A1.Flex", "BM.Nonsense")
        ],
    )
    report = world.compute.create_compute_capacity_report(details).data.shape_availabilities
    assert [item.availability_status for item in report] == ["AVAILABLE", "HARDWARE_NOT_SUPPORTED"]
    world.bad_weather(operation="LaunchNodes", do="no_capacity")
    report = world.compute.create_compute_capacity_report(details).data.shape_availabilities
    assert report[0].availability_status == "OUT_OF_HOST_CAPACITY"
