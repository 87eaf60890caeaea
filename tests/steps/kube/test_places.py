"""Machines get the places of the plan, keep them, and hand them on when they are replaced."""

from __future__ import annotations

from collections.abc import Mapping

from installer.engine.run import Runner
from installer.engine.step import Condition, StopFlag
from installer.kube.nodes import LiveNode
from installer.modules.pinning import PLACE_LABEL
from installer.steps.kubernetes_part import kubernetes_part
from installer.steps.nodes_ready import NodesReady
from installer.steps.places import PLACES, Places, places_for
from tests.kube.rehearsed import config_map
from tests.steps.kube.conftest import PART, Site


def node(name: str, place: str = "", **labels: str) -> LiveNode:
    marks: Mapping[str, str] = {**labels, **({PLACE_LABEL: place} if place else {})}
    return LiveNode(name, True, True, "arm64", "v1", 1, 1, 1, 1, 0, 0, 0, 0, marks, ())


def test_places_are_given_out_by_name() -> None:
    assert places_for([node("b"), node("a")], ["one", "two"]) == {"a": "one", "b": "two"}


def test_a_machine_keeps_its_place_whatever_its_name() -> None:
    nodes = [node("a"), node("b", "one")]
    assert places_for(nodes, ["one", "two"]) == {"a": "two", "b": "one"}


def test_a_new_machine_takes_the_place_of_the_one_that_left() -> None:
    nodes = [node("a", "one"), node("new")]
    assert places_for(nodes, ["one", "two"]) == {"a": "one", "new": "two"}


def test_no_place_is_given_twice() -> None:
    nodes = [node("a", "one"), node("b", "one"), node("c", "gone")]
    assert places_for(nodes, ["one", "two"]) == {"a": "one", "b": "two"}


def runner(site: Site, places: list[str]) -> Runner:
    return Runner(
        (NodesReady(lambda _ctx: site.cluster, 1), Places(lambda _ctx: site.cluster, places)),
        site.state,
        site.installation,
        lambda _event: None,
        stop=StopFlag(),
        pace=site.pace,
    )


def test_labels_are_put_on_once_and_leave_all_others(site: Site) -> None:
    assert runner(site, []).install().error is None  # waits for a node
    before = site.cluster.nodes(with_pods=False)[0].labels
    place = site.installation.id
    first = runner(site, [place]).install()
    assert first.error is None
    assert runner(site, [place]).plan().seen[PLACES].condition is Condition.AS_WANTED
    assert runner(site, [place]).install().changed == 0
    after = {n.labels.get(PLACE_LABEL): n.labels for n in site.cluster.nodes(with_pods=False)}
    assert place in after
    kept = {key: value for key, value in before.items() if key != PLACE_LABEL}
    assert kept.items() <= after[place].items()


def test_workloads_wait_for_the_places_they_are_pinned_to(site: Site) -> None:
    rendered = site.small([config_map(site.space, "one")])
    steps = kubernetes_part(
        lambda _ctx: site.cluster, rendered, (PART,), 2, lambda _path: None, places=("one", "two")
    )
    wave = next(step for step in steps if step.id.startswith(PART.name))
    assert PLACES in wave.needs
    plain = kubernetes_part(lambda _ctx: site.cluster, rendered, (PART,), 1, lambda _path: None)
    assert PLACES not in [step.id for step in plain]
