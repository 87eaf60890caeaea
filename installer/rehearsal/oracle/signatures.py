"""Checks request signatures the way Oracle does: RSA-SHA256 over a list of headers.

The form is that of Oracle's public "Request Signatures" page: `Authorization: Signature` with
algorithm, headers, keyId, signature and version. Dates are real time, whatever the simulated time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from installer.rehearsal.oracle.refusals import Refused, not_authenticated
from installer.rehearsal.oracle.sessions import PREFIX, session_of

ALLOWED_SKEW = timedelta(minutes=5)
_FIELD = re.compile(r'(\w+)="([^"]*)"')
_ALWAYS_SIGNED = ("(request-target)", "host")
_BODY_SIGNED = ("x-content-sha256", "content-type", "content-length")
_REFUSAL = "The required information to complete authentication was not provided or was incorrect."


@dataclass(frozen=True)
class Signed:
    """What a signature was made over. `target` is path and query; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    body_signed: bool = True


class Notary:
    """Knows the public keys by keyId and judges signatures.

    `session_key`: the one that session tokens are issued with, and sessions sign with.
    """

    def __init__(
        self, keys: Mapping[str, RSAPublicKey], session_key: RSAPublicKey | None = None
    ) -> None:
        self._keys = dict(keys)
        self._session_key = session_key

    def check(self, request: Signed, skew: timedelta = timedelta()) -> str:
        """The user's OCID; raises Refused 401. `skew` is how far the server's clock is off."""
        fields = signature_fields(request.headers.get("authorization", ""))
        key, user = self._owner(fields.get("keyId", ""))
        names = fields.get("headers", "").lower().split()
        if key is None or fields.get("algorithm") != "rsa-sha256":
            raise not_authenticated(_REFUSAL)
        _require_names(request, names)
        _check_date(request.headers, datetime.now(UTC) + skew)
        _check_body(request, names)
        _check_signature(key, _signing_text(request, names), fields.get("signature", ""))
        return user

    def _owner(self, key_id: str) -> tuple[RSAPublicKey | None, str]:
        """The key that must have signed, and whose it is."""
        if not key_id.startswith(PREFIX):
            return self._keys.get(key_id), key_id.split("/")[1] if "/" in key_id else ""
        if self._session_key is None:
            return None, ""
        session = session_of(self._session_key, key_id.removeprefix(PREFIX))
        return (session.key or self._session_key, session.user) if session else (None, "")


def signature_fields(header: str) -> dict[str, str]:
    """The quoted fields of an Authorization header; empty when it is no signature."""
    if not header.startswith("Signature "):
        return {}
    return dict(_FIELD.findall(header))


def _require_names(request: Signed, names: list[str]) -> None:
    needed = list(_ALWAYS_SIGNED)
    if request.method in ("POST", "PUT", "PATCH") and request.body_signed:
        needed += _BODY_SIGNED
    if "date" not in names and "x-date" not in names:
        needed.append("date")
    if any(name not in names for name in needed):
        raise not_authenticated(_REFUSAL)


def _check_date(headers: Mapping[str, str], server_time: datetime) -> None:
    stated = headers.get("x-date") or headers.get("date") or ""
    try:
        date = parsedate_to_datetime(stated)
    except (TypeError, ValueError) as error:
        raise not_authenticated(_REFUSAL) from error
    if abs(date - server_time) <= ALLOWED_SKEW:
        return
    raise skewed(stated, server_time)


def skewed(stated: str, server_time: datetime) -> Refused:
    """The refusal of a date more than five minutes off; it names the server's time and range."""
    first, last = server_time - ALLOWED_SKEW, server_time + ALLOWED_SKEW
    return not_authenticated(
        f"Date '{stated}' is not within allowed clock skew. "
        f"Current '{format_datetime(server_time, usegmt=True)}', "
        f"valid datetime range: ['{format_datetime(first, usegmt=True)}', "
        f"'{format_datetime(last, usegmt=True)}']"
    )


def _check_body(request: Signed, names: list[str]) -> None:
    if "x-content-sha256" not in names:
        return
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    if request.headers.get("x-content-sha256") != digest:
        raise not_authenticated(_REFUSAL)


def _signing_text(request: Signed, names: list[str]) -> bytes:
    lines = []
    for name in names:
        if name == "(request-target)":
            lines.append(f"(request-target): {request.method.lower()} {request.target}")
        else:
            lines.append(f"{name}: {request.headers.get(name, '')}")
    return "\n".join(lines).encode()


def _check_signature(key: RSAPublicKey, text: bytes, signature: str) -> None:
    try:
        key.verify(base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise not_authenticated(_REFUSAL) from error
