"""Two ways to put a question in line mode: numbered plain input, and questionary.

Neither checks anything: both give back text, and the question's own `parse` judges it.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

BACK = "<"
HELP = "?"
ADVANCED = "!"
EMPTY = "-"
COMMANDS = (
    f"Enter takes what stands in brackets, {EMPTY} leaves it empty, {BACK} goes back, "
    f"{HELP} explains, {ADVANCED} asks more (or fewer) questions, Ctrl-C leaves."
)

Read = Callable[[str], str]
Write = Callable[[str], None]


class Asker(Protocol):
    """Puts one question and returns what was said, as text; may also return a command sign.

    Raises KeyboardInterrupt or EOFError when the person leaves.
    """

    def say(self, text: str = "") -> None:
        """Write a line."""

    def text(self, title: str, default: str, *, secret: bool = False) -> str:
        """Ask for a line of text; an empty line means the default."""

    def choose(self, title: str, choices: Sequence[str], default: str) -> str:
        """Ask for one of a few words."""


class PlainAsker:
    """Plain `input()` with numbers: no cursor movement, for simple terminals and screen readers."""

    def __init__(
        self, read: Read = input, write: Write = print, read_hidden: Read = getpass.getpass
    ) -> None:
        self._read = read
        self._write = write
        self._read_hidden = read_hidden

    def say(self, text: str = "") -> None:
        """Write a line."""
        self._write(text)

    def text(self, title: str, default: str, *, secret: bool = False) -> str:
        """Ask for a line of text; `-` stands for an empty answer."""
        shown = f" [{default}]" if default else " [none]"
        said = (self._read_hidden if secret else self._read)(f"{title}{shown}: ").strip()
        if said == EMPTY:
            return ""
        return said or default

    def choose(self, title: str, choices: Sequence[str], default: str) -> str:
        """Ask for a number; the word itself is accepted as well."""
        for number, choice in enumerate(choices, 1):
            self._write(f"  {number}. {choice}")
        said = self._read(f"{title} [{default}]: ").strip()
        if said.isdecimal() and 1 <= int(said) <= len(choices):
            return choices[int(said) - 1]
        return said or default


class RichAsker:
    """questionary's prompts; only on a real terminal that can move its cursor."""

    def __init__(self, write: Write = print, **streams: Any) -> None:
        self._write = write
        self._streams: Mapping[str, Any] = streams

    def say(self, text: str = "") -> None:
        """Write a line."""
        self._write(text)

    def text(self, title: str, default: str, *, secret: bool = False) -> str:
        """Ask for a line of text, with the default ready to edit."""
        import questionary

        if secret:
            asked = questionary.password(f"{title} [{default or 'none'}]", **self._streams)
            said = str(asked.unsafe_ask()).strip() or default
            return "" if said == EMPTY else said
        said = str(questionary.text(title, default=default, **self._streams).unsafe_ask()).strip()
        return "" if said == EMPTY else said

    def choose(self, title: str, choices: Sequence[str], default: str) -> str:
        """Ask with a list to move in; the last entries are the commands."""
        import questionary

        commands = {
            "(go back)": BACK,
            "(explain)": HELP,
            "(more or fewer questions)": ADVANCED,
        }
        asked = questionary.select(
            title,
            choices=[*choices, *commands],
            default=default if default in choices else None,
            **self._streams,
        )
        said = str(asked.unsafe_ask())
        return commands.get(said, said)


def asker_for_this_terminal(*, plain: bool = False) -> Asker:
    """Plain where the person or the terminal wants it, questionary elsewhere.

    questionary would take defaults silently when standard input is a pipe, and move the cursor
    even where TERM=dumb says that it cannot.
    """
    simple = os.environ.get("TERM", "dumb") in ("dumb", "")
    piped = not (sys.stdin.isatty() and sys.stdout.isatty())
    return PlainAsker() if plain or simple or piped else RichAsker()
