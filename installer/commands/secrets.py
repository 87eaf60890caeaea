"""Follows references to secrets; every value is known to the mask before anybody else sees it."""

from __future__ import annotations

from collections.abc import Callable

from installer.answers.model import Answers
from installer.answers.problems import AnswersError as BadAnswers
from installer.answers.secret_reference import SecretRef
from installer.engine.errors import AnswersError
from installer.engine.masking import known_secrets
from installer.modules.secret_values import PULL_PASSWORD


def resolved(reference: SecretRef) -> str | None:
    """The secret, or None for one that is generated. Raises AnswersError when it is not there."""
    try:
        value = reference.resolve()
    except BadAnswers as error:
        raise AnswersError(error.what, error.why, error.then) from error
    known_secrets.add(value)
    return value


def resolver(answers: Answers) -> Callable[[str], str | None]:
    """Looks up what the person supplied for one secret question, None to generate it."""

    def resolve(question: str) -> str | None:
        if question == PULL_PASSWORD:
            reference = answers.images.pull_password
        else:
            reference = answers.secrets.get(question)
        return resolved(reference) if reference else None

    return resolve


def follow_all(answers: Answers) -> None:
    """Follow every reference now, so that one that leads nowhere stops us before money is spent."""
    for reference in answers.secrets.values():
        resolved(reference)
    if answers.images.pull_password:
        resolved(answers.images.pull_password)
