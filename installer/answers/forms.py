"""Forms an answer can take: how text becomes a value, how a value is shown, what limits it has.

A form is metadata on a field of the model. Prompt, file, flag and environment all go through its
`read`, so that the rules for one field exist once; schema and widgets take their limits from it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from installer.answers.problems import nearest, one_of, quoted, refuse
from installer.answers.secret_reference import FORMS, PATTERN, SecretRef

Kind = Literal["text", "choice", "switch", "integer", "decimal", "secret"]
_YES = frozenset({"yes", "y", "true", "on", "1"})
_NO = frozenset({"no", "n", "false", "off", "0"})
_LONGEST = 2000


class Form(ABC):
    """How one answer is read, shown and limited."""

    kind: Kind

    @abstractmethod
    def read(self, raw: object) -> Any:
        """The value of `raw`, which is text or already a value; raises our own sentence."""

    def show(self, value: Any) -> str:
        """The text form; reading it again gives the same value."""
        return str(value)

    def plain(self, value: Any) -> object:
        """The value as JSON and YAML know it."""
        return self.show(value)

    @abstractmethod
    def json_schema(self) -> JsonSchemaValue:
        """The same limits, for editors."""

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.plain, when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return self.json_schema()


def written(raw: object) -> str:
    """`raw` as trimmed text: the text itself, or what an empty YAML value means."""
    if raw is None:
        return ""
    if isinstance(raw, str):
        return raw.strip()
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, (int, Decimal)):
        return str(raw)
    raise refuse("A single value is needed here, not a list or a block.")


@dataclass(frozen=True)
class Text(Form):
    """One line of text. `check` returns the text as it is kept, or raises our sentence."""

    check: Callable[[str], str] | None = None
    pattern: str = ""
    empty: bool = True
    example: str = ""
    kind: Kind = field(default="text", init=False)

    def read(self, raw: object) -> str:
        text = written(raw)
        if not text:
            if self.empty:
                return ""
            raise refuse(f"Something is needed here{self._for_example()}.")
        if not text.isprintable():
            raise refuse("One line of plain text is needed, without line ends or control signs.")
        if len(text) > _LONGEST:
            raise refuse(f"This is too long: at most {_LONGEST} signs.")
        return self.check(text) if self.check else text

    def _for_example(self) -> str:
        return f", for example {self.example}" if self.example else ""

    def json_schema(self) -> JsonSchemaValue:
        schema: JsonSchemaValue = {"type": "string"}
        if self.pattern:
            schema["pattern"] = f"^$|{self.pattern}" if self.empty else self.pattern
        elif not self.empty:
            schema["minLength"] = 1
        return schema


@dataclass(frozen=True)
class Number(Form):
    """A whole number within limits; `unit` is the word for what is counted."""

    minimum: int | None = None
    maximum: int | None = None
    unit: str = ""
    kind: Kind = field(default="integer", init=False)

    def read(self, raw: object) -> int:
        text = written(raw)
        if isinstance(raw, bool) or re.fullmatch(r"[+-]?[0-9]{1,18}", text) is None:
            raise refuse(f"A whole number is needed here{self._range()}.")
        number = int(text)
        if (self.minimum is not None and number < self.minimum) or (
            self.maximum is not None and number > self.maximum
        ):
            raise refuse(f"{number} is out of range; a whole number is needed{self._range()}.")
        return number

    def _range(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.minimum is not None and self.maximum is not None:
            return f", from {self.minimum} to {self.maximum}{unit}"
        if self.minimum is not None:
            return f", at least {self.minimum}{unit}"
        if self.maximum is not None:
            return f", at most {self.maximum}{unit}"
        return f" ({self.unit})" if self.unit else ""

    def plain(self, value: int) -> object:
        return value

    def json_schema(self) -> JsonSchemaValue:
        limits = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "integer", **{k: v for k, v in limits.items() if v is not None}}


@dataclass(frozen=True)
class Switch(Form):
    """Yes or no."""

    kind: Kind = field(default="switch", init=False)

    def read(self, raw: object) -> bool:
        text = written(raw).lower()
        if text in _YES:
            return True
        if text in _NO:
            return False
        raise refuse("Yes or no is needed here.")

    def show(self, value: bool) -> str:
        return "yes" if value else "no"

    def plain(self, value: bool) -> object:
        return value

    def json_schema(self) -> JsonSchemaValue:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Choice(Form):
    """One of a few words."""

    choices: tuple[str, ...]
    kind: Kind = field(default="choice", init=False)

    def read(self, raw: object) -> str:
        text = written(raw)
        folded = {choice.casefold(): choice for choice in self.choices}
        found = folded.get(text.casefold())
        if found is not None:
            return found
        guess = nearest(text.casefold(), folded) if text else None
        hint = f" Did you mean {folded[guess]}?" if guess else ""
        raise refuse(f"{one_of(self.choices)} is needed here.{hint}")

    def json_schema(self) -> JsonSchemaValue:
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True)
class Money(Form):
    """An amount in US dollars with two places."""

    maximum: Decimal = Decimal("100000.00")
    kind: Kind = field(default="decimal", init=False)

    def read(self, raw: object) -> Decimal:
        text = str(raw) if isinstance(raw, float) else written(raw)
        if re.fullmatch(r"[0-9]{1,9},[0-9]{1,2}", text):
            raise refuse(f"Write the cents after a point: {text.replace(',', '.')}.")
        bare = text.removeprefix("$").removesuffix("USD").strip()
        if isinstance(raw, bool) or re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?", bare) is None:
            raise refuse("An amount in US dollars is needed here, like 0.00 or 12.50.")
        try:
            amount = Decimal(bare)
        except InvalidOperation as error:
            raise refuse("An amount in US dollars is needed here, like 12.50.") from error
        if amount != amount.quantize(Decimal("0.01")):
            raise refuse("An amount has at most two places after the point, like 12.50.")
        if amount > self.maximum:
            raise refuse(f"This is more than {self.maximum}, the most that can be agreed to here.")
        return amount.quantize(Decimal("0.01"))

    def show(self, value: Decimal) -> str:
        return f"{value:.2f}"

    def json_schema(self) -> JsonSchemaValue:
        return {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": int(self.maximum)},
                {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,2})?$"},
            ]
        }


@dataclass(frozen=True)
class Secret(Form):
    """A reference to a secret. `brought`: the person has it already, we cannot make it up."""

    brought: bool = False
    kind: Kind = field(default="secret", init=False)

    def read(self, raw: object) -> SecretRef | None:
        if isinstance(raw, SecretRef):
            return raw
        if not isinstance(raw, str | None):
            raise refuse(f"A reference to a secret is needed here: {FORMS}.")
        text = (raw or "").strip()
        if not text and self.brought:
            return None
        reference = SecretRef.read(text)
        if reference.generated and self.brought:
            raise refuse(
                "This secret exists already and cannot be generated; "
                "say where it is kept: env:NAME, file:PATH or keyring:SERVICE/USER."
            )
        return reference

    def show(self, value: SecretRef | None) -> str:
        return "" if value is None else str(value)

    def json_schema(self) -> JsonSchemaValue:
        if not self.brought:
            return {"type": "string", "pattern": PATTERN}
        pattern = PATTERN.replace("generate|", "|", 1)
        return {"anyOf": [{"type": "string", "pattern": pattern}, {"type": "null"}]}


@dataclass(frozen=True)
class Pairs(Form):
    """Any number of name=value pairs; a block in the file, one line of text elsewhere."""

    check_name: Callable[[str], str]
    check_value: Callable[[str], str]
    name_pattern: str = ""
    kind: Kind = field(default="text", init=False)

    def read(self, raw: object) -> dict[str, str]:
        pairs = raw if isinstance(raw, Mapping) else self._split(written(raw))
        return {self.check_name(str(k)): self.read_value(pairs[k]) for k in sorted(pairs)}

    def read_value(self, raw: object) -> str:
        """The value of one pair."""
        return self.check_value(written(raw))

    @staticmethod
    def _split(text: str) -> dict[str, str]:
        pairs: dict[str, str] = {}
        for word in text.replace(",", " ").split():
            name, equals, value = word.partition("=")
            if not equals:
                raise refuse(f"Pairs of name=value are needed here; {quoted(word)} has no =.")
            if name in pairs:
                raise refuse(f"{quoted(name)} is given twice.")
            pairs[name] = value
        return pairs

    def show(self, value: Mapping[str, str]) -> str:
        return " ".join(f"{name}={value[name]}" for name in sorted(value))

    def plain(self, value: Mapping[str, str]) -> object:
        return dict(value)

    def json_schema(self) -> JsonSchemaValue:
        schema: JsonSchemaValue = {
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1},
        }
        if self.name_pattern:
            schema["propertyNames"] = {"pattern": self.name_pattern}
        return schema
