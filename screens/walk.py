"""The conversation from its first page to its last. Loaded once the first page is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from installer.conversation import (
    Ask,
    ChooseModules,
    Conclusion,
    Conversation,
    Desk,
    Inspect,
    Stop,
    Welcome,
    carry_out,
    conclusion_of,
)
from installer.engine.errors import ExitCode, InstallError
from installer.engine.events import Report
from installer.engine.step import StopFlag
from screens.advice import More
from screens.inspection import InspectionPage
from screens.modules import ModulesPage
from screens.outcome import OutcomePage
from screens.page import Page
from screens.progress import ProgressPage
from screens.question import QuestionPage
from screens.results import (
    Answered,
    Back,
    Begun,
    Change,
    Ended,
    Fitted,
    Found,
    Install,
    MoreQuestions,
    Parting,
    Quit,
    Said,
    Switched,
)
from screens.review import ReviewPage
from screens.threads import in_thread
from screens.welcome import WelcomePage

if TYPE_CHECKING:
    from screens.app import HealthInstallApp


class Walk:
    """Shows page after page of one conversation."""

    def __init__(self, app: HealthInstallApp, clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock

    async def from_top_to_bottom(
        self, welcome: WelcomePage, open_desk: Callable[[], Desk]
    ) -> Parting:
        """The whole conversation, beginning with the page that is open already."""
        assert welcome.said is not None
        try:
            conversation = await in_thread(lambda: Conversation(open_desk()))
        except InstallError as error:
            return await self._conclude(conclusion_of(error))
        welcome.greet(conversation.greeting)
        said = await welcome.said
        while self._take(said, conversation):
            said = await self._at(conversation)
        if isinstance(said, Install):
            return await self._conclude(await self._install(conversation))
        return Parting(ExitCode.STOPPED)

    async def _at(self, conversation: Conversation) -> Said:
        """Show the page of the current stop and wait for what is said there."""
        stop = conversation.stop()
        said = await self._app.push_screen_wait(page_of(stop, conversation))
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
            case Fitted():
                conversation.accept(said.suggestion, said.enabled)
            case Back():
                conversation.back()
            case MoreQuestions():
                self._ask_more(conversation)
            case Install() | Quit():
                self._agree(said, conversation)
                return False
            case _:
                pass  # Taken where it was asked.
        return True

    def _agree(self, said: Install | Quit, conversation: Conversation) -> None:
        if isinstance(said, Install) and said.consent is not None:
            conversation.consent(said.consent)

    def _ask_more(self, conversation: Conversation) -> None:
        conversation.ask_advanced(not conversation.advanced)
        words = "asked, too" if conversation.advanced else "passed over"
        self._app.notify(f"Advanced questions are {words}.", markup=False)

    async def _install(self, conversation: Conversation) -> Conclusion:
        """Show progress until the thread that works is done."""

        def install(report: Report, stop: StopFlag) -> Conclusion:
            return carry_out(conversation.desk, conversation.draft, report, stop)

        ended = await self._app.push_screen_wait(ProgressPage(install, self._clock))
        assert isinstance(ended, Ended)
        return ended.conclusion

    async def _conclude(self, conclusion: Conclusion) -> Parting:
        """The last page, then the end."""
        await self._app.push_screen_wait(OutcomePage(conclusion))
        return Parting(conclusion.exit_code, conclusion)


def page_of(stop: Stop, conversation: Conversation) -> Page:
    """The page for a stop of the conversation."""
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
                more_of(conversation),
            )
        case _:
            return ReviewPage(
                desk.propose(conversation.draft),
                lambda: desk.plan_text(conversation.draft),
                more_of(conversation),
            )


def more_of(conversation: Conversation) -> More:
    """What pages with a bar can ask beyond it."""
    desk = conversation.desk
    return More(
        lambda switches: desk.advice(conversation.with_switches(switches)),
        lambda switches: desk.explanation(conversation.with_switches(switches)),
    )
