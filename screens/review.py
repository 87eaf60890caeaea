"""Everything that was said, the bill, and the last word before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList

from installer.answers.titles import section_title
from installer.conversation import AnswerRow, Proposal, consent_given
from installer.engine.errors import InstallError
from installer.prompts.words import bill_words, clean, source_words, usage_words
from screens.advice import EXPLAIN, FIT, More, show_advice, show_explanation
from screens.answer_input import AnswerInput
from screens.bar import shortened
from screens.lists import ChoiceList
from screens.modules import verdict_text
from screens.page import Page, TextPage, Words
from screens.results import Change, Install

INSTALL = "install!"
PLAN = "plan!"
TITLE_WIDTH = 30


class ReviewPage(Page):
    """Every answer with where it came from. Money needs its amount typed, whatever was chosen."""

    place = "Review"
    help_text = (
        "Enter on a line asks that question again; Enter on the first line installs. When the "
        "bill is above 0.00, the amount must be typed first. f shows what could be given up so "
        "that it fits, e where every number comes from. Nothing has been made so far."
    )

    BINDINGS: ClassVar[list[BindingType]] = [FIT, EXPLAIN]

    def __init__(self, proposal: Proposal, plan_text: Callable[[], str], more: More) -> None:
        super().__init__()
        self._proposal = proposal
        self._plan_text = plan_text
        self._more = more

    def body(self) -> Iterable[Widget]:
        """Bill and verdict on top, then the consent where it is needed, then the answers."""
        verdict = Words(verdict_text(self._proposal), id="verdict")
        verdict.set_class(not self._proposal.ready, "-failed")
        yield verdict
        yield Words(usage_text(self._proposal), id="usage")
        yield Words(bill_text(self._proposal), id="bill")
        if self._proposal.notices:
            yield Words(notice_text(self._proposal), id="notices")
        if self._consent_wanted():
            yield Words(f"To agree, type {self._proposal.consent:.2f} and press Enter:")
            yield AnswerInput(id="consent", placeholder="0.00")
        yield Words("", id="refusal")
        yield ChoiceList(self._rows(), id="answers")

    def _consent_wanted(self) -> bool:
        return self._proposal.ready and self._proposal.consent is not None

    def _rows(self) -> list[tuple[str, str]]:
        first = "Install now" if self._proposal.ready else "Cannot install yet: see above"
        rows = [(INSTALL, first), (PLAN, "Show the plan")]
        section = ""
        for each in self._proposal.answers:
            if each.section != section:
                section = each.section
                rows.append(("", section_title(section)))
            rows.append((each.path, answer_text(each)))
        return rows

    def on_mount(self) -> None:
        """Be ready for the next key: the amount, or the list."""
        self.query_one("#consent" if self._consent_wanted() else "#answers").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The amount was typed."""
        assert self._proposal.consent is not None
        agreed = consent_given(event.value, self._proposal.consent)
        if agreed is None:
            self._refuse(f"Not agreed: {self._proposal.consent:.2f} must be typed, nothing else.")
        else:
            self.dismiss(Install(agreed))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Install, read the plan, or change an answer."""
        chosen = event.option.id or ""
        if chosen == INSTALL:
            self._install()
        elif chosen == PLAN:
            self._show_plan()
        else:
            self._change(chosen)

    def _install(self) -> None:
        if not self._proposal.ready:
            self._refuse("This cannot be installed yet; the reason is at the top.")
        elif self._consent_wanted():
            self._refuse(f"This costs money: type {self._proposal.consent:.2f} above to agree.")
            self.query_one("#consent").focus()
        else:
            self.dismiss(Install())

    def action_fit(self) -> None:
        """Show what could be given up, and take over what is chosen there."""
        show_advice(self, lambda: self._more.advice({}), {})

    def action_explain(self) -> None:
        """Show where every number comes from."""
        show_explanation(self, lambda: self._more.explanation({}))

    def _show_plan(self) -> None:
        try:
            text = self._plan_text()
        except InstallError as error:
            text = str(error)
        self.app.push_screen(TextPage("The plan", text))

    def _change(self, path: str) -> None:
        row = next(each for each in self._proposal.answers if each.path == path)
        if row.changeable:
            self.dismiss(Change(path))
        else:
            self._refuse(f"{row.title} is fixed by {clean(row.source)} and not changed here.")

    def _refuse(self, sentence: str) -> None:
        refusal = self.query_one("#refusal", Words)
        refusal.add_class("-failed")
        refusal.say(sentence)


def answer_text(row: AnswerRow) -> str:
    """One answer as a line: what, which value, from where."""
    value = clean(row.value) or "(empty)"
    title = shortened(clean(row.title), TITLE_WIDTH)
    return f"  {title:<{TITLE_WIDTH}}  {value}  ({source_words(row.source)})"


def notice_text(proposal: Proposal) -> str:
    """How much there is to know; the texts themselves stand in the plan, they would fill a page."""
    count = len(proposal.notices)
    return f"{count} {'thing' if count == 1 else 'things'} to know: see Show the plan."


def usage_text(proposal: Proposal) -> str:
    """All resources in a line or two."""
    return " · ".join(usage_words(row) for row in proposal.rows)


def bill_text(proposal: Proposal) -> str:
    """The bill: its total, and what is not free."""
    costly = [line for line in proposal.bill if line.monthly_usd > 0]
    lines = [f"  {line.monthly_usd:.2f}  {clean(line.words)}" for line in costly]
    return "\n".join([bill_words(proposal), *lines])
