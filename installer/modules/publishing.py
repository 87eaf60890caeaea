"""What people reach from outside, under which name: gathered from what the modules publish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from installer.answers.model import Answers
from installer.modules.catalogue import Module
from installer.modules.choices import applying


@dataclass(frozen=True)
class Published:
    """One part people reach as `label` in front of the domain, and the Service behind that."""

    label: str
    title: str
    module: str
    namespace: str
    service: str
    port: int
    scheme: str


def published_by(answers: Answers, chosen: Sequence[Module]) -> tuple[Published, ...]:
    """All parts with a public name that the chosen modules have switched on, by label."""
    found = (
        Published(
            entry.host,
            entry.title,
            module.name,
            entry.namespace or module.namespace,
            entry.service,
            entry.port,
            entry.scheme,
        )
        for module in chosen
        for entry in applying(answers, module, module.file.endpoints)
        if entry.host
    )
    return tuple(sorted(found, key=lambda one: one.label))
