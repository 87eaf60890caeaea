"""Repositories that were taken away or left by their makers, and what to take instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

import yaml

from installer.registry.reference import Reference
from installer.registry.troubles import RegistryTrouble


@dataclass(frozen=True)
class Vanished:
    """One entry of `assets/vanished-images.yaml`; `repository` may hold * for anything."""

    repository: str
    instead: str
    because: str
    as_of: date
    source: str

    def words(self) -> str:
        """For people."""
        return f"{self.because} Take {self.instead} instead."


@cache
def vanished_repositories() -> tuple[Vanished, ...]:
    """The whole table, in its order."""
    text = files("assets").joinpath("vanished-images.yaml").read_text(encoding="utf-8")
    return tuple(Vanished(**entry) for entry in yaml.safe_load(text)["vanished"])


def vanished(reference: str, table: Iterable[Vanished] | None = None) -> Vanished | None:
    """What is known against an image's repository, None when nothing is."""
    try:
        name = Reference.parse(reference).name
    except RegistryTrouble:
        return None
    entries = vanished_repositories() if table is None else table
    return next((entry for entry in entries if fnmatchcase(name, entry.repository)), None)
