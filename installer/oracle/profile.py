"""Reads one profile of Oracle's configuration file, with a sentence for everything that is wrong.

The format is that of Oracle's "SDK and CLI Configuration File": an INI file whose [DEFAULT] values
hold for every profile. A profile with `security_token_file` is a session made by
`oci session authenticate`; it has no user and ends after an hour at most.
"""

from __future__ import annotations

import base64
import binascii
import configparser
import difflib
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from installer.engine.errors import AccountError
from installer.engine.masking import known_secrets
from installer.oracle.access import Access
from installer.oracle.principals import (
    CLOUD_SHELL,
    delegation_token_file,
    principal_signer,
    way_in,
)
from installer.oracle.sdk import part

_SHAPES = {
    "tenancy": re.compile(r"ocid1\.tenancy\.[\w.-]+"),
    "user": re.compile(r"ocid1\.user\.[\w.-]+"),
    "fingerprint": re.compile(r"([0-9a-f]{2}:){15}[0-9a-f]{2}"),
}
_SESSION_KEYS = ("tenancy", "key_file", "security_token_file")
_API_KEYS = ("user", "tenancy", "fingerprint", "key_file")


@dataclass(frozen=True)
class Credentials:
    """Who we are at Oracle; `user` and `fingerprint` are empty in a session.

    `signer` is the SDK's where a machine signs in as itself or for a user of Cloud Shell, who is in
    `delegation_file`; then there is neither file nor key.
    """

    config_file: Path
    profile: str
    tenancy: str
    region: str
    key_file: Path
    user: str = ""
    fingerprint: str = ""
    token_file: Path | None = None
    passphrase: str | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    signer: Any = field(default=None, repr=False, compare=False)
    delegation_file: Path | None = None


def read_credentials(access: Access) -> Credentials:
    """The profile, complete and with a key that opens.

    Raises AccountError: file, profile or values missing or malformed (all at once), key missing,
    unreadable or with another passphrase, a fingerprint of another key, an unknown region.
    """
    way = way_in(access)
    if way:
        return _principal(access, way)
    path = _config_path(access.config_file)
    values = _profile_values(path, access.profile)
    session = _is_session(access, values)
    region = access.region or values.get("region", "") or os.environ.get("OCI_REGION", "")
    _complain(path, access.profile, [*_problems(values, session), *_region_problems(region)])
    credentials = Credentials(
        config_file=path,
        profile=access.profile,
        tenancy=values["tenancy"],
        region=_long_name(region),
        key_file=_expand(values["key_file"]),
        user="" if session else values["user"],
        fingerprint="" if session else values["fingerprint"],
        token_file=_expand(values["security_token_file"]) if session else None,
        passphrase=access.passphrase or values.get("pass_phrase") or None,
    )
    known_secrets.add(credentials.passphrase)
    _check_fingerprint(credentials, load_key(credentials))
    return _with_warnings(credentials)


def _principal(access: Access, way: str) -> Credentials:
    signer = principal_signer(way, access.endpoint)
    return Credentials(
        config_file=access.config_file,
        profile=access.profile,
        tenancy=str(signer.tenancy_id),
        region=_long_name(access.region or str(signer.region)),
        key_file=Path(),
        signer=signer,
        delegation_file=delegation_token_file() if way == CLOUD_SHELL else None,
    )


def profile_names(config_file: Path) -> tuple[str, ...]:
    """The profiles of a configuration file; none when it cannot be read."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_config_path(config_file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return ()
    return (*(["DEFAULT"] if parser.defaults() else []), *parser.sections())


def load_key(credentials: Credentials) -> RSAPrivateKey:
    """The private key; raises AccountError when it is missing, unreadable or does not open."""
    try:
        pem = credentials.key_file.read_bytes().strip()
    except OSError as error:
        raise _key_unreadable(credentials, error) from error
    passphrase = credentials.passphrase.encode() if credentials.passphrase else None
    try:
        key = _open_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _key_does_not_open(credentials, pem, passphrase) from error
    if not isinstance(key, RSAPrivateKey):
        raise _bad_key(credentials, "It is not an RSA key, and Oracle takes no other kind.")
    return key


def _open_key(pem: bytes, passphrase: bytes | None) -> object:
    try:
        return serialization.load_pem_private_key(pem, passphrase)
    except TypeError:
        # A passphrase that the key does not need, perhaps inherited from [DEFAULT].
        if passphrase is None:
            raise
        return serialization.load_pem_private_key(pem, None)


def read_token(credentials: Credentials) -> str:
    """The session token; raises AccountError when it cannot be read."""
    assert credentials.token_file is not None
    try:
        token = credentials.token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AccountError(
            f"The session token {credentials.token_file} cannot be read.",
            f"The system says: {error}.",
            _renew(credentials),
        ) from error
    known_secrets.add(token)
    return token


def session_minutes_left(token: str, now: datetime | None = None) -> float | None:
    """Minutes until a session token ends (negative: ended); None when it does not say.

    The token is a JSON Web Token; `exp` is in seconds since 1970.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        ends = datetime.fromtimestamp(float(body["exp"]), UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError):
        return None
    return (ends - (now or datetime.now(UTC))).total_seconds() / 60


def check_session(credentials: Credentials, minutes_left: float | None) -> None:
    """Raises AccountError when the session is over."""
    if minutes_left is not None and minutes_left <= 0:
        raise AccountError(
            f"The session of profile {credentials.profile} ended {-minutes_left:.0f} minutes ago.",
            "A session lasts an hour at most.",
            _renew(credentials),
        )


def _renew(credentials: Credentials) -> str:
    return (
        f"Run: oci session authenticate --profile-name {credentials.profile} "
        f"--region {credentials.region}"
    )


def fingerprint_of(key: RSAPrivateKey) -> str:
    """As Oracle names API keys: MD5 of the public key in DER form."""
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashlib.md5(der, usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, 32, 2))


def _check_fingerprint(credentials: Credentials, key: RSAPrivateKey) -> None:
    found = fingerprint_of(key)
    if credentials.fingerprint and credentials.fingerprint != found:
        raise AccountError(
            f"The fingerprint in profile {credentials.profile} is not that of its key.",
            f"{credentials.config_file} says {credentials.fingerprint}; the key in "
            f"{credentials.key_file} has {found}.",
            "Correct the fingerprint or the key_file in the profile. The right pair is shown in "
            "Oracle's console under the user's API keys.",
        )


def _with_warnings(credentials: Credentials) -> Credentials:
    """Files that others on this machine can read work, but should not be so."""
    files = [credentials.key_file]
    if credentials.token_file:
        files.append(credentials.token_file)
    warnings = tuple(
        f"{path} can be read by others on this machine; run: chmod 600 {path}"
        for path in files
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    )
    return Credentials(**{**vars(credentials), "warnings": warnings})


def _expand(text: str) -> Path:
    return Path(text).expanduser()


def _config_path(wanted: Path) -> Path:
    """The file, or the one OCI_CONFIG_FILE names where the usual one does not exist."""
    path = wanted.expanduser()
    named = os.environ.get("OCI_CONFIG_FILE")
    if path == _expand("~/.oci/config") and not path.exists() and named:
        return _expand(named)
    return path


def _profile_values(path: Path, profile: str) -> Mapping[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise _no_file(path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise AccountError(
            f"Oracle's configuration file {path} cannot be read.",
            f"The system says: {error}.",
            "Make it readable for this user, or name another file in oracle.config_file.",
        ) from error
    except configparser.Error as error:
        raise _not_ini(path, error) from error
    if profile not in parser or not parser[profile]:
        raise _no_profile(path, profile, parser)
    return parser[profile]


def _no_file(path: Path) -> AccountError:
    return AccountError(
        f"Oracle's configuration file {path} does not exist.",
        "It says which account to use and with which key.",
        "Run 'oci setup config' or write it as Oracle's console shows when an API key is added "
        "(user menu, API keys), or name another file in oracle.config_file.",
    )


def _not_ini(path: Path, error: configparser.Error) -> AccountError:
    # Only the place: the offending line itself may hold a passphrase.
    line = getattr(error, "lineno", None)
    return AccountError(
        f"Oracle's configuration file {path} cannot be understood.",
        f"{type(error).__name__}" + (f" at line {line}." if line else "."),
        "Each profile starts with its name in square brackets, followed by lines such as "
        "region=eu-amsterdam-1.",
    )


def _no_profile(path: Path, profile: str, parser: configparser.ConfigParser) -> AccountError:
    there = [*(["DEFAULT"] if parser.defaults() else []), *parser.sections()]
    return AccountError(
        f"There is no profile {profile} in {path}.",
        f"Profiles there: {', '.join(there) or 'none'}.",
        "Set oracle.profile to one of them, or add the profile to the file.",
    )


def _is_session(access: Access, values: Mapping[str, str]) -> bool:
    if access.auth == "auto":
        return bool(values.get("security_token_file"))
    return access.auth == "session"


def _problems(values: Mapping[str, str], session: bool) -> list[str]:
    needed = _SESSION_KEYS if session else _API_KEYS
    problems = [f"{key} is missing" for key in needed if not values.get(key, "").strip()]
    for key, shape in _SHAPES.items():
        text = values.get(key, "").strip()
        if key in needed and text and not shape.fullmatch(text):
            problems.append(f"{key} does not have the form it should have")
    return problems


def _region_problems(region: str) -> list[str]:
    if not region:
        return ["region is missing"]
    regions = part("regions")
    if _long_name(region) in regions.REGIONS or os.environ.get("OCI_REGION_METADATA"):
        return []
    near = difflib.get_close_matches(region.lower(), sorted(regions.REGIONS), 1)
    hint = f" (the nearest is {near[0]})" if near else ""
    return [f"region {region} is not one that Oracle has{hint}"]


def _long_name(region: str) -> str:
    """Oracle also takes a region's key, such as "ams"."""
    names: Mapping[str, str] = part("regions").REGIONS_SHORT_NAMES
    return names.get(region.lower(), region.lower())


def _complain(path: Path, profile: str, problems: list[str]) -> None:
    if problems:
        raise AccountError(
            f"Profile {profile} in {path} cannot be used.",
            f"In it {'; '.join(problems)}.",
            "Correct the profile. Oracle's console shows the right values when an API key is "
            "added; the region can also be given in place.region.",
        )


def _key_unreadable(credentials: Credentials, error: OSError) -> AccountError:
    if isinstance(error, FileNotFoundError):
        return AccountError(
            f"The key file {credentials.key_file} does not exist.",
            f"Profile {credentials.profile} in {credentials.config_file} names it as key_file.",
            "Put the private key there, or correct key_file in the profile.",
        )
    return AccountError(
        f"The key file {credentials.key_file} cannot be read.",
        f"The system says: {error.strerror or error}.",
        f"Make it readable for this user only: chmod 600 {credentials.key_file}",
    )


def _key_does_not_open(
    credentials: Credentials, pem: bytes, passphrase: bytes | None
) -> AccountError:
    if b"PUBLIC KEY" in pem:
        return _bad_key(credentials, "It is a public key; the private one is needed.")
    if b"ENCRYPTED" in pem and passphrase is None:
        return _bad_key(credentials, "It has a passphrase and none was given.")
    if b"ENCRYPTED" in pem:
        return _bad_key(credentials, "The passphrase does not open it.")
    return _bad_key(credentials, "It does not hold a private key in PEM form.")


def _bad_key(credentials: Credentials, why: str) -> AccountError:
    return AccountError(
        f"The key file {credentials.key_file} cannot be used.",
        why,
        "Correct key_file in the profile, or give the passphrase in oracle.key_passphrase (as a "
        "reference such as env:NAME).",
    )
