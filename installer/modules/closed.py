"""Reading our own YAML files through closed models, with every mistake reported at once."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from installer.modules.problems import ModulesInvalid, Problem

# The C parser is ten times faster; a PyYAML built without it still works.
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Closed(BaseModel):
    """A model that knows all its keys and never changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


ModelT = TypeVar("ModelT", bound=Closed)


def read_closed(model: type[ModelT], file: Traversable, shown_as: str) -> ModelT:
    """The file's content as `model`; raises ModulesInvalid naming the file as `shown_as`."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader)  # noqa: S506 - safe loader
    except FileNotFoundError:
        raise ModulesInvalid([Problem(shown_as, "the file is missing")]) from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise ModulesInvalid(
            [Problem(f"{shown_as}:{line}" if line else shown_as, "this is not valid YAML")]
        ) from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ModulesInvalid(
            [Problem(shown_as, _sentence(model, details)) for details in error.errors()]
        ) from error


def _sentence(model: type[BaseModel], details: ErrorDetails) -> str:
    path = ".".join(str(part) for part in details["loc"]) or "the file"
    if details["type"] == "missing":
        return f"{path}: this key is required"
    if details["type"] == "extra_forbidden":
        key = str(details["loc"][-1])
        near = get_close_matches(key, _known_keys(model), n=1)
        return f"{path}: unknown key" + (f"; did you mean {near[0]}?" if near else "")
    return f"{path}: {details['msg'].removeprefix('Value error, ')}"


def _known_keys(model: type[BaseModel]) -> list[str]:
    keys: set[str] = set()
    pending: list[Any] = [model]
    seen: set[Any] = set()
    while pending:
        kind = pending.pop()
        if kind in seen:
            continue
        seen.add(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys.update(kind.model_fields)
            pending.extend(field.annotation for field in kind.model_fields.values())
        pending.extend(getattr(kind, "__args__", ()))
    return sorted(keys)
