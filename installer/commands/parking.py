"""What a person can set up so that an installation that waits for a machine goes on by itself."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from installer.commands.sources import Case
from installer.oracle.pace import MOST_AN_HOUR

PROGRAM = "health-install"
# Often enough to catch a machine that became free; the pace of attempts is kept by every run.
EVERY_MINUTES = 15
# Where the state is kept when it is not at its usual place; cron would not know.
_PLACES = ("HEALTH_INSTALL_HOME", "XDG_STATE_HOME")


def going_on(case: Case) -> tuple[str, ...]:
    """One line each for cron and for systemd, complete and ready to paste."""
    command = shlex.join(command_words(case))
    log = shlex.quote(str(case.home.folder / "going-on.log"))
    unit = f"{PROGRAM}-{case.name}"
    return (
        f"Go on by hand at any time: {command}",
        f"Go on by itself with cron (crontab -e, add): */{EVERY_MINUTES} * * * * {command} "
        f">> {log} 2>&1",
        f"Or with a systemd timer: systemd-run --user --unit={unit} "
        f"--on-calendar='*:0/{EVERY_MINUTES}' {command}",
        f"All runs together keep to at most {MOST_AN_HOUR} attempts an hour. Take the line out "
        "again when the installation is complete; until then a run too many does no harm.",
    )


def command_words(case: Case) -> tuple[str, ...]:
    """The command that repeats this run without questions, by absolute paths for cron."""
    kept_in = [f"{name}={os.environ[name]}" for name in _PLACES if os.environ.get(name)]
    words = ["env", *kept_in] if kept_in else []
    words += [program(), "--headless", str(case.home.answers)]
    if case.rehearsal:
        words.append("--rehearse")
    return tuple(words)


def program() -> str:
    """Where the program is; its plain name where it was not started by its own."""
    started = Path(sys.argv[0])
    if started.name == PROGRAM and started.exists():
        return str(started.absolute())
    return shutil.which(PROGRAM) or PROGRAM
