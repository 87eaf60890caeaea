"""A passkey in software: what a phone or a security key does, without a person.

Passkeys are ECDSA keys on P-256 (ES256) that live in memory and nowhere else. The forms are those
of Web Authentication Level 2 (https://www.w3.org/TR/webauthn-2/), with CBOR by RFC 8949 and keys
by RFC 9053; the attestation is `none`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

Options = Mapping[str, Any]
Cbor = int | bytes | str | Mapping[int, "Cbor"] | Mapping[str, "Cbor"]

_ES256 = -7
_USER_PRESENT, _USER_VERIFIED, _NEW_PASSKEY = 0x01, 0x04, 0x40
# One that is 0 says that none is counted, as with passkeys that several devices share.
_UNCOUNTED = bytes(4)
_NO_MODEL = bytes(16)
_ID_BYTES = 32
_COORDINATE_BYTES = 32


class CannotAnswer(Exception):
    """The options ask for what this authenticator, or any browser at this origin, does not give."""


@dataclass(frozen=True)
class Passkey:
    """One passkey: for which name, of whom, and its private key, which nobody should see."""

    id: bytes
    relying_party: str
    user: bytes
    key: ec.EllipticCurvePrivateKey = field(repr=False)


class Authenticator:
    """Answers a server's options as a page at `origin` (such as https://auth.example.org) would.

    `origin` has scheme and host, and the port where it is not the usual one.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._passkeys: list[Passkey] = []

    def register(self, options: Options) -> dict[str, Any]:
        """The credential for creation options: makes a passkey. Raises CannotAnswer."""
        asked = _public_key(options)
        relying_party = self._relying_party(asked.get("rp", {}).get("id"))
        if _ES256 not in {each.get("alg") for each in asked.get("pubKeyCredParams", ())}:
            raise CannotAnswer("the server does not take ES256, the only kind made here")
        if self._those_of(relying_party, asked.get("excludeCredentials") or ()):
            raise CannotAnswer("there is a passkey for this account already")
        user = decoded(asked["user"]["id"])
        key = ec.generate_private_key(ec.SECP256R1())
        made = Passkey(secrets.token_bytes(_ID_BYTES), relying_party, user, key)
        self._passkeys.append(made)
        attested: dict[str, Cbor] = {
            "fmt": "none",
            "attStmt": {},
            "authData": _authenticator_data(made, new=True),
        }
        return self._credential(
            made,
            {
                "clientDataJSON": encoded(self._client_data("webauthn.create", asked)),
                "attestationObject": encoded(cbor(attested)),
                "transports": ["internal"],
            },
        )

    def log_in(self, options: Options) -> dict[str, Any]:
        """The credential for request options: signs with a passkey. Raises CannotAnswer."""
        asked = _public_key(options)
        relying_party = self._relying_party(asked.get("rpId"))
        allowed = asked.get("allowCredentials")
        found = self._those_of(relying_party, allowed)
        if not found:
            raise CannotAnswer(f"there is no passkey for {relying_party} that the server takes")
        passkey = found[-1]
        data = _authenticator_data(passkey, new=False)
        client = self._client_data("webauthn.get", asked)
        signed = data + hashlib.sha256(client).digest()
        return self._credential(
            passkey,
            {
                "clientDataJSON": encoded(client),
                "authenticatorData": encoded(data),
                "signature": encoded(passkey.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
                "userHandle": encoded(passkey.user),
            },
        )

    def _relying_party(self, named: str | None) -> str:
        """As a browser decides it: the host itself, or a name it lies under."""
        host = urlsplit(self.origin).hostname or ""
        wanted = named or host
        if host != wanted and not host.endswith(f".{wanted}"):
            raise CannotAnswer(f"a page at {self.origin} may not use passkeys of {wanted}")
        return wanted

    def _those_of(self, relying_party: str, listed: Any) -> list[Passkey]:
        """Passkeys for the name; only those listed, where there is a list."""
        mine = [each for each in self._passkeys if each.relying_party == relying_party]
        if listed is None:
            return mine
        ids = {decoded(each["id"]) for each in listed}
        return [each for each in mine if each.id in ids]

    def _client_data(self, kind: str, asked: Options) -> bytes:
        told = {
            "type": kind,
            "challenge": encoded(decoded(asked["challenge"])),
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(told, separators=(",", ":")).encode()

    def _credential(self, passkey: Passkey, response: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": encoded(passkey.id),
            "rawId": encoded(passkey.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": dict(response),
            "clientExtensionResults": {},
        }


def _public_key(options: Options) -> Options:
    """The options themselves, which servers give bare or under the name a browser wants."""
    inner: Options = options.get("publicKey", options)
    return inner


def _authenticator_data(passkey: Passkey, *, new: bool) -> bytes:
    """Section 6.1: whose name, what was checked, a counter, and a new passkey's public key."""
    flags = _USER_PRESENT | _USER_VERIFIED | (_NEW_PASSKEY if new else 0)
    whose = hashlib.sha256(passkey.relying_party.encode()).digest()
    data = whose + bytes([flags]) + _UNCOUNTED
    if new:
        data += _NO_MODEL + len(passkey.id).to_bytes(2, "big") + passkey.id
        data += cbor(_cose_key(passkey.key.public_key()))
    return data


def _cose_key(key: ec.EllipticCurvePublicKey) -> dict[int, Cbor]:
    """RFC 9053, section 7.1: key type EC2, algorithm ES256, curve P-256, and the point."""
    point = key.public_numbers()
    x, y = (number.to_bytes(_COORDINATE_BYTES, "big") for number in (point.x, point.y))
    return {1: 2, 3: _ES256, -1: 1, -2: x, -3: y}


def cbor(value: Cbor) -> bytes:
    """The part of CBOR that is needed here: whole numbers, bytes, texts, and maps of them."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    pairs = ((cbor(key), cbor(inner)) for key, inner in value.items())
    # The shorter key first, then by its bytes: the order that CTAP2 prescribes.
    ordered = sorted(pairs, key=lambda pair: (len(pair[0]), pair[0]))
    return _head(5, len(ordered)) + b"".join(key + inner for key, inner in ordered)


def _head(kind: int, number: int) -> bytes:
    """The kind of what follows, with its value or length in as few bytes as hold it."""
    if number < 24:
        return bytes([kind << 5 | number])
    for mark, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes([kind << 5 | mark]) + number.to_bytes(size, "big")
    raise ValueError(f"{number} is too large for CBOR")


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of base64url, with padding or without."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
