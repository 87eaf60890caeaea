"""Where this machine keeps what we know: one folder an installation.

Follows the XDG base directory rules; `HEALTH_INSTALL_HOME` overrides them all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from installer.engine.errors import StateError


@dataclass(frozen=True)
class Home:
    """The folder of one installation."""

    folder: Path

    @property
    def state(self) -> Path:
        """The SQLite file of the installation."""
        return self.folder / "state.sqlite"

    @property
    def lock(self) -> Path:
        """Locked by the process that works on the installation."""
        return self.folder / "lock"

    @property
    def log(self) -> Path:
        """Everything that happened, with times."""
        return self.folder / "install.log"

    @property
    def answers(self) -> Path:
        """The answers of the last run, secrets only by reference."""
        return self.folder / "answers.yaml"

    @property
    def worked(self) -> Path:
        """The answers of the last run that ended well."""
        return self.folder / "answers.worked.yaml"

    @property
    def worked_before(self) -> Path:
        """The answers that worked before those."""
        return self.folder / "answers.before.yaml"

    @property
    def kubeconfig(self) -> Path:
        """The cluster's address for the person's own tools."""
        return self.folder / "kubeconfig"


def base_folder() -> Path:
    """The folder that holds all installations of this person."""
    override = os.environ.get("HEALTH_INSTALL_HOME")
    if override:
        return Path(override).expanduser()
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "health-install"


def home_of(name: str, *, rehearsal: bool = False) -> Home:
    """The folder of one installation; a rehearsal never shares one with the real thing."""
    kind = "rehearsals" if rehearsal else "installations"
    return Home(base_folder() / kind / name)


def prepare(home: Home) -> None:
    """Create the folder, readable by its owner only.

    Raises StateError when it cannot be written, before anything else is done.
    """
    try:
        home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = home.folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StateError(
            f"Cannot write to {home.folder}.",
            f"The system says: {error.strerror or error}.",
            "Make the folder writable, or set HEALTH_INSTALL_HOME to one that is.",
        ) from error
