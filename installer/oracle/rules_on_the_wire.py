"""Security rules in the SDK's form and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from installer.oracle.rules import Direction, Rule, RuleBook
from installer.oracle.sdk import models

_EVERY_PORT = (1, 65535)


def to_sdk(book: RuleBook) -> tuple[list[Any], list[Any]]:
    """Inbound and outbound rules as the SDK's models."""
    core = models("core")
    inbound = [
        core.IngressSecurityRule(source=rule.peer, source_type=rule.peer_type, **_shared(rule))
        for rule in book.of("in")
    ]
    outbound = [
        core.EgressSecurityRule(
            destination=rule.peer, destination_type=rule.peer_type, **_shared(rule)
        )
        for rule in book.of("out")
    ]
    return inbound, outbound


def from_sdk(inbound: Iterable[Any], outbound: Iterable[Any]) -> RuleBook:
    """The rules of a security list as Oracle tells them."""
    rules = [_rule("in", each, each.source, each.source_type) for each in inbound]
    rules += [_rule("out", each, each.destination, each.destination_type) for each in outbound]
    return RuleBook(frozenset(rules))


def to_group(rules: Iterable[Rule]) -> list[Any]:
    """The rules as those of a security group, in a stable order."""
    core = models("core")
    return [
        core.AddSecurityRuleDetails(
            direction="INGRESS" if rule.direction == "in" else "EGRESS",
            **(
                {"source": rule.peer, "source_type": rule.peer_type}
                if rule.direction == "in"
                else {"destination": rule.peer, "destination_type": rule.peer_type}
            ),
            **_shared(rule),
        )
        for rule in sorted(rules, key=lambda each: (each.direction, each.words()))
    ]


def from_group(model: Any) -> Rule:
    """One rule of a security group as Oracle tells it."""
    if model.direction == "INGRESS":
        return _rule("in", model, model.source, model.source_type)
    return _rule("out", model, model.destination, model.destination_type)


def _shared(rule: Rule) -> dict[str, Any]:
    core = models("core")
    values: dict[str, Any] = {
        "protocol": rule.protocol,
        "is_stateless": rule.stateless,
        "description": rule.description or None,
    }
    if rule.ports:
        span = core.PortRange(min=rule.ports[0], max=rule.ports[1])
        values["tcp_options"] = core.TcpOptions(destination_port_range=span)
    if rule.icmp:
        kind, code = rule.icmp
        values["icmp_options"] = core.IcmpOptions(type=kind, code=None if code < 0 else code)
    return values


def _rule(direction: Direction, model: Any, peer: str, peer_type: str | None) -> Rule:
    icmp = model.icmp_options
    code = -1 if icmp is None or icmp.code is None else int(icmp.code)
    return Rule(
        direction=direction,
        protocol=str(model.protocol),
        peer=str(peer),
        ports=_ports(model.tcp_options),
        icmp=(int(icmp.type), code) if icmp else None,
        peer_type=str(peer_type or "CIDR_BLOCK"),
        stateless=bool(model.is_stateless),
        extra=_beyond_us(model),
        description=str(model.description or ""),
    )


def _ports(options: Any) -> tuple[int, int] | None:
    if options is None or options.destination_port_range is None:
        return None
    span = int(options.destination_port_range.min), int(options.destination_port_range.max)
    # Oracle's console writes "all" out; it means the same as saying nothing.
    return None if span == _EVERY_PORT else span


def _beyond_us(model: Any) -> str:
    """What we never write ourselves, in words, so that such a rule never equals one of ours."""
    said = []
    if model.tcp_options is not None and model.tcp_options.source_port_range is not None:
        span = model.tcp_options.source_port_range
        said.append(f" with source ports {span.min}-{span.max}")
    udp = getattr(model, "udp_options", None)
    if udp is not None and udp.destination_port_range is not None:
        said.append(f" ports {udp.destination_port_range.min}-{udp.destination_port_range.max}")
    return "".join(said)
