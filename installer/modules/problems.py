"""What can be wrong with a module folder, a choice of modules or a rendered manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake: `where` is a file, with a line if known; `sentence` says what to do."""

    where: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}" if self.where else self.sentence


class ModulesInvalid(Exception):
    """Raised with every mistake found at once; `problems` holds them in reading order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def refuse(problems: Sequence[Problem]) -> None:
    """Raise ModulesInvalid when the list is not empty."""
    if problems:
        raise ModulesInvalid(problems)
