"""How often Oracle is asked: a free account that is asked too often is throttled."""

from __future__ import annotations

from itertools import pairwise

import pytest

from installer.engine.events import Ending
from installer.steps.oracle_resource import LONGEST_SILENCE, Sparingly
from tests.oracle.test_holdings import installation, target
from tests.oracle.world import Person, World
from tests.steps.oracle.test_spending import PLAN

MOST_FRESH, MOST_UNCHANGED = 150, 60


def test_an_installation_and_its_rerun_ask_sparingly(world: World, person: Person) -> None:
    person.spending = PLAN
    target(world).survey(None)
    assert person.run("install").error is None
    fresh = world.requests()
    assert fresh <= MOST_FRESH, world.operations().most_common(9)

    target(world).survey(installation(person))
    assert person.run("install").ending is Ending.NOTHING_TO_DO
    unchanged = world.requests() - fresh
    assert unchanged <= MOST_UNCHANGED, world.operations(fresh).most_common(9)


def test_what_takes_minutes_is_asked_seldom_at_first_and_often_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("installer.steps.oracle_resource.time.monotonic", lambda: now[0])
    asked: list[float] = []

    def ask() -> str:
        asked.append(now[0])
        return f"asked {len(asked)} times"

    check = Sparingly(ask, usually=480.0, pace=1.0)
    while now[0] < 600:
        assert check() == f"asked {len(asked)} times"
        now[0] += 10
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert max(gaps) <= LONGEST_SILENCE
    assert gaps[0] == LONGEST_SILENCE
    assert set(gaps[-12:]) == {10.0}
    assert len(asked) < 40
