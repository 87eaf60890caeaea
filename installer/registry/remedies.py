"""What a person can do about an image that cannot be had."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from installer.registry.reference import DOCKER_HUB, normal_host
from installer.registry.troubles import Kind, RegistryTrouble
from installer.registry.vanished import vanished

# Oracle's registry answers under these names, in every region.
_ORACLE = re.compile(r"[a-z0-9-]+\.ocir\.io|ocir\.[a-z0-9-]+\.oci\.oraclecloud\.com")
_GITHUB = "ghcr.io"
_LOGIN = (
    "Name a user in images.pull_user, where the password is kept in images.pull_password, and for "
    "which registry they are in images.pull_host."
)
_REMEDIES = {
    Kind.NOT_A_REFERENCE: "Write it like registry.example.org/name:tag.",
    Kind.NO_REPOSITORY: "Look for a mistake in the name, or name another image under "
    "images.overrides. A mirror (images.registry) must hold it under the same path.",
    Kind.NO_VERSION: "Name a version that exists under images.overrides. A mirror must hold the "
    "same version.",
    Kind.WRONG_ARCHITECTURE: "Name an image under images.overrides that is made for these "
    "machines, or build yours for them: docker buildx build --platform linux/arm64,linux/amd64",
    Kind.RATE_LIMITED: "Wait and run the same command again; a login raises the limit at most "
    "registries.",
    Kind.UNREACHABLE: "Check this machine's network, proxy and firewall, then run the same "
    "command again. Where only the cluster reaches the registry, set images.check: false.",
    Kind.NOT_TRUSTED: "Ask whoever runs the registry. An authority of your own is trusted when "
    "the environment variable SSL_CERT_FILE names a file with it, beside the usual ones.",
    Kind.NOT_UNDERSTOOD: "Check that it is a registry and the image one for containers; where "
    "only the cluster reaches it, set images.check: false.",
}


def remedy(trouble: RegistryTrouble) -> str:
    """What to do next, in a sentence or two."""
    if trouble.kind in (Kind.NEEDS_LOGIN, Kind.LOGIN_REFUSED):
        first = _LOGIN if trouble.kind is Kind.NEEDS_LOGIN else _CHECK_LOGIN
        own = f"{first} {_how_to_log_in(trouble.host)}".strip()
    else:
        own = _REMEDIES[trouble.kind]
    gone = vanished(trouble.subject)
    return f"{gone.words()} {_OVERRIDE}" if gone else own


_OVERRIDE = "Name it under images.overrides."
_CHECK_LOGIN = "Check images.pull_user and images.pull_password, and whether that user may read it."


def _how_to_log_in(host: str) -> str:
    """What the registry takes for a user name and for a password."""
    if _ORACLE.fullmatch(host.lower()):
        return (
            "At Oracle's registry the user is <namespace>/<user>, in an identity domain "
            "<namespace>/<domain>/<user>, and the password an auth token of that user."
        )
    if host.lower() == _GITHUB:
        return (
            "At GitHub's registry the password is a classic personal access token with the right "
            "read:packages; a package that is made public needs none."
        )
    if normal_host(host) == DOCKER_HUB:
        return "At Docker Hub an access token serves as password."
    return ""


def lines(troubles: Iterable[RegistryTrouble]) -> tuple[str, ...]:
    """One line for each: which image, and what is wrong with it."""
    return tuple(f"{each.subject}: {each.why}." for each in troubles)


def remedies(troubles: Sequence[RegistryTrouble]) -> tuple[str, ...]:
    """What to do, each thing said once, with the images it is about where there are several."""
    by_words: dict[str, list[str]] = {}
    for each in troubles:
        by_words.setdefault(remedy(each), []).append(each.subject)
    if len(by_words) < 2:
        return tuple(by_words)
    return tuple(f"{', '.join(images)}: {words}" for words, images in by_words.items())
