"""The address under which this machine is seen on the internet, as public services tell it.

Oracle has no service for that. Each of those asked is a plain page that answers with the caller's
address and nothing else; they are named in the answers, and nothing is sent to them.
"""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from installer.engine.errors import AnswersError

_SECONDS = 5.0
_LONGEST = 64
# Addresses that nobody outside can be seen under: private, shared by a provider's customers
# (RFC 6598), this machine, its link, several receivers, and what is set aside.
_NOT_OURS = tuple(
    IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
    )
)


class OwnAddress:
    """Finds it once, when it is first asked for; safe to share between threads."""

    def __init__(self, services: Sequence[str]) -> None:
        self._services = tuple(services)
        self._guard = threading.Lock()
        self._known = ""

    def cidr(self) -> str:
        """This one address as a block; raises AnswersError when it cannot be told."""
        with self._guard:
            if not self._known:
                self._known = str(self._find())
            return f"{self._known}/32"

    def _find(self) -> IPv4Address:
        """Two services must agree, as far as two answer: some networks have several ways out."""
        told: list[IPv4Address] = []
        silent: list[str] = []
        for service in self._services:
            try:
                told.append(_ask(service))
            except (OSError, ValueError) as error:
                silent.append(f"{urlsplit(service).hostname}: {_why(error)}")
            if len(told) == 2:
                break
        if not told:
            raise _unknown("; ".join(silent) or "No service is named in cluster.address_services.")
        if len(set(told)) > 1:
            raise _unknown("Two services saw two different addresses: your network has several.")
        return told[0]


def _ask(service: str) -> IPv4Address:
    request = urllib.request.Request(service, headers={"Accept": "text/plain"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - read as https
        text = answer.read(_LONGEST + 1).decode("ascii", errors="replace").strip()
    address = IPv4Address(text)
    if any(address in block for block in _NOT_OURS):
        raise ValueError("private")
    return address


def _why(error: OSError | ValueError) -> str:
    """In words that do not repeat what a stranger's page said."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    if isinstance(error, OSError):
        reason = getattr(error, "reason", error)
        return f"no answer ({type(reason).__name__})"
    if str(error) == "private":
        return "its answer is an address that only counts inside a network"
    return "its answer is no IPv4 address"


def _unknown(why: str) -> AnswersError:
    return AnswersError(
        "Your own address could not be found out.",
        why,
        "Write it into cluster.api_access_cidr yourself, as ADDRESS/32 or as the range of your "
        "network, name other services in cluster.address_services, or set "
        "cluster.api_access_cidr to 0.0.0.0/0: the API asks everybody for a signed token.",
    )
