"""Cuts the virtual network into three subnets, always in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from installer.engine.errors import AnswersError
from installer.oracle.wanted import MINE, ClusterPlan, NetworkPlan

# Oracle's limits for a VCN are /16 to /30; three useful subnets need at least a /26.
LARGEST, SMALLEST = 16, 26
# Oracle keeps these for itself inside every network.
LINK_LOCAL = IPv4Network("169.254.0.0/16")


@dataclass(frozen=True)
class Layout:
    """CIDR blocks of the API endpoint's, the nodes' and the balancers' subnet."""

    api: str
    nodes: str
    balancers: str


def lay_out(network: NetworkPlan, cluster: ClusterPlan | None = None) -> Layout:
    """The three subnets of a network; raises AnswersError with every mistake in the blocks.

    The endpoint needs one address (a /30 would do with flannel); it gets a /28 of the first
    quarter, so that a network that grows later has room beside it.
    """
    cluster = cluster or ClusterPlan()
    problems = list(_problems(network, cluster))
    if problems:
        raise AnswersError(
            "The network addresses in the answers cannot be used.",
            " ".join(problems),
            "Change cluster.vcn_cidr, cluster.pods_cidr, cluster.services_cidr or "
            "cluster.api_access_cidr and run the same command again.",
        )
    whole = IPv4Network(network.cidr)
    quarters = whole.subnets(new_prefix=max(24, whole.prefixlen + 2))
    first, second, third = (next(quarters) for _ in range(3))
    api = next(first.subnets(new_prefix=28))
    return Layout(str(api), str(second), str(third))


def _problems(network: NetworkPlan, cluster: ClusterPlan) -> Iterator[str]:
    for name, text in (
        ("The address block of the network", network.cidr),
        ("The block that may reach the API", network.api_access_cidr),
        ("The block that may reach the web ports", network.web_access_cidr),
    ):
        if text != MINE and _block(text) is None:
            yield f"{name}, {text!r}, is not an IPv4 block such as 10.20.0.0/16."
    pods, services = _block(cluster.pods_cidr), _block(cluster.services_cidr)
    if pods is not None and services is not None and pods.overlaps(services):
        yield f"The pods' addresses {pods} overlap those of the services, {services}."
    whole = _block(network.cidr)
    if whole is None:
        return
    if not LARGEST <= whole.prefixlen <= SMALLEST:
        yield f"The network {whole} must be between /{LARGEST} and /{SMALLEST}."
    if not whole.is_private:
        yield f"The network {whole} is not a private one."
    for what, other in (
        ("pods", pods),
        ("services", services),
        ("Oracle itself", LINK_LOCAL),
    ):
        if other is not None and whole.overlaps(other):
            yield f"The network {whole} overlaps {other}, which is for {what}."


def _block(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text)
    except ValueError:
        return None
