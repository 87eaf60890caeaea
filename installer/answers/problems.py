"""What can be wrong with answers, in sentences of our own."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic_core import ErrorDetails, PydanticCustomError


@dataclass(frozen=True)
class Problem:
    """One mistake in the answers.

    `where` is what a person opens to mend it ("answers.yaml:12", "--set", a variable's name),
    `path` the dotted path of the answer ("" when the whole source is meant).
    """

    where: str
    path: str
    sentence: str

    def __post_init__(self) -> None:
        # A path can be any key a file holds, line ends and all.
        object.__setattr__(self, "path", printable(self.path, 120))

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.path, self.sentence) if part)


class AnswersError(Exception):
    """Something about the answers stops us: what happened, why, and what to do next."""

    def __init__(self, what: str, why: str = "", then: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.then = then


class AnswersInvalid(AnswersError):
    """The answers hold mistakes; `problems` has all of them, in the order of their sources."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        what = "There is 1 mistake" if count == 1 else f"There are {count} mistakes"
        super().__init__(
            what=f"{what} in the answers.",
            why="\n".join(str(problem) for problem in self.problems),
            then="Mend them and run the same command again. "
            "A complete file to start from: health-install answers example",
        )

    def __str__(self) -> str:
        return f"{self.what}\n{self.why}"


class BadAnswer(AnswersError):
    """One answer that is not accepted; `sentence` says why and what would be."""

    def __init__(self, sentence: str) -> None:
        super().__init__(what=sentence)
        self.sentence = sentence


class SecretUnavailable(AnswersError):
    """A secret is named by a reference that leads nowhere on this machine."""


def refuse(sentence: str, *paths: str) -> PydanticCustomError:
    """The error a validator raises; `paths` are the answers a rule over several fields is about."""
    return PydanticCustomError("answer", "{sentence}", {"sentence": sentence, "paths": paths})


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None when nothing is like it.

    Same last part counts most: a key under the wrong section is a common slip.
    """
    candidates = sorted(set(known))
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.75)
    if close:
        return close[0]
    last = word.rpartition(".")[2]
    same_end = [path for path in candidates if path.rpartition(".")[2] == last]
    if len(same_end) == 1:
        return same_end[0]
    looser = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    return looser[0] if looser else None


def unknown(path: str, known: Iterable[str]) -> str:
    """The sentence for a key nobody asked for."""
    guess = nearest(path, known)
    return f"unknown; did you mean {guess}?" if guess else "unknown; no question has this name."


def one_of(choices: Iterable[str]) -> str:
    """ "a, b or c", for a sentence."""
    names = list(choices)
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"


def quoted(text: str) -> str:
    """A harmless piece of input, shortened and made printable, for a sentence."""
    return f"“{printable(text, 60)}”"


def printable(text: str, longest: int) -> str:
    """`text` on one line, with a ? for signs that cannot be shown, cut to `longest` signs."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


_SENTENCES = {
    "extra_forbidden": "unknown; no question has this name.",
    "missing": "An answer is needed here.",
    "model_type": "An indented block of answers belongs under it.",
    "model_attributes_type": "An indented block of answers belongs under it.",
}


def sentence_of(detail: ErrorDetails) -> str:
    """Our sentence for one of pydantic's errors; its own words are for programmers."""
    if detail["type"] == "answer":
        return detail["msg"]
    return _SENTENCES.get(detail["type"], "This value is not understood.")
