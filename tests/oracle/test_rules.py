"""The security rules are complete, minimal and comparable."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Network

import pytest

from installer.oracle.rules import Role, Rule, RuleBook, differences, lacking, rules_for
from installer.oracle.rules_on_the_wire import from_sdk, to_sdk
from installer.oracle.subnets import lay_out
from installer.oracle.wanted import NetworkPlan

PLAN = NetworkPlan(api_access_cidr="198.51.100.0/24")
LAYOUT = lay_out(PLAN)
ROLES: tuple[Role, ...] = ("api", "nodes", "balancers")


def book(role: Role, plan: NetworkPlan = PLAN) -> RuleBook:
    return rules_for(role, plan, LAYOUT)


def lets(role: Role, direction: str, peer: str, port: int, plan: NetworkPlan = PLAN) -> bool:
    """Whether some TCP rule covers the peer and the port, as Oracle would judge it."""
    other = IPv4Network(peer)
    return any(
        rule.direction == direction
        and rule.protocol in ("6", "all")
        and other.subnet_of(IPv4Network(rule.peer))
        and (rule.ports is None or rule.ports[0] <= port <= rule.ports[1])
        for rule in book(role, plan).rules
    )


OPERATOR, STRANGER = "198.51.100.7/32", "203.0.113.5/32"


@pytest.mark.parametrize(
    ("sender", "receiver", "port"),
    [
        ("nodes", "api", 6443),
        ("nodes", "api", 12250),
        ("api", "nodes", 10250),
        ("api", "nodes", 9995),
        ("nodes", "nodes", 8472),
        ("balancers", "nodes", 30000),
        ("balancers", "nodes", 32767),
        ("balancers", "nodes", 10256),
    ],
)
def test_each_conversation_the_cluster_needs_is_open_at_both_ends(
    sender: Role, receiver: Role, port: int
) -> None:
    assert lets(sender, "out", getattr(LAYOUT, receiver), port)
    assert lets(receiver, "in", getattr(LAYOUT, sender), port)


def test_the_operator_reaches_the_api_and_a_stranger_does_not() -> None:
    assert lets("api", "in", OPERATOR, 6443)
    assert not lets("api", "in", STRANGER, 6443)
    assert not lets("api", "in", OPERATOR, 12250)


def test_the_world_reaches_the_web_ports_of_the_balancers_only() -> None:
    assert lets("balancers", "in", STRANGER, 80)
    assert lets("balancers", "in", STRANGER, 443)
    assert not lets("balancers", "in", STRANGER, 22)
    assert not any(lets("nodes", "in", STRANGER, port) for port in (22, 443, 10250, 30080))


def test_nodes_and_control_plane_reach_oracles_services() -> None:
    assert lets("nodes", "out", STRANGER, 443)
    assert lets("api", "out", STRANGER, 443)
    assert not lets("api", "out", STRANGER, 80)


def test_the_balancer_subnet_talks_to_nothing_but_node_ports() -> None:
    assert not lets("balancers", "out", STRANGER, 443)
    assert not lets("balancers", "out", LAYOUT.nodes, 10250)


def test_options_open_what_they_say_and_no_more() -> None:
    opened = dataclasses.replace(PLAN, node_ports_from="0.0.0.0/0", ssh_from="198.51.100.0/24")
    assert lets("nodes", "in", STRANGER, 30080, opened)
    assert lets("nodes", "in", OPERATOR, 22, opened)
    assert not lets("nodes", "in", STRANGER, 22, opened)
    assert book("api", opened) == book("api")


@pytest.mark.parametrize("role", ["api", "nodes"])
def test_path_discovery_passes_both_ways(role: Role) -> None:
    ways = {rule.direction for rule in book(role).rules if rule.icmp == (3, 4)}
    assert ways == {"in", "out"}


@pytest.mark.parametrize("role", ROLES)
def test_rules_survive_the_way_through_the_sdk(role: Role) -> None:
    assert differences(book(role), from_sdk(*to_sdk(book(role)))) == ()


@pytest.mark.parametrize("role", ROLES)
def test_rules_are_told_in_the_same_order_each_time(role: Role) -> None:
    first, second = to_sdk(book(role)), to_sdk(book(role))
    assert [str(each) for each in first] == [str(each) for each in second]


def test_descriptions_do_not_count_as_a_difference() -> None:
    relabelled = RuleBook(
        frozenset(dataclasses.replace(rule, description="x") for rule in book("api").rules)
    )
    assert differences(book("api"), relabelled) == ()


def test_every_missing_and_every_extra_rule_has_a_line() -> None:
    kept = [rule for rule in book("api").rules if rule.ports != (12250, 12250)]
    extra = Rule("in", "6", "0.0.0.0/0", ports=(22, 22))
    found = RuleBook(frozenset([*kept, extra]))
    assert differences(book("api"), found) == (
        f"open inbound: TCP 12250 from {LAYOUT.nodes}",
        "close inbound: TCP 22 from 0.0.0.0/0",
    )


ANYONE = "0.0.0.0/0"


@pytest.mark.parametrize(
    ("found", "enough"),
    [
        (Rule("in", "all", ANYONE), True),
        (Rule("in", "6", ANYONE), True),
        (Rule("in", "6", LAYOUT.nodes, ports=(12000, 13000)), True),
        (Rule("in", "6", LAYOUT.nodes, ports=(12250, 12250)), True),
        (Rule("out", "all", ANYONE), False),
        (Rule("in", "17", ANYONE), False),
        (Rule("in", "6", LAYOUT.nodes, ports=(6443, 6443)), False),
        (Rule("in", "6", LAYOUT.balancers), False),
        (Rule("in", "6", ANYONE, stateless=True), False),
        (Rule("in", "6", ANYONE, extra=" with source ports 1-2"), False),
        (Rule("in", "6", "all-ams-services", peer_type="SERVICE_CIDR_BLOCK"), False),
    ],
    ids=lambda each: each.words() if isinstance(each, Rule) else str(each),
)
def test_a_rule_of_others_is_enough_when_it_allows_at_least_what_is_wanted(
    found: Rule, enough: bool
) -> None:
    wanted = RuleBook(frozenset([Rule("in", "6", LAYOUT.nodes, ports=(12250, 12250))]))
    assert (lacking(wanted, RuleBook(frozenset([found]))) == ()) is enough


def test_oracles_services_may_be_reached_by_their_label_where_only_they_are_wanted() -> None:
    label = "all-ams-services-in-oracle-services-network"
    by_label = RuleBook(frozenset([Rule("out", "all", label, peer_type="SERVICE_CIDR_BLOCK")]))
    missing = {rule.words() for rule in lacking(book("api"), by_label) if rule.direction == "out"}
    assert "TCP 443 to 0.0.0.0/0" not in missing
    assert "TCP to 0.0.0.0/0" in {rule.words() for rule in lacking(book("nodes"), by_label)}


@pytest.mark.parametrize("role", ROLES)
def test_our_own_rules_are_enough_for_us(role: Role) -> None:
    assert lacking(book(role), book(role)) == ()


def test_a_rule_narrowed_by_source_ports_is_not_ours() -> None:
    from oci.core.models import IngressSecurityRule, PortRange, TcpOptions

    span = PortRange(min=6443, max=6443)
    narrowed = IngressSecurityRule(
        protocol="6",
        source=PLAN.api_access_cidr,
        source_type="CIDR_BLOCK",
        tcp_options=TcpOptions(
            destination_port_range=span, source_port_range=PortRange(min=1, max=2)
        ),
    )
    (found,) = from_sdk([narrowed], []).rules
    assert found not in book("api").rules
    assert "source ports 1-2" in found.words()


def test_every_port_written_out_means_the_same_as_nothing() -> None:
    from oci.core.models import IngressSecurityRule, PortRange, TcpOptions

    every = TcpOptions(destination_port_range=PortRange(min=1, max=65535))
    written = IngressSecurityRule(protocol="6", source=LAYOUT.api, tcp_options=every)
    assert from_sdk([written], []).rules <= book("nodes").rules
