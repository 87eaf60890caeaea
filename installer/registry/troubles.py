"""Why an image cannot be had, told apart so that each has its own remedy."""

from __future__ import annotations

from enum import StrEnum

from installer.engine.masking import known_secrets

_LONGEST_FOREIGN_TEXT = 200


class Kind(StrEnum):
    """What is wrong; only the `passing` ones may mend themselves."""

    NOT_A_REFERENCE = "not a reference"
    NO_REPOSITORY = "no such repository"
    NO_VERSION = "no such version"
    NEEDS_LOGIN = "needs a login"
    LOGIN_REFUSED = "login refused"
    WRONG_ARCHITECTURE = "wrong architecture"
    RATE_LIMITED = "rate limited"
    UNREACHABLE = "unreachable"
    NOT_TRUSTED = "not trusted"
    NOT_UNDERSTOOD = "not understood"

    @property
    def passing(self) -> bool:
        """Whether it may pass by itself."""
        return self in (Kind.RATE_LIMITED, Kind.UNREACHABLE)


class RegistryTrouble(Exception):
    """An image that cannot be had. `why` is in our words; `retry_after` is in seconds.

    `subject` is the image; `host` the server that was asked, which may be another one than the
    image's, such as one that gives out tokens.
    """

    def __init__(
        self,
        kind: Kind,
        subject: str,
        why: str,
        *,
        host: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{subject}: {kind}: {why}")
        self.kind = kind
        self.subject = subject
        self.why = why
        self.host = host
        self.retry_after = retry_after


def foreign(text: str) -> str:
    """What a server said, fit to be shown: one line, not long, and no secret of ours in it."""
    plain = "".join(each if each.isprintable() else " " for each in known_secrets.mask(text))
    tight = " ".join(plain.split())
    short = tight[:_LONGEST_FOREIGN_TEXT]
    return short + ("…" if len(short) < len(tight) else "")
