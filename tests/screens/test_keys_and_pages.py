"""What the keys do, page by page."""

from __future__ import annotations

import pytest
from textual.geometry import Offset
from textual.widgets import Input

from installer.conversation import AnswerRow, Conclusion, Draft
from installer.engine.errors import AccountError, ExitCode, InstallError
from installer.engine.events import Report
from installer.engine.step import StopFlag
from screens.advice import AdvicePage
from screens.app import HealthInstallApp
from screens.inspection import InspectionPage
from screens.lists import ChoiceList
from screens.modules import ModulesPage
from screens.outcome import OutcomePage
from screens.page import Page, TextPage
from screens.question import QuestionPage
from screens.results import Parting
from screens.review import ReviewPage, answer_text
from screens.welcome import WelcomePage
from tests.screens.made_up_desk import ALMOST_ALL, DONE, MadeUpDesk
from tests.screens.reading import AppPilot, greeted, next_page, page, running, text, until


async def first_question(pilot: AppPilot) -> QuestionPage:
    await greeted(pilot)
    await pilot.press("enter")
    return await page(pilot, QuestionPage)


async def question(pilot: AppPilot, path: str) -> QuestionPage:
    """Go on with Enter until this question is asked."""
    found: Page = await first_question(pilot)
    while not (isinstance(found, QuestionPage) and found.ask.question.path == path):
        assert isinstance(found, QuestionPage), f"{path} was not asked"
        found = await next_page(pilot, lambda: pilot.press("enter"))
    return found


async def modules(pilot: AppPilot) -> ModulesPage:
    found: Page = await first_question(pilot)
    while isinstance(found, QuestionPage):
        found = await next_page(pilot, lambda: pilot.press("enter"))
    return await page(pilot, ModulesPage)


async def review(pilot: AppPilot) -> ReviewPage:
    await greeted(pilot)
    await pilot.press("end", "enter")
    return await page(pilot, ReviewPage)


def parting(pilot: AppPilot) -> Parting:
    left = pilot.app.return_value
    assert left is not None
    return left


async def test_enter_pressed_before_the_desk_is_open_is_not_lost() -> None:
    import threading

    open_it = threading.Event()

    def open_desk() -> MadeUpDesk:
        open_it.wait(60)
        return MadeUpDesk()

    async with HealthInstallApp(open_desk).run_test() as pilot:
        await page(pilot, WelcomePage)
        await pilot.press("enter")
        assert "in a moment" in text(pilot)
        open_it.set()
        await page(pilot, QuestionPage)


async def test_a_desk_that_cannot_be_opened_says_what_why_and_what_to_do() -> None:
    def refuse() -> MadeUpDesk:
        raise InstallError("No desk.", "It is broken.", "Mend it.")

    async with HealthInstallApp(refuse).run_test() as pilot:
        await page(pilot, OutcomePage)
        assert all(words in text(pilot) for words in ("No desk.", "It is broken.", "Mend it."))
        await pilot.press("enter")
    assert parting(pilot).exit_code == ExitCode.FAILED


async def test_escape_goes_back_and_keeps_what_was_typed() -> None:
    async with running(MadeUpDesk()) as pilot:
        await question(pilot, "name")
        await pilot.press("ctrl+u", *"clinic")
        await next_page(pilot, lambda: pilot.press("enter"))
        found = await next_page(pilot, lambda: pilot.press("escape"))
        assert isinstance(found, QuestionPage)
        assert (found.ask.question.path, found.ask.text) == ("name", "clinic")


async def test_escape_on_the_first_question_returns_to_the_profiles() -> None:
    async with running(MadeUpDesk()) as pilot:
        await first_question(pilot)
        await pilot.press("escape")
        await page(pilot, WelcomePage)
        await greeted(pilot)
        await pilot.press("down", "enter")
        found = await page(pilot, QuestionPage)
        assert found.ask.source == "profile local"


async def test_a_refused_answer_stays_to_be_mended_with_the_question_s_own_sentence() -> None:
    async with running(MadeUpDesk()) as pilot:
        found = await question(pilot, "name")
        await pilot.press("ctrl+u", *"9", "enter")
        await pilot.pause()
        assert pilot.app.screen is found
        assert "Not accepted: A name has" in text(pilot)
        assert found.query_one("#refusal").has_class("-failed")


async def test_f2_asks_the_rarer_questions_too_and_then_no_longer() -> None:
    async with running(MadeUpDesk(fixed={"target": "existing"})) as pilot:
        await question(pilot, "access.domain")
        found = await next_page(pilot, lambda: pilot.press("f2"))
        assert isinstance(found, QuestionPage)
        assert found.ask.question.advanced
        found = await next_page(pilot, lambda: pilot.press("f2"))
        assert isinstance(found, QuestionPage)
        assert found.ask.question.path == "access.domain"


async def test_a_secret_typed_by_mistake_is_hidden_refused_and_not_repeated() -> None:
    canary = "hunter2-canary"
    async with running(MadeUpDesk(fixed={"target": "rehearsal"})) as pilot:
        await question(pilot, "name")
        await next_page(pilot, lambda: pilot.press("f2"))
        while not (
            isinstance(found := pilot.app.screen, QuestionPage) and found.ask.question.secret
        ):
            await next_page(pilot, lambda: pilot.press("enter"))
        await pilot.press("ctrl+u", *canary)
        await pilot.pause()
        assert canary not in text(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert canary not in text(pilot)
        assert canary not in pilot.app.export_screenshot()
        assert "never written into the answers" in text(pilot)
        await pilot.press("ctrl+u", *"env:KEY")
        await pilot.pause()
        assert "env:KEY" in text(pilot)
        assert not found.query_one(Input).password


async def test_space_switches_a_module_and_the_bar_follows_in_words() -> None:
    async with running(MadeUpDesk(fixed=ALMOST_ALL)) as pilot:
        await modules(pilot)
        assert "fits 0.9 of 2 CPU" in text(pilot)
        await pilot.press("end", "space")
        await pilot.pause()
        assert "OVER 2.1 of 2 CPU" in text(pilot)
        assert "[on] Search" in text(pilot)
        await pilot.press("space")
        await pilot.pause()
        assert "fits 0.9 of 2 CPU" in text(pilot)


async def test_a_plan_that_does_not_fit_is_not_installed() -> None:
    desk = MadeUpDesk(fixed=ALMOST_ALL)
    async with running(desk) as pilot:
        await modules(pilot)
        await pilot.press("end", "space", "enter")
        await page(pilot, ReviewPage)
        await pilot.press("home", "enter")
        await pilot.pause()
        assert "This cannot be installed yet" in text(pilot)
    assert desk.installed == []


async def test_money_is_not_spent_for_anything_but_its_amount() -> None:
    desk = MadeUpDesk(cpu_limit=4.0, fixed=ALMOST_ALL)
    async with running(desk) as pilot:
        await modules(pilot)
        await pilot.press("end", "space", "enter")
        await page(pilot, ReviewPage)
        for typed in ("", "y", "12.5", "12.49", "0.00"):
            await pilot.press("ctrl+u", *typed, "enter")
            await pilot.pause()
            assert "12.50 must be typed" in text(pilot)
        await pilot.press("tab", "home", "enter")
        await pilot.pause()
        assert "type 12.50 above" in text(pilot)
    assert desk.installed == []


async def test_typing_the_amount_agrees_to_it_and_installs() -> None:
    from decimal import Decimal

    desk = MadeUpDesk(cpu_limit=4.0, fixed=ALMOST_ALL)
    async with running(desk) as pilot:
        await modules(pilot)
        await pilot.press("end", "space", "enter")
        await page(pilot, ReviewPage)
        await pilot.press(*"12.50", "enter")
        await page(pilot, OutcomePage)
    assert desk.installed[0].answered["money.accept_monthly_usd"] == Decimal("12.50")


async def test_an_answer_is_changed_from_the_review_and_the_review_comes_back() -> None:
    async with running(MadeUpDesk()) as pilot:
        await review(pilot)
        answers = pilot.app.screen.query_one("#answers", ChoiceList)
        answers.highlighted = answers.get_option_index("access.domain")
        await pilot.press("enter")
        await page(pilot, QuestionPage)
        await pilot.press(*"health.example.org", "enter")
        await page(pilot, ReviewPage)
        answers = pilot.app.screen.query_one("#answers", ChoiceList)
        line = str(answers.get_option("access.domain").prompt)
        assert "health.example.org  (your answer)" in line


async def test_what_a_flag_fixed_is_neither_asked_nor_changed() -> None:
    async with running(MadeUpDesk(fixed={"name": "clinic"})) as pilot:
        await first_question(pilot)
        found = await next_page(pilot, lambda: pilot.press("enter"))
        assert isinstance(found, QuestionPage)
        assert found.ask.question.path != "name"
        await next_page(pilot, lambda: pilot.press("escape"))
        await next_page(pilot, lambda: pilot.press("escape"))
        await review(pilot)
        answers = pilot.app.screen.query_one("#answers", ChoiceList)
        answers.highlighted = answers.get_option_index("name")
        await pilot.press("enter")
        await pilot.pause()
        assert "is fixed by flag" in text(pilot)


async def test_a_refused_inspection_can_be_tried_again() -> None:
    tries: list[int] = []

    def look(_stop: StopFlag) -> tuple[()]:
        tries.append(1)
        if len(tries) == 1:
            raise AccountError("The key is refused.", "Oracle answers 401.", "Upload it anew.")
        return ()

    async with running(MadeUpDesk(findings=look)) as pilot:
        await greeted(pilot)
        await pilot.press("end", "enter")
        await page(pilot, InspectionPage)
        await until(pilot, lambda: "Oracle answers 401." in text(pilot))
        await pilot.press("enter")
        await page(pilot, ReviewPage)
    assert len(tries) == 2


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c"])
async def test_leaving_before_anything_is_made_ends_as_stopped(key: str) -> None:
    async with running(MadeUpDesk()) as pilot:
        await first_question(pilot)
        await pilot.press(key)
    assert parting(pilot) == Parting(ExitCode.STOPPED)


async def test_help_names_every_key_of_the_page() -> None:
    async with running(MadeUpDesk(fixed=ALMOST_ALL)) as pilot:
        await modules(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, TextPage))
        await pilot.pause()
        assert all(key in text(pilot) for key in ("Space", "Enter", "Esc", "F1", "F2", "Ctrl+Q"))
        await pilot.press("escape")
        await page(pilot, ModulesPage)


async def test_the_terminal_s_cursor_follows_the_marked_line() -> None:
    async with running(MadeUpDesk()) as pilot:
        await greeted(pilot)
        choices = pilot.app.screen.query_one(ChoiceList)

        def on_line(number: int) -> bool:
            # Asked anew each time: the first layout may still be moving the list.
            return pilot.app.cursor_position == choices.content_region.offset + Offset(0, number)

        await until(pilot, lambda: on_line(0))
        await pilot.press("down")
        await until(pilot, lambda: on_line(1))


async def test_a_mistake_of_ours_ends_the_app_with_the_error_and_no_trace_on_the_screen() -> None:
    def broken(_draft: Draft, _report: Report, _stop: StopFlag) -> Conclusion:
        raise ZeroDivisionError("ours")

    app = HealthInstallApp(lambda: MadeUpDesk(install_with=broken))

    async def until_it_breaks() -> None:
        async with app.run_test() as pilot:
            await review(pilot)
            await pilot.press("enter")
            await until(pilot, lambda: app.crash is not None)

    with pytest.raises(Exception, match="ours"):
        await until_it_breaks()
    assert isinstance(app.crash, ZeroDivisionError)
    assert app._exit_renderables == []


async def test_the_outcome_carries_the_exit_code_of_the_run() -> None:
    async with running(MadeUpDesk()) as pilot:
        await review(pilot)
        await pilot.press("enter")
        await page(pilot, OutcomePage)
        await pilot.press("enter")
    assert parting(pilot) == Parting(0, DONE)


def test_an_empty_answer_is_said_to_be_empty() -> None:
    row = AnswerRow("access.domain", "access", "Domain", "", "default")
    assert "(empty)  (default)" in answer_text(row)


async def hungry(pilot: AppPilot) -> ModulesPage:
    """The modules page with the hungry one switched on."""
    found = await modules(pilot)
    await pilot.press("down", "down", "space")
    await pilot.pause()
    assert "Does not fit" in text(pilot)
    return found


async def test_f_shows_what_could_be_given_up_and_enter_takes_it() -> None:
    async with running(MadeUpDesk()) as pilot:
        await hungry(pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, AdvicePage))
        await until(pilot, lambda: "Search: false" in text(pilot))
        await pilot.press("enter")
        back = await page(pilot, ModulesPage)
        assert "Everything fits." in text(pilot)
        assert back.switches == {"store": True, "letters": True, "search": False}


async def test_esc_keeps_everything_as_it_is() -> None:
    async with running(MadeUpDesk()) as pilot:
        before = await hungry(pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, AdvicePage))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is before)
        assert before.switches["search"]


async def test_f_says_when_nothing_is_in_the_way() -> None:
    async with running(MadeUpDesk()) as pilot:
        await modules(pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, AdvicePage))
        await until(pilot, lambda: "Nothing has to be given up" in text(pilot))


async def test_e_explains_the_numbers_of_the_switches_as_they_are() -> None:
    async with running(MadeUpDesk()) as pilot:
        await hungry(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, TextPage))
        await until(pilot, lambda: "Where the numbers come from" in text(pilot))
        assert "CPU" in text(pilot)
