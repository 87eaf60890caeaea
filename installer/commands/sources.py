"""Which installation is meant, and where its answers come from."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TypeVar

from installer.answers.asking import by_path
from installer.answers.model import Answers, answers_model
from installer.answers.problems import AnswersError as BadAnswers
from installer.answers.reading import read_environment, read_file, read_flags, read_profile
from installer.answers.sources import Gathered, Layer, Source, gather, screen_layer
from installer.engine.errors import AnswersError
from installer.engine.places import Home, home_of
from installer.modules import ModulesInvalid, catalogue

DEFAULT_PROFILE = "free"
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
    """One installation and the sources of its answers.

    `layers` hold every source but the screen's, the profile's (which the person may choose) and
    the rehearsal's (which follows from name and target). `region` is the one that was asked for, ""
    for that of the profile; a rehearsal plays there.
    """

    name: str
    rehearsal: bool
    speed: float | None
    weather: str | None
    profile: str
    rehearse: bool
    layers: tuple[Layer, ...] = field(repr=False)
    region: str = ""

    @property
    def home(self) -> Home:
        """Where this machine keeps what it knows of the installation."""
        return home_of(self.name, rehearsal=self.rehearsal)

    def with_answers(self, answered: Mapping[str, object], profile: str) -> Case:
        """The case once a person said more: another name or target is another installation."""
        sources = self._layers_with(answered, profile)
        name = str(_first(sources, "name"))
        rehearsal = self.rehearse or str(_first(sources, "target")) == "rehearsal"
        region = str(_first(sources, "place.region"))
        return replace(self, name=name, rehearsal=rehearsal, profile=profile, region=region)

    def gathered(self, answered: Mapping[str, object] | None = None) -> Gathered[Answers]:
        """All answers, each with where it came from. Raises AnswersError with every mistake."""
        return in_our_words(lambda: gather(model(), self.sources(answered or {})))

    def sources(self, answered: Mapping[str, object]) -> tuple[Layer, ...]:
        """Every source there is, with what was answered on a screen."""
        layers = self._layers_with(answered, self.profile)
        if self.rehearsal:
            layers.append(_rehearsed(self.home, layers))
        return tuple(layers)

    def _layers_with(self, answered: Mapping[str, object], profile: str) -> list[Layer]:
        return [screen_layer(answered), *self.layers, *profile_layers(profile)]


def case(asked: argparse.Namespace, answers_file: str | None = None) -> Case:
    """Find the installation and its sources. Raises AnswersError for what cannot be read."""
    given = in_our_words(lambda: _given(asked, answers_file))
    profile = asked.profile or DEFAULT_PROFILE
    empty = Case(
        name="",
        rehearsal=False,
        speed=asked.speed,
        weather=asked.weather,
        profile=profile,
        rehearse=bool(asked.rehearse),
        layers=tuple(given),
    )
    found = empty.with_answers({}, profile)
    return replace(found, layers=(*given, *_previous(found.home, answers_file)))


@cache
def profile_layers(profile: str) -> tuple[Layer, ...]:
    """What a profile says, and below it what each module says for this profile."""
    own = in_our_words(lambda: read_profile(profile, model()))
    values: dict[str, object] = {
        path: value
        for module in catalogue()
        for path, value in module.profile_defaults.get(profile, {}).items()
    }
    return (own, Layer(Source.PROFILE, values, f"profile {profile}"))


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
