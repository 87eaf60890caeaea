"""Writes answers as a commented file that repeats a run, without any secret in it."""

from __future__ import annotations

import os
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from installer.answers.asking import Question, questions
from installer.answers.model import VERSION, Answers
from installer.answers.problems import AnswersError
from installer.answers.sources import Gathered, gather
from installer.answers.titles import file_heading

_WIDTH = 96


def write_answers(gathered: Gathered[Answers], path: Path | str) -> Path:
    """Write the file that repeats this run; returns where it is.

    The file appears whole or not at all, readable by its owner only. Raises AnswersError when it
    cannot be written.
    """
    # Through a symbolic link: the person's link stays, the file behind it changes.
    target = Path(os.path.realpath(Path(path).expanduser()))
    try:
        replace_whole(target, answers_text(gathered).encode("utf-8"))
    except OSError as error:
        raise AnswersError(
            what=f"The answers file {target} cannot be written.",
            why=f"{error.strerror or 'The system refused'}.",
            then="Choose a place where you may write, or make room there.",
        ) from error
    return target


def answers_text(gathered: Gathered[Answers]) -> str:
    """The text of that file."""
    opening = (
        "Answers for health-install. The same installation again, without questions:\n"
        "health-install --headless THIS-FILE"
    )
    return _text(type(gathered.answers), gathered.lasting, opening)


def example_text(model: type[Answers]) -> str:
    """A complete file with every question explained and every default in place."""
    opening = (
        "An example of all answers health-install takes, each with its default. Lines you do not "
        "change may be left out.\nUse it with: health-install --headless answers.yaml"
    )
    return _text(model, gather(model, ()).lasting, opening)


def _text(model: type[Answers], values: Mapping[str, object], opening: str) -> str:
    lines = [*_comment(opening, 0), f"version: {VERSION}"]
    lines.extend(_body(questions(model), values))
    return "\n".join(lines) + "\n"


def _body(asked: tuple[Question, ...], values: Mapping[str, object]) -> Iterator[str]:
    open_keys: tuple[str, ...] = ()
    section = ""
    for question in asked:
        if question.section != section:
            section = question.section
            yield from ("", *_comment(f"--- {file_heading(section)} ---", 0))
        above = question.keys[:-1]
        for depth, key in enumerate(above):
            if open_keys[: depth + 1] != above[: depth + 1]:
                yield from ([""] if depth else [])
                yield f"{'  ' * depth}{_scalar(key)}:"
        open_keys = above
        yield from _answer(question, values[question.path])


def _answer(question: Question, value: object) -> Iterator[str]:
    depth = len(question.keys) - 1
    indent = "  " * depth
    yield ""
    yield from _comment(f"{question.title}. {question.help}", depth)
    yield from _comment(_limits(question), depth)
    key = _scalar(question.keys[-1])
    plain = question.form.plain(value)
    if isinstance(plain, dict) and plain:
        yield f"{indent}{key}:"
        for name in sorted(plain):
            yield f"{indent}  {_scalar(name)}: {_scalar(plain[name])}"
    else:
        yield f"{indent}{key}: {_value(question, plain)}"


def _value(question: Question, plain: object) -> str:
    if isinstance(plain, dict):
        return "{}"
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, int) or question.kind == "decimal":
        return str(plain)
    return _scalar(str(plain))


def _limits(question: Question) -> str:
    if question.choices:
        return f"One of: {', '.join(question.choices)}."
    low, high = question.minimum, question.maximum
    if low is not None and high is not None:
        return f"From {low} to {high}."
    if low is not None:
        return f"At least {low}."
    return "" if high is None else f"At most {high}."


def _comment(text: str, depth: int) -> Iterator[str]:
    indent = "  " * depth + "# "
    for line in text.splitlines():
        yield from textwrap.wrap(
            line,
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _scalar(text: str) -> str:
    """Text as YAML, in quotes where any reader would take it for something else."""
    dumped = yaml.safe_dump(text, width=10**9, allow_unicode=True)
    return dumped.removesuffix("\n").removesuffix("\n...")


def replace_whole(target: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, for its owner only. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file readable by its owner only, from its first moment.
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
