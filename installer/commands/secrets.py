"""Follows references to secrets; every value is known to the mask before anybody else sees it."""

from __future__ import annotations

from collections.abc import Callable

from installer.answers.model import Answers
from installer.answers.problems import AnswersError as BadAnswers
from installer.answers.secret_reference import SecretRef
from installer.engine.errors import AnswersError
from installer.engine.masking import known_secrets
from installer.modules.problems import ModulesInvalid
from installer.modules.secret_values import PULL_PASSWORD, check_supplied
from installer.plan import Plan


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


def try_all(plan: Plan) -> None:
    """Follow every reference and try every value now, before anything is made or costs money.

    Raises AnswersError for a reference that leads nowhere, and for values no Secret can take.
    """
    for reference in plan.answers.secrets.values():
        resolved(reference)
    if plan.answers.images.pull_password:
        resolved(plan.answers.images.pull_password)
    try:
        check_supplied(plan.rendered.secrets, resolver(plan.answers))
    except ModulesInvalid as error:
        raise AnswersError(
            "Some of the secrets you supply cannot be used.",
            "\n".join(str(problem) for problem in error.problems),
            "Supply others, or let them be generated. Nothing was made.",
        ) from error
