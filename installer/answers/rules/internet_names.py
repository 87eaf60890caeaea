"""Domain names, e-mail addresses and address ranges."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from installer.answers.problems import quoted, refuse

DOMAIN_PATTERN = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
# A name holds 253 signs; host names are made by putting a word such as "rabbitmq." in front.
LONGEST_DOMAIN = 220
_EXAMPLE = "health.example.org"
# Oracle keeps these addresses for itself inside every network.
ORACLES_OWN = "169.254.0.0/16"
_PRIVATE = tuple(
    ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)


def domain_name(text: str) -> str:
    """A full domain name in lower case, without scheme, port, path or trailing dot."""
    _only_a_name(text)
    name = text.lower()
    if name.endswith("."):
        raise refuse(f"Leave out the dot at the end: {quoted(name.rstrip('.'))}.")
    if not name.isascii():
        raise refuse(_in_ascii(name))
    if len(name) > LONGEST_DOMAIN:
        raise refuse(f"This name is too long: at most {LONGEST_DOMAIN} signs.")
    if _is_address(name):
        raise refuse("This is an address, not a name. Leave it empty if there is no domain yet.")
    labels = name.split(".")
    if len(labels) < 2:
        raise refuse(f"A full domain name with at least one dot is needed, like {_EXAMPLE}.")
    for label in labels:
        _label(label)
    if labels[-1].isdigit():
        raise refuse(f"A domain name does not end in a number; give one like {_EXAMPLE}.")
    return name


def _only_a_name(text: str) -> None:
    if "://" in text:
        raise refuse(
            f"Leave out {quoted(text.partition('://')[0] + '://')}; "
            f"only the name is needed, like {_EXAMPLE}."
        )
    if "@" in text:
        raise refuse(f"This is an e-mail address; only a domain name is needed, like {_EXAMPLE}.")
    if "/" in text:
        raise refuse(f"Leave out everything from the / on; only the name is needed: {_EXAMPLE}.")
    if re.search(r":\d*$", text) and text.count(":") == 1:
        raise refuse(f"Leave out the port after the colon; only the name is needed: {_EXAMPLE}.")
    if text.startswith("*."):
        raise refuse(f"Leave out the *. in front; host names are made from it: {_EXAMPLE}.")
    if any(sign.isspace() for sign in text):
        raise refuse(f"A domain name has no blanks; give one name, like {_EXAMPLE}.")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _label(label: str) -> None:
    if not label:
        raise refuse(f"There are two dots in a row, or one in front; give a name like {_EXAMPLE}.")
    if len(label) > 63:
        raise refuse("One part between two dots is longer than 63 signs.")
    if "_" in label:
        raise refuse(f"{quoted(label)} holds an underscore; host names take hyphens instead.")
    if label.startswith("-") or label.endswith("-"):
        raise refuse(f"{quoted(label)} begins or ends with a hyphen; no host name does.")
    if re.fullmatch(r"[a-z0-9-]+", label) is None:
        raise refuse(
            f"{quoted(label)} holds a sign no host name has; "
            "letters a to z, digits and hyphens are allowed."
        )


def _in_ascii(name: str) -> str:
    # The standard library knows the 2003 rules, which read these letters differently from
    # what registries use today: a guess would be another person's domain.
    told = "Domain names with other letters than a to z are written in their xn-- form"
    if any(letter in name for letter in "ßς\u200c\u200d"):
        return f"{told}; your registrar shows it."
    try:
        return f"{told}: {quoted(name.encode('idna').decode('ascii'))}."
    except UnicodeError:
        return f"{told}; your registrar shows it."


def email_address(text: str) -> str:
    """An e-mail address of the everyday form name@domain; the domain is kept in lower case."""
    example = "you@example.org"
    name, at, domain = text.rpartition("@")
    if not at:
        raise refuse(f"An e-mail address holds an @, like {example}.")
    if (
        re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", name)
        is None
        or len(name) > 64
    ):
        raise refuse(f"The part before the @ is not that of an e-mail address, like {example}.")
    return f"{name}@{domain_name(domain) if domain else _no_domain(example)}"


def _no_domain(example: str) -> str:
    raise refuse(f"The domain after the @ is missing, like {example}.")


def address_range(text: str) -> str:
    """An IPv4 range in CIDR form, like 10.20.0.0/16."""
    address, slash, _ = text.partition("/")
    try:
        interface = ipaddress.IPv4Interface(text)
    except ValueError as error:
        raise refuse("An address range is needed here, like 10.20.0.0/16.") from error
    if not slash:
        raise refuse(f"The size of the range is missing: {address}/32 for this one address.")
    if interface.ip != interface.network.network_address:
        raise refuse(f"The range that holds this address begins elsewhere: {interface.network}.")
    return str(interface.network)


MINE = "mine"


def access_range(text: str) -> str:
    """An IPv4 range in CIDR form, or the word for one's own address."""
    return MINE if text.lower() == MINE else address_range(text)


def web_pages(text: str) -> str:
    """Addresses of pages, divided by blanks; only https, for what they say is believed."""
    pages = [page.removeprefix("https://") for page in text.replace(",", " ").split()]
    for page in pages:
        parts = urlsplit(page if "://" in page else f"https://{page}")
        if parts.scheme != "https" or not parts.hostname or parts.username:
            raise refuse(
                f"Addresses of https pages are needed here, like api.ipify.org; {quoted(page)} is "
                "none."
            )
    return " ".join(pages)


def network_range(text: str) -> str:
    """A private range with room for three subnets, clear of what Kubernetes uses inside."""
    return _private_range(text, "network", 16, 24, "with room for three subnets")


def inner_range(text: str) -> str:
    """A private range for what only the cluster itself sees: pods or services.

    Every node takes a /25 of the pods' range, and the cluster's name server stands some 1,300
    addresses into the services': a /20 has room for 32 nodes.
    """
    return _private_range(text, "inside of the cluster", 12, 20, "with room for every pod")


def _private_range(text: str, what: str, largest: int, smallest: int, why: str) -> str:
    network = ipaddress.IPv4Network(address_range(text))
    if not any(network.subnet_of(private) for private in _PRIVATE):
        raise refuse(
            f"The {what} needs a private range, within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."
        )
    if not largest <= network.prefixlen <= smallest:
        raise refuse(f"The {what} needs a range from /{largest} to /{smallest}, {why}.")
    return str(network)


def meetings(ranges: Mapping[str, str]) -> list[str]:
    """Every two of these named ranges that overlap, one sentence each."""
    blocks = [(name, ipaddress.IPv4Network(text)) for name, text in ranges.items()]
    return [
        f"{first} {one} and {second} {other}"
        for (first, one), (second, other) in itertools.combinations(blocks, 2)
        if one.overlaps(other)
    ]
