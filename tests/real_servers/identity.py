"""Programs run under the user ids of their pods, when this machine's user may do that."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from tests.real_servers.extracting import Pod


@dataclass(frozen=True)
class Identity:
    """User, group, and group of the mounted files; `remark` says what differs from the pod."""

    user: int
    group: int
    files_group: int
    remark: str = ""

    @property
    def changes(self) -> bool:
        """Whether a change of user is possible and needed."""
        return os.geteuid() == 0

    def command(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The words that run other words as this user, with no way back to more rights."""
        if not self.changes:
            return words
        return (
            "setpriv",
            f"--reuid={self.user}",
            f"--regid={self.group}",
            f"--groups={self.files_group}",
            "--no-new-privs",
            "--bounding-set=-all",
            "--inh-caps=-all",
            *words,
        )

    def give_to_group(self, path: Path) -> None:
        """What fsGroup does to a mounted file or folder."""
        if self.changes:
            os.chown(path, 0, self.files_group)


def identity_of(pod: Pod, *, must_have_a_name: str = "") -> Identity:
    """The pod's user. `must_have_a_name` is this machine's user to take when a program insists
    on a user with a name and the pod's id has none here."""
    if os.geteuid() != 0:
        return Identity(os.getuid(), os.getgid(), os.getgid(), "runs as the user of the tests")
    user, group, files_group = pod.user
    if not must_have_a_name or _has_name(user):
        return Identity(user, group, files_group)
    other = pwd.getpwnam(must_have_a_name)
    remark = f"user {user} is {must_have_a_name} ({other.pw_uid}), since it needs a name"
    return Identity(other.pw_uid, other.pw_gid, other.pw_gid, remark)


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True
