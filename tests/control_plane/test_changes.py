"""What a change of answers does to a whole installation, judged by the real API server.

The same is shown in the rehearsal for more modules and options; here is what its API server would
not know: what a real one writes beside us, defaults, and refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.engine.errors import ClusterError
from installer.engine.events import Ending
from installer.engine.state import State, new_installation_id
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.objects import Ref, ref_of
from installer.kube.secret_objects import secret_ref
from installer.kube.stamp import Stamp
from installer.modules.addresses import Addresses
from installer.plan import Plan, Surroundings
from installer.steps.revisions import readers_of
from installer.steps.volume_sizes import VolumeSizes
from tests.control_plane.conftest import PACE
from tests.control_plane.control_plane import ControlPlane
from tests.kube.rehearsed import Body, claim, deployment, impatient, namespace, storage_class
from tests.modules.selections import PODS, with_needs
from tests.steps.kube.conftest import Site
from tests.steps.kube.places import (
    ALL_MODULES,
    Options,
    Place,
    Turn,
    check_it_goes_and_comes_back,
    likeness,
    plan_of,
)

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

# No pod runs here that could answer for an API, and nobody makes balancers.
_AROUND = Surroundings(
    addresses=Addresses(pods=(PODS,), api_ports=(6443,)),
    served_by_others=("v1beta1.metrics.k8s.io",),
)
_EDGE = {"entry": "node_port", "tls": "own"}
_LOGIN = "infrastructure.postgresql_health.app"


def planned(options: Options) -> Plan:
    return plan_of({**options, "edge": {**_EDGE, **options.get("edge", {})}}, _AROUND)


def only(*names: str) -> Plan:
    wanted = with_needs(set(names))
    return planned({name: {"enabled": name in wanted} for name in ALL_MODULES})


@pytest.fixture(scope="module")
def everything() -> Plan:
    return only(*ALL_MODULES)


@pytest.fixture(scope="module")
def place(
    control_plane: ControlPlane,
    kubelets: Path,
    everything: Plan,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    """A cluster with everything in it; each test leaves it like that."""
    state = State(tmp_path_factory.mktemp("changes") / "state.sqlite")
    with Cluster(Connection.from_kubeconfig(control_plane.kubeconfig), pace=PACE) as cluster:
        made = Place(Site(cluster, state, state.installation("health"), pace=PACE))
        made.install(everything)
        yield made
        assert made.site.destroy(everything.rendered).error is None
    state.close()


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("observability.prometheus_days", 31, "retention.time=30d -> --storage"),
        ("edge.hsts_days", 366, "ConfigMap health-system/traefik-routes: data"),
        ("infrastructure.raw_days", 2556, "Job health-data/minio-init-"),
        ("authentication.gateway_replicas", 2, "spec.replicas 1 -> 2"),
        ("security.roles_for_people", True, "ClusterRole health-platform-viewer is missing"),
    ],
)
def test_the_plan_names_what_one_option_changes_and_nothing_else_changes(
    place: Place, everything: Plan, path: str, value: object, field: str
) -> None:
    module, option = path.split(".")
    plan = planned({module: {option: value}})

    turn = Turn.of(place, plan)
    assert place.install(plan).ending is Ending.NOTHING_TO_DO
    place.install(everything)

    turn.check_only_what_was_named_changed(field)


@pytest.mark.parametrize("name", ["observability", "authentication", "edge"])
def test_a_module_goes_and_comes_back_alone(place: Place, everything: Plan, name: str) -> None:
    less = only(*(each for each in ALL_MODULES if name not in with_needs({each})))
    check_it_goes_and_comes_back(place, everything, less)


def test_modules_added_one_by_one_end_like_all_at_once(place: Place, everything: Plan) -> None:
    at_once = likeness(place, place.objects())
    assert place.site.destroy(everything.rendered).error is None
    assert place.objects() == {}

    order = ("observability", "security", "authentication", "infrastructure", "edge")
    for count in range(1, len(order) + 1):
        place.install(only(*order[:count]))
    place.install(everything)

    assert likeness(place, place.objects()) == at_once
    assert place.install(everything).ending is Ending.NOTHING_TO_DO


def test_pods_that_read_a_changed_password_begin_anew_and_no_others(
    place: Place, everything: Plan
) -> None:
    before = place.objects()
    secrets = {
        secret_ref("health-data", "postgresql-health-secret"),
        secret_ref("health-api", "health-api-secrets"),
    }
    readers = readers_of([entry.body for entry in everything.rendered.objects])
    touched = secrets | {reader for secret in secrets for reader in readers[secret]}

    place.site.supplied[_LOGIN] = "N" * 43
    try:
        looked = place.look(everything)
        place.install(everything)
        after = place.objects()
        assert place.install(everything).ending is Ending.NOTHING_TO_DO
    finally:
        del place.site.supplied[_LOGIN]

    told = "\n".join(looked.seen["secrets"].changes)
    assert all(ref.words in told for ref in touched)
    assert "N" * 43 not in place.site.said
    assert {ref.kind for ref in touched} == {"Secret", "StatefulSet", "Job", "Deployment"}
    assert _begun_anew(before, after) == touched - secrets


def _begun_anew(before: dict[Ref, Body], after: dict[Ref, Body]) -> set[Ref]:
    """What was made anew or has other pods."""
    return {
        ref
        for ref in before.keys() & after.keys()
        if ref.kind != "Secret"
        and (before[ref]["metadata"]["uid"], before[ref].get("spec"))
        != (after[ref]["metadata"]["uid"], after[ref].get("spec"))
    }


def test_what_the_server_refuses_of_a_volume_is_refused_before(
    cluster: Cluster, kubelets: Path, tmp_path: Path
) -> None:
    state = State(tmp_path / "state.sqlite")
    site = Site(cluster, state, state.installation("volumes"), pace=PACE)
    stamp, space = site.stamp, site.space
    kind = f"kind-{site.installation.id}"
    used, unused = claim(space, "used"), claim(space, "unused")
    for body in (used, unused):
        body["spec"]["storageClassName"] = kind
    server = deployment(space, "db", volume="used")
    cluster.apply([storage_class(kind)], Stamp(new_installation_id(), "other"))
    cluster.apply([namespace(space), used, unused, server], stamp)

    def unready() -> str | None:
        one = cluster.readiness(server, stamp)
        return None if one.done else one.words

    impatient("the server", unready)
    for body in (used, unused):
        body["spec"]["resources"]["requests"]["storage"] = "60Gi"
        step = VolumeSizes(lambda _ctx: cluster, [body])
        (words,) = step.look(site.runner(site.small([]))._context(step)).changes
        assert words == f"{ref_of(body).words} is 50Gi and would become 60Gi"
        with pytest.raises(ClusterError) as refused:
            cluster.apply([body], stamp)
        assert "forbidden" in refused.value.why.lower(), refused.value.why
    cluster.delete_all(stamp, impatient)
    state.close()
