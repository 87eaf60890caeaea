"""How every command ends: one clear message, one exit code, and no traceback on the screen."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from installer.engine.errors import ExitCode, InstallError
from installer.engine.masking import known_secrets
from installer.engine.places import base_folder


def run(command: Callable[[argparse.Namespace], int], asked: argparse.Namespace) -> int:
    """Run a command; an expected failure becomes three lines, a bug one line and a log."""
    try:
        return command(asked)
    except InstallError as error:
        say_failure(error)
        return int(error.exit_code)
    except KeyboardInterrupt:
        tell("Stopped at once. Run the same command again to go on.")
        return int(ExitCode.STOPPED_AT_ONCE)
    except Exception:  # noqa: BLE001 - the last door; a bug must look like one
        return _bug(traceback.format_exc())


def tell(text: str) -> None:
    """One masked line for the person, beside whatever the command prints."""
    print(known_secrets.mask(text), file=sys.stderr)  # noqa: T201 - the one place that prints errors


def say(text: str) -> None:
    """Masked output of a command.

    When the reader goes away, as `head` does, the work goes on and is told to nobody.
    """
    try:
        sys.stdout.write(known_secrets.mask(text).rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Failure(Protocol):
    """An error, or the account of one."""

    @property
    def what(self) -> str: ...

    @property
    def why(self) -> str: ...

    @property
    def then(self) -> str: ...


def say_failure(error: Failure) -> None:
    """What happened, why, what next."""
    tell(f"error: {error.what}")
    for label, words in (("why", error.why), ("next", error.then)):
        if words:
            indented = words.replace("\n", "\n       ")
            tell(f"{label:>5}: {indented}")


def _bug(trace: str) -> int:
    where = base_folder() / "crash.log"
    try:
        where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with where.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat()}\n{known_secrets.mask(trace)}\n")
        tell(f"error: health-install made a mistake of its own. The details are in {where}.")
    except OSError:
        tell(f"error: health-install made a mistake of its own.\n{trace}")
    tell(
        " next: Everything made so far is kept. Run the same command again, or report the details."
    )
    return int(ExitCode.BUG)
