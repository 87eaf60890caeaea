"""Where values come from, which of them counts, and all mistakes in them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from installer.answers.asking import Question, by_path
from installer.answers.model import Answers
from installer.answers.problems import AnswersInvalid, BadAnswer, Problem, sentence_of, unknown

A = TypeVar("A", bound=Answers)


class Source(StrEnum):
    """Where a value came from; the names are shown to people."""

    REHEARSAL = "rehearsal"
    SCREEN = "screen"
    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    PREVIOUS = "previous run"
    PROFILE = "profile"
    DEFAULT = "default"


# First counts most. What a person changes on the screen is their last word; a rehearsal's own
# account must never be mixed with a real one.
PRECEDENCE = tuple(Source)
# What nobody wrote for this run: wrong values in it matter only when they would be used.
_SUGGESTING = frozenset({Source.PREVIOUS, Source.PROFILE})


@dataclass(frozen=True)
class Layer:
    """The values of one source, raw, by dotted path.

    `origin` names it for people (a file's name, "--set"); `lines` has the line of each value in a
    file; `problems` are mistakes found while reading, such as unknown keys.
    """

    source: Source
    # Kept out of the repr: before it is checked, a value may be a secret put in the wrong place.
    values: Mapping[str, object] = field(repr=False)
    origin: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def where(self, path: str) -> str:
        """What to open to mend the value: "answers.yaml:12", or the origin alone."""
        line = self.lines.get(path)
        return f"{self.origin}:{line}" if line else self.origin


@dataclass(frozen=True)
class Sourced:
    """Where the value that counts came from; `line` is 0 when there is none."""

    source: Source
    origin: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.origin}:{self.line}" if self.line else self.origin
        if not place or place == str(self.source):
            return str(self.source)
        return f"{self.source} {place}"


@dataclass(frozen=True)
class Gathered(Generic[A]):
    """Answers with the source of every one; `lasting` is what a file that repeats them holds.

    The two differ only in what a rehearsal laid over them for its own run.
    """

    answers: A
    values: Mapping[str, object]
    sources: Mapping[str, Sourced]
    lasting: Mapping[str, object]


@dataclass(frozen=True)
class Given:
    """A value somebody gave: itself, its text form, where it came from, and where to mend it."""

    value: object
    text: str
    sourced: Sourced
    where: str


def gather(model: type[A], layers: Sequence[Layer]) -> Gathered[A]:
    """Lay the sources over each other, in the order of PRECEDENCE whatever order they come in.

    Raises AnswersInvalid with every mistake in every source.
    """
    asked = by_path(model)
    reading = _Reading(asked, _in_order(layers))
    answers, crossed = _build(model, asked, reading)
    if answers is None or reading.problems or crossed:
        raise AnswersInvalid((*reading.problems, *crossed))
    return Gathered(
        answers=answers,
        values={path: reading.value(path) for path in asked},
        sources=reading.sources(),
        lasting=_lasting(asked, reading, layers),
    )


def given(model: type[Answers], layers: Sequence[Layer]) -> Mapping[str, Given]:
    """What the sources say before anything is asked, by path; defaults are not in it.

    Raises AnswersInvalid for mistakes in single answers, like `gather`.
    """
    reading = _Reading(by_path(model), _in_order(layers))
    if reading.problems:
        raise AnswersInvalid(reading.problems)
    return reading.given


def screen_layer(answered: Mapping[str, object]) -> Layer:
    """What a person answered in front of us, as text or as values."""
    return Layer(Source.SCREEN, dict(answered), origin=str(Source.SCREEN))


def locate(path: str, asked: Mapping[str, Question]) -> tuple[Question, str] | None:
    """The question a path belongs to, and the rest of it when the question is open-ended."""
    question = asked.get(path)
    if question is not None:
        return question, ""
    for known_path, question in asked.items():
        if question.open_ended and path.startswith(f"{known_path}."):
            return question, path[len(known_path) + 1 :]
    return None


def _in_order(layers: Iterable[Layer]) -> list[Layer]:
    return sorted(layers, key=lambda layer: PRECEDENCE.index(layer.source))


class _Reading:
    """Reads every layer with the questions' own parsers; keeps what counts and what is wrong."""

    def __init__(self, asked: Mapping[str, Question], layers: Sequence[Layer]) -> None:
        self._asked = asked
        self._offers: dict[str, list[_Offer]] = {}
        self._entries: dict[str, Sourced] = {}
        self.given: dict[str, Given] = {}
        self.problems: list[Problem] = []
        self.broken: set[str] = set()
        for order, layer in enumerate(layers):
            self._read_layer(layer, order)
        for path, offers in self._offers.items():
            self.given[path] = self._settle(path, offers)

    def value(self, path: str) -> object:
        """The value that counts."""
        given = self.given.get(path)
        return given.value if given else self._asked[path].default_value

    def where(self, paths: Sequence[str]) -> str:
        """Where to mend a mistake about several answers: the first of them anybody gave."""
        return next((self.given[path].where for path in paths if path in self.given), "")

    def sources(self) -> dict[str, Sourced]:
        """The source of every leaf, and of every entry of an open-ended one."""
        default = Sourced(Source.DEFAULT)
        leaves = {
            path: self.given[path].sourced if path in self.given else default
            for path in self._asked
        }
        return {**leaves, **self._entries}

    def _read_layer(self, layer: Layer, order: int) -> None:
        found = list(layer.problems)
        for path, raw in layer.values.items():
            place = locate(path, self._asked)
            if place is None:
                found.append(Problem(layer.where(path), path, unknown(path, self._asked)))
                continue
            question, entry = place
            if self._needless(question, layer):
                continue
            try:
                value = question.parse({entry: raw} if entry else raw)
            except BadAnswer as bad:
                self.broken.add(question.path)
                found.append(Problem(layer.where(path), path, bad.sentence))
            else:
                offer = _Offer(layer, order, question.path, path, bool(entry), value)
                self._offers.setdefault(question.path, []).append(offer)
        self.problems.extend(sorted(found, key=_line_of))

    def _needless(self, question: Question, layer: Layer) -> bool:
        overridden = question.path in self._offers or question.path in self.broken
        return overridden and layer.source in _SUGGESTING and not question.open_ended

    def _settle(self, path: str, offers: list[_Offer]) -> Given:
        """The first offer counts; single entries are laid over the first whole one below them."""
        first = offers[0]
        if not self._asked[path].open_ended:
            return self._given(first, first.value)
        lowest = min((offer.order for offer in offers if not offer.entry), default=offers[-1].order)
        used = [offer for offer in offers if offer.order <= lowest]
        entries: dict[str, object] = {}
        # Lowest first, so that higher ones go over them; within a layer the whole goes first.
        for offer in sorted(used, key=lambda offer: (-offer.order, offer.entry)):
            assert isinstance(offer.value, dict)
            for name, value in offer.value.items():
                entries[name] = value
                self._entries[f"{path}.{name}"] = offer.sourced
        return self._given(first, dict(sorted(entries.items())))

    def _given(self, offer: _Offer, value: object) -> Given:
        text = self._asked[offer.question].show(value)
        return Given(value, text, offer.sourced, offer.layer.where(offer.path))


@dataclass(frozen=True)
class _Offer:
    """A value one layer offers for a question; `entry`: one entry of an open-ended one."""

    layer: Layer
    order: int
    question: str
    path: str
    entry: bool
    value: object

    @property
    def sourced(self) -> Sourced:
        """Where the value came from."""
        return Sourced(self.layer.source, self.layer.origin, self.layer.lines.get(self.path, 0))


def _line_of(problem: Problem) -> int:
    line = problem.where.rpartition(":")[2]
    return int(line) if line.isdigit() else 0


def _build(
    model: type[A], asked: Mapping[str, Question], reading: _Reading
) -> tuple[A | None, list[Problem]]:
    """The answers, and what is wrong between them.

    Rules over several answers are not tried on broken ones: the person would be told twice.
    """
    document: dict[str, Any] = {"version": 1}
    for path, question in asked.items():
        _put(document, question.keys, reading.value(path))
    try:
        return model.model_validate(document), []
    except ValidationError as error:
        return None, [
            Problem(reading.where(paths), paths[0] if paths else "", sentence)
            for paths, sentence in _crossed(error)
            if not reading.broken.intersection(paths)
        ]


def _crossed(error: ValidationError) -> Iterator[tuple[tuple[str, ...], str]]:
    for detail in error.errors(include_url=False, include_input=False):
        paths = detail.get("ctx", {}).get("paths") or (".".join(map(str, detail["loc"])),)
        yield tuple(paths), sentence_of(detail)


def _put(document: dict[str, Any], keys: tuple[str, ...], value: object) -> None:
    for key in keys[:-1]:
        document = document.setdefault(key, {})
    document[keys[-1]] = value


def _lasting(
    asked: Mapping[str, Question], reading: _Reading, layers: Sequence[Layer]
) -> dict[str, object]:
    lasting = [layer for layer in layers if layer.source is not Source.REHEARSAL]
    if len(lasting) != len(layers):
        reading = _Reading(asked, _in_order(lasting))
    return {path: reading.value(path) for path in asked}
