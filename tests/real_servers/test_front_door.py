"""Traefik, the release that the wheel has, on the rendered files with an own authority."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import struct
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from installer.modules import Module
from installer.modules.certificates import certificates_in
from tests.modules.parts import with_parts
from tests.real_servers.acme import Authority, an_authority
from tests.real_servers.extracting import Cluster, cluster_of, secret_values
from tests.real_servers.front_door import (
    DOMAIN,
    Client,
    front_door,
    parts_behind,
    volumes_of,
)
from tests.real_servers.mapping import LOOPBACK
from tests.real_servers.processes import Site, until
from tests.real_servers.servers import Server, page, running

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

API, AUTH, GRAFANA = (f"{label}.{DOMAIN}" for label in ("api", "auth", "grafana"))
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
OWN = {"entry": "internal", "tls": "own", "requests_per_second": 1000}


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> tuple[Module, ...]:
    return with_parts(tmp_path_factory.mktemp("assets"))


def site_of(modules: tuple[Module, ...], folder: Path, **edge: object) -> Site:
    """A site for the front door with these options."""
    parts = {name: edge.pop(name) for name in ("password_login",) if name in edge}
    chosen = {"edge": {**OWN, **edge}, "health-services": parts}
    given = {"access": {"domain": DOMAIN}, "modules": chosen}
    return Site(cluster_of(modules, given), folder)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="real-"))
    os.chmod(made, 0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made)


@pytest.fixture(scope="module")
def door(modules: tuple[Module, ...], folder: Path) -> Iterator[Server]:
    """Traefik with an own authority and all parts behind it."""
    server = front_door(site_of(modules, folder))
    with parts_behind(server), running(server):
        yield server


def authority_of(cluster: Cluster) -> str:
    return cluster.secrets["front-door-own"]["ca.pem"]


@pytest.fixture
def client(door: Server) -> Client:
    return Client(door, authority_of(door.cluster))


def test_all_probes_pass_and_figures_are_told_inside_only(door: Server, client: Client) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert door.passes(probe), door.process.trouble(probe)
    client.ask(API, "/health/live")
    figures = page(door.port("internal"), "/metrics")
    assert "traefik_entrypoint_requests_total" in figures
    assert 'service="api@file"' in figures
    for path in ("/ping", "/api/rawdata", "/dashboard/", "/metrics"):
        assert client.plain(API, path).status in (301, 308)
    assert client.ask(AUTH, "/ping").arrived["path"] == "/ping", "a part's own, not the entrance's"


def test_each_name_leads_to_its_part_through_a_certificate_of_the_own_authority(
    door: Server, client: Client
) -> None:
    for name, port in ((API, 8001), (AUTH, 8088), (GRAFANA, 3000)):
        answer = client.ask(name, "/somewhere?x=1")
        assert answer.status == 200, door.process.trouble(name)
        assert answer.arrived["part"] == door.mapping.port(port)
        assert answer.arrived["path"] == "/somewhere?x=1"
        headers = answer.arrived["headers"]
        assert headers["host"] == name
        assert headers["x-forwarded-proto"] == "https"
        assert headers["x-forwarded-for"] == LOOPBACK


def test_a_stranger_to_the_authority_gets_nothing(door: Server) -> None:
    stranger = Client(door, None)
    context = ssl.create_default_context()
    with (
        socket.create_connection((LOOPBACK, door.port("websecure")), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname=API)
    assert stranger.ask(API, "/").status == 200


def test_an_unknown_name_is_answered_with_404(door: Server) -> None:
    anybody = Client(door, None)
    for name in ("minio." + DOMAIN, "health-api", "evil.example.org"):
        assert anybody.ask(name, "/").status == 404


def test_what_is_not_for_the_public_is_not_there(client: Client) -> None:
    closed = ["/metrics", "/docs", "/redoc", "/openapi.json", "/auth/register", "/auth/jwt/login"]
    for path in closed:
        for spelt in (path, "/" + path, path.replace("e", "%65"), "/x/.." + path):
            assert client.ask(API, spelt).status == 404, spelt
    for name in (AUTH, GRAFANA):
        assert client.ask(name, "/metrics").status == 404
    assert client.ask(API, "/auth/webauthn/exchange", "POST", b"{}").status == 200


def test_password_login_and_descriptions_open_when_wanted(
    modules: tuple[Module, ...], folder: Path
) -> None:
    place = folder / "open"
    place.mkdir()
    server = front_door(site_of(modules, place, password_login=True, api_docs=True))
    with parts_behind(server), running(server):
        client = Client(server, authority_of(server.cluster))
        for path in ("/docs", "/openapi.json", "/auth/register", "/auth/jwt/login"):
            assert client.ask(API, path).status == 200, path
        assert client.ask(API, "/metrics").status == 404


def test_without_encryption_there_is_only_the_way_to_encryption(client: Client) -> None:
    for name in (API, AUTH, GRAFANA):
        answer = client.plain(name, "/v1/upload?x=1")
        assert answer.status in (301, 308)
        assert answer.headers["location"] == f"https://{name}/v1/upload?x=1"


def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for name in (API, AUTH, GRAFANA):
        headers = client.ask(name, "/").headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers or "traefik" not in headers["server"].lower()


def test_a_file_of_50_mib_passes_and_a_larger_one_is_refused_by_the_api(client: Client) -> None:
    passed = client.ask(API, "/v1/upload", "POST", b"x" * (50 * 2**20 + 1000))
    assert passed.status == 200
    assert passed.arrived["length"] == 50 * 2**20 + 1000
    refused = client.ask(API, "/v1/upload", "POST", b"x" * (52 * 2**20))
    assert refused.status == 413
    assert refused.arrived["length"] == 52 * 2**20, "the API's own answer"


def test_what_is_larger_than_allowed_never_reaches_the_api(client: Client) -> None:
    for path, size in (("/v1/upload", 61 * 2**20), ("/users/me", 2**20 + 1)):
        answer = client.ask(API, path, "POST", headers={"Content-Length": str(size)}, body=b"x")
        assert answer.status == 413
        assert b"part" not in answer.body


def test_only_tls_12_and_newer_is_spoken(door: Server, client: Client) -> None:
    where = (LOOPBACK, door.port("websecure"))
    for version, spoken in (
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ):
        context = client.context
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(where, timeout=10) as plain:
            try:
                context.wrap_socket(plain, server_hostname=API).close()
                answered = True
            except ssl.SSLError:
                answered = False
        assert answered is spoken, version


def test_a_forged_client_address_is_not_believed(client: Client) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Real-Ip": "203.0.113.9"}
    headers = client.ask(API, "/", headers=forged).arrived["headers"]
    assert "203.0.113.9" not in headers["x-forwarded-for"]
    assert headers["x-real-ip"] == LOOPBACK


def test_the_log_of_requests_has_neither_query_nor_token_nor_browser(
    door: Server, client: Client
) -> None:
    secret = "verysecretvalue"
    client.ask(
        API,
        f"/v1/upload/history?token={secret}",
        headers={
            "Authorization": f"Bearer {secret}",
            "User-Agent": f"browser-{secret}",
            "Cookie": f"session={secret}",
        },
    )

    def logged() -> list[dict[str, object]]:
        lines = [json.loads(line) for line in door.process.told().splitlines() if line[:1] == "{"]
        return [line for line in lines if line.get("RequestPath") == "/v1/upload/history"]

    assert until(lambda: bool(logged()), 10), door.process.trouble("no line")
    line = logged()[0]
    assert line["RequestMethod"] == "GET"
    assert line["RequestHost"] == API
    assert line["ClientHost"] == LOOPBACK
    assert line["DownstreamStatus"] == 200
    assert secret not in door.process.told()
    assert not any(one in door.process.told() for one in secret_values(door.cluster))


def test_a_client_that_asks_too_often_is_told_so(modules: tuple[Module, ...], folder: Path) -> None:
    place = folder / "often"
    place.mkdir()
    server = front_door(site_of(modules, place, requests_per_second=5))
    with parts_behind(server), running(server):
        client = Client(server, authority_of(server.cluster))
        got = [client.ask(API, "/").status for _ in range(25)]
        assert got[:10] == [200] * 10
        assert 429 in got


def test_a_renewed_certificate_and_a_new_route_are_taken_without_a_restart(
    modules: tuple[Module, ...], folder: Path
) -> None:
    place = folder / "renewed"
    place.mkdir()
    site = site_of(modules, place)
    server = front_door(site)
    with parts_behind(server), running(server):
        client = Client(server, authority_of(site.cluster))
        before = client.certificate(API)
        given = {
            "access": {"domain": "new." + DOMAIN},
            "modules": {"edge": OWN},
        }
        volumes_of(server).refresh(cluster_of(modules, given), "routes")
        anybody = Client(server, None)
        assert until(lambda: anybody.ask(f"api.new.{DOMAIN}", "/").status == 200, 15), (
            server.process.trouble("the new route is not there")
        )
        assert until(lambda: anybody.certificate(API) != before, 15)
        assert anybody.ask(API, "/").status == 404


def test_the_balancers_word_about_the_client_is_believed_and_nobody_elses(
    modules: tuple[Module, ...], folder: Path
) -> None:
    told = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11" + struct.pack(
        "!H4s4sHH",
        12,
        socket.inet_aton("203.0.113.77"),
        socket.inet_aton("198.51.100.1"),
        40000,
        443,
    )
    for trusted, seen in ((f"{LOOPBACK}/32", "203.0.113.77"), ("192.0.2.0/24", LOOPBACK)):
        place = folder / seen
        place.mkdir()
        server = front_door(site_of(modules, place, trusted_balancers=trusted))
        with parts_behind(server), running(server):
            client = Client(server, authority_of(server.cluster), told)
            assert client.ask(API, "/").arrived["headers"]["x-forwarded-for"] == seen
            without = Client(server, authority_of(server.cluster))
            assert without.ask(API, "/").arrived["headers"]["x-forwarded-for"] == LOOPBACK


def asking(server: Server, authority: Authority) -> None:
    """Changes the one setting that names whom to ask for certificates, and by what to know it."""
    settings = server.mapping.path("/etc/traefik") / "traefik.yaml"
    text = settings.read_text(encoding="utf-8")
    assert LETS_ENCRYPT in text
    trusting = settings.parent / "authority.pem"
    trusting.write_text(certificates_in(authority.bundle), encoding="utf-8")
    asked = f"{authority.directory}\n      caCertificates: [{trusting}]"
    settings.write_text(text.replace(LETS_ENCRYPT, asked), encoding="utf-8")


def test_a_name_that_is_known_later_gets_its_certificate_without_anybodys_doing(
    modules: tuple[Module, ...], folder: Path
) -> None:
    """The address is known first and the DNS record made then, so that the first try fails."""
    place = folder / "late"
    place.mkdir()
    server = front_door(Site(cluster_of(modules, {"access": {"domain": DOMAIN}}), place), 12)
    with an_authority(server.port("web"), place) as authority, parts_behind(server):
        asking(server, authority)
        authority.reachable = False
        with running(server):
            assert until(lambda: len(authority.refused) == 3, 30), server.process.trouble("unasked")
            authority.reachable = True
            # What a kubelet does when a container has ended.
            assert until(server.has_ended, 60), server.process.trouble("still runs")
            server.start()
            client = Client(server, certificates_in(authority.bundle))
            for name in (API, AUTH, GRAFANA):
                assert until(partial(trusted, client, name), 30), name
            assert "starting again" in server.process.told()
            assert (server.mapping.path("/tmp") / "patience").read_text().strip() == "24"


@pytest.mark.parametrize("email", ["", "me@example.org"])
def test_certificates_come_by_acme_and_are_kept_over_a_restart(
    modules: tuple[Module, ...], folder: Path, email: str
) -> None:
    """The way to encryption lets the authority's question through, whoever else is sent on."""
    place = folder / f"acme-{len(email)}"
    place.mkdir()
    given = {"access": {"domain": DOMAIN, "email": email}}
    server = front_door(Site(cluster_of(modules, given), place))
    with an_authority(server.port("web"), place) as authority, parts_behind(server):
        asking(server, authority)
        with running(server):
            client = Client(server, certificates_in(authority.bundle))
            for name in (API, AUTH, GRAFANA):
                assert until(partial(trusted, client, name), 30), server.process.trouble(
                    f"no certificate for {name}"
                )
            assert client.plain(API, "/").status in (301, 308)
            assert sorted(authority.given) == [API, AUTH, GRAFANA], "one each, no more"
            assert authority.contacts == [[f"mailto:{email}"] if email else []]
            kept = server.mapping.path("/data") / "acme.json"
            assert kept.stat().st_mode & 0o777 == 0o600
            # What a kubelet does to all files when a volume changes its group.
            server.stop()
            kept.chmod(0o660)
            server.start()
            assert until(lambda: trusted(client, API), 20), server.process.trouble(
                "from the volume"
            )
            assert kept.stat().st_mode & 0o777 == 0o600
            assert len(authority.given) == 3


def trusted(client: Client, name: str) -> bool:
    """Whether a name is served with a certificate the client trusts."""
    try:
        return client.ask(name, "/").status == 200
    except ssl.SSLError:
        return False
