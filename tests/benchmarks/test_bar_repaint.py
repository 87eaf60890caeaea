"""Switching a module: thinking the plan through again and painting the bar is one frame's work."""

from __future__ import annotations

import random
import time
from functools import partial

import pytest

from installer.cli import parser
from installer.commands.desk import InstallDesk
from installer.commands.sources import case
from installer.conversation import Draft, Finding
from installer.engine.step import StopFlag
from screens.bar import BudgetBar
from screens.modules import ModuleList, ModulesPage
from screens.question import QuestionPage
from tests.benchmarks.yardstick import FRAME, Race
from tests.screens.reading import AppPilot, enter, greeted, next_page, rows, running

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

TOGGLES = 200


class HomeDesk(InstallDesk):
    """The real desk over the real catalogue, without the world."""

    def inspect(self, draft: Draft, stop: StopFlag) -> tuple[Finding, ...]:
        """Nothing is looked at."""
        return ()


async def open_modules(pilot: AppPilot) -> ModulesPage:
    """Enter until the modules page."""
    await greeted(pilot)
    found = await next_page(pilot, lambda: enter(pilot))
    while not isinstance(found, ModulesPage):
        act = enter if isinstance(found, QuestionPage) else AppPilot.pause
        found = await next_page(pilot, partial(act, pilot))
    return found


def repaint(page: ModulesPage, name: str) -> float:
    """Seconds of this process's work from the switch to the finished picture."""
    began = time.process_time()
    page.switch(name)
    # What the compositor does in the next frame: lay out if needed, then paint.
    page._refresh_layout()
    page._compositor.render_strips()
    return time.process_time() - began


async def test_ninety_nine_of_a_hundred_switches_are_painted_within_a_frame() -> None:
    desk = HomeDesk(case(parser().parse_args([]), None))
    race = Race()
    async with running(desk) as pilot:
        page = await open_modules(pilot)
        bar = page.query_one(BudgetBar)
        names = [option.id or "" for option in page.query_one(ModuleList).options]
        for name in names * 2:
            repaint(page, name)  # Both states of every module are thought through, and known then.
        before = str(bar.visual)
        # Every module as often off as on again, so that it ends where it began.
        rounds = -(-TOGGLES // (2 * len(names)))
        for name in names * 2 * rounds:
            race.turn(lambda name=name: repaint(page, name))  # type: ignore[misc]
        assert str(bar.visual) == before, "an even number of switches ends where it began"
        page.switch(names[0])
        await pilot.pause()
        assert "0 of" in "\n".join(rows(pilot))
    assert race.ends("bar repaint") <= FRAME


async def test_a_selection_nobody_had_before_is_painted_within_a_frame_too() -> None:
    desk = HomeDesk(case(parser().parse_args([]), None))
    lot = random.Random(2026)
    race = Race()
    async with running(desk) as pilot:
        page = await open_modules(pilot)
        names = [option.id or "" for option in page.query_one(ModuleList).options]
        for name in names * 2:
            repaint(page, name)
        for _ in range(40 * len(names)):
            name = lot.choice(names)
            turned = {**page.switches, name: not page.switches.get(name, False)}
            if tuple(turned.items()) in page._thought:
                page.switch(name)
            else:
                race.turn(lambda name=name: repaint(page, name))  # type: ignore[misc]
        await pilot.pause()
    assert race.ends("bar repaint, first time") <= FRAME
