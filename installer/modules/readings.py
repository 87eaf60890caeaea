"""What a filled template has read, so that it is filled in again only when some of that changes.

A template asks for one value after the other, and what it asks for next follows from what it was
told so far. Hence a tree: a question at every node, an answer at every branch, and at its end what
came of it. Whoever gets the same answers to the same questions comes to the same result.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Question = tuple[str, ...]
"""A kind of value and the names that tell it from the others of its kind."""

Ask = Callable[[Question], Hashable]

ResultT = TypeVar("ResultT")


@dataclass(eq=False)
class _Node:
    """One question and what follows each answer: a node, or at the end a result."""

    question: Question
    answers: dict[Hashable, object] = field(default_factory=dict)


class Readings(Generic[ResultT]):
    """Results by what was read on the way to them; `most` are kept, then it starts afresh."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept = 0
        self._first: object = None

    def find(self, ask: Ask) -> ResultT | None:
        """The result for whoever is told what `ask` tells; None when none is known."""
        at = self._first
        while isinstance(at, _Node):
            at = at.answers.get(ask(at.question))
        return at  # type: ignore[return-value]  # what is no node is a result

    def keep(self, read: Iterable[tuple[Question, Hashable]], result: ResultT) -> None:
        """Remember the result of these answers, in the order in which they were asked for."""
        if self._kept >= self._most:
            self._first, self._kept = None, 0
        self._kept += 1
        path = list(read)
        made: object = result
        if not path:
            self._first = made
            return
        if not isinstance(self._first, _Node):
            self._first = _Node(path[0][0])
        node = self._first
        for (_, answer), (following, _) in itertools.pairwise(path):
            found = node.answers.get(answer)
            if not isinstance(found, _Node):
                found = node.answers[answer] = _Node(following)
            node = found
        node.answers[path[-1][1]] = made
