"""While the account or the cluster is looked at, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual import work
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList

from installer.engine.errors import InstallError
from installer.prompts.words import clean
from screens.lists import ChoiceList
from screens.page import Page, Words
from screens.results import Back, Found, GoOn, Said
from screens.threads import in_thread

if TYPE_CHECKING:
    from installer.conversation import Finding

NEXT = ("next", "Go on")
BACK = ("back", "Go back and change an answer")
AGAIN = ("again", "Try again")

Look = Callable[[], "tuple[Finding, ...]"]


class InspectionPage(Page):
    """Looks, in a thread; shows what was found, or why going on makes no sense."""

    place = "Looking at what is there"
    can_ask_more = False
    help_text = "Nothing is changed here: the account or the cluster is only looked at."

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._findings: tuple[Finding, ...] = ()

    def body(self) -> Iterable[Widget]:
        """What was found, and what to do now."""
        with VerticalScroll(id="findings"):
            yield Words("Looking at what is there; nothing is changed…", id="found")
        yield ChoiceList([], id="choices")

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one(ChoiceList).display = False
        self.look()

    @work
    async def look(self) -> None:
        """Go on at once when there is nothing to read."""
        try:
            self._findings = await in_thread(self._look)
        except InstallError as error:
            self._refused(error)
            return
        if self._findings:
            self._settle(finding_lines(self._findings), [NEXT, BACK])
        else:
            self.dismiss(Found(()))

    def _refused(self, error: InstallError) -> None:
        parts = [clean(part) for part in (error.what, error.why, error.then) if part]
        self.query_one("#found").add_class("-failed")
        self._settle(parts, [AGAIN, BACK])

    def _settle(self, parts: list[str], rows: list[tuple[str, str]]) -> None:
        self.query_one("#found", Words).say("\n\n".join(parts))
        choices = self.query_one(ChoiceList)
        choices.fill(rows)
        choices.display = True
        choices.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """On, again, or back."""
        said: dict[str, Said] = {
            NEXT[0]: Found(self._findings),
            BACK[0]: Back(),
            AGAIN[0]: GoOn(),
        }
        self.dismiss(said[event.option.id or BACK[0]])


def finding_lines(findings: tuple[Finding, ...]) -> list[str]:
    """What was found, a line each, good or not as a word."""
    return [f"{'ok' if each.good else 'ATTENTION'}: {clean(each.words)}" for each in findings]
