"""With what a person logs in to the parts that are on; where a password is, never which it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from installer.answers.model import Answers
from installer.modules.catalogue import Module
from installer.modules.choices import applying
from installer.modules.description import LoginEntry
from installer.modules.secret_values import SecretSpec


@dataclass(frozen=True)
class Login:
    """One login: the key of a Secret that holds its password, and the user's name.

    Where the name is made like a password, it is the value of `user_key` and `user` is empty.
    """

    module: str
    title: str
    namespace: str
    secret: str
    key: str
    user: str = ""
    user_key: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys whose values a person needs, the user's name first."""
        return (self.user_key, self.key) if self.user_key else (self.key,)


def logins_of(
    answers: Answers, modules: Sequence[Module], secrets: Sequence[SecretSpec]
) -> tuple[Login, ...]:
    """The logins of all endpoints whose condition holds; `secrets` are those of the plan.

    A module that makes no Secret in this cluster has no login there either.
    """
    made = {(spec.module, spec.id): spec for spec in secrets}
    found = []
    for module in modules:
        for endpoint in applying(answers, module, module.file.endpoints):
            entry = endpoint.login
            spec = made.get((module.name, entry.secret)) if entry else None
            if entry and spec:
                found.append(_login(endpoint.title, entry, spec))
    return tuple(found)


def _login(title: str, entry: LoginEntry, spec: SecretSpec) -> Login:
    """A name that stands in the module's own file is no secret and is told as it is."""
    fixed = {value.key: value.text for value in spec.values if value.make == "fixed"}
    user = entry.user or fixed.get(entry.user_key, "")
    user_key = "" if user else entry.user_key
    return Login(spec.module, title, spec.namespace, spec.name, entry.key, user, user_key)
