"""A secret named by where it is kept. The secret itself never enters an answer."""

from __future__ import annotations

import importlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from installer.answers.problems import SecretUnavailable, refuse

FORMS = "generate, env:NAME, file:PATH or keyring:SERVICE/USER"
PATTERN = r"^(generate|env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:[^/]+/.+)$"
_LARGEST_FILE = 64 * 1024


@dataclass(frozen=True)
class SecretRef:
    """Where a secret is kept: `generate`, `env:NAME`, `file:PATH` or `keyring:SERVICE/USER`.

    Build one with `SecretRef.read`. Its text form is safe to show and to write.
    """

    scheme: str
    name: str = ""

    @classmethod
    def read(cls, text: str) -> SecretRef:
        """Take a reference in its text form.

        Anything else is refused without repeating it, for it may be the secret itself.
        """
        text = text.strip()
        # isprintable also keeps line ends out, which a pattern's "." and "$" would let through.
        if not text.isprintable() or re.fullmatch(PATTERN, text) is None:
            raise refuse(_refusal(text))
        scheme, _, name = text.partition(":")
        return cls(scheme, name)

    @property
    def generated(self) -> bool:
        """True when the installation makes this secret itself."""
        return self.scheme == "generate"

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}" if self.name else self.scheme

    def resolve(self) -> str | None:
        """The secret itself, or None for `generate`. Give it to the masking before any use.

        Raises SecretUnavailable when the reference leads nowhere.
        """
        if self.generated:
            return None
        value = {"env": self._from_environment, "file": self._from_file}.get(
            self.scheme, self._from_keyring
        )()
        if not value:
            raise self._unavailable("It is empty there.")
        return value

    def _from_environment(self) -> str:
        value = os.environ.get(self.name)
        if value is None:
            raise self._unavailable(f"The environment has no variable {self.name}.")
        return value

    def _from_file(self) -> str:
        path = Path(self.name).expanduser()
        try:
            with path.open("rb") as stream:
                content = stream.read(_LARGEST_FILE + 1)
            if len(content) > _LARGEST_FILE:
                raise self._unavailable("The file is larger than 64 KiB, too large for a secret.")
            # A trailing line end belongs to the editor that wrote the file, not to the secret.
            return content.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            # Not chained: the original error carries the bytes of the secret.
            raise self._unavailable("The file is not text in UTF-8.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a usable path"
            raise self._unavailable(f"The file cannot be read: {reason}.") from error

    def _from_keyring(self) -> str:
        service, _, user = self.name.partition("/")
        try:
            # Optional, and slow to import: only people who keep secrets there pay for it.
            keyring = importlib.import_module("keyring")
        except ImportError as error:
            raise self._unavailable(
                "The keyring package is not installed here.",
                "Install health-install with its keyring extra, or use env:NAME or file:PATH.",
            ) from error
        try:
            value = keyring.get_password(service, user)
        except keyring.errors.KeyringError as error:
            raise self._unavailable("The keyring did not answer; it may be locked.") from error
        if value is None:
            raise self._unavailable(f"The keyring holds nothing for {service} and {user}.")
        return str(value)

    def _unavailable(self, why: str, then: str = "") -> SecretUnavailable:
        return SecretUnavailable(
            what=f"The secret named by {self} cannot be read.",
            why=why,
            then=then or "Put the secret there, or name another place in the answers.",
        )


def _refusal(text: str) -> str:
    scheme = text.partition(":")[0].strip().lower()
    if not text:
        return f"A reference to a secret is needed here: {FORMS}."
    if scheme == "env":
        return "After env: comes the name of an environment variable, like env:PULL_PASSWORD."
    if scheme == "file":
        return "After file: comes the path of a file, like file:~/secrets/pull-password."
    if scheme == "keyring":
        return "After keyring: come a service and a user, like keyring:health/registry."
    if scheme == "generate":
        return "Write just generate, with nothing after it."
    return (
        f"A secret is never written into the answers, only where it is kept: {FORMS}. "
        "What was given here is not shown, for it may be the secret itself."
    )
