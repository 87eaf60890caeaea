"""A person at a plain terminal who says what a script tells them to say."""

from __future__ import annotations

from collections.abc import Iterable

from installer.conversation import Desk
from installer.prompts.asking import PlainAsker
from installer.prompts.walk import converse

INTERRUPT = "\x03"
END = "\x04"


class Terminal:
    """Answers prompts from a script and keeps what was printed; fails when the script is short."""

    def __init__(self, script: Iterable[str]) -> None:
        self._script = list(script)
        self.printed: list[str] = []
        self.prompts: list[str] = []
        self.hidden: list[str] = []

    def asker(self) -> PlainAsker:
        """An asker on this terminal."""
        return PlainAsker(self._read, self.printed.append, self._read_hidden)

    def _read(self, prompt: str) -> str:
        self.prompts.append(prompt)
        assert self._script, f"nothing left to say to {prompt!r}"
        said = self._script.pop(0)
        if said == INTERRUPT:
            raise KeyboardInterrupt
        if said == END:
            raise EOFError
        return said

    def _read_hidden(self, prompt: str) -> str:
        self.hidden.append(prompt)
        return self._read(prompt)

    @property
    def text(self) -> str:
        """All that was printed, with line breaks closed up."""
        return " ".join(" ".join(self.printed).split())

    @property
    def left(self) -> list[str]:
        """What was not said."""
        return self._script


def talk(desk: Desk, *script: str) -> tuple[int, Terminal]:
    """A whole conversation; the exit code and the terminal."""
    terminal = Terminal(script)
    return converse(desk, terminal.asker()), terminal
