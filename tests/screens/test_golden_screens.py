"""Every page at 80 by 24, row by row."""

from __future__ import annotations

import threading

from textual.widgets import Static

from installer.conversation import Conclusion, Draft, Failure, Finding, conclusion_of
from installer.engine.errors import AccountError
from installer.engine.events import (
    Ending,
    Outcome,
    Report,
    RunStarted,
    StepFinished,
    StepInfo,
    StepLooked,
    StepStarted,
    Verb,
    Waiting,
)
from installer.engine.step import StopFlag
from screens.inspection import InspectionPage
from screens.modules import ModulesPage
from screens.outcome import OutcomePage
from screens.page import TextPage
from screens.progress import ProgressPage
from screens.question import QuestionPage
from screens.review import ReviewPage
from tests.screens.made_up_desk import ALMOST_ALL, DONE, MadeUpDesk
from tests.screens.reading import (
    AppPilot,
    check_golden,
    greeted,
    next_page,
    page,
    running,
    until,
)

STEPS = (
    StepInfo("network", "Virtual network", "Network", (), 30.0),
    StepInfo("cluster", "Kubernetes cluster", "Cluster", ("network",), 480.0),
    StepInfo("nodes", "Node pool", "Cluster", ("cluster",), 180.0),
)


async def straight_to_review(pilot: AppPilot) -> ReviewPage:
    await greeted(pilot)
    await pilot.press("end", "enter")
    return await page(pilot, ReviewPage)


async def test_welcome() -> None:
    async with running(MadeUpDesk()) as pilot:
        await greeted(pilot)
        check_golden(pilot, "welcome")


async def test_a_question_with_choices() -> None:
    async with running(MadeUpDesk()) as pilot:
        await greeted(pilot)
        await next_page(pilot, lambda: pilot.press("enter"))
        check_golden(pilot, "question_with_choices")


async def test_a_question_to_type_that_is_refused() -> None:
    async with running(MadeUpDesk()) as pilot:
        await greeted(pilot)
        await next_page(pilot, lambda: pilot.press("enter"))
        await next_page(pilot, lambda: pilot.press("enter"))
        await pilot.press("ctrl+u", *"Not A Name", "enter")
        await pilot.pause()
        check_golden(pilot, "question_refused")


async def test_help() -> None:
    async with running(MadeUpDesk()) as pilot:
        await greeted(pilot)
        await next_page(pilot, lambda: pilot.press("enter"))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, TextPage))
        await pilot.pause()
        check_golden(pilot, "help")


async def open_modules(pilot: AppPilot) -> None:
    await greeted(pilot)
    found = await next_page(pilot, lambda: pilot.press("enter"))
    while isinstance(found, QuestionPage):
        found = await next_page(pilot, lambda: pilot.press("enter"))
    await page(pilot, ModulesPage)


async def test_modules_that_fit() -> None:
    async with running(MadeUpDesk(fixed=ALMOST_ALL)) as pilot:
        await open_modules(pilot)
        check_golden(pilot, "modules")


async def test_modules_that_need_too_much() -> None:
    async with running(MadeUpDesk(fixed=ALMOST_ALL)) as pilot:
        await open_modules(pilot)
        await pilot.press("end", "space")
        await pilot.pause()
        check_golden(pilot, "modules_over")


async def test_what_was_found() -> None:
    found = (Finding(True, "Signed in as ann."), Finding(False, "The clock is 4 minutes off."))
    async with running(MadeUpDesk(findings=lambda _stop: found)) as pilot:
        await greeted(pilot)
        await pilot.press("end", "enter")
        await page(pilot, InspectionPage)
        await until(pilot, lambda: pilot.app.focused is not None)
        await pilot.pause()
        check_golden(pilot, "inspection")


async def test_review() -> None:
    async with running(MadeUpDesk()) as pilot:
        await straight_to_review(pilot)
        check_golden(pilot, "review")


async def test_review_with_a_bill() -> None:
    async with running(MadeUpDesk(cpu_limit=4.0, fixed=ALMOST_ALL)) as pilot:
        await open_modules(pilot)
        await pilot.press("end", "space", "enter")
        await page(pilot, ReviewPage)
        check_golden(pilot, "review_with_a_bill")


async def test_progress() -> None:
    go_on = threading.Event()

    def install(_draft: Draft, report: Report, stop: StopFlag) -> Conclusion:
        report(RunStarted(Verb.INSTALL, "health", STEPS))
        report(StepStarted("network"))
        report(StepLooked("network", "absent", "", True))
        report(StepFinished("network", Outcome.MADE, "", 28.0))
        report(StepStarted("cluster"))
        report(StepLooked("cluster", "absent", "", True))
        report(Waiting("cluster", "cluster health", "it is CREATING", 63.0, 480.0))
        go_on.wait(60)
        return DONE

    async with running(MadeUpDesk(install_with=install)) as pilot:
        await straight_to_review(pilot)
        await pilot.press("enter")
        await page(pilot, ProgressPage)
        await until(
            pilot, lambda: "waiting" in str(pilot.app.screen.query_one("#steps", Static).visual)
        )
        await pilot.press("ctrl+q")
        await pilot.pause()
        check_golden(pilot, "progress_stopping")
        go_on.set()
        await page(pilot, OutcomePage)
        check_golden(pilot, "outcome")


async def test_an_outcome_that_failed() -> None:
    failure = Failure(
        "The cluster is not created.",
        "Oracle says: QuotaExceeded.\nRequest id: 42.",
        "Ask Oracle for more, then run the same command again.",
    )

    def install(_draft: Draft, _report: Report, _stop: StopFlag) -> Conclusion:
        return Conclusion(Ending.FAILED, 5, failure.what, failure=failure, log_file="install.log")

    async with running(MadeUpDesk(install_with=install)) as pilot:
        await straight_to_review(pilot)
        await pilot.press("enter")
        await page(pilot, OutcomePage)
        check_golden(pilot, "outcome_failed")


async def test_a_refused_inspection() -> None:
    def refuse(_stop: StopFlag) -> tuple[Finding, ...]:
        raise AccountError("The key is refused.", "Oracle answers 401.", "Upload the key anew.")

    async with running(MadeUpDesk(findings=refuse)) as pilot:
        await greeted(pilot)
        await pilot.press("end", "enter")
        await page(pilot, InspectionPage)
        await until(
            pilot, lambda: "refused" in str(pilot.app.screen.query_one("#found", Static).visual)
        )
        await pilot.pause()
        check_golden(pilot, "inspection_refused")
        assert conclusion_of(AccountError("x")).exit_code == 5
