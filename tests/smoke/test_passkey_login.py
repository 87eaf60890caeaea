"""The two ceremonies with a stand-in of the login server that verifies them independently."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from webauthn import verify_authentication_response, verify_registration_response

from installer.smoke.authenticator import Authenticator, decoded, encoded
from installer.smoke.passkey_login import log_in, register
from installer.smoke.trying import NotAsExpected

HOST = "auth.example.org"
ORIGIN = f"https://{HOST}"
Answer = dict[str, Any]


@dataclass
class LoginServer:
    """Speaks the login server's JSON and believes nothing it has not verified."""

    keys: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)
    pending: dict[str, tuple[bytes, Mapping[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def post(self, path: str, document: Mapping[str, Any]) -> Answer:
        self.asked.append(path)
        answer: Answer = getattr(self, path.strip("/").replace("/", "_"))(document)
        return answer

    def _begin(self, document: Mapping[str, Any]) -> tuple[str, str]:
        request, challenge = str(uuid.uuid4()), secrets.token_bytes(32)
        self.pending[request] = (challenge, document)
        return request, encoded(challenge)

    def register_start(self, document: Mapping[str, Any]) -> Answer:
        request, challenge = self._begin(document)
        name = document["username"]
        public = {
            "rp": {"name": "Health Platform", "id": HOST},
            "user": {
                "name": name,
                "displayName": document["displayName"],
                "id": encoded(name.encode()),
            },
            "challenge": challenge,
            "pubKeyCredParams": [{"alg": -7, "type": "public-key"}],
            "excludeCredentials": [],
            "attestation": "none",
            "extensions": {},
        }
        options = {"publicKey": public}
        return {"requestId": request, "publicKeyCredentialCreationOptions": options}

    def register_complete(self, document: Mapping[str, Any]) -> Answer:
        challenge, begun = self.pending.pop(document["requestId"])
        verified = verify_registration_response(
            credential=document["credential"],
            expected_challenge=challenge,
            expected_rp_id=HOST,
            expected_origin=ORIGIN,
        )
        handle = begun["username"]
        key = (handle, verified.credential_public_key, encoded(verified.credential_id))
        self.keys[key[2]] = key
        return {"success": True, "message": "Registration successful"}

    def authenticate_start(self, document: Mapping[str, Any]) -> Answer:
        request, challenge = self._begin(document)
        public: dict[str, Any] = {"challenge": challenge, "rpId": HOST}
        if "username" in document:
            public["allowCredentials"] = [
                {"id": key, "type": "public-key"}
                for name, _, key in self.keys.values()
                if name == document["username"]
            ]
        options = {"publicKey": public}
        return {"requestId": request, "publicKeyCredentialRequestOptions": options}

    def authenticate_complete(self, document: Mapping[str, Any]) -> Answer:
        challenge, _ = self.pending.pop(document["requestId"])
        credential = json.loads(document["credential"])
        name, key, _ = self.keys[credential["id"]]
        assert decoded(credential["response"]["userHandle"]) == name.encode()
        verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=HOST,
            expected_origin=ORIGIN,
            credential_public_key=key,
            credential_current_sign_count=0,
        )
        return {
            "success": True,
            "access_token": f"token-of-{name}",
            "token_type": "Bearer",
            "expires_in": 900,
            "username": name,
        }


def test_a_person_registers_and_logs_in_with_a_name_and_without() -> None:
    server, authenticator = LoginServer(), Authenticator(ORIGIN)
    register(authenticator, server.post, "ada", "Ada Lovelace")
    assert log_in(authenticator, server.post, "ada") == "token-of-ada"
    assert log_in(authenticator, server.post) == "token-of-ada"
    assert server.asked[:2] == ["/register/start", "/register/complete"]
    assert server.pending == {}


def test_nobody_logs_in_with_somebody_elses_name() -> None:
    server, ada, eve = LoginServer(), Authenticator(ORIGIN), Authenticator(ORIGIN)
    register(ada, server.post, "ada", "Ada")
    register(eve, server.post, "eve", "Eve")
    with pytest.raises(NotAsExpected, match="cannot be answered: there is no passkey"):
        log_in(eve, server.post, "ada")


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/register/start", {"error": "hush"}, "has no publicKeyCredentialCreationOptions"),
        ("/register/start", "hush", "has no publicKeyCredentialCreationOptions"),
        (
            "/register/start",
            {"requestId": "1", "publicKeyCredentialCreationOptions": {"publicKey": "hush"}},
            "not those of a passkey",
        ),
        ("/register/complete", {"success": False, "message": "hush"}, "not confirmed"),
        ("/authenticate/complete", {"error": "hush"}, "has no access_token"),
        ("/authenticate/complete", ["hush"], "something else"),
    ],
)
def test_an_answer_of_another_form_is_told_and_not_shown(path: str, answer: Any, said: str) -> None:
    server, authenticator = LoginServer(), Authenticator(ORIGIN)

    def post(asked: str, document: Mapping[str, Any]) -> Any:
        return answer if asked == path else server.post(asked, document)

    def everything() -> str:
        register(authenticator, post, "ada", "Ada")
        return log_in(authenticator, post, "ada")

    with pytest.raises(NotAsExpected) as caught:
        everything()
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)
