"""One page for any question."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, OptionList

from installer.answers.problems import BadAnswer
from installer.answers.titles import section_title
from installer.conversation import Ask
from installer.prompts.words import clean
from screens.answer_input import AnswerInput
from screens.lists import ChoiceList
from screens.page import Page, Words
from screens.results import Answered

REFERENCES = ("env:", "file:", "keyring:")


class QuestionPage(Page):
    """Asks one question; what was typed is judged by the question alone."""

    help_text = (
        "Type or choose an answer and press Enter. The suggested answer comes from where the "
        "line above it says; every answer can be changed again on the review page."
    )

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self.ask = ask
        self.place = f"{section_title(ask.question.section)} {ask.number}/{ask.total}"

    @property
    def choices(self) -> tuple[str, ...]:
        """The words to choose from; empty when the answer is typed."""
        return ("yes", "no") if self.ask.question.kind == "switch" else self.ask.question.choices

    def body(self) -> Iterable[Widget]:
        """Question, explanation, suggestion, and where to answer."""
        question = self.ask.question
        yield Words(question.title, classes="title")
        with VerticalScroll(id="explanation", can_focus=False):
            yield Words("\n".join(filter(None, (question.help, question.costs))))
        source = f"Suggested by: {clean(self.ask.source)}" if self.ask.source else ""
        yield Words(source, classes="source")
        yield self._field()
        yield Words("", id="refusal")

    def _field(self) -> Widget:
        if self.choices:
            return ChoiceList([(each, each) for each in self.choices], self.ask.text, id="answer")
        question = self.ask.question
        field = AnswerInput(self.ask.text, id="answer", select_on_focus=False)
        field.password = question.secret and not is_reference(self.ask.text)
        if question.secret:
            field.placeholder = "env:NAME, file:PATH or keyring:SERVICE/USER"
        return field

    def on_mount(self) -> None:
        """Be ready for typing."""
        self.query_one("#answer").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Hide what may be a secret typed by mistake; a reference may be read."""
        if self.ask.question.secret:
            event.input.password = not is_reference(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter on the line."""
        self._judge(event.value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a choice."""
        self._judge(event.option.id or "")

    def _judge(self, text: str) -> None:
        try:
            self.ask.question.parse(text)
        except BadAnswer as refused:
            refusal = self.query_one("#refusal", Words)
            refusal.add_class("-failed")
            refusal.say(f"Not accepted: {clean(refused.sentence)}")
        else:
            self.dismiss(Answered(text))


def is_reference(text: str) -> bool:
    """Whether a text only names where a secret is kept, and may be shown."""
    return text in ("", "generate") or text.startswith(REFERENCES)
