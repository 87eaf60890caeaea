"""What a cluster that exists tells of itself for rendering: its addresses, and who serves what."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from installer.kube.cluster import Cluster
from installer.kube.objects import at, labels_of
from installer.kube.stamp import INSTALLATION
from installer.modules.addresses import Addresses, is_private, single

Body = Mapping[str, Any]
_NODE_ADDRESSES = ("InternalIP", "ExternalIP")


def served_by_others(cluster: Cluster, installation: str) -> tuple[str, ...]:
    """Names of the APIServices behind which stands something that is not this installation's.

    The cluster's own groups, which no Service serves, do not count.
    """
    found = cluster.objects("apiregistration.k8s.io/v1", "APIService")
    return tuple(
        sorted(
            body["metadata"]["name"]
            for body in found
            if at(body, "spec", "service") is not None
            and not (installation and labels_of(body).get(INSTALLATION) == installation)
        )
    )


def addresses_of(cluster: Cluster) -> Addresses:
    """Where its machines, its pods and its API server are.

    Machines with private addresses stand for all private ones: others will come.
    """
    nodes = cluster.objects("v1", "Node")
    slices = api_slices(cluster)
    return Addresses(
        pods=_pods(nodes),
        extra_nodes=_outside(_of_nodes(nodes)),
        api=_outside(_of_api(slices)),
        api_ports=tuple(sorted({int(port["port"]) for each in slices for port in _ports(each)})),
    )


def api_slices(cluster: Cluster) -> tuple[Body, ...]:
    """Where the cluster says that its API server is."""
    selector = "kubernetes.io/service-name=kubernetes"
    return cluster.objects("discovery.k8s.io/v1", "EndpointSlice", "default", selector)


def _pods(nodes: Iterable[Body]) -> tuple[str, ...]:
    """The blocks nodes give to their pods, neighbours put together."""
    found = {
        ipaddress.ip_network(block)
        for node in nodes
        for block in at(node, "spec", "podCIDRs", default=[])
        or [at(node, "spec", "podCIDR", default="")]
        if block
    }
    four = [each for each in found if isinstance(each, ipaddress.IPv4Network)]
    six = [each for each in found if isinstance(each, ipaddress.IPv6Network)]
    joined = (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))
    return tuple(str(each) for each in joined)


def _of_nodes(nodes: Iterable[Body]) -> Iterator[str]:
    for node in nodes:
        for each in at(node, "status", "addresses", default=[]):
            if each.get("type") in _NODE_ADDRESSES:
                yield str(each["address"])


def _of_api(slices: Iterable[Body]) -> Iterator[str]:
    for each in slices:
        for endpoint in each.get("endpoints") or []:
            yield from endpoint.get("addresses") or []


def _ports(slice_: Body) -> Iterable[Body]:
    return [port for port in slice_.get("ports") or [] if port.get("port")]


def _outside(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those in no private block, each as a block of its own; sorted."""
    return tuple(sorted({single(each) for each in addresses if not is_private(each)}))
