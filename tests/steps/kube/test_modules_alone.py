"""The real modules in a cluster: each goes and comes alone, in any order, and one changed option
changes what the plan said beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from installer.engine.events import Ending
from installer.engine.state import State
from installer.kube.cluster import Cluster
from installer.kube.objects import Document, Ref
from installer.kube.secret_objects import secret_ref
from installer.plan import Plan
from tests.kube.conftest import connection_to
from tests.kube.rehearsed import rehearsed
from tests.modules.selections import with_needs
from tests.steps.kube.conftest import Site
from tests.steps.kube.places import (
    ALL_MODULES,
    Place,
    Turn,
    check_it_goes_and_comes_back,
    likeness,
    plan_of,
    plan_with,
    said_of,
    without,
)

pytestmark = pytest.mark.slow

_PACE = 1 / 120
_ORDERS = {
    "rules and views first": (
        "security",
        "observability",
        "metrics-server",
        "edge",
        "infrastructure",
        "health-services",
        "authentication",
    ),
    "data first": (
        "infrastructure",
        "authentication",
        "edge",
        "health-services",
        "security",
        "metrics-server",
        "observability",
    ),
}


@contextmanager
def _place(folder: Path) -> Iterator[Place]:
    state = State(folder / "state.sqlite")
    with (
        rehearsed(folder / "home", speed=1 / _PACE) as running,
        Cluster(connection_to(running), pace=_PACE) as cluster,
    ):
        yield Place(Site(cluster, state, state.installation("health"), pace=_PACE))
    state.close()


@pytest.fixture(scope="module")
def everything() -> Plan:
    """All modules, with the answers nobody changed."""
    return plan_with(frozenset(ALL_MODULES))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, everything: Plan) -> Iterator[Place]:
    """A cluster with everything in it; each test leaves it like that."""
    with _place(tmp_path_factory.mktemp("whole")) as made:
        made.install(everything)
        yield made


@pytest.mark.parametrize("name", ALL_MODULES)
def test_a_module_goes_and_comes_back_alone(place: Place, everything: Plan, name: str) -> None:
    check_it_goes_and_comes_back(place, everything, without(name))


@pytest.mark.parametrize("order", _ORDERS.values(), ids=_ORDERS)
def test_modules_added_one_by_one_end_like_all_at_once(
    place: Place, everything: Plan, order: tuple[str, ...], tmp_path: Path
) -> None:
    with _place(tmp_path) as other:
        volumes: dict[Ref, Document] = {}
        for count in range(1, len(order) + 1):
            other.install(plan_with(frozenset(with_needs(set(order[:count])))))
            now = {r: b for r, b in other.objects().items() if r.kind == "PersistentVolumeClaim"}
            assert all(said_of(now[ref]) == said_of(was) for ref, was in volumes.items())
            volumes = now
        ended = likeness(other, other.objects())

        assert ended == likeness(place, place.objects())
        assert other.install(everything).ending is Ending.NOTHING_TO_DO


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("observability.prometheus_days", 31, "retention.time=30d -> --storage"),
        ("edge.hsts_days", 366, "ConfigMap health-system/traefik-routes: data"),
        ("infrastructure.postgresql_health_max_connections", 101, "data"),
        ("infrastructure.raw_days", 2556, "Job health-data/minio-init-"),
        ("health-services.upload_rate_limit", 11, "10/minute -> 11/minute"),
        ("authentication.gateway_replicas", 2, "spec.replicas 1 -> 2"),
        ("observability.grafana", False, "Deployment health-observability/grafana is not wanted"),
        ("security.roles_for_people", True, "ClusterRole health-platform-viewer is missing"),
    ],
)
def test_the_plan_names_what_one_option_changes_and_nothing_else_changes(
    place: Place, everything: Plan, path: str, value: object, field: str
) -> None:
    module, option = path.split(".")
    plan = plan_of({module: {option: value}})

    turn = Turn.of(place, plan)
    place.install(everything)

    turn.check_only_what_was_named_changed(field)


def test_a_claim_less_on_a_shared_volume_leaves_the_volume_alone(
    place: Place, everything: Plan
) -> None:
    less = plan_of({"observability": {"grafana": False}})
    volume = Ref("v1", "PersistentVolumeClaim", "health-observability", "data")
    login = secret_ref("health-observability", "grafana-secret")
    before = place.objects()

    place.install(less)
    between, told = place.objects(), place.site.said
    place.install(everything)
    after = place.objects()

    for now in (between, after):
        assert now[volume]["metadata"]["uid"] == before[volume]["metadata"]["uid"]
        assert now[volume]["spec"] == before[volume]["spec"]
        assert now[login]["data"] == before[login]["data"]
    assert f"volumes do not shrink: {volume.words}" in told
