"""The receipt of a removal: what there was, what there is, and what was left on purpose.

Plain text for a person to keep. It names things and their ids, and never holds a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from installer.engine.errors import StateError
from installer.engine.masking import known_secrets
from installer.engine.state import Installation
from installer.prompts.words import clean


@dataclass(frozen=True)
class Line:
    """One thing as it is listed: in words, and its id where it has one."""

    words: str
    id: str = ""


@dataclass(frozen=True)
class Holding:
    """What was seen at one moment: ours, what others keep beside it, and what nobody could see."""

    ours: tuple[Line, ...] = ()
    others: tuple[Line, ...] = ()
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """The two lists; `after` is None when the second could not be made, `trouble` says why."""

    installation: Installation
    when: datetime
    before: Holding
    after: Holding | None
    trouble: str = ""
    kept: tuple[Line, ...] = ()
    price: str = ""

    def lines(self) -> tuple[str, ...]:
        """The whole receipt."""
        return (
            f"Receipt of the removal of installation {self.installation.name} "
            f"({self.installation.id}), {self.when:%Y-%m-%d %H:%M} UTC",
            *_listed("Before, this carried its mark:", self.before.ours),
            *self._after(),
            *self._kept(),
            *self._beside(),
            *self._unseen(),
        )

    def _after(self) -> tuple[str, ...]:
        if self.after is None:
            return (f"Afterwards nobody could look: {self.trouble}",)
        if not self.after.ours:
            return ("Afterwards nothing carries its mark any more.",)
        return _listed("STILL THERE and may cost money:", self.after.ours)

    def _kept(self) -> tuple[str, ...]:
        if not self.kept:
            return ()
        return (*_listed("Kept on request, and no longer looked after:", self.kept), self.price)

    def _beside(self) -> tuple[str, ...]:
        kept = {line.id for line in self.kept}
        seen = (self.after or self.before).others
        others = [line for line in seen if line.id not in kept]
        return _listed("Not ours, left as it was:", others) if others else ()

    def _unseen(self) -> tuple[str, ...]:
        unseen = dict.fromkeys((*self.before.unseen, *(self.after.unseen if self.after else ())))
        return (f"Oracle does not let this user list: {', '.join(unseen)}.",) if unseen else ()

    def write(self, folder: Path) -> Path:
        """Keep it beside the log, readable by its owner only; returns where."""
        path = folder / f"receipt-{self.when:%Y-%m-%d-%H%M%S}.txt"
        text = known_secrets.mask("\n".join(self.lines())) + "\n"
        try:
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
        except OSError as error:
            raise StateError(
                f"The receipt {path} cannot be written.",
                f"The system says: {error.strerror or error}.",
                "Everything was removed as told above; only the file is missing.",
            ) from error
        return path


def _listed(title: str, lines: Sequence[Line]) -> tuple[str, ...]:
    if not lines:
        return (f"{title} nothing",)
    # Names of things are foreign text.
    return (f"{title} {len(lines)}", *(f"  {clean(f'{line.words}  {line.id}')}" for line in lines))
