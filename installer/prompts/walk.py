"""The conversation in line mode: the same stops as on the screens, told as lines."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from textwrap import wrap

from installer.answers.problems import BadAnswer
from installer.answers.titles import section_title
from installer.conversation import (
    Ask,
    ChooseModules,
    Conclusion,
    Conversation,
    Desk,
    Inspect,
    ModuleChoice,
    Proposal,
    Review,
    Stop,
    Welcome,
    carry_out,
    consent_given,
)
from installer.engine.errors import ExitCode, InstallError
from installer.engine.step import StopFlag
from installer.prompts.asking import ADVANCED, BACK, COMMANDS, HELP, Asker
from installer.prompts.lines import LinePrinter
from installer.prompts.stopping import stop_on_interrupt
from installer.prompts.words import (
    NOTHING_HELPS,
    bill_words,
    clean,
    conclusion_lines,
    row_words,
    source_words,
)

GO_ON = "Go on"
INSTALL = "Install now"
CHANGE = "Change an answer"
SHOW_PLAN = "Show the plan"
FIT = "Show what could be given up"
NO_SUGGESTION = "Keep everything as it is"
EXPLAIN = "Explain the numbers"
QUESTIONS_FIRST = "Go through the questions"
STRAIGHT = "Take all suggested answers and review them"
WIDTH = 78


class Said(Enum):
    """How one stop ended."""

    GO_ON = "go on"
    LEAVE = "leave"
    INSTALL = "install"


def converse(desk: Desk, asker: Asker) -> int:
    """Ask, review, install, conclude. Returns the exit code."""
    conversation = Conversation(desk)
    try:
        while (said := _at(conversation.stop(), conversation, asker)) is Said.GO_ON:
            pass
    except (KeyboardInterrupt, EOFError):
        asker.say()
        said = Said.LEAVE
    if said is Said.LEAVE:
        asker.say("Left. Nothing was made.")
        return ExitCode.STOPPED
    conclusion = install(conversation, asker)
    asker.say()
    for line in conclusion_lines(conclusion):
        asker.say(line)
    return conclusion.exit_code


def _at(stop: Stop, conversation: Conversation, asker: Asker) -> Said:
    match stop:
        case Welcome():
            return _welcome(conversation, asker)
        case Ask():
            return _ask(stop, conversation, asker)
        case Inspect():
            return _inspect(conversation, asker)
        case ChooseModules():
            return _modules(conversation, asker)
        case Review():
            return _review(conversation, asker)


def _paragraph(asker: Asker, text: str) -> None:
    for line in text.splitlines():
        for part in wrap(clean(line), WIDTH) or [""]:
            asker.say(part)


def _welcome(conversation: Conversation, asker: Asker) -> Said:
    greeting = conversation.greeting
    asker.say("health-install")
    for paragraph in (*greeting.paragraphs, greeting.unfinished, COMMANDS):
        if paragraph:
            asker.say()
            _paragraph(asker, paragraph)
    asker.say()
    profile = greeting.profile
    if len(greeting.profiles) > 1:
        for each in greeting.profiles:
            _paragraph(asker, f"{each.name}: {each.title}. {each.purpose}")
        names = [each.name for each in greeting.profiles]
        profile = _one_of(asker, "Profile to begin with", names, profile)
    if profile == BACK:
        return Said.LEAVE
    begin = _one_of(asker, "How to begin", [QUESTIONS_FIRST, STRAIGHT], QUESTIONS_FIRST)
    if begin == BACK:
        return Said.GO_ON
    conversation.begin(profile, straight_to_review=begin == STRAIGHT)
    return Said.GO_ON


def _one_of(asker: Asker, title: str, choices: list[str], default: str) -> str:
    """One of the choices, or a command sign; anything else is asked again."""
    while (said := asker.choose(title, choices, default)) not in (*choices, BACK, HELP, ADVANCED):
        asker.say(f"Not one of the choices: {clean(said)}")
    return said


def _command(said: str, conversation: Conversation, asker: Asker) -> bool:
    """Carry out a command sign that works everywhere; False when it is none."""
    if said == BACK:
        if not conversation.back():
            asker.say("This is the first page.")
    elif said == ADVANCED:
        conversation.ask_advanced(not conversation.advanced)
        asker.say(
            "Advanced questions are asked, too."
            if conversation.advanced
            else "Advanced questions are passed over."
        )
    elif said == HELP:
        asker.say(COMMANDS)
    else:
        return False
    return True


def _ask(ask: Ask, conversation: Conversation, asker: Asker) -> Said:
    question = ask.question
    asker.say()
    asker.say(f"{section_title(question.section)} {ask.number}/{ask.total}")
    _paragraph(asker, question.help)
    if question.costs:
        _paragraph(asker, question.costs)
    choices = ("yes", "no") if question.kind == "switch" else question.choices
    title = question.title
    if choices:
        said = asker.choose(title, choices, ask.text)
    else:
        said = asker.text(title, ask.text, secret=question.secret)
    if _command(said, conversation, asker):
        return Said.GO_ON
    try:
        conversation.answer(ask, said)
    except BadAnswer as refusal:
        _paragraph(asker, f"Not accepted: {refusal.sentence}")
    return Said.GO_ON


def _inspect(conversation: Conversation, asker: Asker) -> Said:
    asker.say()
    asker.say("Looking at what is there; nothing is changed.")
    stop = StopFlag()
    try:
        with stop_on_interrupt(stop, asker.say):
            findings = conversation.desk.inspect(conversation.draft, stop)
    except InstallError as error:
        for part in (error.what, error.why, error.then):
            _paragraph(asker, part)
        return _after_refusal(conversation, asker)
    if stop.requested:
        return Said.LEAVE
    for finding in findings:
        _paragraph(asker, f"{'ok' if finding.good else 'ATTENTION'}: {finding.words}")
    conversation.inspected(findings)
    return Said.GO_ON


def _after_refusal(conversation: Conversation, asker: Asker) -> Said:
    again, back, leave = "Try again", "Go back", "Leave"
    said = _one_of(asker, "What now", [again, back, leave], again)
    if said == leave:
        return Said.LEAVE
    if said in (back, BACK):
        conversation.back()
    return Said.GO_ON


def _modules(conversation: Conversation, asker: Asker) -> Said:
    switches = dict(conversation.switches())
    while True:
        proposal = conversation.desk.propose(conversation.with_switches(switches))
        asker.say()
        asker.say("Modules")
        _bar(asker, proposal)
        names = {_switch_words(each): each for each in proposal.modules}
        choices = [*names, GO_ON, *_ways_on(proposal), EXPLAIN]
        said = _one_of(asker, "Switch a module, or go on", choices, GO_ON)
        if said == HELP:
            for each in proposal.modules:
                _paragraph(asker, f"{each.title}: {each.purpose}")
        elif _command(said, conversation, asker):
            return Said.GO_ON
        elif said == GO_ON:
            conversation.choose_modules(switches)
            return Said.GO_ON
        elif said == FIT:
            if _fit(conversation, asker, switches):
                return Said.GO_ON
        elif said == EXPLAIN:
            _explain(conversation, asker, switches)
        else:
            switches[names[said].name] = not names[said].enabled


def _ways_on(proposal: Proposal) -> list[str]:
    """Advice is offered where something is in the way that it could help with."""
    helps = not proposal.complaints and (not proposal.fits or proposal.consent is not None)
    return [FIT] if helps else []


def _fit(conversation: Conversation, asker: Asker, switches: Mapping[str, bool]) -> bool:
    """Show what could be given up; True when a suggestion was taken."""
    asker.say("Looking for what could be given up.")
    try:
        found = conversation.desk.advice(conversation.with_switches(switches))
    except InstallError as error:
        _paragraph(asker, str(error))
        return False
    for number, one in enumerate(found, 1):
        asker.say(f"Suggestion {number}")
        for change in one.changes:
            _paragraph(asker, f"  {change.words}")
        for words in one.after:
            _paragraph(asker, f"  then {words}")
    if not found:
        _paragraph(asker, NOTHING_HELPS)
        return False
    names = {f"Take suggestion {number}": one for number, one in enumerate(found, 1)}
    said = _one_of(asker, "What now", [*names, NO_SUGGESTION], NO_SUGGESTION)
    if said not in names:
        return False
    conversation.accept(names[said], switches)
    return True


def _explain(conversation: Conversation, asker: Asker, switches: Mapping[str, bool]) -> None:
    try:
        text = conversation.desk.explanation(conversation.with_switches(switches))
    except InstallError as error:
        text = str(error)
    _indented(asker, text)


def _switch_words(module: ModuleChoice) -> str:
    return f"{clean(module.title)}: {'on' if module.enabled else 'off'}"


def _bar(asker: Asker, proposal: Proposal) -> None:
    for row in proposal.rows:
        _paragraph(asker, row_words(row))
    for reason in proposal.reasons:
        _paragraph(asker, f"Does not fit: {reason}")
    for complaint in proposal.complaints:
        _paragraph(asker, f"To mend: {complaint.sentence}")
    for words in proposal.undecided:
        _paragraph(asker, f"To decide: {words}")


def _review(conversation: Conversation, asker: Asker) -> Said:
    proposal = conversation.desk.propose(conversation.draft)
    _print_review(asker, proposal)
    rest = [CHANGE, SHOW_PLAN, *_ways_on(proposal), EXPLAIN]
    choices = [INSTALL, *rest] if proposal.ready else rest
    said = _one_of(asker, "What now", choices, choices[0])
    if said == INSTALL:
        agreed = proposal.consent is None or _agree(conversation, asker, proposal)
        return Said.INSTALL if agreed else Said.GO_ON
    if said == CHANGE:
        _change(conversation, asker, proposal)
    elif said == SHOW_PLAN:
        _show_plan(conversation, asker)
    elif said == FIT:
        _fit(conversation, asker, {})
    elif said == EXPLAIN:
        _explain(conversation, asker, {})
    else:
        _command(said, conversation, asker)
    return Said.GO_ON


def _print_review(asker: Asker, proposal: Proposal) -> None:
    asker.say()
    asker.say("Review")
    section = ""
    for number, row in enumerate(proposal.answers, 1):
        if row.section != section:
            section = row.section
            asker.say(section_title(section))
        value = clean(row.value) or "(empty)"
        asker.say(f"  {number}. {clean(row.title)}: {value} ({source_words(row.source)})")
    asker.say()
    _bar(asker, proposal)
    for words in proposal.notices:
        _paragraph(asker, f"To know: {words}")
    for line in proposal.bill:
        _paragraph(asker, f"  {line.monthly_usd:.2f} USD: {line.words}")
    asker.say(bill_words(proposal))


def _agree(conversation: Conversation, asker: Asker, proposal: Proposal) -> bool:
    """Typed consent: the amount itself, nothing less."""
    assert proposal.consent is not None
    said = asker.text(f"This costs money. Type {proposal.consent:.2f} to agree", "")
    amount = consent_given(said, proposal.consent)
    if amount is None:
        asker.say(f"Not agreed: {proposal.consent:.2f} must be typed. Nothing was made.")
        return False
    conversation.consent(amount)
    return True


def _change(conversation: Conversation, asker: Asker, proposal: Proposal) -> None:
    said = asker.text("Number of the answer to change", "")
    if not said.isdecimal() or not 1 <= int(said) <= len(proposal.answers):
        asker.say("There is no answer with this number.")
        return
    row = proposal.answers[int(said) - 1]
    if not (row.changeable and conversation.change(row.path)):
        asker.say(f"{clean(row.title)} is fixed by {clean(row.source)} and cannot be changed here.")


def _show_plan(conversation: Conversation, asker: Asker) -> None:
    try:
        text = conversation.desk.plan_text(conversation.draft)
    except InstallError as error:
        text = str(error)
    _indented(asker, text)


def _indented(asker: Asker, text: str) -> None:
    for line in text.splitlines():
        # Indentation carries meaning here.
        indent = " " * (len(line) - len(line.lstrip()))
        asker.say(indent + clean(line))


def install(conversation: Conversation, asker: Asker) -> Conclusion:
    """Do it, one line for each event."""
    stop = StopFlag()
    with stop_on_interrupt(stop, asker.say):
        return carry_out(conversation.desk, conversation.draft, LinePrinter(asker.say), stop)
