"""What NetworkPolicy objects mean, in plain Python: no cluster, no installer.

After the reference of networking.k8s.io/v1: a pod that some policy selects for a direction lets
through, in that direction, only what a rule of one of them names; a connection must be let out at
one end and in at the other. Where the documentation leaves it to the network (whether a block of
addresses can hold pods), the wider reading is taken, since the tests look for what gets through.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]
NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Peer:
    """One end of a connection: a pod, or, without a namespace, a machine with an address."""

    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """Its app.kubernetes.io/name."""
        return self.labels.get("app.kubernetes.io/name", "")


def connects(
    policies: Sequence[Policy], source: Peer, target: Peer, port: int, protocol: str = "TCP"
) -> bool:
    """Whether the policies let a connection through at both ends."""
    return _open(policies, "Egress", source, target, port, protocol) and _open(
        policies, "Ingress", target, source, port, protocol
    )


def _open(
    policies: Sequence[Policy], direction: str, own: Peer, other: Peer, port: int, protocol: str
) -> bool:
    if not own.namespace:
        return True
    mine = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["namespace"] == own.namespace
        and direction in policy["spec"]["policyTypes"]
        and _selects(policy["spec"]["podSelector"], own.labels)
    ]
    if not mine:
        return True
    key = direction.lower()
    ends = "to" if direction == "Egress" else "from"
    rules = [rule for spec in mine for rule in spec.get(key) or []]
    return any(_names(rule, ends, other) and _has(rule, port, protocol) for rule in rules)


def _names(rule: Mapping[str, Any], ends: str, other: Peer) -> bool:
    peers = rule.get(ends)
    return not peers or any(_is(peer, other) for peer in peers)


def _is(peer: Mapping[str, Any], other: Peer) -> bool:
    if "ipBlock" in peer:
        return _in_block(peer["ipBlock"], other.address)
    # None of our rules is about pods of the policy's own namespace only.
    assert "namespaceSelector" in peer, peer
    home = {NAMESPACE_NAME: other.namespace}
    return bool(
        other.namespace
        and _selects(peer["namespaceSelector"], home)
        and _selects(peer.get("podSelector", {}), other.labels)
    )


def _in_block(block: Mapping[str, Any], address: str) -> bool:
    found = ipaddress.ip_address(address)
    inside = found in ipaddress.ip_network(block["cidr"])
    return inside and not any(found in ipaddress.ip_network(x) for x in block.get("except", []))


def _has(rule: Mapping[str, Any], port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or any(
        (each["port"], each.get("protocol", "TCP")) == (port, protocol) for each in ports
    )


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels"}, selector
    return dict(selector.get("matchLabels", {})).items() <= labels.items()
