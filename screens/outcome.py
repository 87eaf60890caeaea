"""How it ended: where things answer, what to do next, or what went wrong and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from installer.conversation import Conclusion
from installer.engine.events import Ending
from installer.prompts.words import clean
from screens.page import Page, Words
from screens.results import GoOn

TITLES = {
    Ending.DONE: "Done",
    Ending.NOTHING_TO_DO: "Nothing to do",
    Ending.FAILED: "FAILED",
    Ending.STOPPED: "Stopped",
    Ending.PARKED: "Parked",
}


class OutcomePage(Page):
    """The last page."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close", "Close", id="close", tooltip="End the program"),
    ]
    can_go_back = False
    can_ask_more = False
    help_text = "The same text is printed to the terminal when this page is closed."

    def __init__(self, conclusion: Conclusion) -> None:
        super().__init__()
        self.conclusion = conclusion
        self.place = TITLES[conclusion.ending]

    def body(self) -> Iterable[Widget]:
        """What, why, then; or endpoints and what next."""
        with VerticalScroll(id="outcome"):
            words = Words(clean(self.conclusion.words), classes="title")
            words.set_class(self.conclusion.failure is not None, "-failed")
            yield words
            for heading, lines in outcome_parts(self.conclusion):
                yield Words(heading, classes="subtitle")
                yield Words("\n".join(lines))

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#outcome").focus()

    def action_close(self) -> None:
        """End the program."""
        self.dismiss(GoOn())


def outcome_parts(conclusion: Conclusion) -> list[tuple[str, list[str]]]:
    """Headings with their lines, in the order of the page; empty ones left out."""
    failure = conclusion.failure
    endpoints = [
        line
        for each in conclusion.endpoints
        for line in (
            f"{clean(each.title)}{f' ({clean(each.words)})' if each.words else ''}:",
            f"  {clean(each.address)}",
        )
    ]
    files = [
        f"Answers that repeat this: {clean(conclusion.answers_file)}",
        f"Log: {clean(conclusion.log_file)}",
    ]
    kept = [
        line
        for line, path in zip(files, (conclusion.answers_file, conclusion.log_file), strict=True)
        if path
    ]
    parts = [
        ("What happened", _what(conclusion)),
        ("Why", _lines(failure.why) if failure else []),
        ("What to do", _lines(failure.then) if failure else []),
        ("To know", [clean(each) for each in conclusion.remarks]),
        ("What next", [clean(each) for each in conclusion.what_next]),
        ("Where things answer", endpoints),
        ("Where passwords are", [clean(each) for each in conclusion.logins]),
        ("Files", kept),
    ]
    return [(heading, lines) for heading, lines in parts if lines]


def _what(conclusion: Conclusion) -> list[str]:
    """The failure's first sentence, unless the title says it already."""
    if conclusion.failure is None or conclusion.failure.what == conclusion.words:
        return []
    return _lines(conclusion.failure.what)


def _lines(text: str) -> list[str]:
    return [clean(line) for line in text.splitlines() if line.strip()]
