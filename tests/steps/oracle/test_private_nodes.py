"""Nodes without an address of the internet: made, drifted, repaired, refused, removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Ending
from installer.engine.state import State
from installer.oracle.wanted import NetworkPlan
from tests.oracle.world import Person, World, world_in
from tests.steps.oracle.test_limits import written
from tests.steps.oracle.test_number_of_calls import MOST_FRESH, MOST_UNCHANGED

PRIVATE = NetworkPlan(private_nodes=True)


@pytest.fixture
def hermit(person: Person) -> Person:
    """Somebody who wants private nodes."""
    person.network = PRIVATE
    return person


def client(world: World) -> Any:
    return world.account().clients.client("network")


def test_the_nodes_leave_through_their_own_table_and_the_others_keep_theirs(
    world: World, hermit: Person
) -> None:
    assert hermit.run("install").error is None
    assert hermit.bugs == []
    network = client(world)
    nodes = network.get_subnet(hermit.recall("subnet-nodes")).data
    assert nodes.prohibit_public_ip_on_vnic
    table = network.get_route_table(nodes.route_table_id).data
    assert {(rule.destination, rule.destination_type) for rule in table.route_rules} == {
        ("0.0.0.0/0", "CIDR_BLOCK"),
        ("all-ams-services-in-oracle-services-network", "SERVICE_CIDR_BLOCK"),
    }
    for role in ("api", "balancers"):
        subnet = network.get_subnet(hermit.recall(f"subnet-{role}")).data
        assert not subnet.prohibit_public_ip_on_vnic
        (route,) = network.get_route_table(subnet.route_table_id).data.route_rules
        assert route.network_entity_id == hermit.recall("internet-gateway")
    pools = world.account().clients.client("clusters")
    (machine,) = pools.get_node_pool(hermit.recall("node-pool")).data.nodes
    assert machine.public_ip is None
    assert machine.private_ip

    fresh = world.requests()
    assert fresh <= MOST_FRESH, world.operations().most_common(9)
    assert hermit.run("install").ending is Ending.NOTHING_TO_DO
    assert world.requests() - fresh <= MOST_UNCHANGED
    assert hermit.run("destroy").error is None
    assert world.inventory() == []


def test_public_nodes_ask_for_no_gateway_of_private_ones(world: World, person: Person) -> None:
    assert person.run("install", person.network_steps()).error is None
    assert world.count()["natgateway"] == world.count()["servicegateway"] == 0
    assert {"CreateNatGateway", "CreateServiceGateway", "ListServices"} & set(
        world.operations()
    ) == set()


def test_blocked_gateways_and_lost_routes_are_repaired(world: World, hermit: Person) -> None:
    from oci.core import models

    assert hermit.run("install", hermit.network_steps()).error is None
    network = client(world)
    nat, services = hermit.recall("nat-gateway"), hermit.recall("service-gateway")
    network.update_nat_gateway(nat, models.UpdateNatGatewayDetails(block_traffic=True))
    network.update_service_gateway(
        services, models.UpdateServiceGatewayDetails(block_traffic=True, services=[])
    )
    table = hermit.recall("route-table-private")
    network.update_route_table(table, models.UpdateRouteTableDetails(route_rules=[]))

    result = hermit.run("install", hermit.network_steps())

    assert (result.error, result.changed) == (None, 3)
    assert not network.get_nat_gateway(nat).data.block_traffic
    assert len(network.get_service_gateway(services).data.services) == 1
    assert len(network.get_route_table(table).data.route_rules) == 2
    assert hermit.run("install", hermit.network_steps()).changed == 0


@pytest.mark.parametrize("first", [True, False])
def test_nodes_do_not_move_between_public_and_private(
    world: World, person: Person, first: bool
) -> None:
    person.network = NetworkPlan(private_nodes=first)
    assert person.run("install", person.network_steps()).error is None
    before = world.inventory()
    person.network = NetworkPlan(private_nodes=not first)

    result = person.run("install", person.network_steps())

    assert result.exit_code == ExitCode.ANSWERS
    assert result.error is not None
    assert f"cluster.private_nodes back to {'yes' if first else 'no'}" in result.error.then
    assert world.inventory() == before
    assert person.run("destroy", person.network_steps()).error is None
    assert world.inventory() == []


def test_a_removal_that_lost_answers_and_state_takes_the_gateways_too(
    world: World, hermit: Person, tmp_path: Path
) -> None:
    assert hermit.run("install", hermit.network_steps()).error is None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    state = State(elsewhere / "state.sqlite")
    state.adopt(hermit.id())
    state.close()
    newcomer = Person(world, elsewhere)
    assert not newcomer.network.private_nodes
    assert newcomer.run("destroy", newcomer.network_steps()).error is None
    assert world.inventory() == []


@pytest.fixture
def free(tmp_path: Path) -> Iterator[World]:
    """A tenancy that never paid."""
    with world_in(tmp_path / "free", "--account", "free") as running:
        yield running


def test_a_free_only_account_hears_of_every_limit_before_anything_is_made(
    free: World, tmp_path: Path
) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    result = replace(Person(free, folder), network=PRIVATE).run("install")
    assert result.exit_code == ExitCode.ACCOUNT
    assert result.error is not None
    assert "NAT gateways: 1 needed, 0 left" in result.error.why
    assert "cluster.private_nodes" in result.error.then
    assert written(free) == set()
