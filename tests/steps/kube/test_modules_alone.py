"""The real modules in a cluster: each goes and comes alone, in any order, and one changed option
changes what the plan said beforehand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from installer.engine.events import Ending
from installer.engine.run import Result
from installer.engine.state import State
from installer.kube.cluster import Cluster
from installer.kube.objects import Document, Ref, ref_of
from installer.kube.secret_objects import secret_ref
from installer.kube.stamp import APPLIED
from installer.modules import Rendered, catalogue
from installer.plan import Plan, make_plan
from installer.steps.kubernetes_part import ModulePart, wanted_refs
from installer.steps.revisions import REVISIONS
from tests.kube.conftest import connection_to
from tests.kube.rehearsed import rehearsed
from tests.modules.conftest import answers_for
from tests.modules.selections import AROUND, with_needs
from tests.steps.kube.conftest import Site

pytestmark = pytest.mark.slow

_PACE = 1 / 120
_HOLD_DATA = ("PersistentVolumeClaim", "Secret")
# Nothing but us writes to these, so that even their version stands still.
_NOBODY_ELSES = ("ConfigMap", "Secret", "NetworkPolicy", "Role", "RoleBinding", "ClusterRole")
_BOOKKEEPING = ("resourceVersion", "managedFields", "generation")
_GIVEN = re.compile(
    r'"(uid|creationTimestamp|volumeName|clusterIP|deployment\.kubernetes\.io/revision'
    r'|(batch\.kubernetes\.io/)?controller-uid|rehearsal\.oraclecloud\.com/balancer)": "[^"]*"'
    r'|"(healthCheckN|n)odePort": \d+|"clusterIPs": \[[^\]]*\]'
)
_NOTES = re.compile(rf'"({re.escape(REVISIONS)}|{re.escape(APPLIED)})": "[^"]*"')
_ALL = tuple(sorted(module.name for module in catalogue()))
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
Options = Mapping[str, Mapping[str, Any]]


def plan_of(options: Options) -> Plan:
    """What these options of the modules come to in a cluster of one's own."""
    answers = answers_for(
        catalogue(), target="existing", access={"domain": "example.org"}, modules=dict(options)
    )
    return make_plan(answers, AROUND)


@lru_cache(maxsize=16)
def plan_with(names: frozenset[str]) -> Plan:
    """The plan with exactly these modules switched on."""
    return plan_of({name: {"enabled": name in names} for name in _ALL})


def without(name: str) -> Plan:
    """Everything but a module and those that need it."""
    return plan_with(frozenset(each for each in _ALL if name not in with_needs({each})))


@dataclass
class Place:
    """A cluster with an installation in it."""

    site: Site

    def install(self, plan: Plan) -> Result:
        """Install what is planned; what was said before is forgotten."""
        self.site.events.clear()
        result = self.site.install(plan.rendered, _parts(plan))
        assert result.error is None, f"{result.error}: {result.error.why}"
        return result

    def look(self, plan: Plan) -> Result:
        """What `plan --live` looks at."""
        return self.site.plan(plan.rendered, _parts(plan))

    def objects(self) -> dict[Ref, Document]:
        """Everything of ours, as it is."""
        stamp = self.site.stamp
        ours = {one.ref for one in self.site.cluster.inventory(stamp)}
        kinds = {(ref.api_version, ref.kind) for ref in ours}
        found = [
            body
            for version, kind in sorted(kinds)
            for body in self.site.cluster.objects(version, kind, "", stamp.selector)
        ]
        return {ref_of(body): body for body in found if ref_of(body) in ours}


def _parts(plan: Plan) -> tuple[ModulePart, ...]:
    questions = [module.questions for module in plan.modules]
    return tuple(ModulePart(each.name, each.title, tuple(each.needs)) for each in questions)


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
    return plan_with(frozenset(_ALL))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, everything: Plan) -> Iterator[Place]:
    """A cluster with everything in it; each test leaves it like that."""
    with _place(tmp_path_factory.mktemp("whole")) as made:
        made.install(everything)
        yield made


def said_of(body: Document) -> Document:
    """An object without what controllers and the server write."""
    kept = {key: value for key, value in body.items() if key != "status"}
    kept["metadata"] = {k: v for k, v in body["metadata"].items() if k not in _BOOKKEEPING}
    return kept


def likeness(place: Place, objects: Mapping[Ref, Document]) -> dict[Ref, str]:
    """The same of every cluster: without ids, what a server gives out, and values of Secrets."""
    found = {}
    for ref, body in objects.items():
        kept = said_of(body)
        if ref.kind == "Secret":
            kept["data"] = sorted(body["data"])
        text = json.dumps(kept, sort_keys=True).replace(place.site.installation.id, "~")
        text = _GIVEN.sub("~", text)
        # The note of the Secrets' versions is made of what a server gives out, too.
        found[ref] = _NOTES.sub("~", text) if REVISIONS in text else text
    return found


def changed(before: Mapping[Ref, Document], after: Mapping[Ref, Document]) -> set[Ref]:
    """What was touched, where it is there before and after."""
    both = before.keys() & after.keys()
    written = {ref for ref in both if said_of(before[ref]) != said_of(after[ref])}
    versions = {
        ref
        for ref in both
        if ref.kind in _NOBODY_ELSES
        and before[ref]["metadata"]["resourceVersion"] != after[ref]["metadata"]["resourceVersion"]
    }
    return written | versions


def planned_changes(before: Rendered, after: Rendered) -> set[Ref]:
    """Objects of both renderings that say something else."""
    old, new = ({ref_of(e.body): e.body for e in each.objects} for each in (before, after))
    return {ref for ref in old.keys() & new.keys() if old[ref] != new[ref]}


@pytest.mark.parametrize("name", _ALL)
def test_a_module_goes_and_comes_back_alone(place: Place, everything: Plan, name: str) -> None:
    less = without(name)
    unwanted = wanted_refs(everything.rendered) - wanted_refs(less.rendered)
    data = {ref for ref in unwanted if ref.kind in _HOLD_DATA}
    held = {ref for ref in unwanted if ref.kind == "Namespace" and _holds(ref.name, data)}
    before = place.objects()

    place.install(less)
    between, told = place.objects(), place.site.said
    place.install(everything)
    after = place.objects()

    assert before.keys() - between.keys() == unwanted - data - held
    assert between.keys() <= before.keys()
    assert changed(before, between) == planned_changes(everything.rendered, less.rendered)
    assert all(ref.words in told for ref in (*data, *held))
    assert likeness(place, after) == likeness(place, before)
    kept = [ref for ref in before if ref.kind in _HOLD_DATA]
    assert all(said_of(after[ref]) == said_of(before[ref]) for ref in kept)
    assert place.install(everything).ending is Ending.NOTHING_TO_DO


def _holds(namespace: str, data: set[Ref]) -> bool:
    return any(ref.namespace == namespace for ref in data)


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


def _named(result: Result) -> set[str]:
    """The objects that the lines of a plan are about."""
    lines = [line for seen in result.seen.values() for line in seen.changes]
    told = (line.removesuffix(" is missing") for line in lines)
    return {each.removesuffix(" is not wanted any more").partition(": ")[0] for each in told}


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
    before = place.objects()

    looked = place.look(plan)
    untouched = place.objects()
    place.install(plan)
    after = place.objects()
    place.install(everything)

    assert looked.error is None
    assert changed(before, untouched) == set()
    touched = changed(before, after) | (before.keys() ^ after.keys())
    assert _named(looked) == {ref.words for ref in touched}
    assert any(field in line for seen in looked.seen.values() for line in seen.changes)


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
