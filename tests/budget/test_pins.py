"""The planned nodes are written into the manifests, and nothing else changes."""

from __future__ import annotations

import copy
from typing import Any

from installer.answers.model import answers_model
from installer.budget.demand import measure
from installer.budget.pins import pins_of
from installer.budget.placement import place
from installer.budget.room import LiveNode, Room, envelope_from_nodes
from installer.modules import catalogue
from installer.modules.pinning import PLACE_LABEL, Pin, pinned_body
from installer.plan import Plan, Surroundings, make_plan
from tests.budget.pieces import Piece, container, keeping_away, pod_spec, recreated, workload

GIB = 2**30
KEY = "kubernetes.io/hostname"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def room(*millis: int) -> Room:
    return envelope_from_nodes(
        [LiveNode(f"n{i}", m, 8 * GIB) for i, m in enumerate(millis, 1)]
    ).room


def pin_of(piece: Piece, on: Room, *others: Piece) -> Pin:
    demand = measure([piece, *others])
    metadata = piece.body["metadata"]
    found = pins_of(demand, place(demand, on), KEY)
    return found[piece.body["kind"], metadata["namespace"], metadata["name"]]


def plan(answers: dict[str, Any], surroundings: Surroundings | None = None) -> Plan:
    model = answers_model([module.questions for module in catalogue()])
    return make_plan(model.model_validate(answers), surroundings or Surroundings())


def terms(body: dict[str, Any]) -> Any:
    affinity = body["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    return affinity[_REQUIRED]["nodeSelectorTerms"]


def test_replicas_are_shared_out_evenly_where_each_node_has_room_for_its_share() -> None:
    pin = pin_of(recreated("a", "100m", "1Mi", replicas=2), room(1000, 1000))
    assert pin == Pin(KEY, ("n1", "n2"), evenly=True)


def test_replicas_go_to_one_node_where_the_other_is_too_small() -> None:
    pin = pin_of(recreated("a", "400m", "1Mi", replicas=2), room(1000, 300))
    assert pin == Pin(KEY, ("n1",), evenly=False)


def test_an_uneven_share_is_never_promised_since_no_manifest_could_ask_for_it() -> None:
    found = place(measure([recreated("a", "400m", "1Mi", replicas=3)]), room(800, 400))
    assert not found.complete
    assert found.by_luck
    assert "spread the replicas unevenly" in found.problems[0]


def test_replicas_that_keep_apart_need_no_second_rule() -> None:
    piece = recreated("a", "1m", "1Mi", replicas=2, pod=keeping_away("g"), labels={"group": "g"})
    assert not pin_of(piece, room(1000, 1000)).evenly


def test_replicas_that_keep_apart_need_one_node_more_for_a_rollout() -> None:
    spec = pod_spec(container("1m", "1Mi"), **keeping_away("g"))
    piece = workload("Deployment", "a", spec, replicas=2, labels={"group": "g"})
    assert not place(measure([piece]), room(1000, 1000)).complete
    assert len(pin_of(piece, room(1000, 1000, 1000)).values) == 3


def test_a_rollout_has_room_on_each_of_its_nodes() -> None:
    spec = pod_spec(container("400m", "1Mi"))
    piece = workload("Deployment", "a", spec, replicas=2)
    assert place(measure([piece]), room(800, 800)).complete
    assert not place(measure([piece]), room(800, 700)).complete


def test_a_pin_joins_every_alternative_of_the_module_and_leaves_the_original_alone() -> None:
    own = [
        {"matchExpressions": [{"key": "disk", "operator": "Exists"}]},
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]},
        {},
    ]
    affinity = {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": own}}}
    piece = recreated("a", "1m", "1Mi", pod={"affinity": affinity})
    before = copy.deepcopy(piece.body)
    made = pinned_body(piece.body, Pin(KEY, ("n1",)))
    here = {"key": KEY, "operator": "In", "values": ["n1"]}
    assert [term["matchExpressions"][-1] for term in terms(made)] == [here, here]
    assert piece.body == before


def test_a_pinned_job_gets_the_name_of_its_new_content() -> None:
    body = workload("Job", "topology-0123456789", pod_spec(container("1m", "1Mi"))).body
    one, two = (pinned_body(body, Pin(KEY, (node,))) for node in ("n1", "n2"))
    names = {each["metadata"]["name"] for each in (body, one, two)}
    assert len(names) == 3
    assert all(name.startswith("topology-") and len(name) == 19 for name in names)


def test_on_one_machine_nothing_is_pinned() -> None:
    one = plan({})
    assert one.pins == {}
    assert one.places == ()
    assert all(
        "nodeAffinity" not in str(entry.body) and PLACE_LABEL not in str(entry.body)
        for entry in one.rendered.objects
    )


def test_on_two_machines_every_pod_is_pinned_to_a_place_that_has_a_machine() -> None:
    # Without logs and their volume there is room on two machines as well.
    smaller = {"observability": {"storage": "transient", "logs": False}}
    machines = {"nodes": 2, "node_ocpus": 1, "node_memory_gb": 6}
    two = plan({"cluster": machines, "modules": smaller})
    assert two.verdict.fits, two.verdict.reasons
    assert two.places == ("node-1", "node-2")
    loads = [e for e in two.rendered.objects if "template" in e.body.get("spec", {})]
    assert len(loads) == len(two.pins)
    for entry in loads:
        (term,) = terms(entry.body)
        (here,) = term["matchExpressions"]
        assert here["key"] == PLACE_LABEL
        assert set(here["values"]) <= set(two.places)


def test_a_cluster_of_your_own_keeps_its_say_on_where_pods_go() -> None:
    nodes = [LiveNode(f"mine-{i}", 2000, 8 * GIB) for i in range(2)]
    own = plan({"target": "existing"}, Surroundings(live=envelope_from_nodes(nodes)))
    assert own.verdict.fits
    assert (own.pins, own.places) == ({}, ())
    assert "left to your cluster" in own.text()


def test_a_cluster_nobody_looked_at_is_not_judged_and_owes_oracle_nothing() -> None:
    own = plan({"target": "existing"})
    verdict = own.verdict
    assert (verdict.judged, verdict.costs_money, verdict.bill.lines) == (False, False, ())
    assert verdict.row("CPU").limit is None
    assert verdict.row("CPU").used > 0
    assert "has not been looked at" in verdict.row("CPU").words
    assert "It fits" not in own.text()
    assert "not been looked at" in own.text()
