"""Volumes, balancers and buckets: what may be left behind by a cluster."""

from __future__ import annotations

from typing import Any

import oci
import pytest

from tests.rehearsal.oracle.landscape import TAGS, Network, compartment, network
from tests.rehearsal.oracle.playground import Playground
from tests.rehearsal.oracle.test_limits_and_account import volume, zone
from tests.rehearsal.oracle.test_signatures import refused


@pytest.fixture(scope="module")
def net(module_world: Playground) -> Network:
    return network(module_world, compartment(module_world))


def test_a_volume_is_made_grown_and_deleted(world: Playground, net: Network) -> None:
    client = world.storage
    made = volume(world, net.room, 50)
    assert (made.lifecycle_state, made.vpus_per_gb) == ("PROVISIONING", 10)
    world.wind(20)
    grown = client.update_volume(made.id, oci.core.models.UpdateVolumeDetails(size_in_gbs=60)).data
    assert grown.size_in_gbs == 60
    smaller = oci.core.models.UpdateVolumeDetails(size_in_gbs=50)
    assert refused(client.update_volume, made.id, smaller).status == 400
    client.delete_volume(made.id)
    world.wind(20)
    assert client.get_volume(made.id).data.lifecycle_state == "TERMINATED"
    world.wind(400)
    assert refused(client.get_volume, made.id).status == 404


def test_no_volume_is_smaller_than_50_gigabytes(world: Playground, net: Network) -> None:
    assert refused(volume, world, net.room, 49).code == "InvalidParameter"
    details = oci.core.models.CreateVolumeDetails(
        compartment_id=net.room, availability_domain=zone(world)
    )
    assert world.storage.create_volume(details).data.size_in_gbs == 50


def nlb_details(net: Network) -> Any:
    return oci.network_load_balancer.models.CreateNetworkLoadBalancerDetails(
        compartment_id=net.room, display_name="door", subnet_id=net.balancers, freeform_tags=TAGS
    )


def test_a_network_balancer_has_a_public_address_holds_its_subnet_and_is_the_only_one(
    world: Playground, net: Network
) -> None:
    client = world.client(oci.network_load_balancer.NetworkLoadBalancerClient)
    answer = client.create_network_load_balancer(nlb_details(net))
    made = answer.data
    assert made.lifecycle_state == "CREATING"
    world.wind(120)
    work = client.get_work_request(answer.headers["opc-work-request-id"]).data
    assert work.status == "SUCCEEDED"
    (item,) = client.list_network_load_balancers(net.room).data.items
    assert (item.lifecycle_state, item.freeform_tags) == ("ACTIVE", TAGS)
    assert item.ip_addresses[0].is_public
    second = refused(client.create_network_load_balancer, nlb_details(net))
    assert "max-nlb-flexible-count" in second.message
    assert refused(world.network.delete_subnet, net.balancers).status == 409
    client.delete_network_load_balancer(made.id)
    world.wind(60)
    world.network.delete_subnet(net.balancers)


def test_a_flexible_load_balancer_needs_both_bounds(world: Playground, net: Network) -> None:
    client = world.client(oci.load_balancer.LoadBalancerClient)
    models = oci.load_balancer.models
    details = models.CreateLoadBalancerDetails(
        compartment_id=net.room,
        display_name="door",
        shape_name="flexible",
        subnet_ids=[net.nodes],
        shape_details=models.ShapeDetails(minimum_bandwidth_in_mbps=10),
    )
    assert refused(client.create_load_balancer, details).status == 400
    details.shape_details.maximum_bandwidth_in_mbps = 10
    answer = client.create_load_balancer(details)
    world.wind(120)
    work = client.get_work_request(answer.headers["opc-work-request-id"]).data
    made = client.get_load_balancer(work.load_balancer_id).data
    assert (made.lifecycle_state, made.shape_details.maximum_bandwidth_in_mbps) == ("ACTIVE", 10)
    client.delete_load_balancer(made.id)


def test_a_bucket_is_made_once_listed_and_deleted(world: Playground, net: Network) -> None:
    client = world.client(oci.object_storage.ObjectStorageClient)
    namespace = client.get_namespace().data
    details = oci.object_storage.models.CreateBucketDetails(name="b", compartment_id=net.room)
    client.create_bucket(namespace, details)
    assert refused(client.create_bucket, namespace, details).code == "BucketAlreadyExists"
    assert [item.name for item in client.list_buckets(namespace, net.room).data] == ["b"]
    assert client.get_bucket(namespace, "b").data.storage_tier == "Standard"
    client.delete_bucket(namespace, "b")
    assert client.list_buckets(namespace, net.room).data == []
    assert refused(client.get_bucket, namespace, "b").code == "BucketNotFound"


def test_a_creation_refused_half_way_leaves_nothing_behind(world: Playground, net: Network) -> None:
    nlbs = world.client(oci.network_load_balancer.NetworkLoadBalancerClient)
    details = nlb_details(net)
    details.subnet_id = net.api
    only_address = nlbs.create_network_load_balancer(details).data
    models = oci.load_balancer.models
    second = models.CreateLoadBalancerDetails(
        compartment_id=net.room,
        display_name="no-room",
        shape_name="flexible",
        subnet_ids=[net.api],
        shape_details=models.ShapeDetails(
            minimum_bandwidth_in_mbps=10, maximum_bandwidth_in_mbps=10
        ),
    )
    client = world.client(oci.load_balancer.LoadBalancerClient)
    assert "no free address" in refused(client.create_load_balancer, second).message
    assert client.list_load_balancers(net.room, display_name="no-room").data == []
    assert "no-room" not in [item["name"] for item in world.inventory()]
    nlbs.delete_network_load_balancer(only_address.id)
    world.wind(60)
