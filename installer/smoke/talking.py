"""Plain HTTP with a service, on a way that is open already."""

from __future__ import annotations

import http.client
import json
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from installer.smoke.trying import Near, NotAsExpected

_SECONDS = 30.0
_MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises NotAsExpected when it is something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise NotAsExpected(
                f"It answered {self.status} with something that is not JSON."
            ) from None

    def expect(self, what: str, *statuses: int) -> Answer:
        """This answer, if its status is one of those. Raises NotAsExpected, without the body:
        what a service says may hold what nobody else should read."""
        if self.status not in statuses:
            wanted = " or ".join(str(status) for status in statuses)
            raise NotAsExpected(f"{what}: the answer is {self.status}, expected {wanted}.")
        return self


def ask(
    near: Near,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    server_name: str = "",
) -> Answer:
    """One request on a connection of its own; OSError when the connection breaks."""
    connection = _Connection(near, tls, server_name)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read(_MOST_BYTES)
    except http.client.HTTPException as error:
        raise ConnectionError(f"the answer is no HTTP ({type(error).__name__})") from error
    finally:
        connection.close()
    return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, content)


class _Connection(http.client.HTTPConnection):
    """Speaks TLS under the name asked for, wherever the connection leads."""

    def __init__(self, near: Near, tls: ssl.SSLContext | None, server_name: str) -> None:
        super().__init__(near.host, near.port, timeout=_SECONDS)
        self._tls, self._server_name = tls, server_name

    def connect(self) -> None:
        super().connect()
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._server_name)


def ask_json(
    near: Near,
    method: str,
    path: str,
    document: object = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """A request whose body is JSON."""
    given = {"Accept": "application/json", **(headers or {})}
    if document is None:
        return ask(near, method, path, headers=given)
    given["Content-Type"] = "application/json"
    return ask(near, method, path, json.dumps(document).encode(), given)


def ask_form(near: Near, path: str, fields: Mapping[str, str]) -> Answer:
    """A form sent the way browsers send it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(near, "POST", path, urlencode(fields).encode(), headers)


def upload(near: Near, path: str, name: str, content: bytes, headers: Mapping[str, str]) -> Answer:
    """A file in the form field `file`, as multipart/form-data (RFC 7578)."""
    boundary = f"health-install-{uuid.uuid4().hex}"
    begin = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = begin.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return ask(near, "POST", path, body, {**headers, **kind})
