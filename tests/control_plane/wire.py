"""A plain client for the API server of a test: JSON over one kept connection."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

Body = dict[str, Any]

MERGE = "application/merge-patch+json"


class Refused(Exception):
    """The API server answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class Wire:
    """Speaks as the user of a kubeconfig with certificate files."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        context.load_cert_chain(user["client-certificate"], user["client-key"])
        address = urlsplit(cluster["server"])
        self._connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, context=context, timeout=60
        )

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        kind: str = "application/json",
    ) -> Body:
        """One request; raises Refused for anything but success."""
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, {"Content-Type": kind})
        answer = self._connection.getresponse()
        found = answer.read()
        if answer.status >= 300:
            raise Refused(answer.status, found.decode(errors="replace"))
        parsed: Body = json.loads(found)
        return parsed

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()
