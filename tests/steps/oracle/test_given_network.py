"""A network of somebody else: used as it is, judged beforehand, never touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Ending
from installer.engine.state import State
from installer.oracle.installations import installations_named
from installer.oracle.rules import NO_RULES
from installer.oracle.sdk import models
from installer.oracle.wanted import Given, NetworkPlan
from tests.oracle.world import Person, World
from tests.steps.oracle.neighbours import LAYOUT, Neighbour
from tests.steps.oracle.test_installing_and_removing import leave_behind, settle

OWN_PART = "172.16.64.0/20"


def refusal(person: Person) -> str:
    """Why a run stops; it must be at the answers."""
    result = person.run("install", person.network_steps())
    assert result.exit_code == ExitCode.ANSWERS
    assert result.error is not None
    assert "place.vcn" in result.error.then
    assert "place.security_groups" in result.error.then
    return result.error.why


def test_given_subnets_carry_the_cluster_and_are_left_as_they_were(
    world: World, person: Person
) -> None:
    neighbour = Neighbour(world).open().furnish(NetworkPlan())
    settle(world)
    before = world.inventory()
    person.network = NetworkPlan(given=neighbour.given)

    assert person.run("install").error is None
    assert person.bugs == []
    made = world.count()
    assert (made["vcn"], made["subnet"], made["internetgateway"]) == (1, 3, 1)
    cluster = world.account().clients.client("clusters").get_cluster(person.recall("cluster")).data
    assert cluster.vcn_id == neighbour.vcn
    assert cluster.endpoint_config.subnet_id == neighbour.subnets["api"]
    assert person.run("install").ending is Ending.NOTHING_TO_DO

    assert person.run("destroy").error is None
    assert world.inventory() == before


def test_what_the_subnets_lack_is_listed_as_rules_to_add(world: World, person: Person) -> None:
    neighbour = Neighbour(world).open()
    for role in ("api", "nodes", "balancers"):
        neighbour.add(role, getattr(LAYOUT, role), NO_RULES)
    settle(world)
    before = world.inventory()
    person.network = NetworkPlan(given=neighbour.given)

    told = refusal(person).splitlines()

    for line in (
        "The subnet their-api: add the inbound rule TCP 6443 from 0.0.0.0/0.",
        "The subnet their-api: add the inbound rule TCP 12250 from 172.16.1.0/24.",
        "The subnet their-nodes: add the inbound rule everything from 172.16.1.0/24.",
        "The subnet their-nodes: add the outbound rule TCP to 0.0.0.0/0.",
        "The subnet their-nodes: add the inbound rule ICMP type 3 code 4 from 0.0.0.0/0.",
        "The subnet their-balancers: add the outbound rule TCP 10256 to 172.16.1.0/24.",
    ):
        assert line in told
    assert [each for each in world.inventory() if each["kind"] != "compartment"] == before
    # Exactly what was listed, added by their owner, is enough.
    from installer.oracle.rules import rules_for
    from installer.oracle.rules_on_the_wire import to_sdk

    for role, ocid in neighbour.lists.items():
        inbound, outbound = to_sdk(rules_for(role, NetworkPlan(), LAYOUT))
        details = models("core").UpdateSecurityListDetails(
            ingress_security_rules=inbound, egress_security_rules=outbound
        )
        neighbour.client.update_security_list(ocid, details)
    assert person.run("install", person.network_steps()).error is None


def test_every_mistake_in_a_given_network_is_told_at_once(world: World, person: Person) -> None:
    theirs = Neighbour(world).open().furnish(NetworkPlan())
    other = Neighbour(world)
    core = models("core")
    details = core.CreateVcnDetails(compartment_id=theirs.room, cidr_blocks=["10.96.0.0/16"])
    other.vcn = theirs.client.create_vcn(details).data.id
    details = core.UpdateRouteTableDetails(route_rules=[])
    theirs.client.update_route_table(theirs.table, details)
    person.network = NetworkPlan(
        given=Given(
            other.vcn,
            theirs.subnets["api"],
            "ocid1.subnet.oc1.eu-frankfurt-1.aaaaelsewhere",
            theirs.subnets["balancers"],
        )
    )

    told = refusal(person)

    assert "10.96.0.0/16, which overlaps 10.96.0.0/16 of the services" in told
    assert "cluster.services_cidr" in told
    assert "their-api is not in the network" in told
    assert "their-balancers is not in the network" in told
    assert "it is of region eu-frankfurt-1" in told
    assert "their-api: add a route to 0.0.0.0/0 through an internet gateway" in told


def test_a_closed_gateway_of_theirs_is_named_and_not_opened(world: World, person: Person) -> None:
    neighbour = Neighbour(world).open().furnish(NetworkPlan())
    closed = models("core").UpdateInternetGatewayDetails(is_enabled=False)
    neighbour.client.update_internet_gateway(neighbour.gateway, closed)
    person.network = NetworkPlan(given=neighbour.given)
    assert "lets nothing through" in refusal(person)
    assert not neighbour.client.get_internet_gateway(neighbour.gateway).data.is_enabled


@pytest.mark.parametrize("lent", [True, False], ids=["their gateway", "a gateway of ours"])
@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
def test_subnets_of_ours_in_a_given_network_leave_it_as_it_was(
    world: World, person: Person, lent: bool, private: bool
) -> None:
    neighbour = Neighbour(world).open(gateway=lent)
    settle(world)
    before = world.inventory()
    person.network = NetworkPlan(cidr=OWN_PART, given=Given(neighbour.vcn), private_nodes=private)

    assert person.run("install", person.network_steps()).error is None
    assert person.bugs == []
    assert world.count()["internetgateway"] == 1
    assert (person.recall("internet-gateway") == neighbour.gateway) is lent
    assert world.count()["subnet"] == 3
    assert person.run("install", person.network_steps()).changed == 0

    # Whatever the answers say by then.
    person.network = NetworkPlan(cidr=OWN_PART, given=Given(neighbour.vcn))
    assert person.run("destroy", person.network_steps()).error is None
    assert world.inventory() == before
    assert person.run("destroy", person.network_steps()).changed == 0


def test_our_part_of_a_given_network_stays_clear_of_its_subnets(
    world: World, person: Person
) -> None:
    neighbour = Neighbour(world).open().furnish(NetworkPlan())
    person.network = NetworkPlan(cidr="172.16.0.0/20", given=Given(neighbour.vcn))
    told = refusal(person)
    for role in ("api", "nodes", "balancers"):
        assert f"The subnet their-{role} has {getattr(LAYOUT, role)}" in told
    person.network = NetworkPlan(cidr="10.20.0.0/16", given=Given(neighbour.vcn))
    assert "10.20.0.0/16 of cluster.vcn_cidr is not inside" in refusal(person)


def test_a_network_that_nobody_shows_is_told_with_its_region(person: Person) -> None:
    person.network = NetworkPlan(given=Given("ocid1.vcn.oc1.eu-frankfurt-1.aaaanowhere"))
    assert "it is of region eu-frankfurt-1" in refusal(person)


def test_a_strangers_balancer_in_a_given_subnet_stops_no_removal(
    world: World, person: Person
) -> None:
    neighbour = Neighbour(world).open().furnish(NetworkPlan())
    person.network = NetworkPlan(given=neighbour.given)
    assert person.run("install", person.network_steps()).error is None
    leave_behind(world, person, "networkloadbalancer", tagged=False)
    assert person.run("destroy", person.network_steps()).error is None
    assert world.count()["networkloadbalancer"] == 1


def test_a_lost_state_is_found_in_a_given_compartment_by_more_than_its_network(
    world: World, person: Person, tmp_path: Path
) -> None:
    neighbour = Neighbour(world).open()
    person.compartment = neighbour.room
    person.network = NetworkPlan(cidr=OWN_PART, given=Given(neighbour.vcn))
    assert person.run("install", person.network_steps()).error is None
    found = installations_named(world.account(), neighbour.room, "health")
    assert found == (person.id(),)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    state = State(elsewhere / "state.sqlite")
    state.adopt(found[0])
    state.close()
    newcomer = Person(world, elsewhere, neighbour.room, person.network)
    assert newcomer.run("install", newcomer.network_steps()).changed == 0
    assert newcomer.run("destroy", newcomer.network_steps()).error is None
    assert not [each for each in world.inventory() if "health-install" in each["tags"]]


@pytest.mark.parametrize("first", [True, False], ids=["given first", "own first"])
def test_an_installation_does_not_move_to_another_network(
    world: World, person: Person, first: bool
) -> None:
    neighbour = Neighbour(world).open()
    there = NetworkPlan(cidr=OWN_PART, given=Given(neighbour.vcn))
    plans = (there, NetworkPlan()) if first else (NetworkPlan(), there)
    person.network = plans[0]
    assert person.run("install", person.network_steps()).error is None
    before = world.inventory()

    person.network = plans[1]
    for verb in ("install", "destroy"):
        result = person.run(verb, person.network_steps())
        assert result.exit_code == ExitCode.ANSWERS
        assert result.error is not None
        assert (neighbour.vcn if first else "place.vcn empty") in result.error.then
    assert world.inventory() == before
    person.network = plans[0]
    assert person.run("destroy", person.network_steps()).error is None
