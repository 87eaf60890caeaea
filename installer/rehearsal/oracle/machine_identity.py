"""What a machine at Oracle is told about itself, and the tokens it gets for that.

The metadata service gives it a certificate that names the tenancy; Oracle's sign-in exchanges the
certificate and a fresh public key for a token that is only good together with that key.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import NameOID

from installer.rehearsal.oracle.credentials import Identity
from installer.rehearsal.oracle.sessions import Session, new_token

_METADATA = "/opc/v2"
_ASKED_WITH = "Bearer Oracle"


class MachineIdentity:
    """The doors of the metadata service and of the sign-in for machines."""

    def __init__(self, identity: Identity, key: RSAPrivateKey) -> None:
        self._identity = identity
        self._key = key
        self._certificate = _certificate(identity, key)

    def routes(self) -> list[web.RouteDef]:
        """For the application's router."""
        return [
            web.get(f"{_METADATA}/instance/region", self.region),
            web.get(f"{_METADATA}/identity/key.pem", self.private_key),
            web.get(f"{_METADATA}/identity/{{name}}.pem", self.certificate),
            web.post("/v1/x509", self.sign_in),
        ]

    async def region(self, request: web.Request) -> web.Response:
        """The region's key in small letters."""
        return _told(request, self._identity.region.key.lower())

    async def certificate(self, request: web.Request) -> web.Response:
        """Leaf and intermediate are the same here."""
        pem = self._certificate.public_bytes(serialization.Encoding.PEM)
        return _told(request, pem.decode())

    async def private_key(self, request: web.Request) -> web.Response:
        """The key of the certificate."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        return _told(request, pem.decode())

    async def sign_in(self, request: web.Request) -> web.Response:
        """A token for whoever shows the certificate, bound to the public key they send."""
        try:
            asked = json.loads(await request.text())
            shown = x509.load_der_x509_certificate(base64.b64decode(asked["certificate"]))
            public = serialization.load_der_public_key(base64.b64decode(asked["publicKey"]))
        except (ValueError, KeyError, TypeError, binascii.Error):
            return _refused(400, "InvalidParameter")
        if shown != self._certificate or not isinstance(public, RSAPublicKey):
            return _refused(401, "NotAuthenticated")
        session = Session(self._identity.user, self._identity.tenancy, public)
        return web.json_response({"token": new_token(self._key, session)})


def _told(request: web.Request, text: str) -> web.Response:
    """The metadata service answers nobody who does not ask in its way."""
    if request.headers.get("Authorization") != _ASKED_WITH:
        return web.Response(status=401)
    return web.Response(text=text)


def _refused(status: int, code: str) -> web.Response:
    return web.json_response({"code": code, "message": "The machine is not known."}, status=status)


def _certificate(identity: Identity, key: RSAPrivateKey) -> x509.Certificate:
    now = datetime.now(UTC)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "machine"),
            x509.NameAttribute(
                NameOID.ORGANIZATIONAL_UNIT_NAME, f"opc-tenant:{identity.tenancy}", _validate=False
            ),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
