"""The smallest sets of changes that make a plan fit, each with what it costs the person.

What may be changed is declared, not guessed: options name lower values in `module.yaml`, modules
say what is lost without them, and Oracle's machines may go back to the free shape. A change hurts
by a number from 1 (hardly noticed) to 9 (a part is gone); the smallest set is the one that hurts
least, with the fewest changes, in the order given. The same question has the same answer always.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from installer.budget.verdict import BudgetRow, Verdict, in_cents

MOST_TRIES = 40
"""Plans thought through before the search contents itself with a set that merely fits."""

MORE_TRIES = 12
"""Plans thought through in search of alternatives to the first set that fits."""

MOST_SETS = 20000
"""Sets looked at without thinking their plan through."""

ALTERNATIVES = 3


@dataclass(frozen=True)
class Change:
    """One answer changed: `value` as an answers file has it. `costs` says what is lost."""

    path: str
    was: str
    value: str
    title: str
    costs: str
    hurts: int

    def words(self) -> str:
        """For people: `Space for files: 10Gi instead of 25Gi (modules.x.y); less room for ...`."""
        return f"{self.title}: {self.value} instead of {self.was} ({self.path}). {self.costs}"


@dataclass(frozen=True)
class Advice:
    """Changes that make the plan fit, and in words how it stands then."""

    changes: tuple[Change, ...]
    after: tuple[str, ...]

    @property
    def hurts(self) -> int:
        """How much all of it hurts."""
        return sum(change.hurts for change in self.changes)


Evaluate = Callable[[Sequence[Change]], Verdict | None]
"""The verdict with these changes; None where they do not go together, and where it is clear without
one that they are not enough."""


Tally = Callable[[Sequence[Change]], Mapping[str, int] | None]
"""Only the sums by resource, which are quicker to have than a verdict; None as above."""


def advise(
    before: Verdict,
    changes: Sequence[Change],
    evaluate: Evaluate,
    tally: Tally | None = None,
    most: int = ALTERNATIVES,
) -> tuple[Advice, ...]:
    """Sets of changes that fit, the least hurtful first; none when nothing is in the way, or when
    all changes together are not enough. No set holds another one, and none a needless change."""
    if good(before):
        return ()

    def sums(chosen: Sequence[Change]) -> Mapping[str, int] | None:
        verdict = evaluate(chosen)
        return None if verdict is None else _sums(verdict)

    search = _Search(before, changes, evaluate, tally or sums)
    found = search.smallest(most) or search.some()
    return tuple(Advice(chosen, _standing(before, verdict)) for chosen, verdict in found)


def good(verdict: Verdict) -> bool:
    """Whether it fits and costs nothing that was not agreed to."""
    return verdict.fits and verdict.consented


Chosen = tuple[Change, ...]
Found = list[tuple[Chosen, Verdict]]


class _Search:
    def __init__(
        self, before: Verdict, changes: Sequence[Change], evaluate: Evaluate, tally: Tally
    ) -> None:
        self._before = before
        self._sums = _sums(before)
        self._changes = sorted(changes, key=lambda change: change.hurts)
        self._evaluate = evaluate
        self._tally = tally
        self._tries = 0
        self._gains: dict[Change, dict[str, int]] = {}

    def smallest(self, most: int) -> Found:
        """Sets in the order of how much they hurt, of the changes that help by themselves."""
        useful = [change for change in self._changes if self._helps(change)]
        found: Found = []
        last_try = MOST_TRIES
        for looked_at, chosen in enumerate(_sets(useful)):
            if len(found) == most or self._tries >= last_try or looked_at >= MOST_SETS:
                break
            if not self._could_do(chosen) or any(_holds(chosen, one) for one, _ in found):
                continue
            verdict = self._try(chosen)
            if verdict is not None and good(verdict):
                found.append((chosen, verdict))
                last_try = min(MOST_TRIES, self._tries + MORE_TRIES)
        return found

    def some(self) -> Found:
        """Everything changed as far as it goes, then what is not needed taken back."""
        furthest = {change.path: change for change in self._changes}
        kept = tuple(furthest.values())
        verdict = self._try(kept)
        if verdict is None or not good(verdict):
            return []
        for change in sorted(kept, key=lambda each: -each.hurts):
            fewer = tuple(each for each in kept if each is not change)
            without = self._try(fewer)
            if without is not None and good(without):
                kept, verdict = fewer, without
        return [(kept, verdict)]

    def _try(self, chosen: Chosen) -> Verdict | None:
        self._tries += 1
        return self._evaluate(chosen)

    def _helps(self, change: Change) -> bool:
        now = self._tally([change])
        if now is None:
            # It needs others beside it, as a module does that others need.
            return True
        gains = {name: much - now[name] for name, much in self._sums.items() if name in now}
        self._gains[change] = gains
        if any(gain > 0 for gain in gains.values()):
            return True
        # It may still be a rule that kept pods apart.
        verdict = self._evaluate([change])
        return verdict is not None and good(verdict)

    def _could_do(self, chosen: Chosen) -> bool:
        """Whether what the changes save one by one could be enough together."""
        if any(change not in self._gains for change in chosen):
            return True
        return all(
            sum(self._gains[change].get(row.resource, 0) for change in chosen) >= _too_much(row)
            for row in self._before.rows
            if row.resource in _ADDED_UP
        )


_ADDED_UP = ("CPU", "memory", "disk", "pods")
"""Resources of which no two changes save more together than one by one."""


def _holds(chosen: Chosen, smaller: Chosen) -> bool:
    """Whether all that the smaller set gives up is given up too, or even more of it."""
    hurts = {change.path: change.hurts for change in chosen}
    return all(hurts.get(change.path, 0) >= change.hurts for change in smaller)


def _sums(verdict: Verdict) -> dict[str, int]:
    """What is used, and what passes; cents for money."""
    return {
        row.resource: in_cents(row.used) if row.unit == "USD" else int(row.used + row.passing)
        for row in verdict.rows
    }


def _too_much(row: BudgetRow) -> int:
    """What must be saved at least, should nothing pass any more."""
    return 0 if row.limit is None else max(0, int(row.used - row.limit))


def _sets(changes: Sequence[Change]) -> Iterator[Chosen]:
    """All sets with one value a path, those that hurt less first; `changes` come in that order."""
    waiting: list[tuple[int, int, tuple[int, ...]]] = [
        (change.hurts, 1, (at,)) for at, change in enumerate(changes)
    ]
    heapq.heapify(waiting)
    while waiting:
        hurts, size, chosen = heapq.heappop(waiting)
        yield tuple(changes[at] for at in chosen)
        paths = {changes[at].path for at in chosen}
        for at in range(chosen[-1] + 1, len(changes)):
            if changes[at].path not in paths:
                heapq.heappush(waiting, (hurts + changes[at].hurts, size + 1, (*chosen, at)))


def _standing(before: Verdict, after: Verdict) -> tuple[str, ...]:
    """How the rows stand that were in the way; CPU and memory where it was only the nodes."""
    over = [row.resource for row in before.rows if row.over] or ["CPU", "memory"]
    return tuple(row.words for row in after.rows if row.resource in over)
