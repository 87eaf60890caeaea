"""The rehearsal's own tenancy, user and API keys, made on first start and kept in the home.

Nothing here is a secret of anybody's: the keys open nothing but this rehearsal.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import string
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)

from installer.rehearsal.oracle.regions import USUAL, Region
from installer.rehearsal.oracle.sessions import LASTS_SECONDS, Session, new_token
from installer.rehearsal.shelf import Shelf

_ALPHABET = string.ascii_lowercase + "234567"
_KIND = "credentials"


@dataclass(frozen=True)
class Identity:
    """Who the tenancy belongs to; `fingerprint` names the one API key."""

    tenancy: str
    user: str
    fingerprint: str
    namespace: str
    zone_prefix: str  # availability domains are named "<prefix>:EU-AMSTERDAM-1-AD-1"
    region: Region = field(default_factory=Region)

    @property
    def key_id(self) -> str:
        """As in the keyId of a signature."""
        return f"{self.tenancy}/{self.user}/{self.fingerprint}"

    @property
    def domains(self) -> tuple[str, ...]:
        """The region's availability domains: one, or three."""
        return self.region.domains(self.zone_prefix)


def new_ocid(kind: str, region: str) -> str:
    """A fresh Oracle identifier; `region` is empty for what belongs to no region."""
    unique = "".join(secrets.choice(_ALPHABET) for _ in range(56))
    return f"ocid1.{kind}.oc1.{region}.aaaa{unique}"


def fingerprint_of(key: RSAPublicKey) -> str:
    """MD5 of the DER form in colon-separated hex, which is how Oracle names API keys."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashlib.md5(der, usedforsecurity=False).hexdigest()
    return ":".join(digest[n : n + 2] for n in range(0, 32, 2))


def settle_in(home: Path, shelf: Shelf, region: str = USUAL) -> tuple[Identity, RSAPublicKey]:
    """Finds or makes the identity and writes the SDK's configuration below `home`/oci.

    `region` is where a new tenancy has its home; one that is there already stays where it is.
    `config` holds the profile DEFAULT, `sessions` the profiles SESSION and EXPIRED.
    """
    folder = home / "oci"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key_file = folder / "api_key.pem"
    if not key_file.exists():
        _write_private(key_file, _pem(generate_private_key(65537, 2048)))
    private = private_key(home)
    public = private.public_key()
    identity = _identity(shelf, fingerprint_of(public), region)
    _write_private(folder / "config", _configuration(identity, key_file).encode())
    _write_private(folder / "sessions", _sessions(folder, identity, private).encode())
    return identity, public


def private_key(home: Path) -> RSAPrivateKey:
    """The one key of the rehearsal: the user's, and that which session tokens are issued with."""
    key_file = home / "oci" / "api_key.pem"
    private = serialization.load_pem_private_key(key_file.read_bytes(), None)
    if not isinstance(private, RSAPrivateKey):
        raise ValueError(f"{key_file} does not hold an RSA key.")
    return private


def _sessions(folder: Path, identity: Identity, key: RSAPrivateKey) -> str:
    """Profiles of a session begun with this start of the world, and of one that has ended.

    In a file of their own, since a DEFAULT profile would lend them its user.
    """
    text = ""
    who = Session(identity.user, identity.tenancy)
    for profile, seconds in (("SESSION", LASTS_SECONDS), ("EXPIRED", -60)):
        file = folder / f"{profile.lower()}.token"
        _write_private(file, new_token(key, who, seconds).encode())
        text += (
            f"[{profile}]\n"
            f"fingerprint={identity.fingerprint}\n"
            f"tenancy={identity.tenancy}\n"
            f"region={identity.region.name}\n"
            f"key_file={folder / 'api_key.pem'}\n"
            f"security_token_file={file}\n"
        )
    return text


def _identity(shelf: Shelf, fingerprint: str, region: str) -> Identity:
    doc = shelf.get(_KIND, "identity")
    if doc is None:
        doc = {
            "tenancy": new_ocid("tenancy", ""),
            "user": new_ocid("user", ""),
            "namespace": _letters(12, string.ascii_lowercase),
            "zone_prefix": _letters(4, string.ascii_letters),
            "region": region,
        }
        shelf.put(_KIND, "identity", doc)
    return Identity(
        tenancy=doc["tenancy"],
        user=doc["user"],
        fingerprint=fingerprint,
        namespace=doc["namespace"],
        zone_prefix=doc["zone_prefix"],
        # Worlds made before regions could be chosen are in the usual one.
        region=Region(doc.get("region", USUAL)),
    )


def _letters(count: int, alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(count))


def _configuration(identity: Identity, key_file: Path) -> str:
    return (
        "[DEFAULT]\n"
        f"user={identity.user}\n"
        f"fingerprint={identity.fingerprint}\n"
        f"tenancy={identity.tenancy}\n"
        f"region={identity.region.name}\n"
        f"key_file={key_file}\n"
    )


def _pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_private(path: Path, content: bytes) -> None:
    """Replaces the file in one move, readable by its owner only."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
