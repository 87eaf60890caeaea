"""Things that many tests need to have built, built with the real SDK."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import oci

from tests.rehearsal.oracle.playground import Playground, until

core = oci.core.models
engine = oci.container_engine.models
TAGS = {"health-install": "abcdefghijkl", "health-install-name": "health"}


def compartment(world: Playground, name: str = "") -> str:
    """A new ACTIVE compartment below the root."""
    client = world.identity
    made = client.create_compartment(
        oci.identity.models.CreateCompartmentDetails(
            compartment_id=world.tenancy,
            name=name or f"room-{secrets.token_hex(4)}",
            description="for a test",
            freeform_tags=TAGS,
        )
    ).data
    world.wind(10)
    until(client, client.get_compartment(made.id), "lifecycle_state", "ACTIVE")
    return str(made.id)


def vcn(world: Playground, room: str, cidr: str = "10.20.0.0/16") -> Any:
    """A network; its parts take simulated time to become AVAILABLE."""
    details = core.CreateVcnDetails(
        compartment_id=room,
        cidr_blocks=[cidr],
        display_name="health-vcn",
        dns_label="health",
        freeform_tags=TAGS,
    )
    return world.network.create_vcn(details).data


@dataclass(frozen=True)
class Network:
    """The parts of a network fit for a cluster."""

    room: str
    vcn: str
    gateway: str
    table: str
    rules: str
    api: str
    nodes: str
    balancers: str


def network(world: Playground, room: str, *, ingress: tuple[Any, ...] | None = None) -> Network:
    """A network with one route to the internet and one security list for its three subnets."""
    client = world.network
    net = vcn(world, room).id
    gateway = client.create_internet_gateway(
        core.CreateInternetGatewayDetails(compartment_id=room, vcn_id=net, is_enabled=True)
    ).data.id
    route = core.RouteRule(
        destination="0.0.0.0/0", destination_type="CIDR_BLOCK", network_entity_id=gateway
    )
    table = client.create_route_table(
        core.CreateRouteTableDetails(compartment_id=room, vcn_id=net, route_rules=[route])
    ).data.id
    inside = core.IngressSecurityRule(protocol="all", source="10.20.0.0/16")
    outside = core.EgressSecurityRule(protocol="all", destination="0.0.0.0/0")
    rules = client.create_security_list(
        core.CreateSecurityListDetails(
            compartment_id=room,
            vcn_id=net,
            ingress_security_rules=list((inside,) if ingress is None else ingress),
            egress_security_rules=[outside],
        )
    ).data.id
    subnets = [
        subnet(world, room, net, cidr, name, route_table_id=table, security_list_ids=[rules])
        for name, cidr in (
            ("api", "10.20.0.0/30"),
            ("nodes", "10.20.1.0/24"),
            ("balancers", "10.20.2.0/24"),
        )
    ]
    return Network(room, net, gateway, table, rules, *subnets)


def subnet(world: Playground, room: str, net: str, cidr: str, name: str = "a", **more: Any) -> str:
    """A regional subnet's OCID."""
    details = core.CreateSubnetDetails(
        compartment_id=room, vcn_id=net, cidr_block=cidr, display_name=name, **more
    )
    return str(world.network.create_subnet(details).data.id)


def cluster_details(net: Network, **more: Any) -> Any:
    """A basic cluster with a public endpoint."""
    given: dict[str, Any] = {
        "name": "health",
        "compartment_id": net.room,
        "vcn_id": net.vcn,
        "kubernetes_version": "v1.36.4",
        "type": "BASIC_CLUSTER",
        "freeform_tags": TAGS,
        "endpoint_config": engine.CreateClusterEndpointConfigDetails(
            subnet_id=net.api, is_public_ip_enabled=True
        ),
        "cluster_pod_network_options": [engine.FlannelOverlayClusterPodNetworkOptionDetails()],
        "options": engine.ClusterCreateOptions(service_lb_subnet_ids=[net.balancers]),
        **more,
    }
    return engine.CreateClusterDetails(**given)


def work(world: Playground, answer: Any, *ends: str) -> Any:
    """The work request of an answer, once it has ended (SUCCEEDED unless said otherwise)."""
    client = world.engine
    ocid = answer.headers["opc-work-request-id"]
    return until(client, client.get_work_request(ocid), "status", *(ends or ("SUCCEEDED",))).data


def cluster(world: Playground, net: Network) -> str:
    """An ACTIVE cluster's OCID."""
    answer = world.engine.create_cluster(cluster_details(net))
    world.wind(480)
    return str(work(world, answer).resources[0].identifier)


def newest_image(world: Playground, version: str = "v1.36.4") -> Any:
    """The newest OKE image for Arm of that version."""
    options = world.engine.get_node_pool_options("all", node_pool_os_arch="AARCH64").data
    return max(
        (s for s in options.sources if f"OKE-{version[1:]}-" in s.source_name),
        key=lambda s: (
            (s.source_name.split("-OKE-")[0].split("aarch64-")[1], s.source_name)
            if "GPU" not in s.source_name
            else ("", "")
        ),
    )


def pool_details(world: Playground, net: Network, cluster_id: str, **more: Any) -> Any:
    """A pool of one A1 node with 2 OCPUs and 12 GB."""
    size = more.pop("size", 1)
    zone = world.identity.list_availability_domains(world.tenancy).data[0].name
    given: dict[str, Any] = {
        "compartment_id": net.room,
        "cluster_id": cluster_id,
        "name": "health-nodes",
        "kubernetes_version": "v1.36.4",
        "node_shape": "VM.Standard.A1.Flex",
        "node_shape_config": engine.CreateNodeShapeConfigDetails(ocpus=2, memory_in_gbs=12),
        "node_source_details": engine.NodeSourceViaImageDetails(
            image_id=newest_image(world).image_id, boot_volume_size_in_gbs=50
        ),
        "node_config_details": engine.CreateNodePoolNodeConfigDetails(
            size=size,
            freeform_tags=TAGS,
            placement_configs=[
                engine.NodePoolPlacementConfigDetails(availability_domain=zone, subnet_id=net.nodes)
            ],
        ),
        "initial_node_labels": [engine.KeyValue(key="health", value="yes")],
        "freeform_tags": TAGS,
        **more,
    }
    return engine.CreateNodePoolDetails(**given)
