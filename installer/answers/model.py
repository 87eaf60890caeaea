"""The answers: one model, from which questions, file, schema and prompts are all derived."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, create_model
from pydantic.json_schema import JsonSchemaValue

from installer.answers.asking import Ask, Section
from installer.answers.forms import Choice, Form, Kind, Text, written
from installer.answers.module_questions import (
    ModuleAnswers,
    ModuleQuestions,
    Modules,
    modules_model,
    secret_answers,
)
from installer.answers.problems import refuse
from installer.answers.rules.cluster_names import NAME_PATTERN, installation_name
from installer.answers.secret_reference import SecretRef
from installer.answers.sections.access import Access
from installer.answers.sections.account import Oracle, Place
from installer.answers.sections.backups import Backups
from installer.answers.sections.cluster import Cluster
from installer.answers.sections.images import Images
from installer.answers.sections.money import Money

VERSION = 1


class FileVersion(Form):
    """The version of the answers' layout; not a question."""

    kind: Kind = "integer"

    def read(self, raw: object) -> int:
        text = written(raw)
        if text == str(VERSION):
            return VERSION
        if text.isdigit() and int(text) > VERSION:
            raise refuse(
                f"These answers are of version {int(text)}; this health-install reads version "
                f"{VERSION}. Install a newer health-install, or write the file anew from: "
                "health-install answers example"
            )
        raise refuse(f"The version of the answers must be {VERSION}; write version: {VERSION}")

    def plain(self, value: int) -> object:
        return value

    def json_schema(self) -> JsonSchemaValue:
        return {
            "title": "Version",
            "description": "The version of this file's layout.",
            "const": VERSION,
        }


class Answers(Section):
    """Everything an installation needs to know."""

    version: Annotated[Literal[1], FileVersion()] = 1
    target: Annotated[
        Literal["oke", "existing", "rehearsal"],
        Choice(("oke", "existing", "rehearsal")),
        Ask(
            "Where to install",
            help="oke makes a Kubernetes cluster in your Oracle Cloud account. existing uses a "
            "cluster you have already. rehearsal plays the whole installation on this machine, "
            "with no account and no cost.",
        ),
    ] = "oke"
    name: Annotated[
        str,
        Text(installation_name, NAME_PATTERN, empty=False, example="health"),
        Ask(
            "Name of the installation",
            help="Part of the name of everything that is made, so that several installations "
            "can stand side by side.",
        ),
    ] = "health"
    oracle: Oracle = Oracle()
    place: Place = Place()
    cluster: Cluster = Cluster()
    access: Access = Access()
    backups: Backups = Backups()
    images: Images = Images()
    secrets: Annotated[dict[str, SecretRef], secret_answers(())] = Field(default_factory=dict)
    modules: Modules = Modules()
    money: Money = Money()

    def module(self, name: str) -> ModuleAnswers:
        """The answers for one module; KeyError when there is no such module."""
        part = getattr(self.modules, _module_fields(type(self.modules))[name])
        assert isinstance(part, ModuleAnswers)
        return part


@functools.cache
def _module_fields(kind: type[Modules]) -> Mapping[str, str]:
    """The field of each module by name; asked for at every key press, so found out once."""
    return {info.alias or field: field for field, info in kind.model_fields.items()}


def answers_model(modules: Sequence[ModuleQuestions]) -> type[Answers]:
    """The model for a catalogue of modules; the same catalogue gives the same model."""
    return _answers_model(tuple(modules)) if modules else Answers


@functools.cache
def _answers_model(modules: tuple[ModuleQuestions, ...]) -> type[Answers]:
    section = modules_model(modules)
    secrets = secret_answers(modules)
    fields: dict[str, Any] = {
        "secrets": (
            Annotated[dict[str, SecretRef], secrets],
            Field(default_factory=lambda: secrets.read({})),
        ),
        "modules": (section, section()),
    }
    return create_model("Answers", __base__=Answers, __doc__=Answers.__doc__, **fields)
