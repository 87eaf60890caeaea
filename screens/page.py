"""What all pages share: heading, keys, help."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

if TYPE_CHECKING:
    from screens.results import Said

    _Screen = Screen[Said]
else:
    # The first frame does not wait for what pages say.
    _Screen = Screen


LEAVE = Binding(
    "ctrl+q",
    "app.leave",
    "Leave",
    id="leave",
    priority=True,
    tooltip="Leave; while something is being made, stop in good order first",
)


class Heading(Static):
    """One line: the program on the left, where we are on the right."""

    def __init__(self, place: str) -> None:
        super().__init__(markup=False)
        self._place = place

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.show(self._place)

    def on_resize(self) -> None:
        """Keep the right part at the right."""
        self.show(self._place)

    def show(self, place: str) -> None:
        """Say where we are."""
        self._place = place
        left = "health-install"
        gap = max(2, self.size.width - len(left) - len(place))
        self.update(Content(f"{left}{' ' * gap}{place}"))


class Words(Static):
    """Text that nobody may turn into markup."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str = "") -> None:
        super().__init__(Content(text), id=id, classes=classes, markup=False)

    def say(self, text: str) -> None:
        """Show other words."""
        self.update(Content(text))


class Page(_Screen):
    """A page that is left with something said."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="back", tooltip="To the page before"),
        Binding("f1", "help", "Help", id="help", tooltip="Explain this page and its keys"),
        Binding(
            "f2",
            "advanced",
            "Advanced",
            id="advanced",
            tooltip="Ask the rarer questions, too, or pass them over again",
        ),
        LEAVE,
    ]
    place = ""
    help_text = ""
    can_go_back = True
    can_ask_more = True

    def compose(self) -> ComposeResult:
        """Heading, the page's own widgets, keys."""
        yield Heading(self.place)
        yield from self.body()
        yield Footer(show_command_palette=False)

    def body(self) -> Iterable[Widget]:
        """The page's own widgets."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what does nothing here: a grey key says nothing without colour."""
        if action == "back" and not self.can_go_back:
            return False
        if action == "advanced" and not self.can_ask_more:
            return False
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Leave towards the page before."""
        from screens.results import Back

        self.dismiss(Back())

    def action_advanced(self) -> None:
        """Ask more questions, or fewer."""
        from screens.results import MoreQuestions

        self.dismiss(MoreQuestions())

    def action_help(self) -> None:
        """Explain this page."""
        keys = [
            (each.binding.key, each.binding.tooltip or each.binding.description)
            for each in self.active_bindings.values()
            if each.binding.show and each.enabled
        ]
        self.app.push_screen(TextPage("Help", self.help_text + "\n\n" + _key_lines(keys)))

    def leave(self) -> None:
        """Leave the program."""
        from screens.results import Quit

        self.dismiss(Quit())


KEY_NAMES = {"escape": "Esc", "enter": "Enter", "space": "Space", "ctrl+q": "Ctrl+Q"}
KEY_WIDTH = 8


def _key_lines(keys: Iterable[tuple[str, str]]) -> str:
    named = {KEY_NAMES.get(key, key.upper()): words for key, words in keys}
    return "\n".join(f"{key:<{KEY_WIDTH}}{words}" for key, words in named.items())


class TextPage(ModalScreen[None]):
    """A text to read and to leave again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,f1", "close", "Close", id="close", key_display="Esc"),
        LEAVE,
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Heading, the text, keys."""
        yield Heading(self._title)
        with VerticalScroll(id="text"):
            yield Words(self._text)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#text").focus()

    def action_close(self) -> None:
        """Back to the page below."""
        self.dismiss(None)

    def leave(self) -> None:
        """Close the text; leaving the program takes another key press."""
        self.dismiss(None)
