"""The gateway on the rendered configuration: Envoy from its wheel, with stand-ins behind it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real_servers.gateway import ADMIN_PORT, Gateway, gateway, laid_out, login_cluster
from tests.real_servers.mapping import LOOPBACK
from tests.real_servers.processes import Site, until
from tests.real_servers.servers import running
from tests.real_servers.tokens import SigningKey, claims, decoded

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

CACHE_SECONDS = 5
PROTECTED = "/api/example/data"
# Bound to all addresses, a port answers here too; bound to 127.0.0.1 alone, it does not.
ANOTHER_LOOPBACK = "127.0.0.2"
Started = Callable[..., Site]


@pytest.fixture(scope="module")
def sites() -> Iterator[Started]:
    """Makes sites for options of the login module, in folders other users may enter."""
    folders: list[Path] = []

    def made(**options: Any) -> Site:
        folders.append(Path(tempfile.mkdtemp(prefix="gate-")))
        os.chmod(folders[-1], 0o755)
        return Site(login_cluster(example_service=True, **options), folders[-1])

    yield made
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def gate_of_all(sites: Started) -> Iterator[Gateway]:
    with gateway(sites(jwks_cache_seconds=CACHE_SECONDS)) as made:
        yield made


@pytest.fixture
def gate(gate_of_all: Gateway) -> Gateway:
    """The gateway, with nothing noted yet by what is behind it."""
    gate_of_all.forget()
    return gate_of_all


@pytest.fixture
def token(gate: Gateway) -> str:
    """A good token."""
    return gate.login.keys[0].token()


def is_open(host: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError:
        return False
    return True


def test_envoy_itself_finds_the_file_valid(gate: Gateway) -> None:
    path = str(gate.server.mapping.path("/etc/envoy/envoy.yaml"))
    said = gate.server.process.run("envoy", "--mode", "validate", "-c", path)
    assert said.returncode == 0, said.stderr
    # What will go away with a later version is told as a warning.
    assert "deprecated" not in said.stderr.lower(), said.stderr


def test_all_probes_of_the_gateway_pass(gate: Gateway) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert gate.server.passes(probe), gate.server.process.trouble(probe)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/register/start"),
        ("POST", "/register/complete"),
        ("POST", "/authenticate/start"),
        ("POST", "/authenticate/complete"),
        ("OPTIONS", "/authenticate/start"),
        ("GET", "/"),
        ("GET", "/health"),
    ],
)
def test_what_people_need_to_log_in_reaches_the_login_server_without_a_token(
    gate: Gateway, method: str, path: str
) -> None:
    body = '{"username": "ada"}' if method == "POST" else None
    answer = gate.ask(path, method=method, body=body)
    assert (answer.status, answer.text) == (200, "login")
    (got,) = gate.login.got
    assert (got.method, got.path, got.body) == (method, path, body or "")


def test_the_published_keys_can_be_read_through_the_gateway(gate: Gateway) -> None:
    answer = gate.ask("/.well-known/jwks.json")
    assert answer.status == 200
    assert [key["alg"] for key in json.loads(answer.text)["keys"]] == ["RS256"]


def test_a_good_token_passes_and_what_it_says_goes_along(gate: Gateway, token: str) -> None:
    answer = gate.ask(f"{PROTECTED}?page=2", token)
    assert (answer.status, answer.text) == (200, "example")
    (got,) = gate.example.got
    assert got.path == f"{PROTECTED}?page=2"
    assert got.headers["authorization"] == f"Bearer {token}"
    told = json.loads(decoded(got.headers["x-jwt-payload"]))
    assert (told["sub"], told["iss"], told["aud"]) == ("ada", "mpo-webauthn", "webauthn-clients")


def test_t29_the_servers_own_issuer_and_audience_are_expected(gate: Gateway) -> None:
    key = gate.login.keys[0]
    assert gate.ask(PROTECTED, key.token()).status == 200
    of_the_host = key.token(iss="https://auth.example.org", aud="https://auth.example.org")
    assert gate.ask(PROTECTED, of_the_host).status == 401


WRONG: dict[str, Callable[[SigningKey], str]] = {
    "no token": lambda key: "",
    "no token at all but a word": lambda key: "letmein",
    "signed by another key under the same id": lambda key: SigningKey(key.id).token(),
    "signed by a key nobody published": lambda key: SigningKey("unheard-of").token(),
    "changed after it was signed": lambda key: key.altered_token(),
    "expired": lambda key: key.token(exp=int(time.time()) - 120),
    "without an end": lambda key: key.token(exp=None),
    "not valid yet": lambda key: key.token(nbf=int(time.time()) + 600),
    "of another issuer": lambda key: key.token(iss="somebody"),
    "without an issuer": lambda key: key.token(iss=None),
    "for another audience": lambda key: key.token(aud="mpo-webauthn"),
    "without an audience": lambda key: key.token(aud=None),
    "with another algorithm": lambda key: key.token("RS512"),
    "without a signature": lambda key: key.unsigned_token(),
    "with the public key as its secret": lambda key: key.symmetric_token(),
}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_token_goes_no_further(gate: Gateway, wrong: str) -> None:
    token = WRONG[wrong](gate.login.keys[0])
    for path in ("/api", "/api/", PROTECTED, "/api/user/profile", "/api/nothing"):
        assert gate.ask(path, token).status == 401, path
    assert gate.example.got == gate.login.got == []


def test_a_token_counts_in_its_header_only(gate: Gateway, token: str) -> None:
    assert gate.ask(f"{PROTECTED}?access_token={token}").status == 401
    assert gate.ask(PROTECTED, headers={"Cookie": f"access_token={token}"}).status == 401
    assert gate.ask(PROTECTED, headers={"Authorization": f"Basic {token}"}).status == 401
    assert gate.example.got == []


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/swagger",
        "/swagger/index.html",
        "/openapi",
        "/openapi.json",
        "/ready",
        "/live",
        "/apis",
        "/registered",
        "/health/metrics",
        "/.well-known/other",
        "//metrics",
        "/./metrics",
        "/register/../metrics",
        "/authenticate/start/../../metrics",
        "/authenticate/%2e%2e/metrics",
        "/METRICS",
    ],
)
def test_t30_nothing_else_of_the_login_server_is_public(
    gate: Gateway, token: str, path: str
) -> None:
    for shown in ("", token):
        assert gate.ask(path, shown).status == 404
    assert gate.login.got == gate.example.got == []


@pytest.mark.parametrize(
    "path", ["/register%2f..%2fmetrics", "/health%5c..%5cmetrics", "/api%2fexample/data"]
)
def test_a_path_with_hidden_slashes_is_refused(gate: Gateway, path: str) -> None:
    assert gate.ask(path).status == 400
    assert gate.login.got == gate.example.got == []


def test_a_good_token_finds_nothing_where_nothing_is(gate: Gateway, token: str) -> None:
    for path in ("/api", "/api/", "/api/nothing", "/api/examples"):
        assert gate.ask(path, token).status == 404
    assert gate.login.got == gate.example.got == []


def test_nobody_can_claim_to_have_been_verified(gate: Gateway, token: str) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(claims(sub="eve")).encode()).decode()
    mine = {"x-jwt-payload": forged}
    assert gate.ask(PROTECTED, headers=mine).status == 401
    assert gate.ask(PROTECTED, token, headers=mine).status == 200
    assert gate.ask("/authenticate/start", method="POST", headers=mine, body="{}").status == 200
    (protected,), (public,) = gate.example.got, gate.login.got
    assert json.loads(decoded(protected.headers["x-jwt-payload"]))["sub"] == "ada"
    assert "x-jwt-payload" not in public.headers


def test_what_a_client_says_about_itself_is_not_believed(gate: Gateway) -> None:
    claimed = {
        "X-Forwarded-For": "10.0.0.1, 203.0.113.9",
        "X-Envoy-Upstream-Rq-Timeout-Ms": "600000",
        "X-Envoy-Retry-On": "5xx",
        "X-Envoy-Internal": "true",
        "X-Envoy-External-Address": "10.0.0.1",
        "X-Request-Id": "mine",
    }
    assert gate.ask("/health", headers=claimed).status == 200
    (got,) = gate.login.got
    # The proxy in front wrote the last of the addresses; all before are hearsay.
    assert logged(gate, lambda line: line["client"] == "203.0.113.9")["path"] == "/health"
    for name in ("retry-on", "upstream-rq-timeout-ms", "internal"):
        assert f"x-envoy-{name}" not in got.headers
    assert got.headers.get("x-envoy-external-address", "203.0.113.9") == "203.0.113.9"
    assert got.headers["x-request-id"] != "mine"


def test_who_comes_past_the_proxy_in_front_is_trusted_no_more(gate: Gateway) -> None:
    claimed = {"X-Envoy-Retry-On": "5xx", "X-Request-Id": "mine"}
    assert gate.ask("/health", headers=claimed).status == 200
    (got,) = gate.login.got
    assert not {"x-envoy-retry-on", "x-envoy-internal"} & got.headers.keys()
    assert got.headers["x-request-id"] != "mine"


def test_too_much_is_refused(gate: Gateway) -> None:
    large = "x" * 70_000
    assert gate.ask("/authenticate/start", method="POST", body=large).status == 413
    assert gate.ask("/health", headers={"x-much": "y" * 20_000}).status == 431
    many = {f"x-{number}": "1" for number in range(80)}
    assert gate.ask("/health", headers=many).status == 431
    assert gate.ask("/health", headers={"x_jwt_payload": "1"}).status == 400
    assert gate.login.got == []


def logged(gate: Gateway, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The line of the log that is wanted; the gateway writes once a second."""

    def found() -> list[dict[str, Any]]:
        told = gate.server.process.told().splitlines()
        lines = [json.loads(line) for line in told if line.startswith("{")]
        return [line for line in lines if wanted(line)]

    assert until(lambda: bool(found()), 5), gate.server.process.trouble("has not logged it")
    return found()[-1]


def test_the_log_has_who_asked_for_what_and_nothing_secret(gate: Gateway, token: str) -> None:
    gate.ask("/api/user/logged?secret=hush", token)
    gate.ask("/authenticate/logged?user=ada", method="POST", body='{"username": "lovelace"}')
    login = logged(gate, lambda line: line["path"] == "/authenticate/logged")
    assert (login["method"], login["status"], login["cluster"]) == ("POST", 200, "webauthn")
    protected = logged(gate, lambda line: line["path"] == "/api/user/logged")
    assert (protected["method"], protected["status"]) == ("GET", 200)
    told = gate.server.process.told()
    for hidden in ("hush", "lovelace", "user=ada", token, token.split(".")[1], "Bearer"):
        assert hidden not in told


def test_the_admin_pages_answer_in_the_pod_alone(gate: Gateway) -> None:
    admin = gate.server.mapping.port(ADMIN_PORT)
    assert is_open(LOOPBACK, admin)
    assert not is_open(ANOTHER_LOOPBACK, admin)
    for name in ("http", "watching"):
        assert is_open(ANOTHER_LOOPBACK, gate.server.port(name))


def test_the_second_port_shows_two_pages_and_takes_no_orders(gate: Gateway) -> None:
    assert gate.ask("/ready", port="watching").text.strip() == "LIVE"
    figures = gate.ask("/stats/prometheus", port="watching")
    assert figures.status == 200
    assert "envoy_http_jwt_authn_denied" in figures.text
    assert "fixed_heap_pressure" in figures.text
    for path in (
        *("/", "/quitquitquit", "/config_dump", "/stats", "/clusters", "/logging?level=trace"),
        *("/ready/", "/ready/../quitquitquit", "//quitquitquit", "/stats/prometheus/../../certs"),
    ):
        for method in ("GET", "POST"):
            assert gate.ask(path, method=method, port="watching").status == 404, path
    assert gate.ask("/ready", method="POST", port="watching").status == 404
    assert gate.ask("/ready%2f..%2fquitquitquit", port="watching").status == 400
    assert gate.server.passes("livenessProbe")


def test_closed_registration_is_refused_and_login_goes_on(sites: Started) -> None:
    with gateway(sites(registration="closed")) as gate:
        for path in ("/register", "/register/start", "/register/complete", "/register/../register"):
            answer = gate.ask(path, method="POST", body="{}")
            assert answer.status == 403, path
            assert json.loads(answer.text) == {"error": "Registration is closed"}
        assert gate.login.got == []
        assert gate.ask("/authenticate/start", method="POST", body="{}").status == 200
        assert gate.ask("/register/start", gate.login.keys[0].token()).status == 403


def test_a_replaced_key_is_followed_within_the_time_it_may_be_remembered(sites: Started) -> None:
    with gateway(sites(jwks_cache_seconds=CACHE_SECONDS)) as gate:
        old, new = gate.login.keys[0], SigningKey("second")
        assert gate.ask(PROTECTED, old.token()).status == 200
        assert gate.ask(PROTECTED, new.token()).status == 401
        gate.login.keys[:] = [new, old]
        within = CACHE_SECONDS + 2
        assert until(lambda: gate.ask(PROTECTED, new.token()).status == 200, within)
        assert gate.ask(PROTECTED, old.token()).status == 200
        gate.login.keys[:] = [new]
        assert until(lambda: gate.ask(PROTECTED, old.token()).status == 401, within)
        assert gate.ask(PROTECTED, new.token()).status == 200


def test_without_the_login_server_it_starts_refuses_and_recovers_by_itself(sites: Started) -> None:
    gate = laid_out(sites(jwks_cache_seconds=CACHE_SECONDS))
    token = gate.login.keys[0].token()
    with gate.example.open(), running(gate.server):
        assert gate.server.passes("readinessProbe")
        assert gate.ask(PROTECTED, token).status == 401
        assert gate.ask("/authenticate/start", method="POST", body="{}").status == 503
        with gate.login.open():
            assert until(lambda: gate.ask(PROTECTED, token).status == 200, 20, every=0.5)
            assert gate.ask("/authenticate/start", method="POST", body="{}").status == 200
