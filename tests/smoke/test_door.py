"""The way in from outside, with a real TLS server and an authority of our own."""

from __future__ import annotations

import http.server
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from installer.modules.certificates import authority, certificates_in, signed_by
from installer.smoke import door
from installer.smoke.trying import Ended, Finding, World, try_everything
from tests.real_servers.pages import served
from tests.smoke.stage import Stage

DOMAIN = "health.example.org"
OPTIONS: dict[str, dict[str, object]] = {
    "edge": {"tls": "own"},
    "authentication": {},
    "health-services": {"api": True},
}


class Quiet(http.server.BaseHTTPRequestHandler):
    """Redirects where it has no certificate, answers where it has."""

    def _answer(self) -> None:
        secure = isinstance(self.connection, ssl.SSLSocket)
        self.send_response(200 if secure else 301)
        if not secure:
            self.send_header("Location", f"https://{self.headers['Host']}/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = _answer

    def log_message(self, *_said: object) -> None:
        pass


@contextmanager
def listening(bundle: str | None, folder: Path) -> Iterator[int]:
    """One entrance; with a bundle it speaks TLS."""
    file = None
    if bundle is not None:
        file = folder / "bundle.pem"
        file.write_text(bundle, encoding="utf-8")
    with served(Quiet, file) as port:
        yield port


@contextmanager
def entrance(
    monkeypatch: pytest.MonkeyPatch, folder: Path, hosts: tuple[str, ...], trusted: str, by: str
) -> Iterator[World]:
    """Both doors on free ports, names that lead to this machine, and the world that knows them."""
    stage = Stage(secrets={"health-system/front-door-own/ca.pem": certificates_in(trusted)})
    with listening(signed_by(by, hosts), folder) as https, listening(None, folder) as http_port:
        monkeypatch.setattr(door, "_HTTPS", https)
        monkeypatch.setattr(door, "_HTTP", http_port)
        real = socket.getaddrinfo

        def resolved(host: str, *more: object, **named: object) -> object:
            known = host.endswith(DOMAIN)
            return real("127.0.0.1" if known else host, *more, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        yield stage.world(options=OPTIONS, domain=DOMAIN, address="127.0.0.1")


def findings(world: World) -> dict[str, Finding]:
    return {each.title: each for each in try_everything((door.DOOR,), world)}


HOSTS = (f"api.{DOMAIN}", f"auth.{DOMAIN}")


def test_names_certificates_and_the_redirect_are_good(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = authority()
    with entrance(monkeypatch, tmp_path, HOSTS, ours, ours) as world:
        found = findings(world)
    assert {each.ended for each in found.values()} == {Ended.GOOD}, found
    assert len(found) == 5


def test_a_certificate_of_a_stranger_or_for_another_name_is_not_accepted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = authority()
    with entrance(monkeypatch, tmp_path, HOSTS, ours, authority()) as world:
        stranger = findings(world)[f"api.{DOMAIN} shows a good certificate"]
    with entrance(monkeypatch, tmp_path, (HOSTS[0],), ours, ours) as world:
        found = findings(world)
    assert stranger.ended is Ended.BAD
    assert "not accepted" in stranger.words
    assert found[f"api.{DOMAIN} shows a good certificate"].ended is Ended.GOOD
    assert found[f"auth.{DOMAIN} shows a good certificate"].ended is Ended.BAD


def test_a_name_that_leads_elsewhere_is_told_with_the_record_to_make(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = authority()
    with entrance(monkeypatch, tmp_path, HOSTS, ours, ours) as world:
        real = socket.getaddrinfo

        def unknown(host: str, *more: object, **named: object) -> object:
            if host == HOSTS[0]:
                raise socket.gaierror("unknown")
            return real(host, *more, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        found = findings(world)[f"{HOSTS[0]} leads to 127.0.0.1"]
    assert found.ended is Ended.BAD
    assert found.words == f"The name is unknown. Make a DNS record: {HOSTS[0]} A 127.0.0.1"


def test_without_a_public_address_nothing_is_tried() -> None:
    (found,) = findings(Stage().world(options=OPTIONS, domain=DOMAIN)).values()
    assert found.ended is Ended.NOT_TRIED
