"""A desk over a made-up catalogue: small, quick, and the same every time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from installer.answers.asking import Question, questions
from installer.answers.model import Answers, answers_model
from installer.answers.module_questions import ModuleQuestions, OptionSpec, SecretQuestion
from installer.answers.problems import AnswersInvalid
from installer.answers.sources import Gathered, Layer, Source, gather, screen_layer
from installer.answers.writing import write_answers
from installer.conversation import (
    AnswerRow,
    BarRow,
    BillLine,
    Complaint,
    Conclusion,
    Draft,
    Endpoint,
    Finding,
    Greeting,
    ModuleChoice,
    ProfileChoice,
    Proposal,
    Share,
    Suggested,
    SuggestedChange,
    Suggestion,
)
from installer.engine.events import Ending, Report
from installer.engine.step import StopFlag

STORE = ModuleQuestions(
    "store",
    "Object store",
    "Keeps files; everything else puts its files here.",
    options=(
        OptionSpec("size", "size", "20Gi", "Size of the store", "How much room it has."),
        OptionSpec("copies", "integer", 1, "Copies", "How often each file is kept.", (), 1, 3),
    ),
    secrets=(SecretQuestion("admin", "Store administrator", "Signs in to the store."),),
)
LETTERS = ModuleQuestions(
    "letters", "Letter box", "Passes messages between the parts.", needs=("store",)
)
SEARCH = ModuleQuestions(
    "search", "Search", "Finds things again, and is hungry.", needs=("store",), enabled=False
)
CATALOGUE = (STORE, LETTERS, SEARCH)
NEEDS_CPU = {"store": 0.5, "letters": 0.4, "search": 1.2}
NEEDS_GIB = {"store": 1.5, "letters": 0.75, "search": 4.0}
COSTS = {"store": Decimal("0.00"), "letters": Decimal("0.00"), "search": Decimal("12.50")}

# Answers that leave only the name to be asked, for tests of what comes after the questions.
ALMOST_ALL: Mapping[str, object] = {
    "target": "rehearsal",
    "place.compartment": "health-platform",
    "access.domain": "",
    "access.email": "",
    "cluster.api_access_cidr": "0.0.0.0/0",
}

Install = Callable[[Draft, Report, StopFlag], Conclusion]


def nothing_to_install(_draft: Draft, _report: Report, _stop: StopFlag) -> Conclusion:
    """An installation that is done at once."""
    return DONE


DONE = Conclusion(
    Ending.DONE,
    0,
    "Done: 3 steps changed something.",
    endpoints=(Endpoint("Object store", "http://store.health.svc:8333", "inside the cluster"),),
    what_next=("Look at it: kubectl get pods -n health",),
    answers_file="answers.yaml",
    log_file="install.log",
)


@dataclass
class MadeUpDesk:
    """Implements `Desk`. `install` and `findings` can be exchanged."""

    install_with: Install = nothing_to_install
    findings: Callable[[StopFlag], tuple[Finding, ...]] = lambda _stop: ()
    layers: tuple[Layer, ...] = ()
    fixed: Mapping[str, object] = field(default_factory=dict)
    cpu_limit: float = 2.0
    folder: Path | None = None
    installed: list[Draft] = field(default_factory=list)
    extra: tuple[str, ...] = ()

    @property
    def model(self) -> type[Answers]:
        return answers_model(CATALOGUE)

    def questions(self) -> tuple[Question, ...]:
        return questions(self.model)

    def greeting(self) -> Greeting:
        return Greeting(
            paragraphs=(
                "This installs a made-up platform of three modules, for nothing a month.",
                *self.extra,
            ),
            profiles=(
                ProfileChoice("free", "Free of charge", "All that costs nothing."),
                ProfileChoice("local", "Your own cluster", "Any cluster you can reach."),
            ),
            profile="free",
        )

    def given(self) -> Mapping[str, object]:
        return self.fixed

    def suggestions(self, profile: str) -> Mapping[str, Suggested]:
        if profile == "local":
            return {"target": Suggested("existing", "profile local")}
        return {"target": Suggested("oke", "profile free")}

    def _gathered(self, draft: Draft) -> Gathered[Answers]:
        fixed = Layer(Source.FLAG, dict(self.fixed), origin="--set")
        chosen = self.suggestions(draft.profile)
        profile = Layer(Source.PROFILE, {k: v.text for k, v in chosen.items()}, draft.profile)
        said = screen_layer(draft.answered)
        return gather(self.model, [fixed, said, profile, *self.layers])

    def propose(self, draft: Draft) -> Proposal:
        switched = {
            each.name: bool(draft.answered.get(f"modules.{each.name}.enabled", each.enabled))
            for each in CATALOGUE
        }
        complaints = tuple(
            Complaint(f"modules.{each.name}.enabled", f"{each.title} needs the {STORE.title}.")
            for each in CATALOGUE
            if switched[each.name] and not all(switched[need] for need in each.needs)
        )
        try:
            rows = _answer_rows(self._gathered(draft), self.questions())
        except AnswersInvalid as error:
            rows = ()
            complaints += tuple(Complaint(each.path, each.sentence) for each in error.problems)
        return self._judged(draft, switched, complaints, rows)

    def _judged(
        self,
        draft: Draft,
        switched: Mapping[str, bool],
        complaints: tuple[Complaint, ...],
        rows: tuple[AnswerRow, ...],
    ) -> Proposal:
        names = [name for name, on in switched.items() if on]
        bill = sum((COSTS[name] for name in names), Decimal("0.00"))
        agreed = draft.answered.get("money.accept_monthly_usd", Decimal("0.00"))
        cpu = _bar("CPU", "CPU", NEEDS_CPU, names, self.cpu_limit)
        return Proposal(
            rows=(cpu, _bar("Memory", "GiB", NEEDS_GIB, names, 8.0), _money(bill, bill != agreed)),
            bill=tuple(BillLine(f"Machine for {name}", COSTS[name]) for name in names),
            bill_usd=bill,
            consent=bill if bill and agreed != bill else None,
            fits=not cpu.over,
            reasons=(cpu.words,) if cpu.over else (),
            complaints=complaints,
            modules=tuple(
                ModuleChoice(each.name, each.title, each.purpose, switched[each.name], each.needs)
                for each in CATALOGUE
            ),
            answers=rows,
        )

    def advice(self, draft: Draft) -> tuple[Suggestion, ...]:
        """Without the hungry one it fits, and costs nothing."""
        proposal = self.propose(draft)
        if proposal.fits and proposal.consent is None:
            return ()
        words = "Search: false instead of true (modules.search.enabled). Nothing is found again."
        change = SuggestedChange("modules.search.enabled", "false", words)
        return (Suggestion((change,), ("CPU 0.90 of 2.00",)),)

    def explanation(self, draft: Draft) -> str:
        return "\n".join(row.words for row in self.propose(draft).rows)

    def plan_text(self, draft: Draft) -> str:
        return f"The plan [of {draft.profile}]\n  makes three things"

    def plan_document(self, draft: Draft) -> str:
        values = self._gathered(draft).answers.model_dump(mode="json", by_alias=True)
        return json.dumps(values, sort_keys=True, indent=2)

    def inspect(self, draft: Draft, stop: StopFlag) -> tuple[Finding, ...]:
        return self.findings(stop)

    def save_answers(self, draft: Draft) -> str:
        if self.folder is None:
            return ""
        return str(write_answers(self._gathered(draft), self.folder / "answers.yaml"))

    def install(self, draft: Draft, report: Report, stop: StopFlag) -> Conclusion:
        self.installed.append(draft)
        return self.install_with(draft, report, stop)


def _bar(
    resource: str, unit: str, needs: Mapping[str, float], names: list[str], limit: float
) -> BarRow:
    used = sum(needs[name] for name in names)
    words = f"{used:g} of {limit:g} {unit} are needed"
    over = used > limit
    return BarRow(
        resource,
        used,
        limit,
        unit,
        tuple(Share(name, needs[name]) for name in names),
        over,
        f"{words}, {used - limit:g} too many." if over else f"{words}.",
    )


def _money(bill: Decimal, open_: bool) -> BarRow:
    shares = (Share("search", float(bill)),) if bill else ()
    words = f"{bill} USD a month{', not agreed to.' if open_ else '.'}"
    return BarRow("Money", float(bill), 0.0, "USD a month", shares, open_, words)


def _answer_rows(gathered: Gathered[Answers], asked: tuple[Question, ...]) -> tuple[AnswerRow, ...]:
    return tuple(
        AnswerRow(
            each.path,
            each.section,
            each.title,
            each.show(gathered.values[each.path]),
            str(gathered.sources[each.path]),
            gathered.sources[each.path].source is not Source.FLAG,
        )
        for each in asked
        if each.relevant(gathered.values)
    )
