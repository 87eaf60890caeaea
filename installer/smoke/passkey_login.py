"""Registering and logging in with a passkey, in the words of the login server.

After the routes of hitoshura25/mpo-api-authn-server (884dc5f): each of the two has a start, which
gives options and an id, and an end, which takes the credential as a JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from installer.smoke.authenticator import Authenticator, CannotAnswer
from installer.smoke.trying import NotAsExpected

Post = Callable[[str, Mapping[str, Any]], Any]
"""Sends a JSON document to a path of the login's address and gives the JSON that is answered."""


def register(authenticator: Authenticator, post: Post, username: str, display_name: str) -> None:
    """Make an account with a passkey. Raises NotAsExpected."""
    wanted = {"username": username, "displayName": display_name}
    started = post("/register/start", wanted)
    options = _part(started, "publicKeyCredentialCreationOptions", dict)
    ended = _complete(post, "/register/complete", started, lambda: authenticator.register(options))
    if ended.get("success") is not True:
        raise NotAsExpected("The registration was not confirmed.")


def log_in(authenticator: Authenticator, post: Post, username: str = "") -> str:
    """The token for whoever logs in, a secret. Raises NotAsExpected.

    Without a user name the passkey alone says who it is.
    """
    started = post("/authenticate/start", {"username": username} if username else {})
    options = _part(started, "publicKeyCredentialRequestOptions", dict)
    ended = _complete(
        post, "/authenticate/complete", started, lambda: authenticator.log_in(options)
    )
    token: str = _part(ended, "access_token", str)
    return token


def _complete(
    post: Post, path: str, started: Mapping[str, Any], answer: Callable[[], dict[str, Any]]
) -> Mapping[str, Any]:
    request = _part(started, "requestId", str)
    try:
        credential = json.dumps(answer())
    except CannotAnswer as error:
        raise NotAsExpected(f"The login server's options cannot be answered: {error}.") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotAsExpected("The login server's options are not those of a passkey.") from error
    ended = post(path, {"requestId": request, "credential": credential})
    if not isinstance(ended, Mapping):
        raise NotAsExpected("The login server answers with something else than it used to.")
    return ended


def _part(answer: Any, name: str, kind: type) -> Any:
    """A part of an answer, which is never shown: it may be a secret."""
    found = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(found, kind):
        raise NotAsExpected(f"The login server's answer has no {name}.")
    return found
