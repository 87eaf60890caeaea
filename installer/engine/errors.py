"""One tree of errors; each says what happened, why, and what to do next."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How the command ended, for scripts. Numbers are stable once released."""

    OK = 0
    FAILED = 1
    COSTS_MONEY = 2
    DOES_NOT_FIT = 3
    ANSWERS = 4
    ACCOUNT = 5
    UNREACHABLE = 6
    PARKED = 7
    STOPPED = 8
    LOCKED = 9
    NOT_OURS = 10
    STATE = 11
    CLUSTER = 12
    USAGE = 64
    BUG = 70
    STOPPED_AT_ONCE = 130

    @property
    def meaning(self) -> str:
        """One line for the help text."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "done, or nothing to do",
    ExitCode.FAILED: "a step failed; run the same command again to go on",
    ExitCode.COSTS_MONEY: "the plan costs money that nobody agreed to",
    ExitCode.DOES_NOT_FIT: "the plan does not fit the limits",
    ExitCode.ANSWERS: "answers are missing or wrong",
    ExitCode.ACCOUNT: "the Oracle account or its credentials refuse",
    ExitCode.UNREACHABLE: "Oracle or the cluster cannot be reached",
    ExitCode.PARKED: "waiting for capacity; run again later",
    ExitCode.STOPPED: "stopped on request; run again to go on",
    ExitCode.LOCKED: "another run holds this installation",
    ExitCode.NOT_OURS: "something that is not ours is in the way",
    ExitCode.STATE: "the state on this machine cannot be used",
    ExitCode.CLUSTER: "the cluster does not become ready",
    ExitCode.USAGE: "the command line is not understood",
    ExitCode.BUG: "an error of ours; the log has the details",
    ExitCode.STOPPED_AT_ONCE: "stopped at once; run again to go on",
}


class InstallError(Exception):
    """Base of all expected failures; trying again without a change will not help."""

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, why: str = "", then: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.then = then

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.why, self.then) if part)


class Temporary(InstallError):
    """May pass by itself. The runner waits and tries the step again.

    `retry_after` is in seconds, where the other side named a time.
    """

    def __init__(
        self, what: str, why: str = "", then: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(what, why, then)
        self.retry_after = retry_after


class Unreachable(Temporary):
    """Nobody answers: no network, a wrong address, or a server that is down."""

    exit_code = ExitCode.UNREACHABLE


class Parked(InstallError):
    """Nothing is wrong, but going on is only possible later."""

    exit_code = ExitCode.PARKED


class Stopped(InstallError):
    """The person asked to stop; everything made so far is kept and known."""

    exit_code = ExitCode.STOPPED

    def __init__(self, what: str = "Stopped on request.", why: str = "", then: str = "") -> None:
        super().__init__(what, why, then or "Run the same command again to go on from here.")


class NotOurs(InstallError):
    """Something with our name but not our mark is in the way; we do not touch it."""

    exit_code = ExitCode.NOT_OURS


class AccountError(InstallError):
    """The account or its credentials do not allow this."""

    exit_code = ExitCode.ACCOUNT


class ClusterError(InstallError):
    """The cluster refuses an object or does not bring it to life."""

    exit_code = ExitCode.CLUSTER


class AnswersError(InstallError):
    """Answers are missing or wrong."""

    exit_code = ExitCode.ANSWERS


class DoesNotFit(InstallError):
    """The plan needs more than the limits allow."""

    exit_code = ExitCode.DOES_NOT_FIT


class CostsMoney(InstallError):
    """The plan has a bill that nobody agreed to."""

    exit_code = ExitCode.COSTS_MONEY


class StateError(InstallError):
    """The state file of an installation cannot be read or written."""

    exit_code = ExitCode.STATE


class Locked(InstallError):
    """Another process works on the same installation."""

    exit_code = ExitCode.LOCKED
