"""Foreign text is shown as it is, nothing overflows, and no colour is needed."""

from __future__ import annotations

import pytest

from installer.conversation import Conclusion, Draft, Endpoint, Failure, Finding
from installer.engine.events import (
    Ending,
    Outcome,
    Report,
    Retrying,
    RunStarted,
    StepFailed,
    StepFinished,
    StepInfo,
    StepLooked,
    StepStarted,
    Verb,
    Waiting,
)
from installer.engine.masking import MASK, known_secrets
from installer.engine.step import StopFlag
from screens.app import HealthInstallApp
from screens.inspection import InspectionPage
from screens.outcome import OutcomePage
from screens.page import Page
from screens.progress import ProgressPage
from screens.review import ReviewPage
from tests.screens.made_up_desk import MadeUpDesk
from tests.screens.reading import AppPilot, greeted, page, running, text, until

FOREIGN = "[/etc/oci] [bold]x[/] $(id) [@click=app.quit]here[/] \x1b[31mred\x1b[0m"
BRACKETS = "[/etc/oci] [bold]x[/]"
LONG = " ".join(["a-very-long-sentence-of-somebody-else"] * 40)
SIZES = [
    (80, 24),
    (40, 12),
    pytest.param((160, 50), marks=pytest.mark.slow),
]


def telling(words: str) -> MadeUpDesk:
    """A desk where everything foreign says these words."""

    def install(_draft: Draft, report: Report, _stop: StopFlag) -> Conclusion:
        report(RunStarted(Verb.INSTALL, words, (StepInfo("s", words, words, (), 1.0),)))
        report(StepStarted("s"))
        report(StepLooked("s", "different", words, True, (words,)))
        report(Waiting("s", words, words, 1.0, 2.0))
        report(Retrying("s", words, words, 1, 5, 2.0))
        report(StepFinished("s", Outcome.REPAIRED, words, 1.0))
        report(StepFailed("s", words, words, words, 1, 1.0))
        return Conclusion(
            Ending.FAILED,
            1,
            words,
            (Endpoint(words, words, words),),
            (words,),
            Failure(words, words, words),
            words,
            words,
        )

    return MadeUpDesk(
        install_with=install,
        findings=lambda _stop: (Finding(False, words),),
        extra=(words,),
        fixed={"oracle.profile": BRACKETS},
    )


async def through_all_pages(pilot: AppPilot) -> list[tuple[str, Page]]:
    """Walk to the end; the text of each page with foreign words on it."""
    seen: list[tuple[str, Page]] = []

    async def look(kind: type[Page]) -> None:
        found = await page(pilot, kind)
        nothing_overflows(found)
        seen.append((text(pilot), found))

    await until(pilot, lambda: "Skip" in text(pilot) or "Skip" in str(pilot.app.screen.query("*")))
    await pilot.pause()
    nothing_overflows(pilot.app.screen)  # type: ignore[arg-type]
    await pilot.press("end", "enter")
    await look(InspectionPage)
    await until(pilot, lambda: pilot.app.focused is not None)
    await pilot.press("enter")
    await look(ReviewPage)
    await pilot.press("home", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ProgressPage | OutcomePage))
    await look(OutcomePage)
    return seen


def nothing_overflows(found: Page) -> None:
    """Every widget with something to show lies inside the screen."""
    whole = found.app.size.region
    for widget in found.query("Words, ChoiceList, AnswerInput, BudgetBar, Footer, Heading, Log"):
        if widget.display and widget.region.area:
            assert whole.contains_region(widget.region) or _scrolls(widget), widget
    assert found.max_scroll_y == 0, f"{found} is higher than the screen"
    assert found.max_scroll_x == 0, f"{found} is wider than the screen"


def _scrolls(widget: object) -> bool:
    from textual.widget import Widget

    assert isinstance(widget, Widget)
    return any(
        isinstance(above, Widget) and above.is_scrollable and not isinstance(above, Page)
        for above in widget.ancestors
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_foreign_text_is_never_markup(size: tuple[int, int]) -> None:
    async with running(telling(FOREIGN), size) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, Page))
        if size != (40, 12):
            await greeted(pilot)
        seen = await through_all_pages(pilot)
    if size == (80, 24):
        assert "[/etc/oci] [bold]x[/] $(id) [@click=app.quit]here[/]" in seen[0][0]
        assert BRACKETS in seen[1][0], "in a list"
        assert BRACKETS in seen[-1][0]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_long_foreign_text_does_not_push_anything_off_the_screen(
    size: tuple[int, int],
) -> None:
    async with running(telling(LONG), size) as pilot:
        await until(pilot, lambda: "Skip" in text(pilot))
        seen = await through_all_pages(pilot)
    assert len(seen) == 3


async def test_a_secret_in_foreign_text_is_masked_on_every_page() -> None:
    canary = "canary-e5b1c7-secret"
    known_secrets.add(canary)
    async with running(telling(f"the password is {canary}")) as pilot:
        await greeted(pilot)
        seen = await through_all_pages(pilot)
    for shown, found in seen:
        assert canary not in shown, found
    assert MASK in seen[0][0]
    assert MASK in seen[-1][0]


async def test_no_color_is_respected_and_every_state_is_still_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = HealthInstallApp(lambda: MadeUpDesk(findings=lambda _stop: (Finding(False, "hm"),)))
    async with app.run_test() as pilot:
        await greeted(pilot)
        assert app.current_theme.ansi
        strips = app.screen._compositor.render_strips()
        painted = [s.style.color for strip in strips for s in strip if s.style]
        shown = [color for color in painted if color is not None and not color.is_default]
        assert shown == []
        await pilot.press("end", "enter")
        await page(pilot, InspectionPage)
        await until(pilot, lambda: "ATTENTION: hm" in text(pilot))
