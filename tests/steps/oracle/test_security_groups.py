"""Security groups of ours in a network of somebody else, whose lists stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Ending
from installer.oracle.given_network import ROLES
from installer.oracle.rules import NO_RULES, rules_for
from installer.oracle.sdk import models
from installer.oracle.security_groups import SecurityGroups
from installer.oracle.wanted import NetworkPlan
from installer.steps.front_door import in_group
from tests.oracle.world import Person, World
from tests.steps.oracle.neighbours import LAYOUT, Neighbour
from tests.steps.oracle.test_installing_and_removing import settle
from tests.weather.stage import Stage


def closed(world: World) -> Neighbour:
    """Subnets whose lists let nothing through."""
    neighbour = Neighbour(world).open()
    for role in ROLES:
        neighbour.add(role, getattr(LAYOUT, role), NO_RULES)
    settle(world)
    return neighbour


def theirs(neighbour: Neighbour) -> list[str]:
    """Everything of the neighbour's that rules and routes are in, word by word."""
    client = neighbour.client
    lists = [str(client.get_security_list(each).data) for each in neighbour.lists.values()]
    subnets = [str(client.get_subnet(each).data) for each in neighbour.subnets.values()]
    return [
        *lists,
        *subnets,
        str(client.get_vcn(neighbour.vcn).data),
        str(client.get_route_table(neighbour.table).data),
    ]


def test_groups_of_ours_hold_the_rules_and_are_kept_so(world: World, person: Person) -> None:
    neighbour = closed(world)
    plan = NetworkPlan(given=replace(neighbour.given, groups=True))
    person.network = plan
    assert person.run("install", person.network_steps()).error is None
    groups, client = SecurityGroups(world.account()), neighbour.client
    for role in ROLES:
        found = groups.group(person.recall(f"security-group-{role}"))
        assert found is not None
        assert found.book == rules_for(role, plan, LAYOUT)
    assert person.run("install", person.network_steps()).changed == 0

    core = models("core")
    api = person.recall("security-group-api")
    rules = client.list_network_security_group_security_rules(api).data
    gone = next(each for each in rules if "12250" in str(each.tcp_options))
    client.remove_network_security_group_security_rules(
        api, core.RemoveNetworkSecurityGroupSecurityRulesDetails(security_rule_ids=[gone.id])
    )
    wide = core.AddSecurityRuleDetails(direction="INGRESS", protocol="all", source="0.0.0.0/0")
    client.add_network_security_group_security_rules(
        api, core.AddNetworkSecurityGroupSecurityRulesDetails(security_rules=[wide])
    )
    told = person.run("plan", person.network_steps()).seen["security-group-api"].changes
    assert told == (
        "open inbound: TCP 12250 from 172.16.1.0/24",
        "close inbound: everything from 0.0.0.0/0",
    )
    assert person.run("install", person.network_steps()).error is None
    found = groups.group(api)
    assert found is not None
    assert found.book == rules_for("api", plan, LAYOUT)

    # Whatever the answers say by then.
    person.network = NetworkPlan(given=neighbour.given)
    assert person.run("destroy", person.network_steps()).error is None
    assert world.count()["networksecuritygroup"] == 0


@pytest.mark.slow
def test_the_cluster_lives_in_closed_subnets_and_leaves_them_as_they_were(
    world: World, person: Person
) -> None:
    neighbour = closed(world)
    before, words = world.inventory(), theirs(neighbour)
    given = replace(neighbour.given, groups=True)
    stage = Stage(world, person.folder, "platform", network=NetworkPlan(given=given))

    assert stage.run("install").error is None

    assert theirs(neighbour) == words
    assert {role: _kinds_in(neighbour, stage.person, role) for role in ROLES} == {
        "api": {"cluster"},
        "nodes": {"instance"},
        "balancers": {"networkloadbalancer", "loadbalancer"} & _kinds(world),
    }
    assert stage.run("install").ending is Ending.NOTHING_TO_DO
    assert stage.run("destroy").error is None
    assert (world.inventory(), theirs(neighbour)) == (before, words)


def _kinds(world: World) -> set[str]:
    return set(world.count())


def _kinds_in(neighbour: Neighbour, person: Person, role: str) -> set[str]:
    """What has a network card in one of our groups."""
    group = person.recall(f"security-group-{role}")
    cards = neighbour.client.list_network_security_group_vnics(group).data
    return {str(card.resource_id).split(".")[1] for card in cards}


def test_a_cluster_that_stands_is_not_moved_into_groups(world: World, person: Person) -> None:
    neighbour = closed(world)
    person.network = NetworkPlan(given=replace(neighbour.given, groups=True))
    _pretend_a_cluster(person)
    result = person.run("install", person.network_steps())
    assert result.exit_code == ExitCode.ANSWERS
    assert result.error is not None
    assert "place.security_groups back to no" in result.error.then


def _pretend_a_cluster(person: Person) -> None:
    from installer.engine.state import State

    state = State(person.folder / "state.sqlite")
    state.remember("cluster", "id", "ocid1.cluster.oc1..stands")
    state.close()


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("nlb", "oci-network-load-balancer.oraclecloud.com/oci-network-security-groups"),
        ("lb", "oci.oraclecloud.com/oci-network-security-groups"),
    ],
)
def test_each_kind_of_balancer_has_its_own_key_for_its_group(kind: str, key: str) -> None:
    noted = {"oci.oraclecloud.com/load-balancer-type": kind}
    service: dict[str, Any] = {"metadata": {"name": "door", "annotations": noted}, "spec": {}}
    assert in_group(service, "ocid1.group")["metadata"]["annotations"] == {
        **noted,
        key: "ocid1.group",
    }
    assert service["metadata"]["annotations"] == noted
