"""What this Oracle sends, the SDK's models know: a misspelt field would silently be lost."""

from __future__ import annotations

import json
from typing import Any

import oci
import pytest

from tests.rehearsal.oracle.landscape import (
    Network,
    cluster,
    compartment,
    network,
    pool_details,
    work,
)
from tests.rehearsal.oracle.playground import Playground


@pytest.fixture(scope="module")
def net(module_world: Playground) -> Network:
    """A tenancy with at least one of everything in it."""
    world = module_world
    made = network(world, compartment(world))
    engine = cluster(world, made)
    answer = world.engine.create_node_pool(pool_details(world, made, engine))
    world.wind(200)
    work(world, answer)
    zone = world.identity.list_availability_domains(world.tenancy).data[0].name
    volume = oci.core.models.CreateVolumeDetails(compartment_id=made.room, availability_domain=zone)
    world.storage.create_volume(volume)
    models = oci.network_load_balancer.models
    world.client(oci.network_load_balancer.NetworkLoadBalancerClient).create_network_load_balancer(
        models.CreateNetworkLoadBalancerDetails(
            compartment_id=made.room, display_name="door", subnet_id=made.balancers
        )
    )
    address = oci.core.models.CreatePublicIpDetails(compartment_id=made.room, lifetime="RESERVED")
    world.network.create_public_ip(address)
    return made


CORE, OKE, ROOM = oci.core.models, oci.container_engine.models, "compartmentId={room}"
EVERYTHING = [
    (f"/20160918/vcns?{ROOM}", CORE.Vcn),
    (f"/20160918/subnets?{ROOM}", CORE.Subnet),
    (f"/20160918/internetGateways?{ROOM}", CORE.InternetGateway),
    (f"/20160918/routeTables?{ROOM}", CORE.RouteTable),
    (f"/20160918/publicIps?scope=REGION&{ROOM}", CORE.PublicIp),
    (f"/20160918/securityLists?{ROOM}", CORE.SecurityList),
    (f"/20160918/dhcps?{ROOM}", CORE.DhcpOptions),
    (f"/20160918/instances?{ROOM}", CORE.Instance),
    (f"/20160918/volumes?{ROOM}", CORE.Volume),
    (f"/20160918/bootVolumes?{ROOM}", CORE.BootVolume),
    (f"/20160918/vnicAttachments?{ROOM}", CORE.VnicAttachment),
    (f"/20160918/bootVolumeAttachments?{ROOM}", CORE.BootVolumeAttachment),
    (f"/20160918/shapes?{ROOM}", CORE.Shape),
    (f"/20180222/clusters?{ROOM}", OKE.Cluster),
    (f"/20180222/nodePools?{ROOM}", OKE.NodePool),
    (f"/20180222/workRequests?{ROOM}", OKE.WorkRequest),
    ("/20180222/nodePoolOptions/all", OKE.NodePoolOptions),
    ("/20180222/clusterOptions/all", OKE.ClusterOptions),
    ("/20160918/compartments?compartmentId={root}", oci.identity.models.Compartment),
    ("/20160918/users?compartmentId={root}", oci.identity.models.User),
    ("/20160918/tenancies/{root}", oci.identity.models.Tenancy),
    (
        "/20190729/limitDefinitions?compartmentId={root}",
        oci.limits.models.LimitDefinitionSummary,
    ),
    (
        "/20190729/limitValues?compartmentId={root}&serviceName=vcn",
        oci.limits.models.LimitValueSummary,
    ),
    (
        f"/20200501/networkLoadBalancers?{ROOM}",
        oci.network_load_balancer.models.NetworkLoadBalancer,
    ),
    (
        "/20191001/subscriptions?compartmentId={root}&ospHomeRegion=eu-amsterdam-1",
        oci.osp_gateway.models.SubscriptionSummary,
    ),
]


@pytest.mark.parametrize(("path", "model"), EVERYTHING)
def test_every_field_sent_is_one_the_sdk_reads(
    world: Playground, net: Network, path: str, model: Any
) -> None:
    for item in _items(world, path.format(room=net.room, root=world.tenancy)):
        known = set(model().attribute_map.values())
        assert set(item) <= known, f"unknown to {model.__name__}"


def test_a_node_pool_shows_its_nodes_in_the_sdks_words(world: Playground, net: Network) -> None:
    (summary,) = _items(world, f"/20180222/nodePools?compartmentId={net.room}")
    (pool,) = _items(world, f"/20180222/nodePools/{summary['id']}")
    assert set(pool) <= set(OKE.NodePool().attribute_map.values())
    assert set(pool["nodes"][0]) <= set(OKE.Node().attribute_map.values())


def _items(world: Playground, path: str) -> list[dict[str, Any]]:
    config = world.config
    signer = oci.signer.Signer(
        config["tenancy"], config["user"], config["fingerprint"], config["key_file"]
    )
    requests = oci._vendor.requests
    url = f"{world.address['oracle']}{path}"
    body = json.loads(requests.get(url, auth=signer, timeout=5).text)
    if isinstance(body, dict):
        body = body.get("items", [body])
    assert body, "there is nothing to judge"
    return list(body)
