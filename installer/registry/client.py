"""A client that reads: asks for manifests, logs in the way each registry wants it.

Follows the OCI distribution specification 1.1 and the token flow of the CNCF Distribution project.
Nothing here writes, and no secret reaches an error's words.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

from installer.engine.masking import known_secrets
from installer.registry.challenges import challenges
from installer.registry.manifests import ACCEPT, document, not_understood
from installer.registry.reference import Reference, normal_host
from installer.registry.troubles import Kind, RegistryTrouble, foreign
from installer.registry.wire import Answer, Wire, is_loopback

_DIGEST_HEADER = "docker-content-digest"
_MISSING_REPOSITORY = "NAME_UNKNOWN"


@dataclass(frozen=True)
class Login:
    """A user name and a password or token, for one registry alone."""

    host: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Document:
    """What a registry keeps under a digest: the bytes, proved by it, and their type."""

    body: bytes = field(repr=False)
    digest: str
    media_type: str


class RegistryClient:
    """Thread-safe; one for all registries. `wire` decides how they are reached."""

    def __init__(self, wire: Wire | None = None, logins: Iterable[Login] = ()) -> None:
        self._wire = wire or Wire()
        self._logins = {normal_host(each.host): each for each in logins}
        self._ways_in: dict[tuple[str, str], str] = {}
        self._guard = threading.Lock()

    def has_login(self, host: str) -> bool:
        """Whether it would log in at that registry."""
        return normal_host(host) in self._logins

    def manifest(self, image: Reference) -> Document:
        """The manifest or index of an image. Raises RegistryTrouble."""
        answer = self._get("GET", image, f"manifests/{image.version}", ACCEPT)
        return _proved(image, answer, image.digest, promised=answer.header(_DIGEST_HEADER))

    def manifest_at(self, image: Reference, digest: str) -> Document:
        """One manifest of an index, by its digest."""
        answer = self._get("GET", image, f"manifests/{digest}", ACCEPT)
        return _proved(image, answer, digest)

    def blob(self, image: Reference, digest: str) -> Document:
        """A small blob, such as an image's configuration."""
        return _proved(image, self._get("GET", image, f"blobs/{digest}", "*/*"), digest)

    def digest_now(self, image: Reference) -> str:
        """The digest a tag has now; costs no pull where those are counted."""
        answer = self._get("HEAD", image, f"manifests/{image.version}", ACCEPT)
        told = answer.header(_DIGEST_HEADER)
        # The header is optional in the specification.
        return told or self.manifest(image).digest

    # -- asking -------------------------------------------------------------------------------

    def _get(self, method: str, image: Reference, what: str, accept: str) -> Answer:
        """One answer of 200, logged in where that is asked for."""
        scheme = "http" if is_loopback(urlsplit(f"//{image.api_host}").hostname) else "https"
        url = f"{scheme}://{image.api_host}/v2/{image.repository}/{what}"
        key = (image.host, image.repository)
        way_in = self._ways_in.get(key, "")
        answer = self._ask(method, url, accept, way_in, image)
        if answer.status == 401:
            way_in = self._way_in(image, answer)
            with self._guard:
                self._ways_in[key] = way_in
            answer = self._ask(method, url, accept, way_in, image)
        if answer.status != 200:
            raise self._refusal(image, answer)
        return answer

    def _ask(self, method: str, url: str, accept: str, way_in: str, image: Reference) -> Answer:
        headers = {"Accept": accept, "User-Agent": "health-install"}
        if way_in:
            headers["Authorization"] = way_in
        return self._wire.ask(method, url, headers, str(image))

    def _way_in(self, image: Reference, answer: Answer) -> str:
        """What to send along, by what the registry asks for."""
        login = self._logins.get(normal_host(image.host))
        for offered in challenges(answer.headers.get("www-authenticate", ())):
            if offered.scheme == "bearer" and "realm" in offered.parameters:
                return self._token(image, offered.parameters, login)
            if offered.scheme == "basic" and login is not None:
                return _basic(login)
        raise self._no_entry(image, answer)

    def _token(self, image: Reference, offer: Mapping[str, str], login: Login | None) -> str:
        asked = {"scope": offer.get("scope") or f"repository:{image.repository}:pull"}
        if "service" in offer:
            asked["service"] = offer["service"]
        realm = urlsplit(offer["realm"])
        query = "&".join(part for part in (realm.query, urlencode(asked)) if part)
        url = urlunsplit(realm._replace(query=query))
        headers = {"Accept": "application/json", "User-Agent": "health-install"}
        if login is not None:
            headers["Authorization"] = _basic(login)
        answer = self._wire.ask("GET", url, headers, str(image))
        if answer.status in (401, 403):
            raise self._no_entry(image, answer)
        if answer.status != 200:
            raise self._refusal(image, answer, host=realm.netloc)
        read = document(answer.body, str(image))
        token = read.get("token") or read.get("access_token")
        if not isinstance(token, str):
            raise not_understood(str(image), f"{realm.netloc} gives out no token")
        known_secrets.add(token)
        return f"Bearer {token}"

    # -- refusals -----------------------------------------------------------------------------

    def _refusal(self, image: Reference, answer: Answer, host: str = "") -> RegistryTrouble:
        where = host or image.host
        if answer.status in (401, 403):
            return self._no_entry(image, answer)
        if answer.status == 404:
            return _missing(image, answer)
        if answer.status == 429:
            why = f"{where} answers only so many requests in a while"
            after = _seconds(answer.header("retry-after"))
            return RegistryTrouble(
                Kind.RATE_LIMITED, str(image), why, host=where, retry_after=after
            )
        if answer.status >= 500:
            why = f"{where} is in trouble itself: status {answer.status}"
            return RegistryTrouble(Kind.UNREACHABLE, str(image), why, host=where)
        why = f"{where} answers with status {answer.status}{_said(answer)}"
        return RegistryTrouble(Kind.NOT_UNDERSTOOD, str(image), why, host=where)

    def _no_entry(self, image: Reference, answer: Answer) -> RegistryTrouble:
        """Registries answer alike for what is private and for what does not exist."""
        if self.has_login(image.host):
            why = f"{image.host} refuses the login, or this user may not read it{_said(answer)}"
            return RegistryTrouble(Kind.LOGIN_REFUSED, str(image), why, host=image.host)
        why = f"{image.host} shows it to nobody without a login, if it exists{_said(answer)}"
        return RegistryTrouble(Kind.NEEDS_LOGIN, str(image), why, host=image.host)


def _basic(login: Login) -> str:
    pair = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
    known_secrets.add(login.password)
    known_secrets.add(pair)
    return f"Basic {pair}"


def _proved(image: Reference, answer: Answer, wanted: str, promised: str = "") -> Document:
    """Computes the digest from the bytes; what a header says is only compared with it."""
    algorithm = (wanted or promised or "sha256").partition(":")[0]
    if algorithm not in ("sha256", "sha512"):
        algorithm = "sha256"
    digest = f"{algorithm}:{hashlib.new(algorithm, answer.body).hexdigest()}"
    for expected in (wanted, promised):
        if expected.startswith(f"{algorithm}:") and expected != digest:
            why = f"{image.host} sent other bytes than the digest {expected[:19]}… stands for"
            raise RegistryTrouble(Kind.NOT_TRUSTED, str(image), why, host=image.host)
    return Document(answer.body, digest, answer.header("content-type").partition(";")[0])


def _missing(image: Reference, answer: Answer) -> RegistryTrouble:
    if _MISSING_REPOSITORY in _codes(answer):
        why = f"{image.host} has no {image.repository}"
        return RegistryTrouble(Kind.NO_REPOSITORY, str(image), why, host=image.host)
    why = f"{image.host} has no {image.version} of {image.repository}"
    return RegistryTrouble(Kind.NO_VERSION, str(image), why, host=image.host)


def _codes(answer: Answer) -> list[str]:
    return [str(each.get("code", "")) for each in _errors(answer)]


def _errors(answer: Answer) -> list[Mapping[str, object]]:
    try:
        read = json.loads(answer.body)
    except ValueError:
        return []
    errors = read.get("errors") if isinstance(read, dict) else None
    return [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []


def _said(answer: Answer) -> str:
    words = "; ".join(
        foreign(f"{each.get('code', '')} {each.get('message', '')}") for each in _errors(answer)
    )
    return f" ({words})" if words else ""


def _seconds(header: str) -> float | None:
    """Seconds from now, of a Retry-After that is a number or a date."""
    if header.strip().isdigit():
        return float(header)
    try:
        then = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
