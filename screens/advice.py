"""What could be given up so that the plan fits, and where every number comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Footer, OptionList

from installer.engine.errors import InstallError
from installer.prompts.words import NOTHING_HELPS, clean
from screens.lists import ChoiceList
from screens.page import LEAVE, Heading, Page, TextPage, Words
from screens.results import Fitted
from screens.threads import in_thread

if TYPE_CHECKING:
    from installer.conversation import Suggestion

FIT = Binding("f", "fit", "Fit", id="fit", tooltip="Show what could be given up so that it fits")
EXPLAIN = Binding("e", "explain", "Why", id="explain", tooltip="Show where every number comes from")
Switches = Mapping[str, bool]


@dataclass(frozen=True)
class More:
    """What a page with a bar can ask beyond it; both may take a second, so in a thread."""

    advice: Callable[[Switches], tuple[Suggestion, ...]]
    explanation: Callable[[Switches], str]


class AdvicePage(ModalScreen["Suggestion | None"]):
    """Suggestions, the least painful first; Enter takes the marked one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Back", id="close", tooltip="Keep everything as it is"),
        LEAVE,
    ]

    def __init__(self, look: Callable[[], tuple[Suggestion, ...]]) -> None:
        super().__init__()
        self._look = look
        self._found: tuple[Suggestion, ...] = ()

    def compose(self) -> Iterable[Widget]:
        """Heading, the suggestions as a list, the marked one in full, keys."""
        yield Heading("What could be given up")
        yield Words("Looking for what could be given up…", id="advice-state")
        yield ChoiceList([], id="suggestions")
        with VerticalScroll(id="suggestion"):
            yield Words("", id="suggestion-text")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one(ChoiceList).display = False
        self.look()

    @work
    async def look(self) -> None:
        """Search in a thread, since it may take a second."""
        try:
            self._found = await in_thread(self._look)
        except InstallError as error:
            self._say(clean(str(error)))
            return
        if not self._found:
            self._say(NOTHING_HELPS)
            return
        self._say("Enter takes the marked suggestion; Esc keeps everything as it is.")
        choices = self.query_one(ChoiceList)
        choices.fill([(str(at), _row_text(at, one)) for at, one in enumerate(self._found)])
        choices.display = True
        choices.focus()

    def _say(self, text: str) -> None:
        self.query_one("#advice-state", Words).say(text)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the marked one in full."""
        one = self._found[int(event.option.id or 0)]
        lines = [clean(change.words) for change in one.changes]
        lines += [f"then {clean(words)}" for words in one.after]
        self.query_one("#suggestion-text", Words).say("\n".join(lines))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it."""
        self.dismiss(self._found[int(event.option.id or 0)])

    def action_close(self) -> None:
        """Keep everything as it is."""
        self.dismiss(None)

    def leave(self) -> None:
        """Close the page; leaving the program takes another key press."""
        self.dismiss(None)


def _row_text(at: int, suggestion: Suggestion) -> str:
    count = len(suggestion.changes)
    return f"Suggestion {at + 1}: {count} {'change' if count == 1 else 'changes'}"


def show_advice(page: Page, look: Callable[[], tuple[Suggestion, ...]], enabled: Switches) -> None:
    """Open the suggestions over a page; taking one leaves the page with it."""

    def taken(suggestion: Suggestion | None) -> None:
        if suggestion is not None:
            page.dismiss(Fitted(suggestion, dict(enabled)))

    page.app.push_screen(AdvicePage(look), taken)


def show_explanation(page: Page, explain: Callable[[], str]) -> None:
    """Open the explanation of every number over a page."""
    try:
        text = explain()
    except InstallError as error:
        text = str(error)
    page.app.push_screen(TextPage("Where the numbers come from", text))
