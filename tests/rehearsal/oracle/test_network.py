"""Networks: what fits, what comes along, and in which order they can be taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import oci
import pytest

from tests.rehearsal.oracle.landscape import TAGS, compartment, core, network, subnet, vcn
from tests.rehearsal.oracle.playground import Playground, until
from tests.rehearsal.oracle.test_signatures import refused


@pytest.fixture
def room(world: Playground) -> Iterator[str]:
    """A compartment, emptied afterwards so that the limit on networks does not bite."""
    ocid = compartment(world)
    yield ocid
    client = world.network
    for net in client.list_vcns(ocid).data:
        if net.lifecycle_state != "TERMINATED":
            take_apart(client, ocid, net.id)


def take_apart(client: Any, room: str, net: str) -> None:
    """In the order Oracle demands."""
    for item in client.list_subnets(room, vcn_id=net).data:
        client.delete_subnet(item.id)
        until(client, client.get_subnet(item.id), "lifecycle_state", "TERMINATED", gone=True)
    defaults = client.get_vcn(net).data
    for kind in ("route_table", "security_list"):
        for item in getattr(client, f"list_{kind}s")(room, vcn_id=net).data:
            if item.id not in (defaults.default_route_table_id, defaults.default_security_list_id):
                getattr(client, f"delete_{kind}")(item.id)
                get = getattr(client, f"get_{kind}")
                until(client, get(item.id), "lifecycle_state", "TERMINATED", gone=True)
    for kind in ("internet_gateway", "nat_gateway", "service_gateway", "network_security_group"):
        for item in getattr(client, f"list_{kind}s")(compartment_id=room, vcn_id=net).data:
            getattr(client, f"delete_{kind}")(item.id)
            get = getattr(client, f"get_{kind}")
            until(client, get(item.id), "lifecycle_state", "TERMINATED", gone=True)
    client.delete_vcn(net)
    until(client, client.get_vcn(net), "lifecycle_state", "TERMINATED", gone=True)


def test_a_network_brings_its_default_parts_and_takes_them_along(
    world: Playground, room: str
) -> None:
    client = world.network
    made = vcn(world, room)
    assert made.cidr_block == "10.20.0.0/16"
    assert made.freeform_tags == TAGS
    rules = client.get_security_list(made.default_security_list_id).data
    assert rules.ingress_security_rules[0].tcp_options.destination_port_range.min == 22
    assert client.get_route_table(made.default_route_table_id).data.route_rules == []
    ready = oci.wait_until(
        client,
        client.get_vcn(made.id),
        "lifecycle_state",
        "AVAILABLE",
        max_interval_seconds=0.1,
        max_wait_seconds=30,
    )
    assert ready.data.id == made.id
    alone = refused(client.delete_route_table, made.default_route_table_id)
    assert (alone.status, alone.code) == (409, "Conflict")
    take_apart(client, room, made.id)
    world.wind(600)
    assert refused(client.get_vcn, made.id).status == 404
    assert refused(client.get_security_list, made.default_security_list_id).status == 404


def test_parts_still_in_use_are_not_deleted_and_the_message_says_by_what(
    world: Playground, room: str
) -> None:
    client = world.network
    net = network(world, room)
    world.wind(60)
    for call, ocid, user in (
        (client.delete_vcn, net.vcn, net.gateway),
        (client.delete_internet_gateway, net.gateway, net.table),
        (client.delete_route_table, net.table, net.api),
        (client.delete_security_list, net.rules, net.api),
    ):
        error = refused(call, ocid)
        assert (error.status, error.code) == (409, "Conflict")
        assert user in error.message or "ocid1.subnet" in error.message
    take_apart(client, room, net.vcn)
    world.wind(600)
    assert [r for r in world.inventory() if r["compartment"] == room] == []


@pytest.mark.parametrize(
    ("cidr", "words"),
    [
        ("10.99.0.0/24", "not within"),
        ("10.20.1.0/25", "overlaps"),
        ("10.20.1.1/24", "invalid"),
        ("10.20.9.0/31", "between"),
    ],
)
def test_a_subnet_that_does_not_fit_is_refused(
    world: Playground, room: str, cidr: str, words: str
) -> None:
    net = vcn(world, room).id
    subnet(world, room, net, "10.20.1.0/24")
    error = refused(subnet, world, room, net, cidr)
    assert (error.status, error.code) == (400, "InvalidParameter")
    assert words in error.message


def test_a_service_gateway_and_the_internet_do_not_share_a_route_table(
    world: Playground, room: str
) -> None:
    client = world.network
    net = network(world, room)
    service = client.list_services().data[1]
    gateway = client.create_service_gateway(
        core.CreateServiceGatewayDetails(
            compartment_id=room,
            vcn_id=net.vcn,
            services=[core.ServiceIdRequestDetails(service_id=service.id)],
        )
    ).data
    rules = client.get_route_table(net.table).data.route_rules
    rules.append(
        core.RouteRule(
            destination=service.cidr_block,
            destination_type="SERVICE_CIDR_BLOCK",
            network_entity_id=gateway.id,
        )
    )
    change = core.UpdateRouteTableDetails(route_rules=rules)
    assert refused(client.update_route_table, net.table, change).status == 400
    alone = core.UpdateRouteTableDetails(route_rules=rules[1:])
    assert len(client.update_route_table(net.table, alone).data.route_rules) == 1


def test_the_second_gateway_of_a_kind_is_beyond_the_limit(world: Playground, room: str) -> None:
    net = vcn(world, room).id
    details = core.CreateNatGatewayDetails(compartment_id=room, vcn_id=net)
    made = world.network.create_nat_gateway(details).data
    assert made.nat_ip
    error = refused(world.network.create_nat_gateway, details)
    assert (error.status, error.code) == (400, "LimitExceeded")


def test_rules_of_a_security_group_are_added_changed_and_removed(
    world: Playground, room: str
) -> None:
    client = world.network
    net = vcn(world, room).id
    group = client.create_network_security_group(
        core.CreateNetworkSecurityGroupDetails(compartment_id=room, vcn_id=net, display_name="g")
    ).data
    rule = core.AddSecurityRuleDetails(direction="INGRESS", protocol="6", source="0.0.0.0/0")
    added = client.add_network_security_group_security_rules(
        group.id, core.AddNetworkSecurityGroupSecurityRulesDetails(security_rules=[rule])
    ).data.security_rules
    assert added[0].is_valid
    listed = client.list_network_security_group_security_rules(group.id).data
    assert [item.id for item in listed] == [added[0].id]
    client.remove_network_security_group_security_rules(
        group.id,
        core.RemoveNetworkSecurityGroupSecurityRulesDetails(security_rule_ids=[added[0].id]),
    )
    assert client.list_network_security_group_security_rules(group.id).data == []
    assert client.list_network_security_groups(vcn_id=net).data[0].display_name == "g"


@pytest.mark.parametrize(
    "rule",
    [
        {"protocol": "tcp", "source": "0.0.0.0/0"},
        {"protocol": "6", "source": "10.20.0.0"},
        {"protocol": "6", "source": "10.20.0.1/16"},
        {"protocol": "17", "source": "0.0.0.0/0", "tcp_options": True},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    world: Playground, room: str, rule: dict[str, Any]
) -> None:
    if rule.pop("tcp_options", None):
        ports = core.PortRange(min=1, max=2)
        rule["tcp_options"] = core.TcpOptions(destination_port_range=ports)
    if rule["source"] == "10.20.0.0":
        rule["source"] = "10.20.0.0/40"
    details = core.CreateSecurityListDetails(
        compartment_id=room,
        vcn_id=vcn(world, room).id,
        ingress_security_rules=[core.IngressSecurityRule(**rule)],
        egress_security_rules=[],
    )
    assert refused(world.network.create_security_list, details).code == "InvalidParameter"


def test_what_the_body_refers_to_must_exist(world: Playground, room: str) -> None:
    error = refused(subnet, world, room, "ocid1.vcn.oc1..nothing", "10.20.1.0/24")
    assert (error.status, error.code) == (400, "RelatedResourceNotAuthorizedOrNotFound")


def test_a_list_shows_one_compartment_and_can_be_filtered_and_sorted(
    world: Playground, room: str
) -> None:
    net = vcn(world, room).id
    for name, cidr in (("b", "10.20.1.0/24"), ("a", "10.20.2.0/24")):
        subnet(world, room, net, cidr, name)
    client = world.network
    by_name = client.list_subnets(room, sort_by="DISPLAYNAME").data
    assert [item.display_name for item in by_name] == ["a", "b"]
    newest_first = client.list_subnets(room, vcn_id=net).data
    assert [item.display_name for item in newest_first] == ["a", "b"]
    assert [s.display_name for s in client.list_subnets(room, display_name="b").data] == ["b"]
    assert client.list_subnets(world.tenancy).data == []
    assert refused(client.list_subnets, "ocid1.compartment.oc1..nothing").status == 404
    assert isinstance(newest_first[0], oci.core.models.Subnet)
