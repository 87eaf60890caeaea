"""The cloud as a cluster's Kubernetes sees it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from installer.rehearsal.clock import Clock
from installer.rehearsal.cloud import Cloud, CloudRefused
from installer.rehearsal.oracle import clusters, network, node_pools
from installer.rehearsal.oracle.calls import Call
from installer.rehearsal.oracle.cluster_cloud import ClusterCloud
from installer.rehearsal.oracle.control import inventory
from installer.rehearsal.oracle.credentials import settle_in
from installer.rehearsal.oracle.images import images
from installer.rehearsal.oracle.kinds import new_record
from installer.rehearsal.oracle.tenancy import Route, Tenancy
from installer.rehearsal.shelf import Shelf
from installer.rehearsal.weather import Weather


@pytest.fixture
def tenancy(tmp_path: Path) -> Tenancy:
    shelf = Shelf(tmp_path / "world.sqlite")
    identity, _ = settle_in(tmp_path, shelf)
    return Tenancy(identity, shelf, Clock(50, shelf), Weather())


def ask(tenancy: Tenancy, routes: tuple[Route, ...], operation: str, body: dict[str, Any]) -> Any:
    """What the operation has made."""
    import json

    route = next(route for route in routes if route.operation == operation)
    call = Call(operation, route.method, {}, {}, {}, json.dumps(body).encode(), "user")
    answer = route.run(tenancy, call)
    assert answer.made is not None
    return answer.made[1]


def subnets(tenancy: Tenancy) -> tuple[str, list[str]]:
    """A network open to everybody, and its subnets for the API, nodes and balancers."""
    root = tenancy.identity.tenancy
    net = new_record(network.VCN, tenancy, {"compartmentId": root, "cidrBlock": "10.20.0.0/16"})
    in_net = {"compartmentId": root, "vcnId": net.id}
    gateway = new_record(network.INTERNET_GATEWAY, tenancy, {**in_net, "isEnabled": True})
    rule = {"destination": "0.0.0.0/0", "networkEntityId": gateway.id}
    table = new_record(network.ROUTE_TABLE, tenancy, {**in_net, "routeRules": [rule]})
    everything = {
        "ingressSecurityRules": [{"protocol": "all", "source": "0.0.0.0/0"}],
        "egressSecurityRules": [{"protocol": "all", "destination": "0.0.0.0/0"}],
    }
    rules = new_record(network.SECURITY_LIST, tenancy, {**in_net, **everything})
    uses = {"routeTableId": table.id, "securityListIds": [rules.id]}
    return net.id, [
        new_record(network.SUBNET, tenancy, {**in_net, **uses, "cidrBlock": block}).id
        for block in ("10.20.0.0/30", "10.20.1.0/24", "10.20.2.0/24")
    ]


@pytest.fixture
def cluster(tenancy: Tenancy) -> str:
    """An ACTIVE cluster with a pool of one node, all in the root compartment."""
    net, (api, nodes, doors) = subnets(tenancy)
    body = {
        "compartmentId": tenancy.identity.tenancy,
        "vcnId": net,
        "name": "health",
        "kubernetesVersion": "v1.36.4",
        "endpointConfig": {"subnetId": api, "isPublicIpEnabled": True},
        "options": {
            "serviceLbSubnetIds": [doors],
            "persistentVolumeConfig": {"freeformTags": {"owner": "me"}},
            "serviceLbConfig": {"freeformTags": {"owner": "me"}},
        },
    }
    ocid = str(ask(tenancy, clusters.ROUTES, "CreateCluster", body))
    tenancy.clock.forward(480)
    ask(tenancy, node_pools.ROUTES, "CreateNodePool", pool(tenancy, ocid, nodes))
    return ocid


def pool(tenancy: Tenancy, cluster: str, subnet: str) -> dict[str, Any]:
    """One node of 2 OCPUs and 12 GB."""
    image = next(i for i in images() if i.version == "v1.36.4" and i.architecture == "AARCH64")
    zone = tenancy.identity.domains[0]
    placement = {"availabilityDomain": zone, "subnetId": subnet}
    return {
        "compartmentId": tenancy.identity.tenancy,
        "clusterId": cluster,
        "name": "pool",
        "kubernetesVersion": "v1.36.4",
        "nodeShape": "VM.Standard.A1.Flex",
        "nodeShapeConfig": {"ocpus": 2, "memoryInGBs": 12},
        "nodeSourceDetails": {"sourceType": "IMAGE", "imageId": image.id},
        "initialNodeLabels": [{"key": "a", "value": "b"}],
        "nodeConfigDetails": {"size": 1, "placementConfigs": [placement]},
    }


def kinds(tenancy: Tenancy, kind: str) -> list[dict[str, Any]]:
    return [item for item in inventory(tenancy) if item["kind"] == kind]


def test_a_node_is_wanted_once_its_machine_runs(tenancy: Tenancy, cluster: str) -> None:
    cloud: Cloud = ClusterCloud(tenancy, cluster)
    assert cloud.nodes_wanted() == ()
    tenancy.clock.forward(100)
    (node,) = cloud.nodes_wanted()
    assert (node.name, node.ocpus, node.memory_gb) == ("10.20.1.2", 2.0, 12.0)
    assert (node.version, node.architecture, node.labels) == ("v1.36.4", "arm64", {"a": "b"})
    assert node.boot_volume_gb == 47
    assert ClusterCloud(tenancy, "another").nodes_wanted() == ()


async def test_a_volume_is_at_least_50_gib_tagged_as_configured_and_made_once_a_name(
    tenancy: Tenancy, cluster: str
) -> None:
    cloud = ClusterCloud(tenancy, cluster)
    before = tenancy.now
    both = await asyncio.gather(
        cloud.create_volume("csi-1", 1, {"claim": "a"}), cloud.create_volume("csi-1", 1, {})
    )
    assert both[0] == both[1]
    assert tenancy.now - before >= 20
    (volume,) = kinds(tenancy, "volume")
    assert volume["tags"] == {"owner": "me", "claim": "a"}
    await cloud.delete_volume(both[0])
    await cloud.delete_volume(both[0])
    assert kinds(tenancy, "volume") == []


async def test_a_balancer_gets_an_address_and_a_second_one_is_refused(
    tenancy: Tenancy, cluster: str
) -> None:
    cloud = ClusterCloud(tenancy, cluster)
    ocid, address = await cloud.create_balancer("front", "nlb", {}, {})
    assert address.startswith("203.0.113.")
    assert (await cloud.create_balancer("front", "nlb", {}, {}))[0] == ocid
    with pytest.raises(CloudRefused, match="max-nlb-flexible-count"):
        await cloud.create_balancer("back", "nlb", {}, {})
    await cloud.delete_balancer(ocid)
    assert kinds(tenancy, "networkloadbalancer") == []
    shape = {"shape": "flexible", "minimum": "10", "maximum": "10"}
    assert (await cloud.create_balancer("lb", "lb", shape, {}))[1]


async def test_bad_weather_reaches_the_cluster_as_oracles_refusal(
    tenancy: Tenancy, cluster: str
) -> None:
    tenancy.weather.inject({"operation": "CreateVolume", "do": "limit_zero"})
    with pytest.raises(CloudRefused) as caught:
        await ClusterCloud(tenancy, cluster).create_volume("csi-1", 50, {})
    assert caught.value.code == "LimitExceeded"
    assert kinds(tenancy, "volume") == []
