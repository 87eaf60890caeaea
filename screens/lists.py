"""Lists to choose from. The terminal's cursor follows, which is what a screen reader reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class ChoiceList(OptionList):
    """A list of one-line choices; Enter takes the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Choose", id="choose", tooltip="Take the marked line"),
    ]

    def __init__(self, rows: Sequence[tuple[str, str]], chosen: str = "", id: str = "") -> None:
        """`rows` are pairs of id and text, headings without id; text is never markup."""
        super().__init__(id=id or None, markup=False)
        self._rows = rows
        self._chosen = chosen

    def on_mount(self) -> None:
        """Fill the list, with the cursor on what is chosen already."""
        self.fill(self._rows, self._chosen)

    def fill(self, rows: Sequence[tuple[str, str]], chosen: str = "") -> None:
        """Show other rows."""
        self.set_options(
            [Option(Content(text), id=key or None, disabled=not key) for key, text in rows]
        )
        keys = [key for key, _ in rows]
        first = next((number for number, key in enumerate(keys) if key), None)
        self.highlighted = keys.index(chosen) if chosen and chosen in keys else first
        self.call_after_refresh(self.place_cursor)

    def say(self, key: str, text: str) -> None:
        """Change the text of one row."""
        self.replace_option_prompt(key, Content(text))

    def watch_highlighted(self, highlighted: int | None) -> None:
        """Move the terminal's cursor along."""
        super().watch_highlighted(highlighted)
        self.call_after_refresh(self.place_cursor)

    def on_focus(self) -> None:
        """Take the terminal's cursor."""
        self.call_after_refresh(self.place_cursor)

    def on_resize(self) -> None:
        """Follow when the list moves."""
        self.call_after_refresh(self.place_cursor)

    def place_cursor(self) -> None:
        """Put the terminal's cursor at the start of the marked line."""
        if self.has_focus and self.highlighted is not None:
            row = self.highlighted - round(self.scroll_offset.y)
            self.app.cursor_position = self.content_region.offset + Offset(0, row)
