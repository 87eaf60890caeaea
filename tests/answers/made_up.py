"""A small catalogue of modules, made up for these tests, with one option of every kind."""

from __future__ import annotations

from installer.answers import (
    Answers,
    BadAnswer,
    ModuleQuestions,
    OptionSpec,
    Question,
    SecretQuestion,
    answers_model,
)

STORE = ModuleQuestions(
    name="store",
    title="Data store",
    purpose="Keeps the data.",
    options=(
        OptionSpec("kind", "choice", "tree", "Kind", "How data is kept.", ("tree", "log")),
        OptionSpec("copies", "integer", 1, "Copies", "How many.", minimum=1, maximum=3),
        OptionSpec("encrypted", "switch", True, "Encryption", "Whether data is encrypted."),
        OptionSpec("label", "text", "", "Label", "Any word."),
        OptionSpec("space", "size", "4Gi", "Space", "How much.", minimum=2**30, maximum=50 * 2**30),
    ),
    secrets=(
        SecretQuestion("main.admin", "Administrator's password", "For the person in charge."),
        SecretQuestion("main.app", "Application's password", ""),
    ),
)
FRONT_DOOR = ModuleQuestions(
    name="front-door",
    title="Front door",
    purpose="Lets people in.",
    needs=("store",),
    enabled=False,
    options=(OptionSpec("time-out", "integer", 30, "Patience", "Seconds to wait.", minimum=1),),
    secrets=(SecretQuestion("session", "Session key", "Signs sessions."),),
)
CATALOGUE = (STORE, FRONT_DOOR)


def model() -> type[Answers]:
    """The answers model for the made-up catalogue."""
    return answers_model(CATALOGUE)


def refusal(question: Question, raw: object) -> str | None:
    """The sentence an answer is refused with; None when it is taken."""
    try:
        question.parse(raw)
    except BadAnswer as bad:
        return bad.sentence
    return None
