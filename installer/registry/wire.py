"""One request to a registry: over TLS, with redirects that take no login along, and bounded.

Speaks HTTPS to everybody; a loopback address may be asked over plain HTTP.
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
    TimeoutError,
)

from installer.engine.masking import known_secrets
from installer.registry.troubles import Kind, RegistryTrouble

# The specification lets registries refuse larger manifests, so that none of use is larger.
LARGEST_ANSWER = 4 * 1024 * 1024
_TIMEOUT = urllib3.Timeout(connect=10.0, read=30.0)
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Answer:
    """What a server said; `headers` by names in small letters, one entry a line of a header."""

    status: int
    headers: Mapping[str, tuple[str, ...]]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """The first line of a header, empty when there is none."""
        return next(iter(self.headers.get(name, ())), "")


class Wire:
    """Thread-safe. With `endpoint` everything is asked there instead, under its own host name."""

    def __init__(self, endpoint: str = "", *, connections: int = 4) -> None:
        self._endpoint = urlsplit(endpoint) if endpoint else None
        self._connections = connections
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._guard = threading.Lock()

    def ask(self, method: str, url: str, headers: Mapping[str, str], subject: str) -> Answer:
        """One answer, redirects followed. `subject` is the image it is about.

        Raises RegistryTrouble when nobody answers, or not as somebody to be trusted.
        """
        sent = dict(headers)
        for _ in range(_REDIRECTS + 1):
            place = urlsplit(url)
            self._refuse_in_the_open(place, subject)
            answer = self._once(method, url, place, sent, subject)
            onward = answer.header("location")
            if answer.status not in _MOVED or not onward:
                return answer
            url = urljoin(url, onward)
            if _origin(urlsplit(url)) != _origin(place):
                # Whoever is redirected to was not meant to learn how we log in here.
                sent.pop("Authorization", None)
        why = f"{place.hostname} sends from one address to the next and never answers"
        raise RegistryTrouble(Kind.NOT_UNDERSTOOD, subject, why, host=place.netloc)

    def _refuse_in_the_open(self, place: SplitResult, subject: str) -> None:
        if place.scheme == "https" or (place.scheme == "http" and is_loopback(place.hostname)):
            return
        why = f"{place.hostname} wants to be asked over an unprotected connection"
        raise RegistryTrouble(Kind.NOT_TRUSTED, subject, why, host=place.netloc)

    def _once(
        self,
        method: str,
        url: str,
        place: SplitResult,
        headers: Mapping[str, str],
        subject: str,
    ) -> Answer:
        sent = dict(headers)
        if self._endpoint is not None:
            there = (self._endpoint.scheme, self._endpoint.netloc)
            sent["Host"] = place.netloc
            url = place._replace(scheme=there[0], netloc=there[1]).geturl()
        try:
            return self._answered(method, url, sent)
        except SSLError as error:
            raise _not_trusted(place.netloc, subject, error) from None
        except (HTTPError, OSError) as error:
            why = f"{place.netloc}: {_reason(error)}"
            raise RegistryTrouble(Kind.UNREACHABLE, subject, why, host=place.netloc) from None

    def _answered(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        response = self._pool(url).request(
            method,
            url,
            headers=dict(headers),
            redirect=False,
            retries=False,
            timeout=_TIMEOUT,
            preload_content=False,
        )
        try:
            body = response.read(LARGEST_ANSWER + 1)
            if len(body) > LARGEST_ANSWER:
                # The rest stays in the connection, which is of no further use.
                response.close()
                raise HTTPError("the answer is larger than any manifest may be")
        finally:
            response.release_conn()
        lines = {
            name.lower(): tuple(response.headers.getlist(name)) for name in set(response.headers)
        }
        return Answer(response.status, lines, body)

    def _pool(self, url: str) -> urllib3.PoolManager:
        """The pool for an address: through the environment's proxy where that has one for it."""
        place = urlsplit(url)
        proxy = getproxies().get(place.scheme, "")
        if is_loopback(place.hostname) or proxy_bypass(place.netloc):
            proxy = ""
        # Reading the trusted authorities takes long enough for all threads to do it at once.
        with self._guard:
            if proxy not in self._pools:
                self._pools[proxy] = self._new_pool(proxy)
            return self._pools[proxy]

    def _new_pool(self, proxy: str) -> urllib3.PoolManager:
        trust = ssl.create_default_context()
        if proxy:
            return urllib3.ProxyManager(
                proxy,
                maxsize=self._connections,
                ssl_context=trust,
                proxy_headers=_proxy_login(proxy),
            )
        return urllib3.PoolManager(maxsize=self._connections, ssl_context=trust)


def _proxy_login(proxy: str) -> dict[str, str]:
    """What a proxy wants to see, where its address holds a name and a password."""
    place = urlsplit(proxy)
    if not place.username:
        return {}
    password = unquote(place.password or "")
    known_secrets.add(password)
    return dict(urllib3.make_headers(proxy_basic_auth=f"{unquote(place.username)}:{password}"))


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine and nothing else."""
    if host is None or host == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(place: SplitResult) -> tuple[str, str | None, int | None]:
    usual = {"https": 443, "http": 80}.get(place.scheme)
    return place.scheme, place.hostname, place.port or usual


def _not_trusted(host: str, subject: str, error: SSLError) -> RegistryTrouble:
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "TLS failed"
    why = f"{host} cannot prove who it is: {reason}"
    return RegistryTrouble(Kind.NOT_TRUSTED, subject, why, host=host)


def _reason(error: Exception) -> str:
    if isinstance(error, NameResolutionError):
        return "no such host name is known"
    # Before the time-out, of which urllib3 makes it a kind.
    if isinstance(error, NewConnectionError):
        refused = "refused" in str(error).lower()
        return "the connection is refused" if refused else "no connection can be made"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, HTTPError) and "larger" in str(error):
        return str(error)
    return "the connection breaks off"
