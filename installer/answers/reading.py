"""Reads answers from a file, the environment, flags and profiles, each as one layer."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from installer.answers import yaml_lines
from installer.answers.asking import Question, by_path
from installer.answers.model import VERSION, Answers, FileVersion
from installer.answers.problems import (
    AnswersError,
    AnswersInvalid,
    Problem,
    nearest,
    quoted,
    unknown,
)
from installer.answers.sources import Layer, Source, locate
from installer.answers.yaml_lines import Block, Leaf, NotYaml

ENVIRONMENT_PREFIX = "HEALTH_INSTALL__"
# The part of a profile that describes it and answers nothing.
_HEADING = "profile"
_LARGEST_FILE = 512 * 1024
_START = "A complete file to start from: health-install answers example"


def read_file(path: Path | str, model: type[Answers], source: Source = Source.FILE) -> Layer:
    """An answers file as a layer; mistakes in single keys wait in it for `gather`.

    Raises AnswersError when the file cannot be read, AnswersInvalid when it is not YAML or is of
    another version.
    """
    path = Path(path)
    return _document(_text_of(path), path.name, model, source)


@dataclass(frozen=True)
class Profile:
    """A named set of answers that comes with the program; `purpose` says whom it suits."""

    name: str
    title: str
    purpose: str


def profiles() -> tuple[Profile, ...]:
    """The profiles there are, by name."""
    return tuple(_profile(name) for name in _profile_names())


def read_profile(name: str, model: type[Answers]) -> Layer:
    """The answers of a profile as a layer. Raises AnswersError when there is none of this name."""
    names = _profile_names()
    if name not in names:
        guess = nearest(name, names)
        raise AnswersError(
            what=f"There is no profile called {quoted(name)}.",
            why=f"Profiles are: {', '.join(names)}." + (f" Did you mean {guess}?" if guess else ""),
            then="Choose one of them.",
        )
    top = _without_heading(yaml_lines.parse(_profile_text(name)))
    return _Document(f"{name}.yaml", by_path(model)).layer(top, Source.PROFILE)


def _profile_names() -> tuple[str, ...]:
    files = importlib.resources.files("profiles").iterdir()
    return tuple(sorted(f.name[:-5] for f in files if f.name.endswith(".yaml")))


def _profile_text(name: str) -> str:
    return importlib.resources.files("profiles").joinpath(f"{name}.yaml").read_text("utf-8")


def _profile(name: str) -> Profile:
    top = yaml_lines.parse(_profile_text(name))
    heading = next(node for key, _, node in top.entries if key == _HEADING)
    assert isinstance(heading, Block)
    words = {key: node.text or "" for key, _, node in heading.entries if isinstance(node, Leaf)}
    return Profile(name, words["title"], words["purpose"])


def _without_heading(top: Block) -> Block:
    return Block(tuple(entry for entry in top.entries if entry[0] != _HEADING), top.line)


def read_environment(model: type[Answers], environ: Mapping[str, str]) -> Layer:
    """Answers from variables like HEALTH_INSTALL__ACCESS__DOMAIN."""
    variables = {variable_name(path): path for path in by_path(model)}
    values: dict[str, object] = {}
    problems: list[Problem] = []
    for name in sorted(environ):
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        if name in variables:
            values[variables[name]] = environ[name]
        else:
            problems.append(Problem("environment", name, unknown(name, variables)))
    return Layer(Source.ENVIRONMENT, values, "environment", problems=tuple(problems))


def variable_name(path: str) -> str:
    """The environment variable for a question."""
    return ENVIRONMENT_PREFIX + path.replace(".", "__").replace("-", "_").upper()


def read_flags(flags: Sequence[str], model: type[Answers], origin: str = "--set") -> Layer:
    """Answers from words of the form path=value; the last word for a path counts."""
    asked = by_path(model)
    values: dict[str, object] = {}
    problems: list[Problem] = []
    for number, flag in enumerate(flags, start=1):
        path, equals, value = flag.partition("=")
        path = path.strip()
        if not equals:
            # The word is not repeated: it may be a secret that was put there by mistake.
            sentence = f"Number {number} is not of the form path=value, like target=existing."
            problems.append(Problem(origin, "", sentence))
        elif locate(path, asked) is None:
            problems.append(Problem(origin, path, unknown(path, asked)))
        else:
            values[path] = value
    return Layer(Source.FLAG, values, origin, problems=tuple(problems))


def _text_of(path: Path) -> str:
    try:
        with path.expanduser().open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise AnswersError(
            what=f"The answers file {path} cannot be read.",
            why=f"{getattr(error, 'strerror', None) or 'This is not a usable path'}.",
            then=f"Check its name and who may read it. {_START}",
        ) from error
    if len(content) > _LARGEST_FILE:
        raise AnswersError(
            what=f"The answers file {path} is too large.",
            why=f"It holds more than {_LARGEST_FILE // 1024} KiB, far more than all answers need.",
            then=f"Check that it is the right file. {_START}",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise AnswersInvalid(
            [Problem(f"{path.name}:{line}", "", "The file is not text in UTF-8; save it as such.")]
        ) from None


def _document(text: str, origin: str, model: type[Answers], source: Source) -> Layer:
    try:
        top = yaml_lines.parse(text)
    except NotYaml as error:
        where = f"{origin}:{error.line}" if error.line else origin
        column = f"Column {error.column}: " if error.column else ""
        raise AnswersInvalid([Problem(where, "", column + error.sentence)]) from None
    return _Document(origin, by_path(model)).layer(top, source)


@dataclass
class _Document:
    """One file on its way to a layer."""

    origin: str
    asked: Mapping[str, Question]
    values: dict[str, object] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def layer(self, top: Block, source: Source) -> Layer:
        """The layer of a whole document."""
        self._check_version(top)
        self._block(top, "")
        return Layer(source, self.values, self.origin, self.lines, tuple(self.problems))

    def _check_version(self, top: Block) -> None:
        """A file of another version is refused for that alone: its other keys mean nothing yet."""
        given = [(line, node) for key, line, node in top.entries if key == "version"]
        if not given:
            sentence = f"is missing; begin the file with version: {VERSION}"
            self.problems.append(Problem(f"{self.origin}:1", "version", sentence))
            return
        line, node = given[0]
        text = node.text if isinstance(node, Leaf) else ""
        try:
            FileVersion().read(text)
        except ValueError as error:
            raise AnswersInvalid(
                [Problem(f"{self.origin}:{line}", "version", str(error))]
            ) from None

    def _block(self, block: Block, above: str) -> None:
        seen: dict[str, int] = {}
        for key, line, node in block.entries:
            path = f"{above}.{key}" if above else key
            if key in seen:
                self._wrong(path, line, f"is given twice, first on line {seen[key]}; keep one.")
                continue
            seen[key] = line
            if path != "version":
                self._entry(path, line, node)

    def _entry(self, path: str, line: int, node: yaml_lines.Node) -> None:
        if path in self.asked:
            self._answer(self.asked[path], line, node)
        elif self._is_section(path):
            self._section(path, line, node)
        else:
            self._wrong(path, line, unknown(path, (*self.asked, *self._sections())))

    def _section(self, path: str, line: int, node: yaml_lines.Node) -> None:
        if isinstance(node, Block):
            self._block(node, path)
        elif not (isinstance(node, Leaf) and node.text is None):
            some = [p for p in self.asked if p.startswith(f"{path}.")][:1]
            example = f", such as {some[0].removeprefix(path + '.')}: …" if some else ""
            self._wrong(path, line, f"An indented block of answers belongs under it{example}")

    def _answer(self, question: Question, line: int, node: yaml_lines.Node) -> None:
        if question.open_ended and isinstance(node, Block):
            self._pairs(question, line, node)
        elif isinstance(node, Leaf):
            self._keep(question.path, line, node.text)
        else:
            sentence = "A single value is needed here, not a list or a block."
            self._wrong(question.path, line, sentence)

    def _pairs(self, question: Question, line: int, block: Block) -> None:
        # The empty whole says that the block replaces what lower layers say.
        self._keep(question.path, line, {})
        seen: dict[str, int] = {}
        for key, at, node in block.entries:
            path = f"{question.path}.{key}"
            if key in seen:
                self._wrong(path, at, f"is given twice, first on line {seen[key]}; keep one.")
            elif not isinstance(node, Leaf):
                self._wrong(path, at, "A single value is needed here, not a list or a block.")
            else:
                self._keep(path, at, node.text)
            seen.setdefault(key, at)

    def _keep(self, path: str, line: int, value: object) -> None:
        if path in self.values:
            # The same path can be written nested and with dots in one file.
            self._wrong(path, line, f"is given twice, first on line {self.lines[path]}; keep one.")
            return
        self.values[path] = value
        self.lines[path] = line

    def _wrong(self, path: str, line: int, sentence: str) -> None:
        self.problems.append(Problem(f"{self.origin}:{line}", path, sentence))

    def _is_section(self, path: str) -> bool:
        return path in self._sections()

    def _sections(self) -> set[str]:
        return set(_above(self.asked)) | {"secrets", "modules"}


def _above(paths: Mapping[str, Question]) -> Iterator[str]:
    for path in paths:
        while "." in path:
            path = path.rpartition(".")[0]
            yield path
