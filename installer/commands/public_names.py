"""Under which names the platform is reached, whether they lead there, and who certifies them."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from installer.commands.issued import Issued, Ledger
from installer.engine.places import Home
from installer.engine.state import remembered
from installer.modules.hosts import (
    ADDRESS_FACT,
    FRONT_DOOR_MODULE,
    FRONT_DOOR_STEP,
    INGRESS_OPTION,
    TLS_OPTION,
    domain_at,
    is_late,
    public_domain,
)
from installer.modules.publishing import published_by
from installer.plan import Plan

if TYPE_CHECKING:
    from installer.oracle.doctor import Diagnosis

HTTPS = 443
_PATIENCE_SECONDS = 5.0
_LETS_ENCRYPT, _STAGING = "Let's Encrypt", "STAGING"


@dataclass(frozen=True)
class Shown:
    """The certificate that is shown for a name."""

    issuer: str
    issued: Issued
    until: datetime

    @property
    def counted(self) -> bool:
        """Whether Let's Encrypt's weekly limit counts it."""
        return _LETS_ENCRYPT in self.issuer and _STAGING not in self.issuer


@dataclass(frozen=True)
class World:
    """How the world outside is asked: for a name's addresses, and for the certificate an address
    shows for a name. Both say nothing rather than raise."""

    addresses: Callable[[str], frozenset[str]]
    certificate: Callable[[str, str], Shown | None]


@dataclass(frozen=True)
class PublicHost:
    """One public name as it should be and as it was found; `leads` is None when nobody looked."""

    host: str
    title: str
    address: str
    leads: bool | None = None
    elsewhere: tuple[str, ...] = ()
    shown: Shown | None = None

    def words(self) -> str:
        """A line for people."""
        said = f"https://{self.host} ({self.title})"
        if self.leads is None:
            return said
        if self.leads:
            said += " leads here"
        else:
            found = ", ".join(self.elsewhere)
            said += f" leads to {found}, not here" if found else " leads nowhere yet"
        if self.shown is not None:
            said += f"; certificate by {self.shown.issuer}, good until {self.shown.until:%Y-%m-%d}"
        return said

    def record(self) -> str:
        """The record that makes the name lead here, as it is written in a DNS zone."""
        return f"{self.host}. {_record_kind(self.address)} {self.address}"


def front_address(home: Home) -> str:
    """The public address as this machine remembers it; empty where it has none."""
    with remembered(home.state) as state:
        return (state.recall(FRONT_DOOR_STEP, ADDRESS_FACT) if state else None) or ""


def public_hosts(plan: Plan, address: str) -> tuple[PublicHost, ...]:
    """Every public name of the plan, not looked at; none as long as the domain is not known."""
    domain = public_domain(plan.answers)
    if is_late(domain):
        if not address:
            return ()
        domain = domain_at(address, plan.answers.access.wildcard_dns)
    return tuple(
        PublicHost(f"{one.label}.{domain}", one.title, address)
        for one in published_by(plan.answers, plan.modules)
    )


def looked_at(hosts: Sequence[PublicHost], world: World) -> tuple[PublicHost, ...]:
    """The same names as the world outside has them."""
    return tuple(_look(one, world) for one in hosts)


def _look(one: PublicHost, world: World) -> PublicHost:
    if not one.address:
        return one
    wanted = {one.address} if _is_ip(one.address) else world.addresses(one.address)
    found = world.addresses(one.host)
    shown = world.certificate(one.address, one.host)
    elsewhere = tuple(sorted(found - wanted))
    leads = bool(found) and not elsewhere
    return PublicHost(one.host, one.title, one.address, leads, elsewhere, shown)


def name_lines(hosts: Sequence[PublicHost]) -> list[str]:
    """All names for people, with the records that are still to be made."""
    if not hosts:
        return []
    address = next((one.address for one in hosts if one.address), "")
    lines = ["Public names", *([f"  the public address is {address}"] if address else [])]
    for one in hosts:
        lines.append(f"  {one.words()}")
        if one.leads is False:
            lines.append(f"    make this record where your domain is kept: {one.record()}")
    return lines


def remember_certificates(hosts: Sequence[PublicHost], ledger: Ledger) -> None:
    """Note what Let's Encrypt counts."""
    counted = [one.shown.issued for one in hosts if one.shown and one.shown.counted]
    if counted:
        ledger.note(counted)


def diagnoses(plan: Plan, hosts: Sequence[PublicHost], ledger: Ledger) -> Iterator[Diagnosis]:
    """What there is to say of the names; none of it is in the way of an installation."""
    from installer.oracle.doctor import Diagnosis, Level

    for one in hosts:
        if one.leads:
            yield Diagnosis(Level.GOOD, f"{one.words()}.")
        elif one.leads is not None:
            yield Diagnosis(
                Level.HINT,
                f"{one.words()}.",
                f"Make this record where your domain is kept: {one.record()}\n"
                "The certificate follows by itself, within a quarter of an hour at first.",
            )
    for words in limit_warnings(plan, hosts, ledger):
        yield Diagnosis(Level.HINT, words, "Read https://letsencrypt.org/docs/rate-limits/")


def limit_warnings(plan: Plan, hosts: Sequence[PublicHost], ledger: Ledger) -> tuple[str, ...]:
    """What Let's Encrypt's weekly limit means for the next certificates of these names."""
    return ledger.warnings(one.host for one in hosts) if counts(plan) else ()


def counts(plan: Plan) -> bool:
    """Whether certificates are to come from the Let's Encrypt that counts them."""
    chosen = _front_door(plan)
    return keeps_certificates(plan) and chosen.get("acme_server") == "production"


def keeps_certificates(plan: Plan) -> bool:
    """Whether certificates live on a volume of the installation."""
    chosen = _front_door(plan)
    return chosen.get(TLS_OPTION) == "acme" and chosen.get(INGRESS_OPTION) == "own"


def _front_door(plan: Plan) -> dict[str, object]:
    if FRONT_DOOR_MODULE not in [module.name for module in plan.modules]:
        return {}
    return dict(plan.answers.module(FRONT_DOOR_MODULE).options())


def addresses_of(host: str) -> frozenset[str]:
    """What the name is answered with here; empty when it is not."""
    try:
        found = socket.getaddrinfo(host, HTTPS, type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in found)


def certificate_at(address: str, host: str, port: int = HTTPS) -> Shown | None:
    """The certificate an address shows for a name, whoever vouches for it; None without one."""
    # Any certificate is looked at, and nothing is sent.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=_PATIENCE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            encoded = secured.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return None
    return _read(encoded) if encoded else None


OUTSIDE = World(addresses_of, certificate_at)


def _read(encoded: bytes) -> Shown:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    from installer.modules.certificates import names_of

    found = x509.load_der_x509_certificate(encoded)
    said = [
        str(attribute.value)
        for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        for attribute in found.issuer.get_attributes_for_oid(kind)
    ]
    issued = Issued(f"{found.serial_number:x}", names_of(found), found.not_valid_before_utc)
    return Shown(" ".join(said) or "nobody named", issued, found.not_valid_after_utc)


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _record_kind(address: str) -> str:
    if not _is_ip(address):
        return "CNAME"
    return "A" if ipaddress.ip_address(address).version == 4 else "AAAA"
