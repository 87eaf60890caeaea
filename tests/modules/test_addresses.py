"""Blocks of addresses as policies take them."""

from __future__ import annotations

import ipaddress

import pytest

from installer.modules.addresses import Addresses, Block, is_private


def holds(blocks: list[Block], address: str) -> bool:
    found = ipaddress.ip_address(address)
    return any(
        found in ipaddress.ip_network(str(block["cidr"]))
        and not any(found in ipaddress.ip_network(each) for each in block.get("except", ()))
        for block in blocks
    )


def test_machines_are_anywhere_private_unless_their_network_is_known() -> None:
    unknown, known = Addresses(), Addresses(nodes=("10.20.0.0/16",))
    for address in ("10.1.2.3", "172.20.0.1", "192.168.1.1", "100.64.0.9"):
        assert holds(unknown.node_blocks, address)
        assert not holds(known.node_blocks, address)
    assert holds(known.node_blocks, "10.20.3.4")
    assert not holds(unknown.node_blocks, "172.32.0.1")


def test_pods_are_never_among_the_machines() -> None:
    around = Addresses(pods=("10.42.0.0/24", "10.42.1.0/24"))
    assert not holds(around.node_blocks, "10.42.1.7")
    assert not holds(around.api_blocks, "10.42.1.7")
    assert not holds(around.outside_blocks, "10.42.1.7")
    assert holds(around.node_blocks, "10.42.2.7")


def test_exceptions_lie_inside_their_block_as_the_api_demands() -> None:
    around = Addresses(pods=("10.42.0.0/24", "192.168.7.0/24", "fd00:1::/64"))
    for blocks in (around.node_blocks, around.outside_blocks, around.internet_blocks):
        for block in blocks:
            outer = ipaddress.ip_network(str(block["cidr"]))
            for inner in block.get("except", ()):
                found = ipaddress.ip_network(inner)
                assert found.version == outer.version
                assert outer.supernet_of(found)  # type: ignore[arg-type]
                assert found != outer


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "10.0.0.1", "172.31.0.1", "192.168.0.1", "100.100.0.1", "fd00::1"],
)
def test_the_internet_leaves_out_what_is_near_and_the_metadata_service(address: str) -> None:
    assert not holds(Addresses().internet_blocks, address)


def test_the_internet_holds_the_rest() -> None:
    assert holds(Addresses().internet_blocks, "198.51.100.1")
    assert holds(Addresses().internet_blocks, "2001:db8::1")


def test_single_addresses_outside_are_added() -> None:
    around = Addresses(extra_nodes=("203.0.113.5/32",), api=("203.0.113.9/32",), api_ports=(16443,))
    assert holds(around.node_blocks, "203.0.113.5")
    assert not holds(around.node_blocks, "203.0.113.9")
    assert holds(around.api_blocks, "203.0.113.9")
    assert around.ports_of_api == (443, 6443, 16443)


def test_private_is_what_the_standards_say() -> None:
    assert is_private("10.255.0.1")
    assert not is_private("11.0.0.1")
    assert not is_private("2001:db8::1")
