"""A conversation in lines."""

from __future__ import annotations

from decimal import Decimal

import pytest

from installer.conversation import Conclusion, Draft, Finding
from installer.engine.errors import AccountError, ExitCode
from installer.engine.events import Outcome, Report, RunStarted, StepFinished, StepInfo, Verb
from installer.engine.step import StopFlag
from tests.prompts.scripted import END, INTERRUPT, Terminal, talk
from tests.screens.made_up_desk import ALMOST_ALL, DONE, MadeUpDesk

STRAIGHT = ("", "2")
"""The suggested profile, straight to the review."""
QUESTIONS = ("", "1")
"""The suggested profile, through the questions."""


def almost() -> MadeUpDesk:
    """A desk that asks for the name only."""
    return MadeUpDesk(fixed=ALMOST_ALL, cpu_limit=4.0)


def test_enter_all_the_way_takes_the_suggestions_and_installs() -> None:
    desk = almost()
    code, terminal = talk(desk, "", "", "", "", "")
    assert code == ExitCode.OK
    assert desk.installed[0].answered["name"] == "health"
    assert "Object store: http://store.health.svc:8333" in terminal.text
    assert terminal.left == []


def test_a_refused_answer_is_explained_and_asked_again() -> None:
    desk = almost()
    code, terminal = talk(desk, *QUESTIONS, "Not A Name", "clinic", "", "")
    assert code == ExitCode.OK
    assert "Not accepted: A name has 1 to 20 small letters" in terminal.text
    assert desk.installed[0].answered["name"] == "clinic"


def test_going_back_asks_again_and_keeps_what_was_said() -> None:
    desk = almost()
    _, terminal = talk(desk, *QUESTIONS, "clinic", "<", "", "", "")
    assert terminal.prompts.count("Name of the installation [clinic]: ") == 1
    assert desk.installed[0].answered["name"] == "clinic"


def test_help_is_given_and_the_question_asked_again() -> None:
    code, terminal = talk(almost(), *QUESTIONS, "?", "", "", "")
    assert code == ExitCode.OK
    assert "Ctrl-C leaves" in terminal.text


def test_an_exclamation_mark_asks_the_rarer_questions_too() -> None:
    _, terminal = talk(almost(), *QUESTIONS, "!", INTERRUPT)
    assert "Advanced questions are asked, too." in terminal.text


@pytest.mark.parametrize("leave", [INTERRUPT, END])
def test_leaving_before_the_end_makes_nothing(leave: str) -> None:
    desk = almost()
    code, terminal = talk(desk, *QUESTIONS, leave)
    assert code == ExitCode.STOPPED
    assert desk.installed == []
    assert "Nothing was made." in terminal.text


def test_switching_a_module_prints_the_bar_again_in_words() -> None:
    desk = MadeUpDesk(fixed=ALMOST_ALL)
    _, terminal = talk(desk, *QUESTIONS, "", "3", INTERRUPT)
    assert "CPU: fits. 0.9 of 2 CPU are needed. (store 0.5, letters 0.4)" in terminal.text
    assert "CPU: OVER. 2.1 of 2 CPU are needed, 0.1 too many." in terminal.text


def test_what_does_not_fit_cannot_be_installed() -> None:
    desk = MadeUpDesk(fixed=ALMOST_ALL)
    _, terminal = talk(desk, *QUESTIONS, "", "3", "4", "Install now", INTERRUPT)
    assert "Does not fit: 2.1 of 2 CPU" in terminal.text
    assert "Not one of the choices" in terminal.text
    assert desk.installed == []


@pytest.mark.parametrize("said", ["", "y", "yes", "12.5", "12.49", "0.00"])
def test_money_needs_its_amount_typed(said: str) -> None:
    desk = almost()
    _, terminal = talk(desk, *QUESTIONS, "", "3", "4", "1", said, INTERRUPT)
    assert "12.50 must be typed. Nothing was made." in terminal.text
    assert desk.installed == []


def test_the_typed_amount_is_the_consent() -> None:
    desk = almost()
    code, _ = talk(desk, *QUESTIONS, "", "3", "4", "1", "12.50")
    assert code == ExitCode.OK
    assert desk.installed[0].answered["money.accept_monthly_usd"] == Decimal("12.50")


def test_the_review_says_where_every_answer_came_from() -> None:
    _, terminal = talk(almost(), *QUESTIONS, "clinic", "", INTERRUPT)
    assert "Name of the installation: clinic (your answer)" in terminal.text
    assert "Where to install: rehearsal (flag --set)" in terminal.text
    assert "Kubernetes version: newest (default)" in terminal.text


def number_of(title: str) -> str:
    """The number an answer has in the review."""
    _, terminal = talk(MadeUpDesk(), *STRAIGHT, INTERRUPT)
    line = next(line for line in terminal.printed if f". {title}:" in line)
    return line.split(".")[0].strip()


def test_an_answer_is_changed_by_its_number() -> None:
    desk = MadeUpDesk()
    number = number_of("Domain")
    code, terminal = talk(desk, *STRAIGHT, "2", number, "health.example.org", "1")
    assert code == ExitCode.OK
    assert desk.installed[0].answered["access.domain"] == "health.example.org"
    assert "Domain: health.example.org (your answer)" in terminal.text


def test_a_number_without_an_answer_is_said_to_be_none() -> None:
    _, terminal = talk(MadeUpDesk(), *STRAIGHT, "2", "999", INTERRUPT)
    assert "There is no answer with this number." in terminal.text


def test_what_a_flag_fixed_is_not_changed() -> None:
    _, terminal = talk(almost(), *STRAIGHT, "2", "1", INTERRUPT)
    assert "is fixed by flag" in terminal.text


def test_the_plan_is_shown_with_its_indentation() -> None:
    _, terminal = talk(almost(), *STRAIGHT, "3", INTERRUPT)
    assert "The plan [of free]" in terminal.printed
    assert "  makes three things" in terminal.printed


def test_a_minus_empties_an_answer_that_has_a_suggestion() -> None:
    terminal = Terminal(["-"])
    assert terminal.asker().text("Domain", "health.example.org") == ""


def test_secrets_are_read_without_being_shown() -> None:
    terminal = Terminal(["env:KEY"])
    assert terminal.asker().text("Passphrase", "", secret=True) == "env:KEY"
    assert terminal.hidden != []


def test_what_was_found_is_said_and_a_refusal_can_be_tried_again() -> None:
    tries: list[int] = []

    def look(_stop: StopFlag) -> tuple[Finding, ...]:
        tries.append(1)
        if len(tries) == 1:
            raise AccountError("The key is refused.", "Oracle answers 401.", "Upload it anew.")
        return (Finding(True, "Signed in as ann."),)

    _, terminal = talk(MadeUpDesk(findings=look), *STRAIGHT, "1", INTERRUPT)
    assert "The key is refused. Oracle answers 401. Upload it anew." in terminal.text
    assert "ok: Signed in as ann." in terminal.text


def test_progress_is_a_line_an_event() -> None:
    def install(_draft: Draft, report: Report, _stop: StopFlag) -> Conclusion:
        report(RunStarted(Verb.INSTALL, "health", (StepInfo("n", "Network", "g", (), 1.0),)))
        report(StepFinished("n", Outcome.MADE, "", 3.0))
        return DONE

    _, terminal = talk(MadeUpDesk(install_with=install), *STRAIGHT, "1")
    assert "[0:00] Installing health: 1 steps." in terminal.printed
    assert "[0:00] Network: made (0:03)" in terminal.printed


def test_advice_is_offered_where_it_does_not_fit_and_taken_as_answers() -> None:
    desk = almost()
    # Switch the hungry one on, ask for advice, take the first suggestion, go on, install.
    code, terminal = talk(desk, *QUESTIONS, "", "3", "5", "1", "4", "1")
    assert code == 0
    assert desk.installed[0].answered["modules.search.enabled"] is False
    assert "Suggestion 1" in terminal.text


def test_the_numbers_are_explained_on_request() -> None:
    desk = almost()
    _, terminal = talk(desk, *QUESTIONS, "", "5", "4", "1")
    assert terminal.text.count("CPU") >= 2
