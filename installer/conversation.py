"""What a front end needs from the core, and the order in which a conversation goes.

Screens, prompts and the headless file all speak to a `Desk`; none of them has rules of its own.
`Conversation` keeps what was answered so far and says what comes next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from installer.answers.asking import Question, next_question
from installer.answers.model import Answers
from installer.engine.errors import InstallError
from installer.engine.events import Ending, Report
from installer.engine.step import StopFlag

CONSENT_PATH = "money.accept_monthly_usd"
MODULES_PREFIX = "modules."
ENABLED_SUFFIX = ".enabled"


# -- what the desk hands over -----------------------------------------------------------------


@dataclass(frozen=True)
class ProfileChoice:
    """A named set of answers to begin with."""

    name: str
    title: str
    purpose: str


@dataclass(frozen=True)
class Greeting:
    """The first page: what is going to happen and what it costs, one paragraph an item.

    `unfinished` names, in a sentence, an earlier run that can be continued; empty when there is
    none. `complete` says that nothing must be asked: every answer has a value already.
    """

    paragraphs: tuple[str, ...]
    profiles: tuple[ProfileChoice, ...]
    profile: str
    unfinished: str = ""
    complete: bool = True


@dataclass(frozen=True)
class Suggested:
    """What a question starts with, as text, and where that comes from ("previous run")."""

    text: str
    source: str


@dataclass(frozen=True)
class Draft:
    """What the person has said so far; `answered` maps a question's path to its parsed value.

    Values from flags, environment, an earlier run, the profile and defaults are not in it: the
    desk lays the draft over them.
    """

    profile: str
    answered: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Share:
    """What one module takes of a resource, in the row's unit."""

    module: str
    amount: float


@dataclass(frozen=True)
class BarRow:
    """One resource against its limit; `words` says the same in a sentence.

    `used`, `limit` and shares are in `unit` ("CPU", "GB", "USD a month"). A limit of 0.0 is a
    limit too, money usually has it; None means that nobody knows one.
    """

    resource: str
    used: float
    limit: float | None
    unit: str
    shares: tuple[Share, ...]
    over: bool
    words: str


@dataclass(frozen=True)
class BillLine:
    """One thing that costs, or is free, in US dollars a month."""

    words: str
    monthly_usd: Decimal


@dataclass(frozen=True)
class ModuleChoice:
    """A module as it can be switched; `needs` are names of other modules."""

    name: str
    title: str
    purpose: str
    enabled: bool
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerRow:
    """One answer as the review shows it.

    `value` is text that may be shown (a secret only as its reference), `source` in words
    ("answers.yaml:12", "profile lean"), `changeable` False when a flag or the environment rules.
    """

    path: str
    section: str
    title: str
    value: str
    source: str
    changeable: bool = True


@dataclass(frozen=True)
class Complaint:
    """Something wrong with the answers as a whole; `path` is empty when no single one is."""

    path: str
    sentence: str


@dataclass(frozen=True)
class Proposal:
    """The draft, thought through: what it needs, costs and says.

    `complaints` are mistakes in the answers; `reasons` say why it does not fit. `consent` is the
    monthly amount in US dollars that must still be agreed to, None when there is none. Nothing is
    installed while something is `undecided`; `notices` are good to know and stop nothing.
    """

    rows: tuple[BarRow, ...]
    bill: tuple[BillLine, ...]
    bill_usd: Decimal
    consent: Decimal | None
    fits: bool
    reasons: tuple[str, ...]
    complaints: tuple[Complaint, ...]
    modules: tuple[ModuleChoice, ...]
    answers: tuple[AnswerRow, ...]
    undecided: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether an installation may begin, once money is agreed to."""
        return self.fits and not self.complaints and not self.undecided


@dataclass(frozen=True)
class SuggestedChange:
    """One answer to change, as text; `words` say what that costs the person."""

    path: str
    value: str
    words: str


@dataclass(frozen=True)
class Suggestion:
    """Changes after which the plan fits and costs nothing nobody agreed to; `after` says how it
    stands then, a line for each resource that was short."""

    changes: tuple[SuggestedChange, ...]
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One thing learned from the account or the cluster."""

    good: bool
    words: str


@dataclass(frozen=True)
class Endpoint:
    """Where a service answers; `words` says what for, or how to reach it."""

    title: str
    address: str
    words: str = ""


@dataclass(frozen=True)
class Failure:
    """What happened, why, and what to do next."""

    what: str
    why: str
    then: str


@dataclass(frozen=True)
class Conclusion:
    """How it ended, for the last page; `remarks` are what a person should know of the result.

    `logins` say where the passwords are, and never what they are.
    """

    ending: Ending
    exit_code: int
    words: str
    endpoints: tuple[Endpoint, ...] = ()
    what_next: tuple[str, ...] = ()
    failure: Failure | None = None
    answers_file: str = ""
    log_file: str = ""
    remarks: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()


def conclusion_of(error: InstallError, *, answers_file: str = "", log_file: str = "") -> Conclusion:
    """The last page for a failure that came before or outside of any step."""
    failure = Failure(error.what, error.why, error.then)
    return Conclusion(
        Ending.FAILED,
        int(error.exit_code),
        error.what,
        failure=failure,
        answers_file=answers_file,
        log_file=log_file,
    )


class Desk(Protocol):
    """The core as a front end sees it. Calls marked blocking belong in a thread."""

    @property
    def model(self) -> type[Answers]:
        """The answers model, modules included."""

    def questions(self) -> tuple[Question, ...]:
        """All questions in order; the same object at every call."""

    def greeting(self) -> Greeting:
        """The first page. Fast, and imports no SDK."""

    def given(self) -> Mapping[str, object]:
        """Parsed values that flags or the environment fix: never asked, not changeable."""

    def suggestions(self, profile: str) -> Mapping[str, Suggested]:
        """Path to what each question starts with: answers file, previous run, profile, default."""

    def propose(self, draft: Draft) -> Proposal:
        """Think the draft through. Pure, no network, under 16 ms; never raises for bad answers."""

    def advice(self, draft: Draft) -> tuple[Suggestion, ...]:
        """The least painful changes that make the draft fit, the best first; none where nothing is
        in the way or nothing helps. May take a second. Raises InstallError for bad answers."""

    def explanation(self, draft: Draft) -> str:
        """Every number of the bar, down to the object and the file it came from. Raises
        InstallError for bad answers."""

    def plan_text(self, draft: Draft) -> str:
        """The plan for people: what would be made. Raises InstallError if there is none."""

    def plan_document(self, draft: Draft) -> str:
        """The plan for programs: same answers, same bytes. Raises InstallError if none."""

    def inspect(self, draft: Draft, stop: StopFlag) -> tuple[Finding, ...]:
        """Blocking. Look at the account or cluster; what is read refines later proposals.

        Called once the questions before the modules are answered, and again when one of them
        changed. Changes nothing. Raises InstallError when going on makes no sense (a refused key).
        """

    def save_answers(self, draft: Draft) -> str:
        """Write the file that repeats these answers; returns its path. May raise InstallError."""

    def install(self, draft: Draft, report: Report, stop: StopFlag) -> Conclusion:
        """Blocking. Do it; every expected failure is a Conclusion, not an exception.

        `report` is called from other threads, one call at a time, with masked events.
        """


def carry_out(desk: Desk, draft: Draft, report: Report, stop: StopFlag) -> Conclusion:
    """Blocking. Write the file that repeats the answers, then install; never raises InstallError.

    The file comes first, so that a run that is cut off can be repeated without the questions.
    """
    saved = ""
    try:
        saved = desk.save_answers(draft)
        return desk.install(draft, report, stop)
    except InstallError as error:
        return conclusion_of(error, answers_file=saved)


# -- the order of a conversation --------------------------------------------------------------


@dataclass(frozen=True)
class Welcome:
    """Stop: the first page with the choice of a profile."""


@dataclass(frozen=True)
class Ask:
    """Stop: one question, the `number`th of `total` in its section."""

    question: Question
    text: str
    source: str
    number: int
    total: int


@dataclass(frozen=True)
class Inspect:
    """Stop: the desk looks at the account or cluster the answers name."""


@dataclass(frozen=True)
class ChooseModules:
    """Stop: the switches of all modules, with the bar."""


@dataclass(frozen=True)
class Review:
    """Stop: everything said, the bill, and the last word."""


Stop = Welcome | Ask | Inspect | ChooseModules | Review


class Conversation:
    """What was said so far. `stop` is a function of that alone; `back` takes the last one back."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.greeting = desk.greeting()
        self.findings: tuple[Finding, ...] = ()
        self._advanced = False
        self._profile: str | None = None
        self._answered: dict[str, object] = {}
        self._texts: dict[str, str] = {}
        self._modules_chosen = False
        self._straight_to_review = False
        self._inspected: dict[str, object] | None = None
        self._detour: Question | ChooseModules | None = None
        self._trail: list[Welcome | Ask | ChooseModules] = []
        self._given = dict(desk.given())
        self._suggestions: Mapping[str, Suggested] = {}
        self._before, self._after = split_at_modules(desk.questions())

    @property
    def draft(self) -> Draft:
        """Everything said so far, as the desk wants it."""
        return Draft(self._profile or self.greeting.profile, dict(self._answered))

    @property
    def advanced(self) -> bool:
        """Whether questions that most people never need are asked too."""
        return self._advanced

    def stop(self) -> Stop:
        """Where the conversation is now."""
        if self._profile is None:
            return Welcome()
        if self._detour is not None:
            detour = self._detour
            return detour if isinstance(detour, ChooseModules) else self._ask(detour)
        asked = None if self._straight_to_review else self._next(self._before)
        if asked is not None:
            return self._ask(asked)
        if self._inspected != self._place():
            return Inspect()
        return self._stop_after_inspection()

    def _stop_after_inspection(self) -> Stop:
        if self._straight_to_review:
            return Review()
        if not self._modules_chosen:
            return ChooseModules()
        asked = self._next(self._after)
        return self._ask(asked) if asked else Review()

    # -- going forward ------------------------------------------------------------------------

    def begin(self, profile: str, *, straight_to_review: bool = False) -> None:
        """Leave the first page; `straight_to_review` takes every suggestion as it is."""
        self._trail.append(Welcome())
        self._profile = profile
        self._straight_to_review = straight_to_review
        self._suggestions = self.desk.suggestions(profile)

    def answer(self, ask: Ask, raw: str) -> None:
        """Take an answer as text. Raises BadAnswer with the sentence to show."""
        value = ask.question.parse(raw)
        self._answered[ask.question.path] = value
        self._texts[ask.question.path] = ask.question.show(value)
        if self._detour is None:
            self._trail.append(ask)
        self._detour = None

    def inspected(self, findings: tuple[Finding, ...]) -> None:
        """The desk has looked at the place these answers name."""
        self.findings = findings
        self._inspected = self._place()

    def choose_modules(self, enabled: Mapping[str, bool]) -> None:
        """Take the switches of all modules, by module name."""
        self._answered.update(module_answers(enabled))
        self._modules_chosen = True
        if self._detour is None:
            self._trail.append(ChooseModules())
        self._detour = None

    def accept(self, suggestion: Suggestion, enabled: Mapping[str, bool] | None = None) -> None:
        """Make the changes of a suggestion ordinary answers; the stop stays the same.

        `enabled` are switches that were made on the way and not kept yet. Raises BadAnswer.
        """
        asked = {question.path: question for question in self.desk.questions()}
        taken = dict(module_answers(enabled or {}))
        for change in suggestion.changes:
            question = asked[change.path]
            taken[change.path] = question.parse(change.value)
            self._texts[change.path] = question.show(taken[change.path])
        self._answered.update(taken)

    def consent(self, amount: Decimal) -> None:
        """Agree to a monthly amount in US dollars."""
        self._answered[CONSENT_PATH] = amount

    def ask_advanced(self, wanted: bool) -> None:
        """Ask the questions most people never need, too; those passed over come first."""
        self._advanced = wanted
        if wanted:
            self._straight_to_review = False

    # -- going back ---------------------------------------------------------------------------

    def change(self, path: str) -> bool:
        """From the review: ask one question again. False when it cannot be changed here."""
        if path in self._given or path == CONSENT_PATH:
            return False
        if path.startswith(MODULES_PREFIX) and path.endswith(ENABLED_SUFFIX):
            self._detour = ChooseModules()
            return True
        for question in (*self._before, *self._after):
            if question.path == path:
                self._detour = question
                return True
        return False

    def back(self) -> bool:
        """Take back the last stop; False on the first page. What was typed is kept as a text."""
        if self._detour is not None:
            self._detour = None
            return True
        if not self._trail:
            return False
        last = self._trail.pop()
        if isinstance(last, Ask):
            self._answered.pop(last.question.path, None)
        elif isinstance(last, ChooseModules):
            self._modules_chosen = False
        else:
            self._profile = None
        return True

    # -- what the pages show ------------------------------------------------------------------

    def switches(self) -> Mapping[str, bool]:
        """The modules as they stand, by name."""
        return {each.name: each.enabled for each in self.desk.propose(self.draft).modules}

    def with_switches(self, enabled: Mapping[str, bool]) -> Draft:
        """The draft as it would be with these switches; nothing is kept."""
        return Draft(self.draft.profile, {**self._answered, **module_answers(enabled)})

    def fixed(self, path: str) -> bool:
        """Whether a flag or the environment decides this answer."""
        return path in self._given

    def _known(self) -> dict[str, object]:
        return {**self._answered, **self._given}

    def _place(self) -> dict[str, object]:
        before = {question.path for question in self._before}
        return {path: value for path, value in self._known().items() if path in before}

    def _next(self, questions: Sequence[Question]) -> Question | None:
        return next_question(questions, self._known(), advanced=self._advanced)

    def _ask(self, question: Question) -> Ask:
        number, total = self._position(question)
        if question.path in self._texts:
            return Ask(question, self._texts[question.path], "your answer", number, total)
        suggested = self._suggestions.get(question.path) or Suggested(question.default, "default")
        return Ask(question, suggested.text, suggested.source, number, total)

    def _position(self, question: Question) -> tuple[int, int]:
        known = self._known()
        section = [
            each.path
            for each in (*self._before, *self._after)
            if each.section == question.section
            and each.path not in self._given
            and each.relevant(known)
            and (self._advanced or not each.advanced or each.path == question.path)
        ]
        number = section.index(question.path) + 1 if question.path in section else 1
        return number, max(len(section), 1)


def consent_given(typed: str, wanted: Decimal) -> Decimal | None:
    """The amount agreed to, when exactly the wanted one was typed; None otherwise."""
    bare = typed.strip().removeprefix("$").removesuffix("USD").strip()
    return wanted if bare == f"{wanted:.2f}" else None


def split_at_modules(
    questions: Sequence[Question],
) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """Questions before and after the modules page; its own and the consent are in neither."""
    before = tuple(
        each
        for each in questions
        if not each.path.startswith(MODULES_PREFIX) and each.path != CONSENT_PATH
    )
    after = tuple(
        each
        for each in questions
        if each.path.startswith(MODULES_PREFIX) and not each.path.endswith(ENABLED_SUFFIX)
    )
    return before, after


def module_answers(enabled: Mapping[str, bool]) -> dict[str, object]:
    """Switches by module name as answers by path."""
    return {f"{MODULES_PREFIX}{name}{ENABLED_SUFFIX}": wanted for name, wanted in enabled.items()}
