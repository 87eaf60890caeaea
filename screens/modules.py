"""Which modules are wanted, with the bar that follows every switch."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import OptionList

from installer.conversation import ModuleChoice, Proposal
from installer.prompts.words import bill_words, clean
from screens.advice import EXPLAIN, FIT, More, show_advice, show_explanation
from screens.bar import BudgetBar
from screens.lists import ChoiceList
from screens.page import Page, Words
from screens.results import Switched

_VALUES_BETWEEN_COLLECTIONS = 100_000
Think = Callable[[Mapping[str, bool]], Proposal]


class ModuleList(ChoiceList):
    """The modules with their state as a word; Space switches, Enter goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "Switch", id="switch", tooltip="Switch this module on or off"),
        Binding("enter", "select", "Next", id="next", tooltip="Keep these modules and go on"),
    ]

    def action_switch(self) -> None:
        """Tell the page which module to switch."""
        if self.highlighted_option is not None:
            assert isinstance(self.screen, ModulesPage)
            self.screen.switch(self.highlighted_option.id or "")


class ModulesPage(Page):
    """Switches for all modules. `think` turns switches into a proposal, quickly."""

    place = "Modules"
    help_text = (
        "Space switches a module on or off, Enter goes on. The bar shows what all modules need "
        "together against what there is; a resource that is too small says OVER. f shows what "
        "could be given up so that it fits, e where every number comes from."
    )
    BINDINGS: ClassVar[list[BindingType]] = [FIT, EXPLAIN]

    def __init__(self, switches: Mapping[str, bool], think: Think, more: More) -> None:
        super().__init__()
        self.switches = dict(switches)
        self._more = more
        self._think_anew = think
        self._thought: dict[tuple[tuple[str, bool], ...], Proposal] = {}
        self._proposal = self._think()

    def body(self) -> Iterable[Widget]:
        """Switches, the purpose of the marked one, the bar, and what is wrong."""
        rows = [(each.name, row_text(each)) for each in self._proposal.modules]
        yield ModuleList(rows, id="modules")
        yield Words("", id="purpose")
        yield BudgetBar()
        yield Words("", id="verdict")

    def on_mount(self) -> None:
        """Show the state there is."""
        # With everything switched on once, each part is known when its switch is turned.
        self._think_anew(dict.fromkeys(self.switches, True))
        # What is loaded by now stays until the end, and a plan makes thousands of values that go at
        # once: looking for circles in all of them would make a key press wait now and then.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_VALUES_BETWEEN_COLLECTIONS)
        self.query_one(ModuleList).focus()
        self._show()

    def switch(self, name: str) -> None:
        """Turn one module the other way and think again."""
        self.switches[name] = not self.switches.get(name, False)
        self._proposal = self._think()
        changed = next(each for each in self._proposal.modules if each.name == name)
        self.query_one(ModuleList).say(name, row_text(changed))
        self._show()

    def _think(self) -> Proposal:
        """What the switches come to; nothing else changes on this page, so each is thought once."""
        switches = tuple(self.switches.items())
        if switches not in self._thought:
            self._thought[switches] = self._think_anew(self.switches)
        return self._thought[switches]

    def action_fit(self) -> None:
        """Show what could be given up, and take over what is chosen there."""
        show_advice(self, lambda: self._more.advice(self.switches), self.switches)

    def action_explain(self) -> None:
        """Show where every number comes from."""
        show_explanation(self, lambda: self._more.explanation(self.switches))

    def _show(self) -> None:
        self.query_one(BudgetBar).show(self._proposal)
        verdict = self.query_one("#verdict", Words)
        verdict.set_class(not self._proposal.ready, "-failed")
        verdict.say(f"{verdict_text(self._proposal)} {bill_words(self._proposal)}")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what the marked module is for."""
        for each in self._proposal.modules:
            if each.name == event.option.id:
                needs = f" Needs {clean(', '.join(each.needs))}." if each.needs else ""
                self.query_one("#purpose", Words).say(clean(each.purpose) + needs)

    def on_option_list_option_selected(self, _event: OptionList.OptionSelected) -> None:
        """Keep the switches."""
        self.dismiss(Switched(dict(self.switches)))


def row_text(module: ModuleChoice) -> str:
    """One module as a line: state as a word, then its name."""
    return f"{'[on] ' if module.enabled else '[off]'} {clean(module.title)}"


def verdict_text(proposal: Proposal) -> str:
    """What is wrong, or that nothing is; mistakes come before limits."""
    if proposal.complaints:
        return " ".join(f"To mend: {clean(each.sentence)}" for each in proposal.complaints)
    if not proposal.fits:
        reasons = " ".join(f"Does not fit: {clean(each)}" for each in proposal.reasons)
        return f"{reasons} Press f to see what could be given up."
    if proposal.undecided:
        return " ".join(f"To decide: {clean(each)}" for each in proposal.undecided)
    return "Everything fits."
