"""The passkey in software, judged by an independent verifier of passkeys (py_webauthn)."""

from __future__ import annotations

import json
import secrets
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.exceptions import InvalidAuthenticationResponse, InvalidRegistrationResponse

from installer.smoke.authenticator import Authenticator, CannotAnswer, cbor, decoded, encoded

HOST = "auth.example.org"
ORIGIN = f"https://{HOST}"
USER = b"9ab1f2e3-user-handle"


def creation(challenge: bytes, **changed: Any) -> dict[str, Any]:
    """Options for a registration, in the form the login server gives them."""
    options = {
        "rp": {"name": "Health Platform", "id": HOST},
        "user": {"name": "ada", "displayName": "Ada", "id": encoded(USER)},
        "challenge": encoded(challenge),
        "pubKeyCredParams": [{"alg": alg, "type": "public-key"} for alg in (-7, -8, -35, -257)],
        "excludeCredentials": [],
        "authenticatorSelection": {},
        "attestation": "none",
        "extensions": {"credProps": True},
    }
    return {"publicKey": {**options, **changed}}


def request(challenge: bytes, **changed: Any) -> dict[str, Any]:
    """Options for a login; the server leaves the list of passkeys out when it knows no name."""
    return {"publicKey": {"challenge": encoded(challenge), "rpId": HOST, **changed}}


def listed(credential: dict[str, Any]) -> list[dict[str, str]]:
    """A passkey as servers list it."""
    return [{"id": credential["id"], "type": "public-key"}]


def registered(authenticator: Authenticator) -> tuple[dict[str, Any], bytes]:
    """A new passkey, verified: the credential, and its public key as the verifier read it."""
    challenge = secrets.token_bytes(32)
    made = authenticator.register(creation(challenge))
    verified = verify_registration_response(
        credential=json.dumps(made),
        expected_challenge=challenge,
        expected_rp_id=HOST,
        expected_origin=ORIGIN,
        require_user_verification=True,
    )
    assert verified.credential_id == decoded(made["id"])
    assert verified.fmt == "none"
    return made, verified.credential_public_key


def verify_login(
    credential: dict[str, Any], challenge: bytes, key: bytes, origin: str = ORIGIN
) -> None:
    verify_authentication_response(
        credential=json.dumps(credential),
        expected_challenge=challenge,
        expected_rp_id=HOST,
        expected_origin=origin,
        credential_public_key=key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )


def test_a_registration_is_accepted_and_a_login_after_it_too() -> None:
    authenticator = Authenticator(ORIGIN)
    made, key = registered(authenticator)
    for options in ({}, {"allowCredentials": listed(made)}):
        challenge = secrets.token_bytes(32)
        credential = authenticator.log_in(request(challenge, **options))
        verify_login(credential, challenge, key)
        assert decoded(credential["response"]["userHandle"]) == USER


def test_a_login_cannot_be_used_again_elsewhere_or_changed() -> None:
    authenticator = Authenticator(ORIGIN)
    _, key = registered(authenticator)
    challenge = secrets.token_bytes(32)
    credential = authenticator.log_in(request(challenge))
    with pytest.raises(InvalidAuthenticationResponse, match="challenge"):
        verify_login(credential, secrets.token_bytes(32), key)
    with pytest.raises(InvalidAuthenticationResponse, match="origin"):
        verify_login(credential, challenge, key, "https://api.example.org")
    _, another = registered(Authenticator(ORIGIN))
    with pytest.raises(InvalidAuthenticationResponse, match="signature"):
        verify_login(credential, challenge, another)
    data = bytearray(decoded(credential["response"]["authenticatorData"]))
    data[36] ^= 1
    credential["response"]["authenticatorData"] = encoded(bytes(data))
    with pytest.raises(InvalidAuthenticationResponse):
        verify_login(credential, challenge, key)


def test_a_registration_belongs_to_its_challenge() -> None:
    made = Authenticator(ORIGIN).register(creation(b"one challenge of sixteen bytes"))
    with pytest.raises(InvalidRegistrationResponse, match="challenge"):
        verify_registration_response(
            credential=json.dumps(made),
            expected_challenge=b"another challenge",
            expected_rp_id=HOST,
            expected_origin=ORIGIN,
        )


def test_each_passkey_is_its_own_and_the_last_is_taken() -> None:
    authenticator = Authenticator(ORIGIN)
    first, _ = registered(authenticator)
    second, second_key = registered(authenticator)
    assert first["id"] != second["id"]
    challenge = secrets.token_bytes(32)
    verify_login(authenticator.log_in(request(challenge)), challenge, second_key)
    chosen = authenticator.log_in(request(challenge, allowCredentials=listed(first)))
    assert chosen["id"] == first["id"]


@pytest.mark.parametrize(
    ("origin", "named", "allowed"),
    [
        (ORIGIN, HOST, True),
        (f"{ORIGIN}:8443", HOST, True),
        (ORIGIN, "example.org", True),
        ("https://api.example.org", HOST, False),
        (ORIGIN, "xample.org", False),
        ("https://evil-auth.example.org", HOST, False),
    ],
)
def test_passkeys_are_made_for_the_pages_own_host_or_one_it_lies_under(
    origin: str, named: str, allowed: bool
) -> None:
    options = creation(b"c" * 32, rp={"name": "x", "id": named})
    if allowed:
        assert Authenticator(origin).register(options)
        return
    with pytest.raises(CannotAnswer, match="may not use passkeys of"):
        Authenticator(origin).register(options)


def test_what_it_cannot_do_it_says() -> None:
    authenticator = Authenticator(ORIGIN)
    with pytest.raises(CannotAnswer, match="no passkey for"):
        authenticator.log_in(request(b"c" * 32))
    only_rsa = [{"alg": -257, "type": "public-key"}]
    with pytest.raises(CannotAnswer, match="does not take ES256"):
        authenticator.register(creation(b"c" * 32, pubKeyCredParams=only_rsa))
    made = authenticator.register(creation(b"c" * 32))
    with pytest.raises(CannotAnswer, match="already"):
        authenticator.register(creation(b"c" * 32, excludeCredentials=listed(made)))
    with pytest.raises(CannotAnswer, match="no passkey for"):
        authenticator.log_in(request(b"c" * 32, allowCredentials=[]))


def test_a_passkeys_private_key_is_not_shown() -> None:
    authenticator = Authenticator(ORIGIN)
    authenticator.register(creation(b"c" * 32))
    (passkey,) = authenticator._passkeys
    assert "key=" not in repr(passkey)


_NUMBERS = st.integers(min_value=-(2**64), max_value=2**64 - 1)
_PLAIN = _NUMBERS | st.binary(max_size=300) | st.text(max_size=300)
_NESTED = st.recursive(
    _PLAIN,
    lambda inner: (
        st.dictionaries(st.text(max_size=40), inner, max_size=30)
        | st.dictionaries(_NUMBERS, inner, max_size=30)
    ),
    max_leaves=40,
)


@given(_NESTED)
def test_cbor_is_what_an_independent_encoder_writes_in_the_same_order(value: Any) -> None:
    assert cbor(value) == cbor2.dumps(value, canonical=True)
    assert cbor2.loads(cbor(value)) == value
