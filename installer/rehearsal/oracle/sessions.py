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

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

PREFIX = "ST$"
LASTS_SECONDS = 3600


@dataclass(frozen=True)
class Session:
    """Who a token speaks for."""

    user: str
    tenancy: str


def new_token(key: RSAPrivateKey, session: Session, seconds: float = LASTS_SECONDS) -> str:
    """A token that ends so many real seconds from now (or ended, when negative)."""
    now = int(time.time())
    claims = {
        "sub": session.user,
        "tenant": session.tenancy,
        "iat": min(now, int(now + seconds) - LASTS_SECONDS),
        "exp": int(now + seconds),
        "ptype": "user",
    }
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
    return Session(claims["sub"], claims["tenant"])


def _encoded(value: dict[str, object]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
