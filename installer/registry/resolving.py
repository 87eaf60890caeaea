"""From references to what can be pulled: digest, platforms and sizes, several images at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from installer.registry.client import RegistryClient
from installer.registry.manifests import Entry, chosen, document, entries, not_understood, single
from installer.registry.reference import Reference
from installer.registry.troubles import Kind, RegistryTrouble

# Few at a time: registries slow down who asks for everything at once.
AT_A_TIME = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Resolved:
    """An image as a registry has it now.

    `digest` is that of the index where there is one, so that it holds for every platform.
    `compressed` is the download in bytes, by platform that was asked for.
    """

    reference: str
    digest: str
    platforms: tuple[str, ...]
    compressed: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Resolution:
    """Of all images that were asked for: those found, and what is wrong with the others."""

    found: tuple[Resolved, ...] = ()
    troubles: tuple[RegistryTrouble, ...] = ()


def resolve_all(
    client: RegistryClient, references: Iterable[str], platforms: Sequence[str]
) -> Resolution:
    """Every image on every one of the platforms, like linux/arm64; never raises RegistryTrouble."""
    results = resolve_each(client, references, platforms)
    return Resolution(
        tuple(each for each in results if isinstance(each, Resolved)),
        tuple(each for each in results if isinstance(each, RegistryTrouble)),
    )


def resolve_each(
    client: RegistryClient, references: Iterable[str], platforms: Sequence[str]
) -> list[Resolved | RegistryTrouble]:
    """The same, in the order of the references. A registry that does not answer, or wants to be
    left in peace, is not asked for its other images."""
    closed: dict[str, RegistryTrouble] = {}

    def ask(text: str) -> Resolved:
        host = Reference.parse(text).host
        if known := closed.get(host):
            raise RegistryTrouble(
                known.kind, text, known.why, host=known.host, retry_after=known.retry_after
            )
        try:
            return resolve(client, text, platforms)
        except RegistryTrouble as trouble:
            if trouble.kind.passing:
                closed.setdefault(host, trouble)
            raise

    return all_of(ask, references)


def all_of(ask: Callable[[str], T], references: Iterable[str]) -> list[T | RegistryTrouble]:
    """The result for each, a few at a time, in their order; trouble is a result."""

    def one(text: str) -> T | RegistryTrouble:
        try:
            return ask(text)
        except RegistryTrouble as trouble:
            return trouble

    with ThreadPoolExecutor(AT_A_TIME) as workers:
        return list(workers.map(one, dict.fromkeys(references)))


def resolve(client: RegistryClient, text: str, platforms: Sequence[str]) -> Resolved:
    """One image on all of the platforms. Raises RegistryTrouble."""
    image = Reference.parse(text)
    top = client.manifest(image)
    read = document(top.body, text)
    listed = entries(read, text)
    if listed is not None:
        return _of_index(client, image, top.digest, listed, platforms, text)
    alone = single(read, text)
    platform = _platform_of(client, image, alone.config, text)
    missing = [each for each in platforms if each != platform]
    if missing:
        raise _not_made_for(image, text, missing, [platform])
    return Resolved(text, top.digest, (platform,), ((platform, alone.compressed),))


def _of_index(
    client: RegistryClient,
    image: Reference,
    digest: str,
    listed: tuple[Entry, ...],
    platforms: Sequence[str],
    text: str,
) -> Resolved:
    picked = {platform: chosen(listed, platform) for platform in platforms}
    there = list(dict.fromkeys(each.platform for each in listed))
    missing = [platform for platform, entry in picked.items() if entry is None]
    if missing:
        raise _not_made_for(image, text, missing, there)
    sizes = []
    for platform, entry in picked.items():
        assert entry is not None
        body = client.manifest_at(image, entry.digest).body
        sizes.append((platform, single(document(body, text), text).compressed))
    return Resolved(text, digest, tuple(there), tuple(sizes))


def _platform_of(client: RegistryClient, image: Reference, config: str, text: str) -> str:
    """Where there is no index, only the configuration says what the image is made for."""
    read = document(client.blob(image, config).body, text)
    system, architecture = read.get("os"), read.get("architecture")
    if not isinstance(system, str) or not isinstance(architecture, str):
        raise not_understood(text, "it does not say for which machines it is made")
    return f"{system}/{architecture}"


def _not_made_for(
    image: Reference, text: str, missing: Sequence[str], there: Sequence[str]
) -> RegistryTrouble:
    made = ", ".join(there) or "none at all"
    why = f"it is not made for {', '.join(missing)}, only for {made}"
    return RegistryTrouble(Kind.WRONG_ARCHITECTURE, text, why, host=image.host)
