"""Clusters, node pools and their work requests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import oci
import pytest
import yaml

from tests.rehearsal.oracle.landscape import (
    TAGS,
    Network,
    cluster,
    cluster_details,
    compartment,
    core,
    engine,
    network,
    newest_image,
    pool_details,
    work,
)
from tests.rehearsal.oracle.playground import Playground
from tests.rehearsal.oracle.test_signatures import refused


@dataclass(frozen=True)
class Place:
    net: Network
    cluster: str


@pytest.fixture(scope="module")
def place(module_world: Playground) -> Place:
    """An ACTIVE cluster in a proper network; a tenancy like this one may have no second."""
    net = network(module_world, compartment(module_world))
    return Place(net, cluster(module_world, net))


@pytest.fixture
def pools(world: Playground, place: Place) -> Iterator[list[str]]:
    """Node pools to be deleted after the test."""
    made: list[str] = []
    yield made
    for ocid in made:
        answer = world.engine.delete_node_pool(ocid)
        world.wind(120)
        work(world, answer)


def make_pool(world: Playground, place: Place, pools: list[str], **more: Any) -> Any:
    """The ended work request of a new pool."""
    answer = world.engine.create_node_pool(pool_details(world, place.net, place.cluster, **more))
    client = world.engine
    begun = client.get_work_request(answer.headers["opc-work-request-id"]).data
    pools.append(begun.resources[0].identifier)
    world.wind(1500)
    return work(world, answer, "SUCCEEDED", "FAILED")


def test_a_cluster_becomes_active_as_asked_for(world: Playground, place: Place) -> None:
    made = world.engine.get_cluster(place.cluster).data
    assert (made.lifecycle_state, made.type) == ("ACTIVE", "BASIC_CLUSTER")
    assert made.freeform_tags == TAGS
    assert made.endpoints.public_endpoint.startswith("127.0.0.1:")
    assert made.endpoints.private_endpoint == "10.20.0.2:6443"
    assert made.options.kubernetes_network_config.pods_cidr == "10.244.0.0/16"
    assert made.cluster_pod_network_options[0].cni_type == "FLANNEL_OVERLAY"
    listed = world.engine.list_clusters(place.net.room, lifecycle_state=["ACTIVE", "CREATING"])
    assert [item.id for item in listed.data] == [place.cluster]
    assert world.engine.list_clusters(place.net.room, lifecycle_state=["DELETED"]).data == []


def test_the_second_cluster_is_beyond_the_limit(world: Playground, place: Place) -> None:
    error = refused(world.engine.create_cluster, cluster_details(place.net))
    assert (error.status, error.code) == (400, "LimitExceeded")
    assert "cluster-count" in error.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kubernetes_version": "v1.20.0"}, "kubernetesVersion"),
        ({"endpoint_config": None}, "endpointConfig"),
        ({"vcn_id": "ocid1.vcn.oc1..nothing"}, "ocid1.vcn.oc1..nothing"),
        ({"name": ""}, "name"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(
    world: Playground, place: Place, change: dict[str, Any], words: str
) -> None:
    error = refused(world.engine.create_cluster, cluster_details(place.net, **change))
    assert error.status == 400
    assert words in error.message


def test_pods_must_be_clear_of_the_network(world: Playground, place: Place) -> None:
    options = engine.ClusterCreateOptions(
        kubernetes_network_config=engine.KubernetesNetworkConfig(
            pods_cidr="10.20.128.0/17", services_cidr="10.96.0.0/16"
        )
    )
    error = refused(world.engine.create_cluster, cluster_details(place.net, options=options))
    assert "overlaps" in error.message


def test_the_kubeconfig_asks_oracles_command_line_for_a_token(
    world: Playground, place: Place
) -> None:
    text = world.engine.create_kubeconfig(
        place.cluster,
        create_cluster_kubeconfig_content_details=engine.CreateClusterKubeconfigContentDetails(
            token_version="2.0.0", endpoint="PUBLIC_ENDPOINT"
        ),
    ).data.text
    config = yaml.safe_load(text)
    (user,) = config["users"]
    assert user["user"]["exec"]["command"] == "oci"
    assert "generate-token" in user["user"]["exec"]["args"]
    assert place.cluster in user["user"]["exec"]["args"]
    server = config["clusters"][0]["cluster"]["server"]
    endpoint = world.engine.get_cluster(place.cluster).data.endpoints.public_endpoint
    assert server == f"https://{endpoint}"


def test_the_image_list_holds_the_traps_of_the_real_one(world: Playground) -> None:
    everything = world.engine.get_node_pool_options("all").data.sources
    names = [source.source_name for source in everything]
    assert any("GPU" in name and "aarch64" in name for name in names)
    assert any("OKE" not in name for name in names)
    assert names != sorted(names)
    chosen = world.engine.get_node_pool_options(
        "all", node_pool_os_arch="AARCH64", node_pool_k8s_version="v1.36.4"
    ).data.sources
    assert all("aarch64" in s.source_name and "1.36.4" in s.source_name for s in chosen)
    assert "2026.09.30-0" not in chosen[0].source_name
    assert "2026.09.30-0" in newest_image(world).source_name
    versions = world.engine.get_cluster_options("all").data.kubernetes_versions
    assert "v1.36.4" in versions


def test_a_pool_becomes_active_with_a_node_a_machine_and_a_boot_volume(
    world: Playground, place: Place, pools: list[str]
) -> None:
    answer = world.engine.create_node_pool(pool_details(world, place.net, place.cluster))
    begun = world.engine.get_work_request(answer.headers["opc-work-request-id"]).data
    assert begun.operation_type == "NODEPOOL_CREATE"
    pools.append(begun.resources[0].identifier)
    assert world.engine.get_node_pool(pools[0]).data.nodes[0].lifecycle_state == "CREATING"
    world.wind(180)
    assert work(world, answer).resources[0].action_type == "CREATED"
    pool = world.engine.get_node_pool(pools[0]).data
    assert (pool.lifecycle_state, pool.freeform_tags) == ("ACTIVE", TAGS)
    (node,) = pool.nodes
    assert (node.lifecycle_state, node.node_error) == ("ACTIVE", None)
    machine = world.compute.get_instance(node.id).data
    assert (machine.lifecycle_state, machine.freeform_tags) == ("RUNNING", TAGS)
    assert (machine.shape_config.ocpus, machine.shape_config.memory_in_gbs) == (2.0, 12.0)
    (boot,) = [
        item
        for item in world.storage.list_boot_volumes(compartment_id=place.net.room).data
        if item.lifecycle_state == "AVAILABLE"
    ]
    assert boot.size_in_gbs == 50
    busy = refused(world.network.delete_subnet, place.net.nodes)
    assert (busy.status, busy.code) == (409, "Conflict")


def test_a_pool_grows_and_shrinks(world: Playground, place: Place, pools: list[str]) -> None:
    make_pool(world, place, pools)
    for size in (2, 1):
        change = engine.UpdateNodePoolDetails(
            node_config_details=engine.UpdateNodePoolNodeConfigDetails(size=size)
        )
        answer = world.engine.update_node_pool(pools[0], change)
        world.wind(200)
        work(world, answer)
        nodes = world.engine.get_node_pool(pools[0]).data.nodes
        assert [node.lifecycle_state for node in nodes] == ["ACTIVE"] * size


def test_no_second_piece_of_work_on_the_same_pool(
    world: Playground, place: Place, pools: list[str]
) -> None:
    answer = world.engine.create_node_pool(pool_details(world, place.net, place.cluster))
    ocid = answer.headers["opc-work-request-id"]
    pools.append(world.engine.get_work_request(ocid).data.resources[0].identifier)
    change = engine.UpdateNodePoolDetails(name="renamed")
    error = refused(world.engine.update_node_pool, pools[0], change)
    assert (error.status, error.code) == (409, "IncorrectState")
    world.wind(180)
    work(world, answer)


def test_without_host_capacity_the_work_request_fails_and_says_so(
    world: Playground, place: Place, pools: list[str]
) -> None:
    world.bad_weather(operation="LaunchNodes", do="no_capacity")
    failed = make_pool(world, place, pools)
    assert failed.status == "FAILED"
    (error,) = world.engine.list_work_request_errors(place.net.room, failed.id).data
    assert "1 node(s) launch failure" in error.message
    assert "(500, InternalError, false) Out of host capacity." in error.message
    pool = world.engine.get_node_pool(pools[0]).data
    assert pool.lifecycle_state == "NEEDS_ATTENTION"
    assert "Out of host capacity" in pool.lifecycle_details
    assert pool.nodes[0].id is None
    assert pool.nodes[0].node_error.message == error.message
    assert world.compute.list_instances(place.net.room, lifecycle_state="RUNNING").data == []


def test_a_machine_beyond_the_limit_fails_in_the_work_request_too(
    world: Playground, place: Place, pools: list[str]
) -> None:
    shape = engine.CreateNodeShapeConfigDetails(ocpus=20, memory_in_gbs=120)
    failed = make_pool(world, place, pools, node_shape_config=shape)
    assert failed.status == "FAILED"
    (error,) = world.engine.list_work_request_errors(place.net.room, failed.id).data
    assert "LimitExceeded" in error.message
    assert "standard-a1-core-regional-count" in error.message


def test_nodes_that_cannot_reach_the_control_plane_time_out_after_long(
    world: Playground, place: Place, pools: list[str]
) -> None:
    client = world.network
    inside = client.get_security_list(place.net.rules).data.ingress_security_rules
    closed = core.UpdateSecurityListDetails(ingress_security_rules=[])
    client.update_security_list(place.net.rules, closed)
    answer = world.engine.create_node_pool(pool_details(world, place.net, place.cluster))
    ocid = answer.headers["opc-work-request-id"]
    pools.append(world.engine.get_work_request(ocid).data.resources[0].identifier)
    reopened = core.UpdateSecurityListDetails(ingress_security_rules=inside)
    client.update_security_list(place.net.rules, reopened)
    world.wind(600)
    assert world.engine.get_work_request(ocid).data.status == "IN_PROGRESS"
    world.wind(900)
    work(world, answer, "FAILED")
    (error,) = world.engine.list_work_request_errors(place.net.room, ocid).data
    assert "register timeout" in error.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kubernetes_version": "v1.36.1"}, "is not for v1.36.1"),
        ({"node_shape": "VM.Standard.E5.Flex"}, "incompatible"),
        ({"node_shape_config": None}, "nodeShapeConfig"),
        ({"size": -1}, "size"),
    ],
)
def test_a_pool_that_cannot_be_is_refused_at_once(
    world: Playground, place: Place, change: dict[str, Any], words: str
) -> None:
    details = pool_details(world, place.net, place.cluster, **change)
    error = refused(world.engine.create_node_pool, details)
    assert (error.status, error.code) == (400, "InvalidParameter")
    assert words in error.message


def test_a_small_boot_volume_is_refused(world: Playground, place: Place) -> None:
    source = engine.NodeSourceViaImageDetails(
        image_id=newest_image(world).image_id, boot_volume_size_in_gbs=49
    )
    details = pool_details(world, place.net, place.cluster, node_source_details=source)
    assert "at least 50" in refused(world.engine.create_node_pool, details).message


def test_work_requests_are_listed_by_what_they_work_on(world: Playground, place: Place) -> None:
    listed = world.engine.list_work_requests(place.net.room, resource_id=place.cluster).data
    assert [item.operation_type for item in listed] == ["CLUSTER_CREATE"]
    logs = world.engine.list_work_request_logs(place.net.room, listed[0].id).data
    assert logs[0].message


def test_a_repeated_creation_gives_the_same_work_request(
    world: Playground, place: Place, pools: list[str]
) -> None:
    details = pool_details(world, place.net, place.cluster)
    token = secrets.token_hex(8)
    first = world.engine.create_node_pool(details, opc_retry_token=token)
    second = world.engine.create_node_pool(details, opc_retry_token=token)
    assert first.headers["opc-work-request-id"] == second.headers["opc-work-request-id"]
    world.wind(180)
    pools.append(work(world, first).resources[0].identifier)
    active = world.engine.list_node_pools(
        place.net.room, cluster_id=place.cluster, lifecycle_state=["ACTIVE"]
    ).data
    assert [pool.id for pool in active] == pools


def test_deleting_a_cluster_takes_pools_and_machines_along_but_no_volume(
    module_world: Playground, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Playground(tmp_path_factory.mktemp("world")) as world:
        net = network(world, compartment(world))
        ocid = cluster(world, net)
        made = world.engine.create_node_pool(pool_details(world, net, ocid))
        world.wind(180)
        work(world, made)
        zone = world.identity.list_availability_domains(world.tenancy).data[0].name
        volume = world.storage.create_volume(
            oci.core.models.CreateVolumeDetails(
                compartment_id=net.room, availability_domain=zone, size_in_gbs=50
            )
        ).data
        answer = world.engine.delete_cluster(ocid)
        assert world.engine.get_cluster(ocid).data.lifecycle_state == "DELETING"
        world.wind(200)
        work(world, answer)
        assert world.engine.get_cluster(ocid).data.lifecycle_state == "DELETED"
        left = {item["kind"] for item in world.inventory()}
        assert not left & {"cluster", "nodepool", "instance", "bootvolume", "vnic"}
        assert volume.id in [item["id"] for item in world.inventory()]
        assert refused(world.engine.delete_cluster, ocid).status == 404
