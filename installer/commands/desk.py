"""The desk behind every front end: thinks drafts through, and hands them to the engine room."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import TracebackType
from typing import Self

from installer.answers.asking import Question, by_path, questions
from installer.answers.model import Answers
from installer.answers.problems import AnswersError as BadAnswers
from installer.answers.problems import AnswersInvalid
from installer.answers.reading import profiles
from installer.answers.sources import Gathered, Given, Source, gather, given
from installer.budget.advice import Advice
from installer.budget.explaining import explain, row_names
from installer.budget.verdict import BudgetRow, Verdict
from installer.commands.money import (
    open_decisions,
    refuse_billable_balancers,
    refuse_open_decisions,
    refuse_what_does_not_fit,
)
from installer.commands.remembering import with_images
from installer.commands.sources import Case, in_our_words, model, profile_layers
from installer.commands.workshop import Workshop
from installer.conversation import (
    AnswerRow,
    BarRow,
    BillLine,
    Complaint,
    Conclusion,
    Draft,
    Finding,
    Greeting,
    ModuleChoice,
    ProfileChoice,
    Proposal,
    Share,
    Suggested,
    SuggestedChange,
    Suggestion,
    conclusion_of,
)
from installer.engine.errors import AnswersError, ClusterError, InstallError
from installer.engine.events import Note, Report
from installer.engine.step import StopFlag
from installer.modules import ModulesInvalid, catalogue
from installer.plan import NOT_ASKED, Decision, Plan, Surroundings, advice_for, make_plan, on_oracle

GIB = 2**30


class InstallDesk:
    """Implements `installer.conversation.Desk`. A context manager: it may hold a rehearsal open."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._surroundings: Surroundings = NOT_ASKED
        self._workshop = Workshop(case)

    def _turn_to(self, draft: Draft) -> Workshop:
        """The workshop of the installation the draft names, which a person may have changed."""
        case = self._case.with_answers(draft.answered, draft.profile)
        if case.home != self._workshop.case.home:
            self._workshop.close()
            self._workshop = Workshop(case)
        return self._workshop

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._workshop.close()

    # -- before anything is said --------------------------------------------------------------

    @property
    def model(self) -> type[Answers]:
        """The answers model, modules included."""
        return model()

    def questions(self) -> tuple[Question, ...]:
        """All questions in order."""
        return questions(model())

    def greeting(self) -> Greeting:
        """What is going to happen, in few words."""
        return Greeting(
            paragraphs=_greeting(self._case),
            profiles=tuple(
                ProfileChoice(each.name, each.title, each.purpose) for each in profiles()
            ),
            profile=self._case.profile,
            unfinished=self._workshop.unfinished(),
        )

    def given(self) -> Mapping[str, object]:
        """What flags, environment, file or the rehearsal fix."""
        everything = self._case.sources({})
        fixed = [each for each in everything if each.source not in _NOT_FIXED]
        found = in_our_words(lambda: given(model(), fixed))
        return {path: each.value for path, each in found.items()}

    def suggestions(self, profile: str) -> Mapping[str, Suggested]:
        """What each question starts with: the previous run, else the profile, else its default."""
        found = {
            path: Suggested(each.default, "default") for path, each in by_path(model()).items()
        }
        for path, each in in_our_words(lambda: self._suggested(profile)).items():
            found[path] = Suggested(each.text, str(each.sourced))
        return found

    def _suggested(self, profile: str) -> Mapping[str, Given]:
        previous = [each for each in self._case.layers if each.source is Source.PREVIOUS]
        return given(model(), [*previous, *profile_layers(profile)])

    # -- thinking a draft through -------------------------------------------------------------

    def gathered(self, draft: Draft) -> Gathered[Answers]:
        """All answers of a draft. Raises AnswersError with every mistake."""
        return self._case_of(draft).gathered(draft.answered)

    def _case_of(self, draft: Draft) -> Case:
        return self._case.with_answers(draft.answered, draft.profile)

    def plan(self, draft: Draft) -> Plan:
        """The plan of a draft. Raises AnswersError for mistakes in it."""
        answers = self.gathered(draft).answers
        return in_our_words(lambda: make_plan(answers, self._surroundings))

    def propose(self, draft: Draft) -> Proposal:
        """What a draft needs, costs and lacks; never raises for bad answers."""
        try:
            gathered = gather(model(), self._case_of(draft).sources(draft.answered))
        except AnswersInvalid as error:
            complaints = tuple(Complaint(each.path, each.sentence) for each in error.problems)
            return _incomplete(complaints, _choices(draft.answered), ())
        except BadAnswers as error:
            return _incomplete((Complaint("", error.what),), _choices(draft.answered), ())
        rows = _answer_rows(gathered)
        switches = _choices(gathered.values)
        try:
            plan = make_plan(gathered.answers, self._surroundings)
        except ModulesInvalid as error:
            complaints = tuple(Complaint(each.where, each.sentence) for each in error.problems)
            return _incomplete(complaints, switches, rows)
        undecided = open_decisions(plan, rehearsed=self._case_of(draft).rehearsal)
        return _proposal(plan, switches, rows, undecided)

    def advice(self, draft: Draft) -> tuple[Suggestion, ...]:
        """What to give up so that it fits, the least first."""
        plan = self.plan(draft)
        found = in_our_words(lambda: advice_for(plan, self._surroundings))
        return tuple(_suggestion(one) for one in found)

    def explanation(self, draft: Draft) -> str:
        """Every row of the budget, explained."""
        verdict = self.plan(draft).verdict
        return "\n\n".join("\n".join(explain(verdict, name)) for name in row_names(verdict))

    def plan_text(self, draft: Draft) -> str:
        """The plan for people."""
        return self.plan(draft).text()

    def plan_document(self, draft: Draft) -> str:
        """The plan for programs."""
        return self.plan(draft).document()

    # -- with the world -----------------------------------------------------------------------

    def inspect(self, draft: Draft, stop: StopFlag) -> tuple[Finding, ...]:
        """Look at the account or the cluster, and keep what was read for later proposals."""
        answers = self.gathered(draft).answers
        workshop = self._turn_to(draft)
        self._surroundings, findings = workshop.survey(answers, stop)
        try:
            plan = self.plan(draft)
        except AnswersError:
            # Told with the rest of the draft's mistakes; the images can wait until it has none.
            return findings
        found = workshop.find_images(plan, stop)
        self._surroundings = with_images(self._surroundings, found.known)
        return (*findings, *found.findings)

    def save_answers(self, draft: Draft) -> str:
        """Write the file that repeats these answers."""
        return self._turn_to(draft).save_answers(self.gathered(draft))

    def install(self, draft: Draft, report: Report, stop: StopFlag) -> Conclusion:
        """Refuse what does not fit or was not agreed to; otherwise do it."""
        try:
            self._look_first(draft, report, stop)
            plan = self.plan(draft)
            refuse_what_does_not_fit(plan.verdict)
            refuse_billable_balancers(plan)
            refuse_open_decisions(plan, rehearsed=self._case_of(draft).rehearsal)
            plan = self._with_images(draft, plan, stop)
            return self._turn_to(draft).install(plan, report, stop)
        except InstallError as error:
            log = self._workshop.case.home.log
            return conclusion_of(error, log_file=str(log) if log.exists() else "")

    def _with_images(self, draft: Draft, plan: Plan, stop: StopFlag) -> Plan:
        """The plan with every image pinned to what its registry has, judged once more by its
        size; an image that cannot be had is the business of a step."""
        found = self._turn_to(draft).find_images(plan, stop, patient=True)
        if not found.known:
            return plan
        self._surroundings = with_images(self._surroundings, found.known)
        pinned = self.plan(draft)
        refuse_what_does_not_fit(pinned.verdict)
        return pinned

    def _look_first(self, draft: Draft, report: Report, stop: StopFlag) -> None:
        """What is there already decides whether the rest fits, and what it costs."""
        if self._surroundings is not NOT_ASKED:
            return
        answers = self.gathered(draft).answers
        self._surroundings, findings = self._turn_to(draft).survey(answers, stop)
        bad = [each.words for each in findings if not each.good]
        if bad and not on_oracle(answers):
            raise ClusterError(
                "The cluster cannot take the platform as it is.",
                "\n".join(bad),
                "Mend it, or change the answers under cluster, then run again.",
            )
        for words in bad:
            report(Note(words))


_NOT_FIXED = (Source.PREVIOUS, Source.PROFILE, Source.SCREEN)


def _choices(values: Mapping[str, object]) -> tuple[ModuleChoice, ...]:
    return tuple(
        ModuleChoice(
            name=module.name,
            title=module.title,
            purpose=module.questions.purpose,
            enabled=bool(values.get(f"modules.{module.name}.enabled", module.questions.enabled)),
            needs=tuple(module.questions.needs),
        )
        for module in catalogue()
    )


def _answer_rows(gathered: Gathered[Answers]) -> tuple[AnswerRow, ...]:
    fixed = (Source.FLAG, Source.ENVIRONMENT, Source.REHEARSAL)
    return tuple(
        AnswerRow(
            path=question.path,
            section=question.section,
            title=question.title,
            value=question.show(gathered.values[question.path]),
            source=str(gathered.sources[question.path]),
            changeable=gathered.sources[question.path].source not in fixed,
        )
        for question in questions(model())
        if question.relevant(gathered.values)
    )


def _incomplete(
    complaints: tuple[Complaint, ...],
    switches: tuple[ModuleChoice, ...],
    rows: tuple[AnswerRow, ...],
) -> Proposal:
    nothing = Decimal("0.00")
    return Proposal((), (), nothing, None, False, (), complaints, switches, rows)


def _proposal(
    plan: Plan,
    switches: tuple[ModuleChoice, ...],
    rows: tuple[AnswerRow, ...],
    undecided: tuple[Decision, ...],
) -> Proposal:
    verdict = plan.verdict
    return Proposal(
        rows=tuple(_bar_row(row) for row in verdict.rows),
        bill=tuple(
            BillLine(line.words(), line.usd or Decimal("0.00")) for line in verdict.bill.lines
        ),
        bill_usd=verdict.bill.monthly_usd,
        consent=_open_consent(verdict),
        fits=verdict.fits,
        reasons=verdict.reasons,
        complaints=(),
        modules=switches,
        answers=rows,
        undecided=tuple(f"{one.words} {one.then}" for one in undecided),
        notices=(
            *(f"{one.words} {one.then}" for one in plan.decisions if not one.mandatory),
            *plan.notices,
        ),
    )


def _suggestion(advice: Advice) -> Suggestion:
    changes = tuple(
        SuggestedChange(change.path, change.value, change.words()) for change in advice.changes
    )
    return Suggestion(changes, advice.after)


def _open_consent(verdict: Verdict) -> Decimal | None:
    return verdict.bill.monthly_usd if verdict.costs_money and not verdict.consented else None


def _bar_row(row: BudgetRow) -> BarRow:
    scale, unit = _SHOWN.get(row.unit, (1, row.unit))
    return BarRow(
        resource=row.resource,
        used=float(row.used) / scale,
        limit=None if row.limit is None else float(row.limit) / scale,
        unit=unit,
        shares=tuple(
            Share(module, float(amount) / scale) for module, amount in row.share_by_module
        ),
        over=row.over,
        words=row.words,
    )


_SHOWN = {"m": (1000, "CPU"), "bytes": (GIB, "GiB"), "USD": (1, "USD a month")}


def _greeting(case: Case) -> tuple[str, ...]:
    where = (
        "This is a rehearsal: an Oracle and a Kubernetes built into this program play along. "
        "Nothing leaves this machine and nothing can cost anything."
        if case.rehearsal
        else "First it asks what it must know and shows what the choice needs and costs. Nothing "
        "is made, and nothing can cost anything, before you say so on the last page."
    )
    return (
        "This installs a private Health Data AI Platform on Kubernetes: logins with passkeys, the "
        "Health API and its processing engine, databases, object store and message broker, and "
        "dashboards, logs and alerts.",
        where,
        "You can stop at any time and start again: it goes on where it was. "
        "health-install destroy removes everything it made.",
    )
