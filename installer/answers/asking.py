"""Questions, derived from the model: what is asked, in which order, and what comes next."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from installer.answers.forms import Choice, Form, Kind, Number, Pairs
from installer.answers.problems import BadAnswer, sentence_of

Answered = Mapping[str, object]
"""Values already given, by dotted path."""


def always(_answered: Answered) -> bool:
    """The question is for everybody."""
    return True


@dataclass(frozen=True)
class Ask:
    """Makes a field a question. `relevant` looks at the answers so far and says whether to ask."""

    title: str
    help: str
    secret: bool = False
    advanced: bool = False
    relevant: Callable[[Answered], bool] = always
    costs: str = ""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"title": self.title, "description": self.help, **handler(schema)}


class Section(BaseModel):
    """A part of the answers: closed to unknown keys, unchangeable, silent about its input."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        protected_namespaces=(),
    )


@dataclass(frozen=True, eq=False)
class Question:
    """One question for a person, whatever asks it.

    `keys` is where the answer stands in the file and in the model; `default` is in text form.
    """

    path: str
    keys: tuple[str, ...]
    section: str
    title: str
    help: str
    kind: Kind
    default: str
    default_value: object
    secret: bool
    advanced: bool
    costs: str
    form: Form = field(repr=False)
    _type: Any = field(repr=False)
    _relevant: Callable[[Answered], bool] = field(repr=False)

    @property
    def choices(self) -> tuple[str, ...]:
        """The words to choose from; empty when the answer is free."""
        return self.form.choices if isinstance(self.form, Choice) else ()

    @property
    def minimum(self) -> int | None:
        """The smallest whole number accepted, if there is one."""
        return self.form.minimum if isinstance(self.form, Number) else None

    @property
    def maximum(self) -> int | None:
        """The largest whole number accepted, if there is one."""
        return self.form.maximum if isinstance(self.form, Number) else None

    @property
    def open_ended(self) -> bool:
        """True when the answer is a block of names the person chooses."""
        return isinstance(self.form, Pairs)

    def parse(self, raw: object) -> object:
        """The value of an answer, given as text (or as a value already).

        Raises BadAnswer with a sentence for the person. The text of a secret is never in it.
        """
        try:
            return self._adapter.validate_python(raw)
        except ValidationError as error:
            # Not chained: the original error holds the input, which may be a secret.
            raise BadAnswer(sentence_of(error.errors(include_input=False)[0])) from None

    def show(self, value: object) -> str:
        """The text form of a value; parsing it gives the value again."""
        return self.form.show(value)

    def relevant(self, answered: Answered) -> bool:
        """Whether to ask, after these answers."""
        return self._relevant(answered)

    @functools.cached_property
    def _adapter(self) -> TypeAdapter[object]:
        # Built on first use: most questions of a run are never asked.
        return TypeAdapter(self._type, config=ConfigDict(hide_input_in_errors=True))


@dataclass(frozen=True)
class Several:
    """Makes one field many questions, one for each key of a mapping that is known beforehand."""

    form: Form
    asks: tuple[tuple[str, Ask], ...]


@functools.cache
def questions(model: type[BaseModel]) -> tuple[Question, ...]:
    """All questions of a model, in the order to ask them."""
    return tuple(_walk(model, ()))


@functools.cache
def by_path(model: type[BaseModel]) -> Mapping[str, Question]:
    """The questions of a model by their dotted path."""
    return {question.path: question for question in questions(model)}


def next_question(
    asked: Sequence[Question], answered: Answered, *, advanced: bool = False
) -> Question | None:
    """The first question still open, or None. Advanced ones are passed over unless wanted."""
    for question in asked:
        wanted = advanced or not question.advanced
        if wanted and question.path not in answered and question.relevant(answered):
            return question
    return None


def _walk(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[Question]:
    for name, info in model.model_fields.items():
        keys = (*above, info.alias or name)
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _walk(inner, keys)
        else:
            yield from _of_field(keys, info)


def _of_field(keys: tuple[str, ...], info: FieldInfo) -> Iterator[Question]:
    default = info.get_default(call_default_factory=True, validated_data={})
    for mark in info.metadata:
        if isinstance(mark, Several):
            for key, ask in mark.asks:
                yield _question((*keys, key), ask, mark.form, default[key], mark.form)
        elif isinstance(mark, Ask):
            form = next(form for form in info.metadata if isinstance(form, Form))
            yield _question(keys, mark, form, default, *info.metadata)


def _question(
    keys: tuple[str, ...], ask: Ask, form: Form, default: object, *metadata: object
) -> Question:
    return Question(
        path=".".join(keys),
        keys=keys,
        section=keys[0] if len(keys) > 1 else "installation",
        title=ask.title,
        help=ask.help,
        kind=form.kind,
        default=form.show(default),
        default_value=default,
        secret=ask.secret,
        advanced=ask.advanced,
        costs=ask.costs,
        form=form,
        _type=Annotated[(Any, *metadata)],
        _relevant=ask.relevant,
    )
