"""Tokens and published keys as the login server makes them, and ways to get them wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFE_SECONDS = 900


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes behind base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(**changed: Any) -> dict[str, Any]:
    """What the login server puts into a token for a person, with changes; None leaves one out."""
    now = int(time.time())
    usual = {
        "iss": "mpo-webauthn",
        "aud": "webauthn-clients",
        "sub": "ada",
        "iat": now,
        "exp": now + LIFE_SECONDS,
    }
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def _parts(header: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, body))


@dataclass(frozen=True)
class SigningKey:
    """One RSA key under its id."""

    id: str
    key: rsa.RSAPrivateKey = field(
        repr=False,
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    )

    def token(self, algorithm: str = "RS256", **changed: Any) -> str:
        """A token signed with this key."""
        hash_of = {"RS256": hashes.SHA256(), "RS512": hashes.SHA512()}[algorithm]
        text = _parts({"alg": algorithm, "typ": "JWT", "kid": self.id}, claims(**changed))
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), hash_of)
        return f"{text}.{encoded(signature)}"

    def published(self) -> dict[str, str]:
        """The entry in the list of keys; like the server's, the modulus has a leading zero byte."""
        numbers = self.key.public_key().public_numbers()
        modulus = numbers.n.to_bytes(numbers.n.bit_length() // 8 + 1, "big")
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "alg": "RS256",
            "n": encoded(modulus),
            "e": encoded(numbers.e.to_bytes(3, "big")),
        }

    def symmetric_token(self) -> str:
        """A token whose secret is the public key, which everybody knows."""
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        text = _parts({"alg": "HS256", "typ": "JWT", "kid": self.id}, claims())
        return f"{text}.{encoded(hmac.digest(public, text.encode(), hashlib.sha256))}"

    def unsigned_token(self) -> str:
        """A token that says it needs no signature."""
        return _parts({"alg": "none", "typ": "JWT", "kid": self.id}, claims()) + "."

    def altered_token(self) -> str:
        """A good token in which somebody changed the name."""
        header, _, signature = self.token().split(".")
        return f"{header}.{encoded(json.dumps(claims(sub='eve')).encode())}.{signature}"
