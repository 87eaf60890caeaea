"""Reads a running app the way a person does: rows of text, and the page that is open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot

from installer.conversation import Desk
from screens.app import HealthInstallApp
from screens.inspection import InspectionPage
from screens.page import Page
from screens.results import Parting

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "HEALTH_INSTALL_UPDATE_GOLDEN"
PATIENCE = 30.0

AppPilot = Pilot[Parting]
PageT = TypeVar("PageT", bound=Page)


@asynccontextmanager
async def running(desk: Desk, size: tuple[int, int] = (80, 24)) -> AsyncIterator[AppPilot]:
    """The app over a desk, on a screen of this size; its clock stands still."""
    app = HealthInstallApp(lambda: desk, clock=lambda: 1000.0)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield pilot


async def until(pilot: AppPilot, true: Callable[[], bool], what: str = "") -> None:
    """Let the app work until something is true; fails with what is on the screen."""

    async def wait() -> None:
        while not true():
            await asyncio.sleep(0.005)

    try:
        await asyncio.wait_for(wait(), PATIENCE)
    except TimeoutError:
        shown = "\n".join(rows(pilot)) if pilot.app.screen_stack else ""
        raise AssertionError(f"waited in vain for {what}; the screen says:\n{shown}") from None


async def page(pilot: AppPilot, kind: type[PageT]) -> PageT:
    """The open page, once it is of this kind and drawn."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind), kind.__name__)
    await pilot.pause()
    found = pilot.app.screen
    assert isinstance(found, kind)
    return found


async def next_page(pilot: AppPilot, act: Callable[[], Awaitable[Any]]) -> Page:
    """The page that opens after `act`."""
    before = pilot.app.screen
    await act()
    await until(
        pilot,
        lambda: pilot.app.screen is not before and not pilot.app.screen.has_class("-passed"),
        "another page",
    )
    found = pilot.app.screen
    assert isinstance(found, Page)
    # A page that takes keys has the focus somewhere; one that only looks goes on by itself.
    await until(
        pilot,
        lambda: found.focused is not None or isinstance(found, InspectionPage),
        "something to type into",
    )
    return found


async def enter(pilot: AppPilot) -> None:
    """Press Enter without waiting for the app to be idle, which takes Pilot long."""
    pilot.app.simulate_key("enter")


async def greeted(pilot: AppPilot) -> None:
    """The first page, once the desk is open."""
    await until(pilot, lambda: "Skip the questions" in "\n".join(rows(pilot)), "the greeting")
    await pilot.pause()


def rows(pilot: AppPilot) -> list[str]:
    """The screen as rows of text, without trailing blanks."""
    strips = pilot.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def text(pilot: AppPilot) -> str:
    """The screen as one text with blanks closed up, so that line breaks do not matter."""
    return " ".join(" ".join(rows(pilot)).split())


def check_golden(pilot: AppPilot, name: str) -> None:
    """The rows are those kept under this name; set the update variable to keep new ones."""
    shown = "\n".join(rows(pilot)) + "\n"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get(UPDATE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown, f"set {UPDATE}=1 to keep the new screen"
