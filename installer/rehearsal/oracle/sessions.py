"""Session tokens, as `oci session authenticate` leaves them: for an hour, instead of an API key.

The token is a JWT with the user, the tenancy and the moment it ends; requests are signed with the
session's own key under the keyId "ST$<token>". Its times are real, whatever the simulated time.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    RSAPublicNumbers,
)

PREFIX = "ST$"
LASTS_SECONDS = 3600


@dataclass(frozen=True)
class Session:
    """Who a token speaks for; `key` is the one it must be used with, None for the issuer's."""

    user: str
    tenancy: str
    key: RSAPublicKey | None = None


def new_token(key: RSAPrivateKey, session: Session, seconds: float = LASTS_SECONDS) -> str:
    """A token that ends so many real seconds from now (or ended, when negative)."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "sub": session.user,
        "tenant": session.tenancy,
        "iat": min(now, int(now + seconds) - LASTS_SECONDS),
        "exp": int(now + seconds),
        "ptype": "user",
    }
    if session.key is not None:
        numbers = session.key.public_numbers()
        claims["jwk"] = {"kty": "RSA", "n": hex(numbers.n), "e": hex(numbers.e)}
    text = f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_base64(signature)}"


def session_of(key: RSAPublicKey, token: str) -> Session | None:
    """Whom the token speaks for; None when it was not issued here or has ended."""
    text, _, signature = token.rpartition(".")
    try:
        key.verify(_decoded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(_decoded(text.partition(".")[2]))
    except (InvalidSignature, binascii.Error, ValueError):
        return None
    if claims["exp"] <= time.time():
        return None
    return Session(claims["sub"], claims["tenant"], _key_in(claims))


def _key_in(claims: dict[str, Any]) -> RSAPublicKey | None:
    numbers = claims.get("jwk")
    if numbers is None:
        return None
    return RSAPublicNumbers(int(numbers["e"], 16), int(numbers["n"], 16)).public_key()


def _encoded(value: dict[str, object]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
