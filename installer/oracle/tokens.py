"""Tokens for a cluster's API server, made in this process.

A token is a signed request that nobody sends: the address of the container engine's
`cluster_request/<cluster>` with the Authorization and date headers as its query, in URL-safe
base64. Oracle's command line does the same. The server takes one for about four minutes.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import Any
from urllib.parse import quote, urlencode

from installer.engine.masking import known_secrets

REFRESH_SECONDS = 180.0
LIFETIME = timedelta(minutes=4)


@dataclass
class _Request:
    """What the SDK's signer looks at."""

    method: str
    url: str
    path_url: str
    headers: dict[str, str]
    body: None = None


def mint(signer: Any, region: str, cluster_id: str) -> str:
    """One fresh token, good for about four minutes from now."""
    host = f"containerengine.{region}.oraclecloud.com"
    path = f"/cluster_request/{quote(cluster_id)}"
    url = f"https://{host}{path}"
    headers = {"date": formatdate(usegmt=True), "host": host}
    signed = signer.do_request_sign(_Request("GET", url, path, headers))
    # The last one is Cloud Shell's word for which user it speaks.
    carried = ("authorization", "date", "opc-obo-token")
    query = urlencode({name: signed.headers[name] for name in carried if name in signed.headers})
    token = base64.urlsafe_b64encode(f"{url}?{query}".encode()).decode()
    known_secrets.add(token)
    return token


class TokenSource:
    """Gives a token that is never older than three minutes. Thread-safe."""

    def __init__(
        self,
        signer: Callable[[], Any],
        region: str,
        cluster_id: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signer = signer
        self._region = region
        self._cluster_id = cluster_id
        self._clock = clock
        self._guard = threading.Lock()
        self._minted: tuple[float, str] | None = None

    def token(self) -> str:
        """The current token; a new one when it is getting old."""
        with self._guard:
            now = self._clock()
            if self._minted is None or now - self._minted[0] >= REFRESH_SECONDS:
                self._minted = (now, mint(self._signer(), self._region, self._cluster_id))
            return self._minted[1]


def exec_credential(token: str, now: datetime | None = None) -> str:
    """What kubectl expects from a credential plugin, as JSON."""
    ends = (now or datetime.now(UTC)) + LIFETIME
    return json.dumps(
        {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "kind": "ExecCredential",
            "status": {
                "token": token,
                "expirationTimestamp": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        }
    )


def kubeconfig_document(
    server: str, ca_pem: bytes, name: str, command: Sequence[str]
) -> Mapping[str, object]:
    """A kubeconfig whose user entry runs `command` for a token; holds no secret."""
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": command[0],
        "args": list(command[1:]),
        "interactiveMode": "Never",
    }
    authority = base64.b64encode(ca_pem).decode()
    cluster = {"server": server, "certificate-authority-data": authority}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"exec": plugin}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
