"""A reader of Alloy's configuration language, as far as blocks and their attributes go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)|(?P<comment>//[^\n]*)|(?P<raw>`[^`]*`)"""
    r"""|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<number>[0-9][0-9.]*)"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)|(?P<sign>[{}\[\]=,()])"""
)


class NotAlloy(Exception):
    """The text is no configuration; says where."""


@dataclass(frozen=True)
class Reference:
    """A value that another block exports, by its name."""

    name: str


Value = str | float | bool | Reference | list["Value"] | dict[str, "Value"]


@dataclass
class Block:
    """A block with what stands in it; `label` is the text behind its name."""

    name: str
    label: str = ""
    attributes: dict[str, Value] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def below(self, path: str = "") -> Iterator[tuple[str, Block]]:
        """(path, block) of everything in it, at any depth."""
        for block in self.blocks:
            here = f"{path}/{block.name}" if path else block.name
            yield here, block
            yield from block.below(here)


def read(text: str) -> Block:
    """The whole text as a block without a name; raises NotAlloy."""
    reader = _Reader(list(_tokens(text)))
    whole = Block("")
    while reader.kind != "end":
        reader.statement(whole)
    return whole


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        line = text.count("\n", 0, place) + 1
        if match is None:
            raise NotAlloy(f"line {line}: {text[place : place + 20]!r}")
        if match.lastgroup not in ("space", "comment"):
            yield str(match.lastgroup), match.group(), line
        place = match.end()
    yield "end", "", text.count("\n") + 1


class _Reader:
    def __init__(self, tokens: list[tuple[str, str, int]]) -> None:
        self._tokens = tokens
        self._place = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._place][0]

    @property
    def text(self) -> str:
        return self._tokens[self._place][1]

    def take(self, kind: str, text: str = "") -> str:
        found_kind, found, line = self._tokens[self._place]
        if found_kind != kind or (text and found != text):
            raise NotAlloy(f"line {line}: {found!r} where {text or kind} is wanted")
        self._place += 1
        return found

    def statement(self, into: Block) -> None:
        name = self.take("name")
        if self.text == "=":
            self.take("sign")
            if name in into.attributes or "." in name:
                raise NotAlloy(f"{name} cannot be set here, or is set twice")
            into.attributes[name] = self.value()
            return
        label = self.take("text")[1:-1] if self.kind == "text" else ""
        block = Block(name, label)
        self.take("sign", "{")
        while self.text != "}":
            self.statement(block)
        self.take("sign", "}")
        into.blocks.append(block)

    def value(self) -> Value:
        kind, text = self.kind, self.text
        if text == "[":
            return self._list()
        if text == "{":
            return self._object()
        self._place += 1
        match kind:
            case "raw":
                return text[1:-1]
            case "text":
                return text[1:-1].encode().decode("unicode_escape")
            case "number":
                return float(text)
            case "name":
                return text == "true" if text in ("true", "false") else Reference(text)
        raise NotAlloy(f"{text!r} is no value")

    def _list(self) -> list[Value]:
        self.take("sign", "[")
        found: list[Value] = []
        while self.text != "]":
            found.append(self.value())
            if self.text != "]":
                self.take("sign", ",")
        self.take("sign", "]")
        return found

    def _object(self) -> dict[str, Value]:
        self.take("sign", "{")
        found: dict[str, Value] = {}
        while self.text != "}":
            key = self.take("name")
            self.take("sign", "=")
            found[key] = self.value()
            if self.text != "}":
                self.take("sign", ",")
        self.take("sign", "}")
        return found
