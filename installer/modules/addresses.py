"""Where nodes, pods and the API server are, in the form network policies take.

A policy names pods by their labels and everything else by blocks of addresses. How a connection
from or to a pod is seen differs between networks, so the blocks leave out what pods themselves
have: a rule about machines must not let a pod through.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Block = dict[str, str | list[str]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Where machines of a cluster have their addresses when nobody says where: RFC 1918, and the shared
# space of RFC 6598 that some providers use.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
# Not the internet either. Link-local (RFC 3927) holds the metadata service of every large provider,
# from which a pod could read a machine's credentials.
_LOCAL = ("127.0.0.0/8", "169.254.0.0/16")
_PRIVATE_V6 = ("fc00::/7", "fe80::/10")
_API_PORTS = (443, 6443)


@dataclass(frozen=True)
class Addresses:
    """What is known of a cluster's addresses, as CIDR blocks; what is unknown is empty.

    `nodes` are the blocks of its machines and `extra_nodes` single machines outside of them; `api`
    are single addresses of the API server outside of those blocks. Without `nodes` any private
    address may be a machine's: they come and go, and a rule for today's would break tomorrow's.
    """

    nodes: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    extra_nodes: tuple[str, ...] = ()
    api: tuple[str, ...] = ()
    api_ports: tuple[int, ...] = ()

    @property
    def node_blocks(self) -> list[Block]:
        """The machines, without the pods on them."""
        return list(_blocks((*(self.nodes or PRIVATE), *self.extra_nodes), self.pods))

    @property
    def api_blocks(self) -> list[Block]:
        """The API server: beside the machines, or at addresses of its own."""
        known = (*(self.nodes or PRIVATE), *self.extra_nodes, *self.api)
        return list(_blocks(dict.fromkeys(known), self.pods))

    @property
    def ports_of_api(self) -> tuple[int, ...]:
        """Its ports: the usual ones and those seen.

        443 is its Service's; whether a policy is asked before or after the Service's address is
        replaced differs between networks.
        """
        return tuple(sorted({*_API_PORTS, *self.api_ports}))

    @property
    def outside_blocks(self) -> list[Block]:
        """Whoever comes in by the front door: with their own address, or that of a machine."""
        return list(_blocks(("0.0.0.0/0", "::/0"), self.pods))

    @property
    def internet_blocks(self) -> list[Block]:
        """All that is neither the cluster nor anything near it."""
        return list(_blocks(("0.0.0.0/0", "::/0"), (*PRIVATE, *_LOCAL, *_PRIVATE_V6)))


NOT_KNOWN = Addresses()


def is_private(address: str) -> bool:
    """Whether an address lies in one of the blocks of PRIVATE."""
    single = _network(address)
    return any(_inside(single, _network(block)) for block in PRIVATE)


def single(address: str) -> str:
    """The block that holds one address and no other."""
    return str(_network(address))


def _blocks(cidrs: Iterable[str], without: Iterable[str]) -> Iterator[Block]:
    """Each block with what it leaves out; the API refuses exceptions that are not inside."""
    left_out = sorted({_network(each) for each in without}, key=str)
    for cidr in cidrs:
        block = _network(cidr)
        inside = [str(each) for each in left_out if each != block and _inside(each, block)]
        if block in left_out:
            continue
        yield {"cidr": str(block), "except": inside} if inside else {"cidr": str(block)}


def _network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)


def _inside(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False
