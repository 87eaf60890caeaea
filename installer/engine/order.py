"""Puts steps in order of need. Pure functions over ids."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.step import Step


def in_order(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, each after all it needs, otherwise in the given order.

    Raises ValueError for an unknown need, a repeated id or a circle: mistakes of ours.
    """
    by_id = {step.id: step for step in steps}
    if len(by_id) != len(steps):
        raise ValueError("two steps share an id")
    placed: dict[str, Step] = {}
    while len(placed) < len(steps):
        ready = [
            step
            for step in steps
            if step.id not in placed and all(need in placed for need in known(step, by_id))
        ]
        if not ready:
            stuck = sorted(set(by_id) - set(placed))
            raise ValueError(f"steps need each other in a circle: {', '.join(stuck)}")
        placed.update((step.id, step) for step in ready)
    return tuple(placed.values())


def known(step: Step, by_id: dict[str, Step]) -> tuple[str, ...]:
    """The needs of a step, all of which must exist."""
    for need in step.needs:
        if need not in by_id:
            raise ValueError(f"step {step.id} needs {need}, which is not in the list")
    return step.needs


def needed_by(steps: Sequence[Step]) -> dict[str, set[str]]:
    """For each step the steps that need it directly: the graph turned round."""
    users: dict[str, set[str]] = {step.id: set() for step in steps}
    for step in steps:
        for need in step.needs:
            users[need].add(step.id)
    return users
