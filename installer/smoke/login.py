"""Registration and login with a passkey through the gateway, and what the gateway refuses."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from installer.smoke.authenticator import Authenticator
from installer.smoke.passkey_login import log_in, register
from installer.smoke.talking import ask_json
from installer.smoke.trying import Check, Ended, Finding, Near, NotAsExpected, World

_GATEWAY = ("health-auth", "envoy-gateway", 8000)
_API = ("health-api", "health-api", 8001)
_JWKS = "/.well-known/jwks.json"


def the_gateway_guards(world: World) -> Iterator[Finding]:
    """The public key is there; what needs a token or is nobody's business is refused."""
    host = f"auth.{world.domain}"
    with world.reach(*_GATEWAY) as near:
        yield _one_key(near, host)
        for path, status, words in (
            ("/api/anything", 401, "without a token"),
            ("/metrics", 404, "figures are not public"),
        ):
            answer = ask_json(near, "GET", path, headers={"Host": host})
            ended = Ended.GOOD if answer.status == status else Ended.BAD
            seen = f"{words}: the answer is {answer.status}"
            yield Finding(f"The gateway refuses {path}", ended, seen)


def _one_key(near: Near, host: str) -> Finding:
    title = "The login server publishes its key"
    answer = ask_json(near, "GET", _JWKS, headers={"Host": host})
    keys = answer.expect(_JWKS, 200).json().get("keys") or []
    if len(keys) >= 1 and all(key.get("kty") == "RSA" and key.get("kid") for key in keys):
        return Finding(title, Ended.GOOD, f"{len(keys)} RSA")
    return Finding(title, Ended.BAD, "There is no RSA key with a name in it.")


def a_passkey_logs_in(world: World) -> Iterator[Finding]:
    """Make an account with a passkey in software and log in with it. The account stays."""
    title = "A passkey registers and logs in"
    if world.option("authentication", "registration", "open") != "open":
        yield Finding(title, Ended.NOT_TRIED, "registration is closed, as chosen")
        return
    host = f"auth.{world.domain}"
    authenticator, name = Authenticator(f"https://{host}"), f"smoke-{secrets.token_hex(6)}"
    with world.reach(*_GATEWAY) as near:

        def post(path: str, document: Mapping[str, Any]) -> Any:
            answer = ask_json(near, "POST", path, document, {"Host": host})
            return answer.expect(path, 200).json()

        register(authenticator, post, name, "Smoke test")
        token = log_in(authenticator, post, name)
        yield Finding(title, Ended.GOOD, "both ceremonies end well")
        yield _passes(near, host, token)
    if world.has("health-services") and world.option("health-services", "api", True):
        yield _is_exchanged(world, token)


def _passes(near: Near, host: str, token: str) -> Finding:
    title = "The gateway lets a real token through"
    headers = {"Host": host, "Authorization": f"Bearer {token}"}
    answer = ask_json(near, "GET", "/api/anything", headers=headers)
    if answer.status == 401:
        return Finding(title, Ended.BAD, "It refuses the token the login server gave.")
    return Finding(title, Ended.GOOD, f"the answer is {answer.status}, not 401")


def _is_exchanged(world: World, token: str) -> Finding:
    title = "The Health API takes the login"
    with world.reach(*_API) as near:
        answer = ask_json(near, "POST", "/auth/webauthn/exchange", {"webauthn_token": token})
    if answer.status == 200:
        return Finding(title, Ended.GOOD, "it gives a token of its own")
    if answer.status == 501:
        return Finding(title, Ended.IMAGE, "this version of the Health API cannot do that yet")
    raise NotAsExpected(f"The Health API answers {answer.status} to a good login.")


GUARDS = Check("The gateway guards", ("authentication",), the_gateway_guards)
PASSKEY = Check("A passkey logs in", ("authentication",), a_passkey_logs_in)
