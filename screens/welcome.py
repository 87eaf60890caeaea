"""The first page. It must be there before anything heavy is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList

from screens.lists import ChoiceList
from screens.page import Page, Words

if TYPE_CHECKING:
    from installer.conversation import Greeting
    from screens.results import Begun, Said

OPENING = "First come the questions, then what the answers need and cost, then the last word."
LOADING = "Reading the modules…"
BEGIN = ("begin", "Begin")
STRAIGHT = "straight"
STRAIGHT_WORDS = "Skip the questions: take the suggested answers and review them"


class WelcomePage(Page):
    """What will happen and what it costs; choose what to begin with.

    It is shown, and takes a choice, before the desk is open; `greet` fills in the rest.
    """

    place = "Welcome"
    can_go_back = False
    can_ask_more = False
    help_text = (
        "A profile is a set of answers to begin with; every one of them can be changed on the "
        "pages that follow. Nothing is made before you say so on the last page."
    )

    def __init__(self, greeting: Greeting | None = None) -> None:
        super().__init__()
        self._greeting = greeting
        self._early: Begun | None = None
        self.shown = asyncio.Event()
        self.said: asyncio.Future[Said] | None = None

    def body(self) -> Iterable[Widget]:
        """The greeting and the choice of a profile."""
        with VerticalScroll(id="greeting"):
            yield Words(OPENING, id="opening", classes="paragraph")
            yield Words(LOADING, id="more", classes="paragraph")
        yield Words("Begin with:", classes="title")
        yield ChoiceList([BEGIN], id="profiles")
        yield Words("", id="purpose")

    def on_mount(self) -> None:
        """Be ready for Enter."""
        self.query_one(ChoiceList).focus()
        self.call_after_refresh(self.shown.set)
        if self._greeting is not None:
            self.greet(self._greeting)

    def done(self, said: Said) -> None:
        """The very first page is never taken away, so what it says comes another way."""
        if self.said is None:
            self.dismiss(said)
        elif not self.said.done():
            # It lies below all others from now on, and must not shine through between two.
            self.add_class("-passed")
            self.said.set_result(said)

    def leave(self) -> None:
        """Leave the program."""
        from screens.results import Quit

        self.done(Quit())

    def greet(self, greeting: Greeting) -> None:
        """The desk is open: say the rest, and go on if somebody chose already."""
        from installer.prompts.words import clean

        self._greeting = greeting
        if self._early is not None:
            self.done(self._early)
            return
        paragraphs = [clean(text) for text in (greeting.unfinished, *greeting.paragraphs) if text]
        self.query_one("#opening").display = False
        self.query_one("#more", Words).say("\n\n".join(paragraphs))
        rows = [
            (each.name, f"{clean(each.title)} (profile {each.name})") for each in greeting.profiles
        ]
        self.query_one(ChoiceList).fill(
            [*(rows or [BEGIN]), (STRAIGHT, STRAIGHT_WORDS)], greeting.profile
        )

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what the marked profile is for."""
        from installer.prompts.words import clean

        profiles = self._greeting.profiles if self._greeting else ()
        purposes = {each.name: clean(each.purpose) for each in profiles}
        self.query_one("#purpose", Words).say(purposes.get(event.option.id or "", ""))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Begin, now or as soon as the desk is open."""
        from screens.results import Begun

        chosen = event.option.id or ""
        begun = Begun("" if chosen in (BEGIN[0], STRAIGHT) else chosen, chosen == STRAIGHT)
        if self._greeting is None:
            self._early = begun
            self.query_one("#more", Words).say(f"{LOADING} We begin in a moment.")
        else:
            self.done(begun)
