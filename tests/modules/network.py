"""What NetworkPolicy objects mean, in plain Python: no cluster, no installer.

After the reference of networking.k8s.io/v1: a pod that some policy selects for a direction lets
through, in that direction, only what a rule of one of them names; a connection must be let out at
one end and in at the other. Where the documentation leaves it to the network (whether a block of
addresses can hold pods), the wider reading is taken, since the tests look for what gets through.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Policy = Mapping[str, Any]
NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Peer:
    """One end of a connection: a pod, or, without a namespace, a machine with an address."""

    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """Its app.kubernetes.io/name."""
        return self.labels.get("app.kubernetes.io/name", "")


class Rules:
    """The policies of a cluster."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._policies = list(policies)
        self._known: dict[tuple[str, Peer], list[Mapping[str, Any]] | None] = {}

    def connects(self, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether they let a connection through at both ends."""
        return self.leaves(source, target, port, protocol) and self.enters(
            source, target, port, protocol
        )

    def leaves(self, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether the source's end lets it out."""
        rules = self._of("Egress", source)
        return rules is None or any(
            _has(rule, port, protocol) and _names(rule, "to", target) for rule in rules
        )

    def enters(self, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether the target's end lets it in."""
        rules = self._of("Ingress", target)
        return rules is None or any(
            _has(rule, port, protocol) and _names(rule, "from", source) for rule in rules
        )

    def _of(self, direction: str, own: Peer) -> list[Mapping[str, Any]] | None:
        """The rules for a pod in a direction; None when nothing selects it."""
        key = (direction, own)
        if key not in self._known:
            mine = [
                policy["spec"]
                for policy in self._policies
                if policy["metadata"]["namespace"] == own.namespace
                and direction in policy["spec"]["policyTypes"]
                and _selects(policy["spec"]["podSelector"], own.labels)
            ]
            rules = [rule for spec in mine for rule in spec.get(direction.lower()) or []]
            self._known[key] = rules if mine else None
        return self._known[key]


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
    left_out = any(_holds(each, address) for each in block.get("except", []))
    return _holds(block["cidr"], address) and not left_out


@lru_cache(maxsize=4096)
def _holds(block: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(block)


def _has(rule: Mapping[str, Any], port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or any(
        (each["port"], each.get("protocol", "TCP")) == (port, protocol) for each in ports
    )


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels"}, selector
    return dict(selector.get("matchLabels", {})).items() <= labels.items()
