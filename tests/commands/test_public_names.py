"""Public names: which there are, whether they lead here, and which certificate they show."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from installer.answers.model import answers_model
from installer.commands.issued import Issued, Ledger
from installer.commands.public_names import (
    PublicHost,
    Shown,
    World,
    certificate_at,
    counts,
    diagnoses,
    keeps_certificates,
    limit_warnings,
    looked_at,
    name_lines,
    public_hosts,
    remember_certificates,
)
from installer.modules import Module
from installer.modules.certificates import authority, signed_by
from installer.plan import Plan, make_plan
from tests.modules.parts import with_parts

ADDRESS = "192.0.2.7"
DOMAIN = "health.example.org"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Module, ...]:
    return with_parts(tmp_path_factory.mktemp("assets"))


def plan_of(parts: tuple[Module, ...], **given: Any) -> Plan:
    model = answers_model(tuple(module.questions for module in parts))
    return make_plan(model.model_validate(given), modules=parts)


def shown(issuer: str, host: str) -> Shown:
    since = datetime.now(UTC)
    return Shown(issuer, Issued(f"{issuer}-{host}", (host,), since), since + timedelta(days=64))


def world(known: dict[str, set[str]], issuer: str = "") -> World:
    """A world with these names, where every address shows a certificate of that issuer."""
    return World(
        lambda host: frozenset(known.get(host, ())),
        lambda _address, host: shown(issuer, host) if issuer else None,
    )


def test_every_published_part_has_a_name_below_the_domain(parts: tuple[Module, ...]) -> None:
    hosts = public_hosts(plan_of(parts, access={"domain": DOMAIN}), ADDRESS)
    assert [one.host for one in hosts] == [f"{x}.{DOMAIN}" for x in ("api", "auth", "grafana")]


def test_without_a_domain_the_names_follow_from_the_address(parts: tuple[Module, ...]) -> None:
    plan = plan_of(parts)
    assert public_hosts(plan, "") == ()
    assert public_hosts(plan, ADDRESS)[0].host == "api.192-0-2-7.sslip.io"


def test_a_name_that_leads_nowhere_or_elsewhere_is_told_with_the_record_to_make() -> None:
    names = ("a.example.org", "b.example.org", "c.example.org")
    hosts = [PublicHost(name, "Part", ADDRESS) for name in names]
    known = {names[0]: {ADDRESS}, names[1]: {ADDRESS, "198.51.100.1"}}
    found = looked_at(hosts, world(known))
    assert [one.leads for one in found] == [True, False, False]
    lines = "\n".join(name_lines(found))
    assert "a.example.org (Part) leads here" in lines
    assert "b.example.org (Part) leads to 198.51.100.1, not here" in lines
    assert "c.example.org (Part) leads nowhere yet" in lines
    assert "c.example.org. A 192.0.2.7" in lines
    assert "a.example.org. A" not in lines


@pytest.mark.parametrize(
    ("address", "record"),
    [
        ("192.0.2.7", "a.example.org. A 192.0.2.7"),
        ("2001:db8::7", "a.example.org. AAAA 2001:db8::7"),
        ("balancer.example.net", "a.example.org. CNAME balancer.example.net"),
    ],
)
def test_the_record_fits_the_kind_of_address(address: str, record: str) -> None:
    assert PublicHost("a.example.org", "Part", address).record() == record


def test_a_balancer_known_by_name_is_followed_to_its_addresses() -> None:
    host = PublicHost("a.example.org", "Part", "balancer.example.net")
    known = {"a.example.org": {ADDRESS}, "balancer.example.net": {ADDRESS, "192.0.2.8"}}
    assert looked_at([host], world(known))[0].leads is True


def test_without_an_address_nobody_is_asked() -> None:
    def never(*_words: str) -> Any:
        raise AssertionError("asked")

    host = PublicHost("a.example.org", "Part", "")
    assert looked_at([host], World(never, never)) == (host,)


def test_only_what_lets_encrypt_counts_is_noted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "certificates.json")
    host = PublicHost("a.example.org", "Part", ADDRESS)
    for issuer in ("Let's Encrypt (STAGING) Fake", "(STAGING) Let's Encrypt E1", "TRAEFIK DEFAULT"):
        remember_certificates(looked_at([host], world({}, issuer)), ledger)
    assert ledger.entries() == ()
    remember_certificates(looked_at([host], world({}, "Let's Encrypt E7")), ledger)
    assert [one.names for one in ledger.entries()] == [("a.example.org",)]


def test_doctor_says_what_the_weekly_limit_means(parts: tuple[Module, ...], tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "certificates.json")
    plan = plan_of(parts, access={"domain": DOMAIN})
    hosts = public_hosts(plan, ADDRESS)
    now = datetime.now(UTC)
    ledger.note(Issued(str(n), (hosts[0].host,), now - timedelta(hours=n)) for n in range(5))
    (words,) = limit_warnings(plan, hosts, ledger)
    assert "gives no other before" in words
    levels = [each.level for each in diagnoses(plan, looked_at(hosts, world({})), ledger)]
    assert levels == ["hint"] * 4, "three names without a record, and the limit"
    staging = plan_of(
        parts, access={"domain": DOMAIN}, modules={"edge": {"acme_server": "staging"}}
    )
    assert limit_warnings(staging, hosts, ledger) == ()


def test_certificates_are_kept_where_they_come_from_lets_encrypt(
    parts: tuple[Module, ...],
) -> None:
    assert keeps_certificates(plan_of(parts))
    assert counts(plan_of(parts))
    own = {"edge": {"tls": "own", "entry": "internal"}}
    for modules in (own, {"edge": {"ingress": "cluster"}}, {"edge": {"enabled": False}}):
        assert not keeps_certificates(plan_of(parts, modules=modules))


@contextmanager
def a_server(folder: Path, host: str) -> Iterator[int]:
    """Something that shows a certificate for a name, to whoever connects."""
    file = folder / "bundle.pem"
    file.write_text(signed_by(authority(), [host]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                plain, _ = listening.accept()
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def test_the_certificate_an_address_shows_is_read_whoever_vouches_for_it(tmp_path: Path) -> None:
    with a_server(tmp_path, "a.example.org") as port:
        found = certificate_at("127.0.0.1", "a.example.org", port)
    assert found is not None
    assert found.issued.names == ("a.example.org",)
    assert found.issuer == "Health platform, own authority"
    assert not found.counted


def test_an_address_that_does_not_answer_shows_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert certificate_at("127.0.0.1", "a.example.org", port) is None
