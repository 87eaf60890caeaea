"""What the modules want to know, and the sections made from it."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from installer.answers.asking import Answered, Ask, Section, Several
from installer.answers.forms import Choice, Form, Number, Secret, Switch, Text
from installer.answers.problems import refuse, unknown
from installer.answers.rules.cluster_names import SIZE_PATTERN, size, size_in_bytes
from installer.answers.secret_reference import SecretRef

GENERATE = SecretRef("generate")


@dataclass(frozen=True)
class OptionSpec:
    """One option of a module.

    `minimum` and `maximum` limit an integer, or a size in bytes. `pattern` is what a text must
    match as a whole; `must` says it in words. `costs` says in words what a larger value costs.
    """

    name: str
    kind: Literal["choice", "integer", "switch", "text", "size"]
    default: object
    title: str
    help: str
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    costs: str = ""
    pattern: str = ""
    must: str = ""


@dataclass(frozen=True)
class SecretQuestion:
    """One secret a module needs; `id` is unique within the module."""

    id: str
    title: str
    help: str


@dataclass(frozen=True)
class ModuleQuestions:
    """All a module asks. `enabled` is whether it is part of an installation by default."""

    name: str
    title: str
    purpose: str
    needs: tuple[str, ...] = ()
    enabled: bool = True
    options: tuple[OptionSpec, ...] = ()
    secrets: tuple[SecretQuestion, ...] = ()


class Modules(Section):
    """What is installed, and how."""


class ModuleAnswers(Section):
    """The answers for one module: whether it is wanted, and its options as further fields."""

    enabled: bool = True

    def option(self, name: str) -> object:
        """The value of one option; KeyError when the module has no such option."""
        return getattr(self, _option_fields(type(self))[name])

    def options(self) -> dict[str, object]:
        """All options with their values, in the order the module lists them."""
        return {name: getattr(self, field) for name, field in _option_fields(type(self)).items()}


@cache
def _option_fields(kind: type[ModuleAnswers]) -> Mapping[str, str]:
    """The field of each option by name; asked for at every key press, so found out once."""
    fields = kind.model_fields.items()
    return {info.alias or field: field for field, info in fields if field != "enabled"}


def field_name(name: str) -> str:
    """The name of the field for a key that may hold hyphens.

    Raises ValueError for what cannot be one; that is a mistake in a module, not in an answer.
    """
    field = name.replace("-", "_")
    if not field.isidentifier() or field.startswith("_") or keyword.iskeyword(field):
        raise ValueError(f"{name!r} cannot be the name of a module or option")
    if hasattr(Section, field):
        raise ValueError(f"{name!r} is taken and cannot be the name of a module or option")
    return field


def modules_model(modules: Sequence[ModuleQuestions]) -> type[Modules]:
    """A section with one part for each module, closed to every other name."""
    parts: dict[str, Any] = {}
    for module in modules:
        model = _module_model(module)
        parts[field_name(module.name)] = (model, Field(default=model(), alias=module.name))
    return create_model("Modules", __base__=Modules, __doc__=Modules.__doc__, **parts)


def _module_model(module: ModuleQuestions) -> type[ModuleAnswers]:
    fields: dict[str, Any] = {"enabled": (_enabled(module), module.enabled)}
    for option in module.options:
        name = field_name(option.name)
        if name in fields:
            raise ValueError(f"module {module.name} has two options called {option.name!r}")
        fields[name] = _option_field(module, option)
    return create_model(
        "Module" + field_name(module.name).title().replace("_", ""),
        __base__=ModuleAnswers,
        __doc__=module.purpose,
        **fields,
    )


def _enabled(module: ModuleQuestions) -> Any:
    needs = f" It needs: {', '.join(module.needs)}." if module.needs else ""
    return Annotated[bool, Switch(), Ask(module.title, help=module.purpose + needs)]


def _option_field(module: ModuleQuestions, option: OptionSpec) -> tuple[Any, Any]:
    form = _form(option)
    try:
        default = form.read(option.default)
    except PydanticCustomError as error:
        raise ValueError(
            f"module {module.name}, option {option.name}: bad default: {error.message()}"
        ) from None
    ask = Ask(
        option.title,
        help=option.help,
        advanced=True,
        relevant=_wanted(module),
        costs=option.costs,
    )
    return Annotated[_TYPES[option.kind], form, ask], Field(default=default, alias=option.name)


_TYPES: dict[str, Any] = {"choice": str, "integer": int, "switch": bool, "text": str, "size": str}


def _form(option: OptionSpec) -> Form:
    if option.kind == "choice":
        return Choice(option.choices)
    if option.kind == "integer":
        return Number(option.minimum, option.maximum)
    if option.kind == "switch":
        return Switch()
    if option.kind == "size":
        return Text(_size_within(option), SIZE_PATTERN, empty=False, example="10Gi")
    if option.pattern:
        empty = re.fullmatch(option.pattern, "") is not None
        return Text(_matching(option), option.pattern, empty=empty, example=str(option.default))
    return Text()


def _matching(option: OptionSpec) -> Callable[[str], str]:
    def check(text: str) -> str:
        if re.fullmatch(option.pattern, text) is None:
            raise refuse(f"This must {option.must}.")
        return text

    return check


def _size_within(option: OptionSpec) -> Callable[[str], str]:
    def check(text: str) -> str:
        kept = size(text)
        amount = size_in_bytes(kept)
        if option.minimum is not None and amount < option.minimum:
            raise refuse(f"This is too small: at least {_readable(option.minimum)} is needed.")
        if option.maximum is not None and amount > option.maximum:
            raise refuse(f"This is too large: at most {_readable(option.maximum)} is possible.")
        return kept

    return check


def _readable(size_bytes: int) -> str:
    for unit, factor in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return str(size_bytes)


def _wanted(module: ModuleQuestions) -> Callable[[Answered], bool]:
    path, default = f"modules.{module.name}.enabled", module.enabled
    return lambda answered: bool(answered.get(path, default))


@dataclass(frozen=True)
class SecretAnswers(Several):
    """The secrets of all modules: a mapping with known keys, each `generate` by default."""

    def read(self, raw: object) -> dict[str, SecretRef]:
        """The whole mapping, with what is not given filled in."""
        given = raw if isinstance(raw, dict) else {}
        known = [key for key, _ in self.asks]
        for key in given:
            if key not in known:
                raise refuse(unknown(f"secrets.{key}", [f"secrets.{name}" for name in known]))
        return {key: self.form.read(given.get(key, GENERATE)) for key in known}

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda secrets: {key: str(value) for key, value in secrets.items()},
                when_used="json",
            ),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "object",
            "title": "Secrets",
            "description": "Where the platform's secrets come from.",
            "additionalProperties": False,
            "properties": {
                key: {
                    "title": ask.title,
                    "description": ask.help,
                    **self.form.json_schema(),
                    "default": "generate",
                }
                for key, ask in self.asks
            },
        }


def secret_answers(modules: Sequence[ModuleQuestions]) -> SecretAnswers:
    """The questions for the secrets of these modules, keyed `module.secret`."""
    asks = tuple(
        (
            f"{module.name}.{secret.id}",
            Ask(
                secret.title,
                help=f"{secret.help} generate makes a strong one inside the cluster.".strip(),
                secret=True,
                advanced=True,
                relevant=_wanted(module),
            ),
        )
        for module in modules
        for secret in module.secrets
    )
    return SecretAnswers(form=Secret(), asks=asks)
