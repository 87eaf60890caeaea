"""References to images: `host/repository:tag@digest`, with the short forms people write."""

from __future__ import annotations

import re
from dataclasses import dataclass

from installer.registry.troubles import Kind, RegistryTrouble

DOCKER_HUB = "docker.io"
# Docker Hub answers the registry's questions under another name than the one in references.
_HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_API = "registry-1.docker.io"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Reference:
    """One image: where it is kept, and which of its versions.

    A tag can move. A digest cannot; where both are given the digest counts.
    """

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Reads a reference; `postgres` is `docker.io/library/postgres:latest`.

        Raises RegistryTrouble of kind NOT_A_REFERENCE.
        """
        name, at, digest = text.partition("@")
        host, repository, tag = _split(text, name)
        if at and _DIGEST.fullmatch(digest) is None:
            raise _not_one(text, "what follows @ is no digest")
        if _HOST.fullmatch(host) is None:
            raise _not_one(text, "its registry is no host name")
        if _REPOSITORY.fullmatch(repository) is None or len(repository) > _LONGEST_NAME:
            raise _not_one(text, "its name has other than small letters, digits, and . _ - between")
        if tag and _TAG.fullmatch(tag) is None:
            raise _not_one(text, "its tag is none")
        return cls(host, repository, tag or ("" if digest else "latest"), digest)

    @property
    def api_host(self) -> str:
        """The host that answers for the registry."""
        return _HUB_API if self.host == DOCKER_HUB else self.host

    @property
    def name(self) -> str:
        """Registry and repository, without version."""
        return f"{self.host}/{self.repository}"

    @property
    def version(self) -> str:
        """What a registry is asked for: the digest, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def normal_host(host: str) -> str:
    """Docker Hub under its one name; other hosts as they are."""
    return DOCKER_HUB if host.lower() in _HUB_NAMES else host.lower()


def _split(text: str, name: str) -> tuple[str, str, str]:
    first, slash, rest = name.partition("/")
    # The rule of the docker command: only a dot, a port or this one word makes it a host.
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    host, path = (first, rest) if has_host else (DOCKER_HUB, name)
    repository, colon, tag = path.partition(":")
    if colon and not tag:
        raise _not_one(text, "its tag is empty")
    host = normal_host(host)
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return host, repository, tag


def _not_one(text: str, why: str) -> RegistryTrouble:
    return RegistryTrouble(Kind.NOT_A_REFERENCE, text, why)
