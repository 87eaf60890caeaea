"""The infrastructure module as it is rendered, from nothing to running and back to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.answers.model import answers_model
from installer.engine.events import Ending
from installer.engine.masking import known_secrets
from installer.engine.state import State
from installer.kube.cluster import Cluster
from installer.kube.objects import Document
from installer.modules import catalogue
from installer.plan import Plan, make_plan
from installer.steps.kubernetes_part import ModulePart
from tests.kube.conftest import connection_to
from tests.kube.rehearsed import rehearsed
from tests.steps.kube.conftest import Site

# Slow enough that asking how things stand does not keep them from happening.
_PACE = 1 / 120


@pytest.fixture(scope="module")
def plan() -> Plan:
    """What the default answers for a cluster of one's own come to."""
    model = answers_model(tuple(module.questions for module in catalogue()))
    return make_plan(model.model_validate({"version": 1, "target": "existing"}))


@pytest.fixture(scope="module")
def parts(plan: Plan) -> tuple[ModulePart, ...]:
    """The modules as the steps need them."""
    questions = [module.questions for module in plan.modules]
    return tuple(ModulePart(each.name, each.title, tuple(each.needs)) for each in questions)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Site]:
    """A site with a cluster of its own, since the namespaces' names are the product's."""
    state = State(tmp_path / "state.sqlite")
    with (
        rehearsed(tmp_path / "home", speed=1 / _PACE) as running,
        Cluster(connection_to(running), pace=_PACE) as cluster,
    ):
        yield Site(cluster, state, state.installation("health"), pace=_PACE)
    state.close()


def secrets_of(site: Site) -> dict[str, Document]:
    found = site.cluster.objects("v1", "Secret", "", site.stamp.selector)
    return {body["metadata"]["name"]: body for body in found}


def confidential_values(site: Site, plan: Plan) -> list[str]:
    return [
        value
        for spec in plan.rendered.secrets
        for recipe in spec.values
        if recipe.make in ("password", "access_key", "secret_key")
        and (seen := site.cluster.secret(spec.namespace, spec.name)) is not None
        and (value := seen.values[recipe.key])
    ]


@pytest.mark.slow
def test_it_is_installed_left_alone_found_again_and_removed(
    alone: Site, plan: Plan, parts: tuple[ModulePart, ...], tmp_path: Path
) -> None:
    first = alone.install(plan.rendered, parts)
    made = secrets_of(alone)
    second = alone.install(plan.rendered, parts)

    assert first.error is None
    assert second.ending is Ending.NOTHING_TO_DO
    assert len(made) == len(plan.rendered.secrets)
    assert secrets_of(alone) == made

    confidential = confidential_values(alone, plan)
    assert len(confidential) > 5
    assert not [value for value in confidential if value in alone.said]
    assert not [value for value in confidential if value in known_secrets.mask(value)]

    # Lost state: the same installation, everything else forgotten.
    fresh = State(tmp_path / "fresh.sqlite")
    again = Site(alone.cluster, fresh, alone.installation, pace=_PACE)
    assert again.install(plan.rendered, parts).ending is Ending.NOTHING_TO_DO

    removed = again.destroy(plan.rendered, parts)
    assert removed.error is None
    assert again.cluster.inventory(again.stamp) == ()
    assert again.cluster.objects("v1", "PersistentVolume") == ()
    assert again.destroy(plan.rendered, parts).changed == 0
    fresh.close()
