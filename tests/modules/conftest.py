"""Answers, volumes and rendered objects the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from installer.answers.model import Answers, answers_model
from installer.modules import (
    ClusterFacts,
    Module,
    Rendered,
    Volume,
    VolumePlan,
    catalogue,
    claims,
    render,
)

Choose = Callable[..., Answers]


def answers_for(modules: tuple[Module, ...], /, **given: Any) -> Answers:
    """Answers for a catalogue, given as nested mappings like those of an answers file."""
    return answers_model(tuple(module.questions for module in modules)).model_validate(given)


def one_volume(answers: Answers, modules: tuple[Module, ...] | None = None) -> VolumePlan:
    """All claims on one volume of 50 GiB in each namespace."""
    found = claims(answers, modules)
    namespaces = sorted({claim.namespace for claim in found})
    return VolumePlan(
        tuple(
            Volume(namespace, namespace, 50, tuple(c for c in found if c.namespace == namespace))
            for namespace in namespaces
        )
    )


@pytest.fixture(scope="session")
def modules() -> tuple[Module, ...]:
    """The real catalogue."""
    return catalogue()


@pytest.fixture
def choose(modules: tuple[Module, ...]) -> Choose:
    """Makes answers for the real catalogue."""

    def chosen(**given: Any) -> Answers:
        return answers_for(modules, **given)

    return chosen


@pytest.fixture
def rendered(choose: Choose) -> Rendered:
    """Everything rendered with the answers nobody changed, claims sharing one volume."""
    answers = choose()
    return render(answers, one_volume(answers), ClusterFacts("oci-bv", "arm64"))
