"""The login through the gateway, against a login server that verifies what it is sent."""

from __future__ import annotations

import json

import pytest

from installer.smoke.login import GUARDS, PASSKEY
from installer.smoke.trying import Ended, Finding, try_everything
from tests.smoke.stage import Asked, Reply, Stage
from tests.smoke.test_passkey_login import HOST, LoginServer

GATEWAY = ("health-auth", "envoy-gateway", 8000)
API = ("health-api", "health-api", 8001)
DOMAIN = HOST.removeprefix("auth.")
KEYS = {"keys": [{"kty": "RSA", "kid": "webauthn-1", "n": "AQ", "e": "AQAB"}]}


class Platform:
    """Gateway, login server and Health API; each can be told to fail."""

    def __init__(self) -> None:
        self.login = LoginServer()
        self.stage = Stage()
        self.keys: object = KEYS
        self.refuses_tokens = False
        self.shows_metrics = False
        self.exchange = 200
        self.stage.serve(*GATEWAY, self.gateway)
        self.stage.serve(*API, self.api)

    def gateway(self, asked: Asked) -> Reply:
        assert asked.headers["host"] == HOST
        match asked.path:
            case "/.well-known/jwks.json":
                return 200, self.keys
            case "/metrics":
                return (200 if self.shows_metrics else 404), {}
            case "/api/anything":
                known = asked.headers.get("authorization", "").startswith("Bearer token-of-smoke-")
                return (404 if known and not self.refuses_tokens else 401), {}
        return 200, self.login.post(asked.path, json.loads(asked.body))

    def api(self, asked: Asked) -> Reply:
        assert json.loads(asked.body)["webauthn_token"].startswith("token-of-smoke-")
        return self.exchange, {}

    def findings(self, registration: str = "open") -> dict[str, Finding]:
        options: dict[str, dict[str, object]] = {
            "authentication": {"registration": registration},
            "health-services": {"api": True},
        }
        world = self.stage.world(options=options, domain=DOMAIN)
        return {each.title: each for each in try_everything((GUARDS, PASSKEY), world)}


@pytest.fixture
def platform() -> Platform:
    return Platform()


def test_where_all_is_well_everything_is_good(platform: Platform) -> None:
    found = platform.findings()
    assert {each.ended for each in found.values()} == {Ended.GOOD}, found
    assert len(found) == 6


def test_a_gateway_that_shows_figures_or_refuses_real_tokens_is_named(platform: Platform) -> None:
    platform.shows_metrics = platform.refuses_tokens = True
    found = platform.findings()
    assert found["The gateway refuses /metrics"].ended is Ended.BAD
    assert found["The gateway lets a real token through"].ended is Ended.BAD


def test_a_login_server_without_a_key_is_named(platform: Platform) -> None:
    platform.keys = {"keys": []}
    assert platform.findings()["The login server publishes its key"].ended is Ended.BAD


def test_an_api_that_cannot_exchange_logins_is_the_fault_of_its_image(platform: Platform) -> None:
    platform.exchange = 501
    assert platform.findings()["The Health API takes the login"].ended is Ended.IMAGE
    platform.exchange = 500
    assert platform.findings()["A passkey logs in"].ended is Ended.BAD


def test_with_registration_closed_nobody_is_registered(platform: Platform) -> None:
    found = platform.findings("closed")
    assert found["A passkey registers and logs in"].ended is Ended.NOT_TRIED
    assert platform.login.asked == []
