"""Chooses the Kubernetes version among those Oracle offers today."""

from __future__ import annotations

import re
from collections.abc import Iterable

from installer.engine.errors import AnswersError
from installer.oracle.wanted import NEWEST

_EXACT = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_WANTED = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")


def numbers(version: str) -> tuple[int, int, int] | None:
    """The three numbers of a version such as "v1.36.4"; None for anything else."""
    match = _EXACT.fullmatch(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def choose_version(offered: Iterable[str], wanted: str) -> str:
    """The newest offered version that fits "newest", a minor or an exact version.

    Raises AnswersError naming what is offered when none fits.
    """
    known = {found: text for text in offered if (found := numbers(text))}
    fitting = [found for found, text in known.items() if fits(text, wanted)]
    if not fitting:
        listed = ", ".join(known[each] for each in sorted(known, reverse=True)) or "none at all"
        raise AnswersError(
            f"Oracle does not offer Kubernetes {wanted} for new clusters.",
            f"Offered today: {listed}.",
            'Set cluster.kubernetes_version to one of these, or to "newest".',
        )
    return known[max(fitting)]


def fits(version: str, wanted: str) -> bool:
    """Whether an exact version is one of those wanted."""
    found = numbers(version)
    if wanted == NEWEST:
        return found is not None
    match = _WANTED.fullmatch(wanted)
    if found is None or match is None:
        return False
    parts = tuple(int(part) for part in match.groups() if part is not None)
    return found[: len(parts)] == parts
