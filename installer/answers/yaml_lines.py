"""YAML text as leaves with their lines, read as written: `no` stays "no" and 1.30 stays "1.30"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

NULL = "tag:yaml.org,2002:null"
_PLAIN_TAGS = tuple(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")
)
_DEEPEST = 20


class NotYaml(Exception):
    """The text is not YAML we read; `line` and `column` count from 1, 0 when there is none."""

    def __init__(self, sentence: str, line: int = 0, column: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Leaf:
    """A single value as it is written; None where nothing is written."""

    text: str | None
    line: int


@dataclass(frozen=True)
class Block:
    """Keys with what stands under each, in the order of the file, duplicates included."""

    entries: tuple[tuple[str, int, Node], ...]
    line: int


@dataclass(frozen=True)
class ListOfValues:
    """A list, which no answer takes."""

    line: int


Node = Leaf | Block | ListOfValues


def parse(text: str) -> Block:
    """The top block of a YAML document. Raises NotYaml with a sentence of ours."""
    try:
        _only_plain_features(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        # Not chained: the original quotes the line, which may hold what must not be shown.
        raise _in_our_words(error) from None
    if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == NULL):
        return Block((), 1)
    read = _node(node)
    if not isinstance(read, Block):
        raise NotYaml("Answers are lines of the form key: value; this is something else.", 1, 1)
    return read


def _only_plain_features(text: str) -> None:
    """Refuse what makes one part of a file stand for another: it defeats line numbers."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        mark = event.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise NotYaml("The blocks are nested too deeply.", line, column)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise NotYaml(
                "Anchors and aliases (& and *) are not used here; write the value "
                "out, in quotes if it begins with one of these signs.",
                line,
                column,
            )
        if (getattr(event, "tag", None) or _PLAIN_TAGS[0]) not in _PLAIN_TAGS:
            raise NotYaml("A value cannot begin with ! here; put it in quotes.", line, column)


def _node(node: yaml.Node) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return Leaf(None if node.tag == NULL else node.value, line)
    if isinstance(node, yaml.MappingNode):
        return Block(tuple(_entries(node)), line)
    return ListOfValues(line)


def _entries(node: yaml.MappingNode) -> Iterator[tuple[str, int, Node]]:
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise NotYaml("A key must be a single word.", line, key.start_mark.column + 1)
        yield key.value, line, _node(value)


_WORDS = (
    ("but found '<stream end>'", "A bracket opened here or above is never closed."),
    ("found character '\\t'", "A tab stands here; indent with blanks only."),
    (
        "mapping values are not allowed",
        "A second colon stands on this line, or the line is "
        "indented wrongly. Put a value that holds a colon and a blank in quotes.",
    ),
    ("could not find expected ':'", "A colon is missing after a key near here."),
    (
        "found unexpected end of stream",
        "A quotation mark or bracket that is opened here or above is never closed.",
    ),
    ("did not find expected", "This line is indented differently from those it belongs to."),
    (
        "expected <block end>",
        "This line is indented differently from those it belongs to, or "
        "something follows a closing quotation mark.",
    ),
    ("expected ',' or", "A bracket opened here or above is never closed."),
    (
        "expected the node content",
        "A value begins here with a sign YAML keeps for itself; put it in quotes.",
    ),
    ("unknown escape", "A backslash stands in double quotes; use single quotes around it."),
    (
        "cannot start any token",
        "A value begins here with a sign YAML keeps for itself; put it in quotes.",
    ),
    (
        "expected a single document",
        "Only one document is read; leave out the --- here and what follows.",
    ),
    ("alphabetic or numeric character", "A value that begins with & or * must be in quotes."),
)


def _in_our_words(error: yaml.YAMLError) -> NotYaml:
    if isinstance(error, yaml.reader.ReaderError):
        return NotYaml("The file holds signs that are not plain text; save it as UTF-8 text.")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    said = f"{getattr(error, 'problem', '')} {getattr(error, 'context', '')}"
    for part, sentence in _WORDS:
        if part in said:
            return NotYaml(sentence, line, column)
    return NotYaml(
        "This is not valid YAML; look at colons, quotes and indentation near here.", line, column
    )
