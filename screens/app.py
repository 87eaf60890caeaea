"""The installer on a screen: one worker walks the pages, one thread does the work.

What the first page does not need is imported later: it must be there before any SDK is.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.worker import WorkerFailed

from installer.engine.errors import ExitCode, InstallError
from installer.engine.step import StopFlag
from installer.prompts.words import conclusion_lines
from screens.page import Page, TextPage
from screens.results import (
    Answered,
    Back,
    Begun,
    Change,
    Ended,
    Found,
    Install,
    MoreQuestions,
    Quit,
    Said,
    Switched,
)
from screens.threads import in_thread
from screens.welcome import WelcomePage

if TYPE_CHECKING:
    from installer.conversation import Conclusion, Conversation, Desk, Stop
    from installer.engine.events import Report

LEFT = "Left. Nothing was made."
LEFT_AT_ONCE = "Left at once. Run the same command again to go on from here."


@dataclass(frozen=True)
class Parting:
    """How the app was left; `conclusion` is None when nothing was begun."""

    exit_code: int
    conclusion: Conclusion | None = None
    at_once: bool = False


class HealthInstallApp(App[Parting], inherit_bindings=False):
    """Welcome, questions, modules, review, progress, outcome.

    `open_desk` is called in a thread once the first page is on the screen.
    """

    TITLE = "health-install"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    # Textual declares this one so that ClassVar is refused.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "leave", "Leave", priority=True, show=False),
    ]

    def __init__(
        self, open_desk: Callable[[], Desk], clock: Callable[[], float] = time.monotonic
    ) -> None:
        no_color = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if no_color else None)
        if no_color:
            # Textual would paint greys; this theme leaves the terminal's own colours alone.
            self.theme = "ansi-dark"
        self._open_desk = open_desk
        self._clock = clock

    @property
    def crash(self) -> BaseException | None:
        """What nobody expected, if the app ended with it."""
        error = self._exception
        return error.error if isinstance(error, WorkerFailed) else error

    def on_mount(self) -> None:
        """Begin the walk."""
        self.walk()

    # -- from top to bottom -------------------------------------------------------------------

    @work
    async def walk(self) -> None:
        """The whole conversation; ends the app."""
        welcome = WelcomePage()
        first: asyncio.Future[Said] = self.push_screen(welcome, wait_for_dismiss=True)
        await welcome.shown.wait()
        try:
            conversation = await in_thread(self._open_conversation)
        except InstallError as error:
            await self._conclude(_refusal(error))
            return
        welcome.greet(conversation.greeting)
        said = await first
        while self._take(said, conversation):
            said = await self._at(conversation)
        if isinstance(said, Install):
            await self._conclude(await self._install(conversation))
        else:
            self.exit(Parting(ExitCode.STOPPED))

    def _open_conversation(self) -> Conversation:
        """In a thread: this is where the heavy imports are."""
        from installer.conversation import Conversation

        return Conversation(self._open_desk())

    async def _at(self, conversation: Conversation) -> Said:
        """Show the page of the current stop and wait for what is said there."""
        from installer.conversation import Ask

        stop = conversation.stop()
        said = await self.push_screen_wait(page_of(stop, conversation))
        if isinstance(stop, Ask) and isinstance(said, Answered):
            conversation.answer(stop, said.text)
        return said

    def _take(self, said: Said, conversation: Conversation) -> bool:
        """Tell the conversation what was said; False when the walk through it is over."""
        match said:
            case Begun():
                profile = said.profile or conversation.greeting.profile
                conversation.begin(profile, straight_to_review=said.straight_to_review)
            case Found():
                conversation.inspected(said.findings)
            case Switched():
                conversation.choose_modules(said.enabled)
            case Change():
                conversation.change(said.path)
            case Back():
                conversation.back()
            case MoreQuestions():
                self._ask_more(conversation)
            case Install():
                if said.consent is not None:
                    conversation.consent(said.consent)
                return False
            case Quit():
                return False
            case _:
                pass  # Taken where it was asked.
        return True

    def _ask_more(self, conversation: Conversation) -> None:
        conversation.ask_advanced(not conversation.advanced)
        words = "asked, too" if conversation.advanced else "passed over"
        self.notify(f"Advanced questions are {words}.", markup=False)

    async def _install(self, conversation: Conversation) -> Conclusion:
        """Show progress until the thread that works is done."""
        from installer.conversation import carry_out
        from screens.progress import ProgressPage

        def install(report: Report, stop: StopFlag) -> Conclusion:
            return carry_out(conversation.desk, conversation.draft, report, stop)

        ended = await self.push_screen_wait(ProgressPage(install, self._clock))
        assert isinstance(ended, Ended)
        return ended.conclusion

    async def _conclude(self, conclusion: Conclusion) -> None:
        """The last page, then the end."""
        from screens.outcome import OutcomePage

        await self.push_screen_wait(OutcomePage(conclusion))
        self.exit(Parting(conclusion.exit_code, conclusion))

    # -- leaving ------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Leave; what is being made stops in good order first, at once when asked twice."""
        working = next((each for each in self.screen_stack if hasattr(each, "ask_to_stop")), None)
        if working is not None:
            if not working.ask_to_stop():
                self.exit(Parting(ExitCode.STOPPED_AT_ONCE, at_once=True))
        elif isinstance(self.screen, Page | TextPage):
            self.screen.leave()

    def _fatal_error(self) -> None:
        # Textual would print a traceback with local variables, secrets among them. The error is
        # raised again by `run`, for the command line to end as it does for every bug.
        self._close_messages_no_wait()


def page_of(stop: Stop, conversation: Conversation) -> Page:
    """The page for a stop of the conversation."""
    from installer.conversation import Ask, ChooseModules, Inspect, Welcome
    from screens.inspection import InspectionPage
    from screens.modules import ModulesPage
    from screens.question import QuestionPage
    from screens.review import ReviewPage

    desk = conversation.desk
    match stop:
        case Welcome():
            return WelcomePage(conversation.greeting)
        case Ask():
            return QuestionPage(stop)
        case Inspect():
            return InspectionPage(lambda: desk.inspect(conversation.draft, StopFlag()))
        case ChooseModules():
            return ModulesPage(
                conversation.switches(),
                lambda switches: desk.propose(conversation.with_switches(switches)),
            )
        case _:
            return ReviewPage(
                desk.propose(conversation.draft), lambda: desk.plan_text(conversation.draft)
            )


def _refusal(error: InstallError) -> Conclusion:
    from installer.conversation import conclusion_of

    return conclusion_of(error)


def run(open_desk: Callable[[], Desk]) -> int:
    """Run the app on this terminal; returns the exit code.

    Afterwards the outcome is printed as lines, so that it stays in the terminal. Raises what
    nobody expected, without a trace on the screen. Does not return when left at once: a thread in
    the middle of a call cannot be ended, and what it does is on record.
    """
    app = HealthInstallApp(open_desk)
    parting = app.run()
    if app.crash is not None:
        raise app.crash
    if parting is None:
        parting = Parting(ExitCode.STOPPED)
    _print_parting(parting)
    if parting.at_once:
        sys.stdout.flush()
        os._exit(ExitCode.STOPPED_AT_ONCE)
    return parting.exit_code


def run_app(desk: Desk) -> int:
    """Like `run`, with a desk that is open already."""
    return run(lambda: desk)


def _print_parting(parting: Parting) -> None:
    if parting.at_once:
        lines: tuple[str, ...] = (LEFT_AT_ONCE,)
    elif parting.conclusion is None:
        lines = (LEFT,)
    else:
        lines = conclusion_lines(parting.conclusion)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
