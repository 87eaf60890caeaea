"""Requests to one API server: login, retries, and answers as JSON or as our errors."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from installer.engine.errors import ClusterError, Unreachable
from installer.kube.connection import Certificate, Connection
from installer.kube.faults import Refusal, as_error, refusal_from

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
# Only names and labels instead of whole objects; servers that cannot do it send whole ones.
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

_TIMEOUT = aiohttp.ClientTimeout(total=90, sock_connect=15)
_ATTEMPTS = 5
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0


@dataclass(frozen=True)
class Request:
    """One request; `path` starts with a slash, `doing` says in words what it is for.

    One that is not `patient` is sent once: its refusal for now is an answer the caller acts on.
    """

    method: str
    path: str
    doing: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = JSON
    accept: str = JSON
    patient: bool = True


class Wire:
    """Sends requests to one server; belongs to the event loop it is used on.

    `pace` shortens the pauses between attempts in a rehearsal.
    """

    def __init__(self, connection: Connection, width: int = 8, pace: float = 1.0) -> None:
        self._connection = connection
        self._pace = pace
        self._width = asyncio.Semaphore(width)
        # The package gives no types for its transport.
        self._api: Any = _api_client(connection, width)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def json(self, request: Request) -> dict[str, Any]:
        """The answer's document. Raises our errors."""
        try:
            return await self.attempt(request)
        except Refusal as refusal:
            raise as_error(refusal, request.doing) from refusal

    async def found(self, request: Request) -> dict[str, Any] | None:
        """The answer's document, or None when there is no such thing. Raises our errors."""
        try:
            return await self.attempt(request)
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise as_error(refusal, request.doing) from refusal

    async def attempt(self, request: Request) -> dict[str, Any]:
        """The answer's document. Raises Refusal where the answer is not a success, so that the
        caller can decide; Unreachable when nobody answers.
        """
        text = await self.text(request)
        try:
            document = json.loads(text) if text else {}
        except ValueError as error:
            raise self._strange(text) from error
        if not isinstance(document, dict):
            raise self._strange(text)
        return document

    async def text(self, request: Request) -> str:
        """The answer's text. Repeats what may pass: refusals for now, cut connections.

        Every request of this room may be sent twice: reads, applies and deletes change nothing
        the second time, and creations answer that the object exists.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(request)
            except Refusal as refusal:
                passing = request.patient and refusal.is_worth_repeating
                again = passing or (refusal.status == 401 and attempt == 1)
                if not again or attempt >= _ATTEMPTS:
                    raise
                await self._pause(attempt, refusal.retry_after)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if attempt >= _ATTEMPTS or isinstance(error, aiohttp.ClientSSLError):
                    raise self._unreachable(error) from error
                await self._pause(attempt, None)

    async def _once(self, request: Request) -> str:
        url = self._connection.server + request.path
        if request.query:
            url += "?" + urlencode(request.query)
        headers = await self._headers(request)
        async with self._width:
            answer = await self._api.call_api(
                request.method, url, headers, request.body, _request_timeout=_TIMEOUT
            )
            body: bytes = await answer.read()
        if answer.status >= 400:
            raise refusal_from(answer.status, body, answer.headers.get("Retry-After"))
        return body.decode("utf-8", "replace")

    async def websocket(
        self, path: str, query: Mapping[str, str], protocol: str
    ) -> aiohttp.ClientWebSocketResponse:
        """An open connection that carries bytes both ways.

        Raises Refusal where the answer is not a switch of protocols, Unreachable when nobody
        answers.
        """
        headers = await self._headers(Request("GET", path, "open a connection"))
        session: aiohttp.ClientSession = self._api.rest_client.pool_manager
        url = f"{self._connection.server}{path}?{urlencode(query)}"
        try:
            return await session.ws_connect(
                url,
                protocols=(protocol,),
                headers={key: headers[key] for key in headers if key != "Content-Type"},
                proxy=proxy_of(self._connection),
            )
        except aiohttp.WSServerHandshakeError as error:
            raise refusal_from(error.status, b"", None) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def _headers(self, request: Request) -> dict[str, str]:
        headers = {
            "Accept": request.accept,
            "Content-Type": request.content_type,
            "User-Agent": "health-install",
        }
        if self._connection.token is not None:
            # In a thread: a login plug-in is a program that may take seconds.
            token = await asyncio.to_thread(self._connection.token)
            headers["Authorization"] = f"Bearer {token}"
        elif self._connection.authorization:
            headers["Authorization"] = self._connection.authorization
        return headers

    async def _pause(self, attempt: int, retry_after: float | None) -> None:
        doubled = min(_FIRST_PAUSE * 2.0 ** (attempt - 1), _LONGEST_PAUSE)
        # Spread, so that the requests of one wave do not come back all at once.
        spread = doubled * random.uniform(0.75, 1.25)  # noqa: S311 - not for secrets
        await asyncio.sleep(max(spread, retry_after or 0.0) * self._pace)

    def _unreachable(self, error: Exception) -> Unreachable | ClusterError:
        server = self._connection.server
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return ClusterError(
                f"The server at {server} is not the cluster we expect.",
                f"Its certificate is not accepted: {error.certificate_error}",
                "Get a fresh kubeconfig of the cluster; if the address is right, somebody may "
                "stand between this computer and the cluster.",
            )
        reason = str(error) or type(error).__name__
        return Unreachable(
            f"The cluster at {server} does not answer.",
            f"The last of {_ATTEMPTS} attempts ended with: {reason}",
            "Check the network, a proxy or firewall in between, and that the cluster is running; "
            "then run the same command again.",
        )

    def _strange(self, text: str) -> ClusterError:
        return ClusterError(
            f"The server at {self._connection.server} does not speak as Kubernetes does.",
            f"Its answer begins with: {text[:80]!r}",
            "Check the address; a proxy or login page may answer in its place.",
        )


def proxy_of(connection: Connection) -> str | None:
    """The proxy that the kubeconfig names, or else the one of HTTPS_PROXY and its kin."""
    if connection.proxy:
        return connection.proxy
    server = urlsplit(connection.server)
    if proxy_bypass(server.hostname or ""):
        return None
    return getproxies().get(server.scheme)


def _api_client(connection: Connection, width: int) -> ApiClient:
    settings = Configuration(
        host=connection.server,
        ca_cert_data=connection.ca_pem.decode() if connection.ca_pem else None,
        verify_ssl=connection.verify,
        connection_pool_maxsize=width,
        # The transport would look for a proxy anew before each request, twice in another thread,
        # and for a login in ~/.netrc, which is none for a cluster.
        client_session_kwargs={"trust_env": False},
    )
    settings.tls_server_name = connection.tls_server_name or None
    settings.proxy = proxy_of(connection)
    if connection.certificate is None:
        return ApiClient(settings)
    return _with_certificate(settings, connection.certificate)


def _with_certificate(settings: Configuration, certificate: Certificate) -> ApiClient:
    # The TLS library reads certificates from files only; the folder is private and gone at once.
    with tempfile.TemporaryDirectory(prefix="health-install-") as folder:
        for name, content in (
            ("cert.pem", certificate.certificate_pem),
            ("key.pem", certificate.key_pem),
        ):
            path = Path(folder) / name
            path.touch(mode=0o600)
            path.write_bytes(content)
        settings.cert_file = str(Path(folder) / "cert.pem")
        settings.key_file = str(Path(folder) / "key.pem")
        return ApiClient(settings)
