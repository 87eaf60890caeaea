"""A whole life: made, found as it was made, drifted, repaired, lost, found again, removed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Ending, Note, StepFinished, StepLooked
from installer.engine.state import State
from installer.oracle.installations import installations_named
from tests.oracle.world import Person, World, world_in

OURS = {"compartment", "vcn", "internetgateway", "cluster", "nodepool", "instance"}


def looked(person: Person, step: str) -> StepLooked:
    return next(e for e in person.events if isinstance(e, StepLooked) and e.step == step)


def foreign_network(world: World, compartment: str, name: str, **tags: str) -> str:
    client = world.account().clients.client("network")
    from oci.core.models import CreateVcnDetails

    made = client.create_vcn(
        CreateVcnDetails(
            compartment_id=compartment,
            display_name=name,
            cidr_blocks=["10.99.0.0/16"],
            freeform_tags=tags,
        )
    )
    return str(made.data.id)


def test_everything_is_made_once_and_removed_again(world: World, person: Person) -> None:
    foreign_network(world, world.account().tenancy, "somebody-elses")
    settle(world)
    before = world.count()

    first = person.run("install")
    assert (first.error, person.bugs) == (None, [])
    made = world.count() - before
    assert {kind: made[kind] for kind in OURS} == dict.fromkeys(OURS, 1)
    assert (made["subnet"], made["instance"], made["bootvolume"]) == (3, 1, 1)

    second = person.run("install")
    assert (second.ending, second.changed) == (Ending.NOTHING_TO_DO, 0)
    assert person.run("plan").changed == 0
    assert world.count() - before == made

    removed = person.run("destroy")
    assert removed.error is None
    assert world.count() == before

    again = person.run("destroy")
    assert (again.ending, again.error) == (Ending.NOTHING_TO_DO, None)


@pytest.mark.slow
def test_what_is_made_carries_our_tags_and_names(world: World, person: Person) -> None:
    person.run("install")
    # Oracle makes a network's defaults, and the cards of machines, without asking for tags.
    by_itself = ("dhcpoptions", "vnic")
    for each in world.inventory():
        if each["kind"] in by_itself or each["name"].startswith("Default "):
            continue
        assert each["tags"]["health-install"] == person.id(), each
        assert each["tags"]["health-install-name"] == "health"
    cluster = world.account().clients.client("clusters").get_cluster(person.recall("cluster")).data
    assert cluster.type == "BASIC_CLUSTER"
    tags = {"health-install": person.id(), "health-install-name": "health"}
    assert cluster.options.persistent_volume_config.freeform_tags == tags
    assert cluster.options.service_lb_config.freeform_tags == tags


@pytest.mark.slow
def test_the_cluster_is_the_free_kind_and_its_pods_speak_flannel(
    world: World, person: Person
) -> None:
    person.run("install", [each for each in person.steps() if each.id != "node-pool"])
    engine = world.account().clients.client("clusters")
    cluster: Any = engine.get_cluster(person.recall("cluster")).data
    assert cluster.type == "BASIC_CLUSTER"
    assert [each.cni_type for each in cluster.cluster_pod_network_options] == ["FLANNEL_OVERLAY"]
    network = cluster.options.kubernetes_network_config
    assert (network.pods_cidr, network.services_cidr) == ("10.244.0.0/16", "10.96.0.0/16")


@pytest.mark.slow
def test_the_machine_is_made_as_planned(world: World, person: Person) -> None:
    person.run("install")
    pools = world.account().clients.client("clusters")
    pool: Any = pools.get_node_pool(person.recall("node-pool")).data
    assert pool.node_shape == "VM.Standard.A1.Flex"
    assert (pool.node_shape_config.ocpus, pool.node_shape_config.memory_in_gbs) == (2, 12)
    assert "aarch64" in pool.node_image_name
    assert f"OKE-{pool.kubernetes_version[1:]}-" in pool.node_image_name
    assert "GPU" not in pool.node_image_name
    assert pool.node_metadata == {"areLegacyImdsEndpointsDisabled": "true"}
    assert {each.key: each.value for each in pool.initial_node_labels} == {
        "oci.oraclecloud.com/oke-observability-agent-enabled": "false",
        "oci.oraclecloud.com/oke-node-problem-detector-enabled": "false",
    }
    assert pool.node_source_details.boot_volume_size_in_gbs == 50


def test_a_lost_state_is_found_again_by_the_tags(
    world: World, person: Person, tmp_path: Path
) -> None:
    person.run("install")
    ids = {step.id: person.recall(step.id) for step in person.steps()}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    newcomer = Person(world, elsewhere)
    state = State(elsewhere / "state.sqlite")
    found = installations_named(world.account(), "health-platform", "health")
    state.installation("health")
    state.adopt(found[0])
    state.close()

    result = newcomer.run("install")
    assert newcomer.bugs == []

    assert (result.ending, result.error) == (Ending.NOTHING_TO_DO, None)
    assert {step.id: newcomer.recall(step.id) for step in newcomer.steps()} == ids
    assert newcomer.run("destroy").error is None
    assert world.inventory() == []


def test_another_installation_under_the_same_name_is_left_alone(
    world: World, person: Person, tmp_path: Path
) -> None:
    person.run("install", person.network_steps())
    before = world.inventory()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    newcomer = Person(world, elsewhere)

    result = newcomer.run("install", newcomer.network_steps())

    assert result.exit_code == ExitCode.NOT_OURS
    assert result.error is not None
    assert f"installation {person.id()}" in result.error.why
    assert newcomer.run("destroy", newcomer.network_steps()).error is None
    assert world.inventory() == before


def test_a_namesake_without_our_tag_stops_us_and_is_not_touched(
    world: World, person: Person
) -> None:
    account = world.account()
    person.compartment = account.tenancy
    stranger = foreign_network(world, account.tenancy, "health-vcn")
    settle(world)
    before = world.inventory()

    result = person.run("install", person.network_steps())

    assert result.exit_code == ExitCode.NOT_OURS
    assert result.error is not None
    assert "health-vcn" in result.error.why
    assert stranger in result.error.why
    assert person.run("destroy", person.network_steps()).error is None
    assert world.inventory() == before


def test_what_lost_its_tag_is_no_longer_ours(world: World, person: Person) -> None:
    person.run("install", person.network_steps())
    from oci.core.models import UpdateVcnDetails

    client = world.account().clients.client("network")
    client.update_vcn(person.recall("vcn"), UpdateVcnDetails(freeform_tags={}))
    assert person.run("install", person.network_steps()).exit_code == ExitCode.NOT_OURS


def test_drifted_rules_are_named_one_by_one_and_repaired(world: World, person: Person) -> None:
    from oci.core.models import UpdateSecurityListDetails

    person.run("install", person.network_steps())
    client = world.account().clients.client("network")
    rules = person.recall("security-rules-api")
    kept = [
        rule
        for rule in client.get_security_list(rules).data.ingress_security_rules
        if not (rule.tcp_options and rule.tcp_options.destination_port_range.min == 12250)
    ]
    kept[0].source = "192.0.2.0/24"
    client.update_security_list(rules, UpdateSecurityListDetails(ingress_security_rules=kept))

    person.run("plan", person.network_steps())
    changes = looked_or_finished(person, "security-rules-api")
    assert "open inbound: TCP 12250 from 10.20.1.0/24" in changes
    assert "192.0.2.0/24" in changes

    result = person.run("install", person.network_steps())
    assert (result.error, result.changed) == (None, 1)
    assert len(looked(person, "security-rules-api").changes) == 3
    assert person.run("install", person.network_steps()).changed == 0


def looked_or_finished(person: Person, step: str) -> str:
    return next(e.words for e in person.events if isinstance(e, StepFinished) and e.step == step)


def test_a_closed_gateway_and_a_lost_route_are_repaired(world: World, person: Person) -> None:
    from oci.core.models import UpdateInternetGatewayDetails, UpdateRouteTableDetails

    person.run("install", person.network_steps())
    client = world.account().clients.client("network")
    client.update_internet_gateway(
        person.recall("internet-gateway"), UpdateInternetGatewayDetails(is_enabled=False)
    )
    client.update_route_table(person.recall("route-table"), UpdateRouteTableDetails(route_rules=[]))

    result = person.run("install", person.network_steps())

    assert (result.error, result.changed) == (None, 2)
    assert client.get_internet_gateway(person.recall("internet-gateway")).data.is_enabled
    assert person.run("install", person.network_steps()).changed == 0


def test_a_removed_subnet_is_made_again(world: World, person: Person) -> None:
    person.run("install", person.network_steps())
    first = person.recall("subnet-balancers")
    world.account().clients.client("network").delete_subnet(first)

    result = person.run("install", person.network_steps())

    assert (result.error, result.changed) == (None, 1)
    assert person.recall("subnet-balancers") != first
    assert world.count()["subnet"] == 3


def test_a_given_compartment_is_used_and_never_removed(world: World, person: Person) -> None:
    from oci.identity.models import CreateCompartmentDetails

    account = world.account()
    made = account.clients.client("identity").create_compartment(
        CreateCompartmentDetails(
            compartment_id=account.tenancy, name="given", description="by somebody else"
        )
    )
    person.compartment = made.data.id
    settle(world)
    before = world.inventory()

    assert person.run("install", person.network_steps()).error is None
    assert person.run("install", person.network_steps()).changed == 0
    found = installations_named(account, made.data.id, "health")
    assert found == (person.id(),)

    assert person.run("destroy", person.network_steps()).error is None
    assert world.inventory() == before


def settle(world: World) -> None:
    """Until nothing is on its way any more; simulated seconds, so at once."""
    while {each["state"] for each in world.inventory()} & {"CREATING", "PROVISIONING"}:
        pass


def test_a_given_compartment_that_is_not_there_is_explained(person: Person) -> None:
    person.compartment = "ocid1.compartment.oc1..aaaanowhere"
    result = person.run("install", person.network_steps())
    assert result.exit_code == ExitCode.ACCOUNT
    assert result.error is not None
    assert "place.compartment" in result.error.then


def test_an_account_without_clusters_stops_before_the_first_write(tmp_path: Path) -> None:
    with world_in(tmp_path / "world", "--account", "free") as world:
        folder = tmp_path / "folder"
        folder.mkdir()
        person = Person(world, folder)
        result = person.run("install")
        assert result.exit_code == ExitCode.ACCOUNT
        assert result.error is not None
        assert "limit for Kubernetes clusters" in result.error.why
        assert world.inventory() == []


def test_addresses_that_overlap_the_pods_are_refused_before_the_network(
    world: World, person: Person
) -> None:
    person.network = type(person.network)(cidr="10.244.0.0/16")
    result = person.run("install", person.network_steps())
    assert result.exit_code == ExitCode.ANSWERS
    assert "vcn" not in world.count()


@pytest.mark.parametrize("kind", ["volume", "networkloadbalancer"])
def test_what_kubernetes_left_behind_is_removed_with_the_rest(
    world: World, person: Person, kind: str
) -> None:
    person.run("install", person.network_steps())
    leave_behind(world, person, kind, tagged=True)
    assert world.count()[kind] == 1

    assert person.run("install", person.network_steps()).changed == 0
    assert person.run("destroy", person.network_steps()).error is None
    assert world.count() == Counter()


def test_a_strangers_balancer_in_our_subnet_stops_the_removal(world: World, person: Person) -> None:
    person.run("install", person.network_steps())
    leave_behind(world, person, "networkloadbalancer", tagged=False)

    result = person.run("destroy", person.network_steps())

    assert result.exit_code == ExitCode.NOT_OURS
    assert result.error is not None
    assert "left-behind" in result.error.what
    assert world.count()["networkloadbalancer"] == 1
    assert world.count()["subnet"] == 3


def test_a_strangers_volume_keeps_the_compartment_and_is_named(
    world: World, person: Person
) -> None:
    person.run("install", person.network_steps())
    volume = leave_behind(world, person, "volume", tagged=False)

    result = person.run("destroy", person.network_steps())

    assert (result.error, person.bugs) == (None, [])
    told = "\n".join(event.words for event in person.events if isinstance(event, Note))
    assert "stays, without our tag" in told
    assert "block volume left-behind, 50 GB" in told
    assert {each["id"] for each in world.inventory()} == {volume, person_compartment(world)}
    assert all(each["tags"] == {} for each in world.inventory())
    assert person.run("destroy", person.network_steps()).changed == 0


def person_compartment(world: World) -> str:
    return next(str(each["id"]) for each in world.inventory() if each["kind"] == "compartment")


def leave_behind(world: World, person: Person, kind: str, *, tagged: bool) -> str:
    from oci.core.models import CreateVolumeDetails
    from oci.network_load_balancer.models import CreateNetworkLoadBalancerDetails

    account = world.account()
    common = {
        "compartment_id": person.recall("compartment"),
        "display_name": "left-behind",
        "freeform_tags": {"health-install": person.id()} if tagged else {},
    }
    if kind == "volume":
        zone = account.availability_domains()[0]
        details = CreateVolumeDetails(**common, availability_domain=zone, size_in_gbs=50)
        return str(account.clients.client("volumes").create_volume(details).data.id)
    balancers = account.clients.client("network_balancers")
    details = CreateNetworkLoadBalancerDetails(
        **common, subnet_id=person.recall("subnet-balancers")
    )
    return str(balancers.create_network_load_balancer(details).data.id)
