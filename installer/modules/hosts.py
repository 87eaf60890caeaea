"""Under which names the platform is reached from outside.

One domain, and a label in front of it for each part. Without a domain of one's own the name is made
from the public address once there is one, on a wildcard-DNS service that answers
`1-2-3-4.SERVICE` with 1.2.3.4. Until then a marker stands in its place.
"""

from __future__ import annotations

import ipaddress
from typing import TypeVar

from installer.answers.model import Answers

# Reserved by RFC 2606, so that nothing ever answers under it by accident.
LATE_DOMAIN = "front-address.invalid"
# Names below .localhost are this machine's own, by RFC 6761; browsers take them for safe.
LOCAL_DOMAIN = "health.localhost"
FRONT_DOOR_MODULE = "edge"
ENTRY_OPTION = "entry"
INGRESS_OPTION = "ingress"
TLS_OPTION = "tls"
# The step that learns the public address, and the name under which the state keeps it.
FRONT_DOOR_STEP, ADDRESS_FACT = "front-door", "address"

T = TypeVar("T")


def public_domain(answers: Answers) -> str:
    """The domain in front of which all public names stand; LATE_DOMAIN when it follows later."""
    if answers.access.domain:
        return answers.access.domain
    try:
        front_door = answers.module(FRONT_DOOR_MODULE)
    except KeyError:
        return LOCAL_DOMAIN
    chosen = front_door.options()
    own = chosen.get(INGRESS_OPTION, "own") == "own"
    if front_door.enabled and own and chosen.get(ENTRY_OPTION) == "balancer":
        return LATE_DOMAIN
    return LOCAL_DOMAIN


def is_late(domain: str) -> bool:
    """Whether the domain is known only when the front door has its address."""
    return domain == LATE_DOMAIN


def domain_at(address: str, service: str) -> str:
    """The name a wildcard-DNS service answers with `address`, such as `1-2-3-4.sslip.io`.

    Raises ValueError for anything but an IP address.
    """
    parsed = ipaddress.ip_address(address)
    return f"{str(parsed).replace('.', '-').replace(':', '-')}.{service}"


def with_domain(value: T, domain: str) -> T:
    """The same plain value with the marker replaced in every text, keys included."""
    replaced: object = value
    if isinstance(value, str):
        replaced = value.replace(LATE_DOMAIN, domain)
    elif isinstance(value, dict):
        replaced = {with_domain(k, domain): with_domain(v, domain) for k, v in value.items()}
    elif isinstance(value, (list, tuple)):
        replaced = type(value)(with_domain(item, domain) for item in value)
    return replaced  # type: ignore[return-value]


def waits_for_domain(value: object) -> bool:
    """Whether the marker is anywhere in a plain value."""
    if isinstance(value, str):
        return LATE_DOMAIN in value
    if isinstance(value, dict):
        return any(waits_for_domain(k) or waits_for_domain(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return any(waits_for_domain(item) for item in value)
    return False
