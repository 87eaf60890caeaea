"""Which installation is meant, and where its answers come from."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from installer.answers.asking import by_path
from installer.answers.model import Answers, answers_model
from installer.answers.problems import AnswersError as BadAnswers
from installer.answers.reading import read_environment, read_file, read_flags, read_profile
from installer.answers.sources import Gathered, Layer, Source, gather
from installer.engine.errors import AnswersError
from installer.engine.places import Home, home_of
from installer.modules import ModulesInvalid, catalogue

DEFAULT_PROFILE = "free"
EXAMPLE = "A complete file to start from: health-install answers example"
# The world of a rehearsal writes its own account here, below its installation's folder.
REHEARSED_CONFIG = ("world", "oci", "config")

T = TypeVar("T")


@cache
def model() -> type[Answers]:
    """The answers model with the questions of every module."""
    return answers_model([module.questions for module in catalogue()])


def in_our_words(read: Callable[[], T]) -> T:
    """Call it; mistakes in answers become an error with an exit code."""
    try:
        return read()
    except BadAnswers as error:
        raise AnswersError(error.what, error.why, error.then) from error
    except ModulesInvalid as error:
        mistakes = "\n".join(str(problem) for problem in error.problems)
        raise AnswersError(
            "The chosen modules do not go together.", mistakes, "Change the answers named above."
        ) from error


@dataclass(frozen=True)
class Case:
    """One installation as the command line names it.

    `layers` hold every source but the screen's and the profile's, which the person may choose.
    """

    name: str
    home: Home
    rehearsal: bool
    speed: float | None
    weather: str | None
    profile: str
    layers: tuple[Layer, ...] = field(repr=False)

    def gathered(self, *more: Layer, profile: str | None = None) -> Gathered[Answers]:
        """All answers, each with where it came from. Raises AnswersError with every mistake."""
        return in_our_words(lambda: gather(model(), self.all_layers(*more, profile=profile)))

    def all_layers(self, *more: Layer, profile: str | None = None) -> tuple[Layer, ...]:
        """Every source of this case, and these."""
        return (*self.layers, *more, read_profile(profile or self.profile, model()))


def case(asked: argparse.Namespace, answers_file: str | None = None) -> Case:
    """Find the installation and its sources. Raises AnswersError for what cannot be read."""
    given = in_our_words(lambda: _given(asked, answers_file))
    profile = asked.profile or DEFAULT_PROFILE
    with_profile = [*given, in_our_words(lambda: read_profile(profile, model()))]
    name = str(_first(with_profile, "name"))
    rehearsal = bool(asked.rehearse) or str(_first(with_profile, "target")) == "rehearsal"
    home = home_of(name, rehearsal=rehearsal)
    layers = [*given, *_previous(home, answers_file)]
    if rehearsal:
        layers.append(_rehearsed(home, with_profile))
    return Case(name, home, rehearsal, asked.speed, asked.weather, profile, tuple(layers))


def _given(asked: argparse.Namespace, answers_file: str | None) -> list[Layer]:
    """What this command line brings: flags, environment, file."""
    words = list(asked.settings or [])
    if asked.name:
        words.append(f"name={asked.name}")
    layers = [read_flags(words, model()), read_environment(model(), os.environ)]
    if answers_file:
        layers.append(read_file(answers_file, model()))
    return layers


def _first(layers: list[Layer], path: str) -> object:
    """The value that counts so far; a wrong one is told later, with all other mistakes."""
    question = by_path(model())[path]
    for layer in layers:
        if path in layer.values:
            try:
                return question.parse(layer.values[path])
            except BadAnswers:
                break
    return question.default_value


def _previous(home: Home, answers_file: str | None) -> list[Layer]:
    """The answers of the last run; a file given now speaks for itself alone."""
    if answers_file or not home.answers.exists():
        return []
    return [in_our_words(lambda: read_file(home.answers, model(), Source.PREVIOUS))]


def _rehearsed(home: Home, layers: list[Layer]) -> Layer:
    """A rehearsal's own account, laid over any real one so that the two never mix."""
    values: dict[str, object] = {
        "oracle.config_file": str(home.folder.joinpath(*REHEARSED_CONFIG)),
        "oracle.profile": "DEFAULT",
        "oracle.auth": "api_key",
        "oracle.key_passphrase": "",
        "place.region": "",
    }
    if str(_first(layers, "target")) == "existing":
        values["target"] = "rehearsal"
    if str(_first(layers, "place.compartment")).startswith("ocid1."):
        values["place.compartment"] = "health-platform"
    return Layer(Source.REHEARSAL, values, "rehearsal")
