"""Secrets a module needs, and how their values come to be.

A SecretSpec is a recipe and holds no secret. make_secret follows it in memory; the caller writes
the result into the cluster. What exists there already is kept: a second run regenerates nothing.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from installer.modules.hosts import waits_for_domain, with_domain
from installer.modules.problems import ModulesInvalid, Problem, refuse

Described = Literal[
    "password",
    "access_key",
    "secret_key",
    "encryption_key",
    "certificate",
    "authority",
    "signed",
    "public",
    "supplied",
    "fixed",
    "template",
    "copy",
]
"""What a module may ask for."""
Shape = Literal["line", "url", "certificate"]
"""What a supplied value must look like."""
Make = Described | Literal["registry_login"]
PULL_SECRET = "registry-login"  # noqa: S105 - the name of a Secret
PULL_PASSWORD = "images.pull_password"  # noqa: S105 - the path of a question
Existing = Callable[[str, str], Mapping[str, str] | None]
Resolve = Callable[[str], str | None]

# Values end up inside URLs, JSON and configuration files, so only characters that need no
# escaping anywhere are allowed; 32 random bytes are 43 characters of base64url.
_PASSWORD_BYTES = 32
_ENCRYPTION_KEY_BYTES = 32
_ACCESS_KEY_LENGTH = 20
_SECRET_KEY_BYTES = 30
_ACCESS_KEY_LETTERS = string.ascii_uppercase + string.digits
_KEPT: tuple[Make, ...] = (
    "password",
    "access_key",
    "secret_key",
    "encryption_key",
    "certificate",
    "authority",
)
_ALLOWED = re.compile(r"^[A-Za-z0-9_-]{12,255}$")
_URL = re.compile(r"^https?://[^\s/]+(/\S*)?$")
_PLACE = re.compile(r"\$\{([A-Za-z0-9._-]+)\}")


@dataclass(frozen=True)
class SecretValue:
    """The recipe of one key; `question_path` is set when a person may supply the value.

    Without a `required` value nothing is made. `by` is the key of the authority that signs it;
    `hosts` are the names a certificate is for.
    """

    key: str
    make: Make
    text: str = ""
    question_path: str = ""
    shape: Shape = "line"
    required: bool = False
    by: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def derived(self) -> bool:
        """Whether the value follows from others and is made again on every run."""
        return self.make not in _KEPT

    @property
    def confidential(self) -> bool:
        """Whether the value itself is a secret. Fixed texts are names and addresses; what is
        copied or composed is made of secrets that are known already."""
        return self.make not in ("fixed", "public", "template", "copy")

    @property
    def follows_the_answer(self) -> bool:
        """Whether a later answer replaces what the cluster has, as for an expired login.

        Passwords that a person gives do: every server takes its passwords when it starts, or has a
        job that sets them, and both begin anew when their Secret changes.
        """
        return self.make in ("registry_login", "supplied", "password") and bool(self.question_path)


@dataclass(frozen=True)
class SecretSpec:
    """The recipe of one Secret object."""

    module: str
    id: str
    namespace: str
    name: str
    values: tuple[SecretValue, ...]
    type: str = "Opaque"

    @property
    def sources(self) -> frozenset[tuple[str, str]]:
        """The (namespace, name) of the Secrets this one copies from; they must be made first."""
        return frozenset(_source(value)[:2] for value in self.values if value.make == "copy")

    def for_domain(self, domain: str, published: Sequence[str] = ()) -> SecretSpec:
        """The recipe with the public names its certificates are for; `published` are the labels of
        all that people reach, which a supplied certificate has to cover."""
        values = tuple(_for_domain(value, domain, published) for value in self.values)
        return replace(self, values=values)

    def with_domain(self, domain: str) -> SecretSpec:
        """The recipe once the public domain is known, where it was not before."""
        return replace(
            self,
            values=tuple(
                replace(
                    value,
                    text=with_domain(value.text, domain),
                    hosts=with_domain(value.hosts, domain),
                )
                for value in self.values
            ),
        )


def _for_domain(value: SecretValue, domain: str, published: Sequence[str]) -> SecretValue:
    if value.make == "signed":
        labels: Sequence[str] = value.text.split()
    elif value.make == "supplied" and value.shape == "certificate":
        labels = published
    else:
        return value
    return replace(value, hosts=tuple(f"{label}.{domain}" for label in labels))


def make_secret(spec: SecretSpec, existing: Existing, resolve: Resolve) -> dict[str, str]:
    """All values of the Secret, by key.

    `existing(namespace, name)` reads a Secret from the cluster; `resolve(question_path)` gives what
    the person supplied, or None to generate. A value that exists is kept where none is supplied.
    Fixed, composed and copied values are made again each time, so that they follow their sources;
    what is supplied follows the answer, but for keys that data is encrypted with. A certificate is
    renewed when it is for other names or runs out within a month.
    Raises ModulesInvalid when a supplied value cannot be used or a copy's source does not exist.
    """
    found = existing(spec.namespace, spec.name) or {}
    made: dict[str, str] = {}
    for value in spec.values:
        if value.make not in _COMPOSED:
            made[value.key] = _first(spec, value, found, existing, resolve)
    for value in spec.values:
        if value.make in ("signed", "public"):
            made[value.key] = _certified(value, made[value.by], found)
        elif value.make == "template":
            made[value.key] = _composed(spec, value, made)
    return {value.key: made[value.key] for value in spec.values}


# Made from other values of the same Secret, so after them.
_COMPOSED = ("signed", "public", "template")


def _first(
    spec: SecretSpec,
    value: SecretValue,
    found: Mapping[str, str],
    existing: Existing,
    resolve: Resolve,
) -> str:
    match value.make:
        case "fixed":
            return value.text
        case "copy":
            return _copied(spec, value, existing)
        case "registry_login":
            return _login(spec, value, found, resolve)
        case "supplied":
            return _supplied(value, found, resolve)
        case _:
            there = found.get(value.key)
            if there and not (value.follows_the_answer and resolve(value.question_path)):
                return there
            return _new(value, resolve)


def check_supplied(specs: Sequence[SecretSpec], resolve: Resolve) -> None:
    """Try everything a person supplied, so that what no Secret can take is told before any is made.

    Raises ModulesInvalid with all problems.
    """
    problems: list[Problem] = []
    for spec in specs:
        if spec.sources:
            continue  # Copies follow their sources, which are tried themselves.
        try:
            make_secret(spec, lambda _namespace, _name: None, resolve)
        except ModulesInvalid as error:
            problems.extend(error.problems)
    refuse(problems)


def _new(value: SecretValue, resolve: Resolve) -> str:
    supplied = resolve(value.question_path) if value.question_path else None
    if supplied is None:
        return _generated(value)
    if not _ALLOWED.match(supplied):
        raise ModulesInvalid(
            [
                Problem(
                    f"secrets.{value.question_path}",
                    "the value given cannot be used: it must have 12 to 255 characters, only "
                    "letters, digits, - and _, because it becomes part of addresses; "
                    "choose another or let it be generated",
                )
            ]
        )
    return supplied


def _supplied(value: SecretValue, found: Mapping[str, str], resolve: Resolve) -> str:
    given = resolve(value.question_path)
    if given is None:
        there = found.get(value.key, "")
        if value.required and not there:
            raise ModulesInvalid([_missing(value)])
        return there
    mistake = _shape_mistake(value.shape, given) or _names_mistake(value, given)
    if mistake:
        where = f"secrets.{value.question_path}"
        raise ModulesInvalid([Problem(where, f"the value given cannot be used: {mistake}")])
    return given


def _missing(value: SecretValue) -> Problem:
    where = f"secrets.{value.question_path}"
    sentence = f"the value is missing, and nothing can stand in for it; say where it is: {where}"
    return Problem(where, sentence)


def _shape_mistake(shape: Shape, given: str) -> str:
    """Why a supplied value is not of its shape, without repeating any of it."""
    if shape == "certificate":
        from installer.modules.certificates import bundle_mistake

        return bundle_mistake(given)
    if not given.isprintable() or given != given.strip():
        return "it must be one line without blanks at its ends"
    if shape == "url" and not _URL.match(given):
        return "it must be an address that begins with https:// or http://"
    return ""


def _names_mistake(value: SecretValue, given: str) -> str:
    """Which public names a supplied certificate is not for."""
    if not value.hosts:
        return ""
    if waits_for_domain(value.hosts):
        return "it cannot be for names that are not known yet; give access.domain"
    from installer.modules.certificates import not_covered

    missing = not_covered(given, value.hosts)
    return f"it is not for {', '.join(missing)}" if missing else ""


def _certified(value: SecretValue, authority: str, found: Mapping[str, str]) -> str:
    from installer.modules.certificates import certificates_in, is_good_for, signed_by

    if value.make == "public":
        return certificates_in(authority)
    there = found.get(value.key, "")
    if there and is_good_for(there, value.hosts, authority):
        return there
    return signed_by(authority, value.hosts)


def _generated(value: SecretValue) -> str:
    if value.make in ("certificate", "authority"):
        # Imported late: only an installation that makes certificates pays for it.
        from installer.modules.certificates import authority, self_signed

        return self_signed(value.text.split()) if value.make == "certificate" else authority()
    if value.make == "access_key":
        return "".join(secrets.choice(_ACCESS_KEY_LETTERS) for _ in range(_ACCESS_KEY_LENGTH))
    if value.make == "secret_key":
        return secrets.token_urlsafe(_SECRET_KEY_BYTES)
    if value.make == "encryption_key":
        # Programs read these as plain base64, of which the last sign is an equals sign.
        return base64.b64encode(secrets.token_bytes(_ENCRYPTION_KEY_BYTES)).decode()
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def _source(value: SecretValue) -> tuple[str, str, str]:
    namespace, name, key = value.text.split("/")
    return namespace, name, key


def _copied(spec: SecretSpec, value: SecretValue, existing: Existing) -> str:
    namespace, name, key = _source(value)
    found = (existing(namespace, name) or {}).get(key)
    if found is None:
        raise ModulesInvalid(
            [
                Problem(
                    f"{spec.namespace}/{spec.name}",
                    f"{value.key} is a copy of {key} in {namespace}/{name}, which does not exist; "
                    "install the module that makes it first",
                )
            ]
        )
    return found


def registry_login(module: str, namespace: str, host: str, user: str) -> SecretSpec:
    """The Secret with which a namespace's pods log in to a registry.

    `host` is empty for Docker Hub.
    """
    host = host or "https://index.docker.io/v1/"
    key = ".dockerconfigjson"
    value = SecretValue(key, "registry_login", f"{host} {user}", PULL_PASSWORD)
    kind = "kubernetes.io/dockerconfigjson"
    return SecretSpec(module, "registry_login", namespace, PULL_SECRET, (value,), kind)


def _login(spec: SecretSpec, value: SecretValue, found: Mapping[str, str], resolve: Resolve) -> str:
    """Follows the answer on every run: a registry's passwords expire and are replaced."""
    password = resolve(value.question_path)
    if password is None and value.key in found:
        return found[value.key]
    if password is None:
        where = f"{spec.namespace}/{spec.name}"
        sentence = f"the password for the registry is missing; say where it is: {PULL_PASSWORD}"
        raise ModulesInvalid([Problem(where, sentence)])
    host, _, user = value.text.partition(" ")
    both = base64.b64encode(f"{user}:{password}".encode()).decode()
    return json.dumps({"auths": {host: {"username": user, "password": password, "auth": both}}})


def _composed(spec: SecretSpec, value: SecretValue, made: Mapping[str, str]) -> str:
    missing = [key for key in places(value.text) if key not in made]
    if missing:
        raise ModulesInvalid(
            [
                Problem(
                    f"{spec.namespace}/{spec.name}",
                    f"{value.key} is composed of {', '.join(missing)}, "
                    "which this Secret does not have",
                )
            ]
        )
    return _PLACE.sub(lambda match: made[match[1]], value.text)


def places(text: str) -> tuple[str, ...]:
    """The keys a composed text refers to, in order of appearance."""
    return tuple(_PLACE.findall(text))


def in_order_of_copies(specs: tuple[SecretSpec, ...]) -> tuple[SecretSpec, ...]:
    """The same specs, each after those it copies from; the given order is kept otherwise."""
    ordered: list[SecretSpec] = []
    pending = list(specs)
    while pending:
        waiting_for = {(spec.namespace, spec.name) for spec in pending}
        ready = [spec for spec in pending if not spec.sources & waiting_for]
        if not ready:
            raise ModulesInvalid(
                [
                    Problem(f"{spec.namespace}/{spec.name}", "this Secret is copied in a circle")
                    for spec in pending
                ]
            )
        ordered.append(ready[0])
        pending.remove(ready[0])
    return tuple(ordered)
