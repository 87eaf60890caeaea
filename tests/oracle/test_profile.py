"""Bad profiles: each ends in one sentence of ours that names what to do."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from installer.engine.errors import AccountError, ExitCode
from installer.engine.masking import known_secrets
from installer.oracle.access import Access, open_account
from installer.oracle.profile import (
    check_session,
    fingerprint_of,
    read_credentials,
    read_token,
    session_minutes_left,
)

KEY = generate_private_key(65537, 2048)
PASSPHRASE = "corréct horse"
TENANCY = "ocid1.tenancy.oc1..aaaatenancy"
USER = "ocid1.user.oc1..aaaauser"


def pem(key: RSAPrivateKey, passphrase: str = "") -> bytes:
    lock = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Access]:
    """Write a profile, right but for what is given; "" leaves a line out."""

    def writer(profile: str = "DEFAULT", key: bytes = pem(KEY), **changed: str) -> Access:
        key_file = tmp_path / "key.pem"
        key_file.write_bytes(key)
        key_file.chmod(0o600)
        values = {
            "user": USER,
            "tenancy": TENANCY,
            "fingerprint": fingerprint_of(KEY),
            "region": "eu-amsterdam-1",
            "key_file": str(key_file),
            **changed,
        }
        lines = [f"{name}={value}" for name, value in values.items() if value]
        config = tmp_path / "config"
        config.write_text("\n".join([f"[{profile}]", *lines]))
        return Access(config, profile)

    return writer


def refused(access: Access) -> AccountError:
    with pytest.raises(AccountError) as caught:
        open_account(access)
    assert caught.value.what
    assert caught.value.then
    assert caught.value.exit_code == ExitCode.ACCOUNT
    return caught.value


def test_a_right_profile_is_read_without_a_word(write: Callable[..., Access]) -> None:
    found = read_credentials(write())
    assert (found.tenancy, found.user, found.region) == (TENANCY, USER, "eu-amsterdam-1")
    assert found.warnings == ()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    error = refused(Access(tmp_path / "nowhere"))
    assert str(tmp_path / "nowhere") in error.what
    assert "oci setup config" in error.then


def test_a_missing_profile_lists_the_ones_there_are(write: Callable[..., Access]) -> None:
    error = refused(replace(write("WORK"), profile="HOME"))
    assert "no profile HOME" in error.what
    assert "WORK" in error.why


def test_values_of_default_hold_for_every_profile(write: Callable[..., Access]) -> None:
    access = write()
    access.config_file.write_text(
        access.config_file.read_text() + "\n[OTHER]\nregion=uk-london-1\n"
    )
    assert read_credentials(replace(access, profile="OTHER")).region == "uk-london-1"


def test_all_mistakes_of_a_profile_are_told_at_once(write: Callable[..., Access]) -> None:
    error = refused(write(user="", tenancy="mine", fingerprint="aa:bb", region="eu-amsterdm-1"))
    for part in ("user is missing", "tenancy does not", "fingerprint does not", "eu-amsterdm-1"):
        assert part in error.why
    assert "eu-amsterdam-1" in error.why


def test_a_missing_region_is_told(write: Callable[..., Access]) -> None:
    assert "region is missing" in refused(write(region="")).why


def test_the_answers_region_wins(write: Callable[..., Access]) -> None:
    assert read_credentials(replace(write(), region="uk-london-1")).region == "uk-london-1"


def test_a_region_may_be_given_by_its_key(write: Callable[..., Access]) -> None:
    assert read_credentials(write(region="AMS")).region == "eu-amsterdam-1"


def test_a_file_that_is_no_configuration_is_told_without_its_lines(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("pass_phrase = hunter2-canary\n")
    error = refused(Access(config))
    assert "cannot be understood" in error.what
    assert "canary" not in str(error)


def test_a_missing_key_file_is_named(write: Callable[..., Access], tmp_path: Path) -> None:
    access = write()
    (tmp_path / "key.pem").unlink()
    assert "key.pem does not exist" in refused(access).what


def test_an_unreadable_key_file_is_named(write: Callable[..., Access], tmp_path: Path) -> None:
    access = write()
    (tmp_path / "key.pem").unlink()
    (tmp_path / "key.pem").mkdir()
    error = refused(access)
    assert "cannot be read" in error.what
    assert "chmod 600" in error.then


def test_a_key_others_can_read_is_a_warning(write: Callable[..., Access], tmp_path: Path) -> None:
    access = write()
    (tmp_path / "key.pem").chmod(0o644)
    (warning,) = read_credentials(access).warnings
    assert f"chmod 600 {tmp_path / 'key.pem'}" in warning


def test_another_keys_fingerprint_is_found_before_any_call(write: Callable[..., Access]) -> None:
    error = refused(write(fingerprint=":".join(["ab"] * 16)))
    assert "is not that of its key" in error.what
    assert fingerprint_of(KEY) in error.why


def test_a_locked_key_opens_with_its_passphrase_and_masks_it(write: Callable[..., Access]) -> None:
    access = write(key=pem(KEY, PASSPHRASE))
    assert "none was given" in refused(access).why
    assert "does not open it" in refused(replace(access, passphrase="wrong")).why
    account = open_account(replace(access, passphrase=PASSPHRASE))
    assert account.clients.signer() is not None
    assert PASSPHRASE not in known_secrets.mask(f"the phrase is {PASSPHRASE}")
    assert PASSPHRASE not in repr(account.credentials)


def test_a_passphrase_the_key_does_not_need_does_no_harm(write: Callable[..., Access]) -> None:
    assert read_credentials(replace(write(), passphrase="inherited")).user == USER


def test_a_public_key_is_called_what_it_is(write: Callable[..., Access]) -> None:
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert "public key" in refused(write(key=public)).why


def test_a_key_of_another_kind_is_refused(write: Callable[..., Access]) -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    assert "not an RSA key" in refused(write(key=curve)).why
    assert "PEM" in refused(write(key=b"garbage")).why


def token(minutes: float) -> str:
    ends = (datetime.now(UTC) + timedelta(minutes=minutes)).timestamp()
    body = base64.urlsafe_b64encode(json.dumps({"exp": ends}).encode()).decode().rstrip("=")
    return f"e30.{body}.signature-canary"


def session(write: Callable[..., Access], tmp_path: Path, minutes: float) -> Access:
    file = tmp_path / "token"
    file.write_text(token(minutes))
    file.chmod(0o600)
    return write(user="", security_token_file=str(file))


def test_a_session_needs_no_user_and_tells_its_minutes(
    write: Callable[..., Access], tmp_path: Path
) -> None:
    account = open_account(session(write, tmp_path, 42.5))
    left = account.minutes_left()
    assert left is not None
    assert 41 < left < 43
    assert "canary" not in known_secrets.mask(read_token(account.credentials))


def test_a_session_that_is_over_says_how_to_renew_it(
    write: Callable[..., Access], tmp_path: Path
) -> None:
    account = open_account(session(write, tmp_path, -7))
    with pytest.raises(AccountError) as caught:
        account.check()
    assert "ended 7 minutes ago" in caught.value.what
    assert "oci session authenticate" in caught.value.then


def test_a_refreshed_session_is_picked_up(write: Callable[..., Access], tmp_path: Path) -> None:
    import os

    account = open_account(session(write, tmp_path, 5))
    first = account.clients.signer()
    assert account.clients.signer() is first
    (tmp_path / "token").write_text(token(60))
    os.utime(tmp_path / "token", (1, 1))
    assert account.clients.signer() is not first


def test_a_session_that_ends_in_the_middle_is_told_before_the_next_call(
    write: Callable[..., Access], tmp_path: Path
) -> None:
    account = open_account(session(write, tmp_path, 5))
    account.clients.client("network")
    (tmp_path / "token").write_text(token(-2))
    with pytest.raises(AccountError) as caught:
        account.clients.client("network")
    assert "ended 2 minutes ago" in caught.value.what
    assert "oci session authenticate" in caught.value.then


def test_a_missing_token_file_is_told(write: Callable[..., Access], tmp_path: Path) -> None:
    access = session(write, tmp_path, 60)
    (tmp_path / "token").unlink()
    with pytest.raises(AccountError) as caught:
        open_account(access).minutes_left()
    assert "cannot be read" in caught.value.what


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.e30.c", "a.bnVsbA.c"])
def test_a_token_that_does_not_say_when_it_ends_is_let_through(text: str) -> None:
    assert session_minutes_left(text) is None


def test_an_unknown_end_is_no_reason_to_stop(write: Callable[..., Access]) -> None:
    check_session(read_credentials(write()), None)
