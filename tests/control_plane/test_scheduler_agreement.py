"""What the budget promises is what a real kube-scheduler does."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from installer.budget.demand import Demand, Origin, Workload, measure
from installer.budget.pins import pins_of
from installer.budget.placement import Placement, place
from installer.budget.seats import Seat
from installer.modules import catalogue
from installer.modules.choices import options
from installer.modules.pinning import PLACE_LABEL, pinned_body
from installer.modules.stamping import pod_template
from tests.budget.pieces import Piece
from tests.control_plane.binaries import binaries_or_skip
from tests.control_plane.control_plane import running
from tests.control_plane.platform_cases import TEXTS
from tests.control_plane.scheduling import Homes, Stage
from tests.control_plane.selections import Selection, agent_pod, pods, selection
from tests.control_plane.wire import Wire

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]

# Read at import: the fixtures of this suite clear such names from the environment.
CASES = int(os.environ.get("HEALTH_INSTALL_AGREEMENT", "40"))
SEED = int(os.environ.get("HEALTH_INSTALL_AGREEMENT_SEED", "2026"))
TOGETHER = 20
MOST_BY_LUCK = 0.05

Body = dict[str, Any]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    binaries = binaries_or_skip()
    if binaries.scheduler is None or binaries.controller_manager is None:
        pytest.skip("kube-scheduler or kube-controller-manager is missing beside kube-apiserver")
    # Nobody says again and again that the nodes live; the controller would give them up.
    alone = ("node-lifecycle-controller",)
    folder = tmp_path_factory.mktemp("control-plane")
    with running(binaries, folder, without=alone) as plane:
        wire = Wire(plane.kubeconfig)
        yield Stage(wire)
        wire.close()


@dataclass
class Played:
    """A case with our word on it and the scheduler's.

    `lucky` has, for each way that only luck would find, what became of the pods sent that way.
    """

    case: Selection
    demand: Demand
    placement: Placement
    pieces: tuple[Piece, ...]
    pods: tuple[Body, ...]
    running: Homes = field(default_factory=dict)
    passing: dict[Origin, Homes] = field(default_factory=dict)
    lucky: list[Homes] = field(default_factory=list)

    @property
    def scheduled(self) -> bool:
        """Whether every pod found a node, also those that come and go."""
        return all(self.running.values()) and all(
            all(homes.values()) for homes in self.passing.values()
        )

    @property
    def loads(self) -> tuple[tuple[Piece, Workload], ...]:
        """The objects with pods, each beside what was measured of it."""
        made = [piece for piece in self.pieces if pod_template(piece.body) is not None]
        return tuple(zip(made, self.demand.workloads, strict=True))


def test_verdict_and_placement_are_what_the_scheduler_does(stage: Stage) -> None:
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    for start in range(0, CASES, TOGETHER):
        numbers = range(start, min(CASES, start + TOGETHER))
        for played in play(stage, [selection(number, SEED) for number in numbers]):
            counts[_kind(played)] += 1
            wrong += disagreements(played)
    print(f"seed {SEED}: {dict(counts)}, disagreements {len(wrong)}")
    assert wrong == []
    # What only luck could place is refused; such cases must stay rare or the rule is too strict.
    lucky = sum(count for kind, count in counts.items() if kind.startswith("by luck"))
    assert lucky <= max(2, CASES * MOST_BY_LUCK)
    for kind in ("made up", "our modules"):
        fits, refused = counts[f"fits on several nodes, {kind}"], counts[f"does not fit, {kind}"]
        assert min(fits, refused) >= CASES // 20


def play(stage: Stage, cases: Sequence[Selection]) -> list[Played]:
    """Several cases beside each other in one cluster, each on nodes of its own."""
    for case in cases:
        _set(stage, case)
    time.sleep(1.0)  # for the scheduler to see the nodes as they are
    stories = [_enter(stage, case) for case in cases]
    settled = stage.settle(
        {identity for played in stories for identity in map(_pod_identity, played.pods)},
        {space for p in stories if p.placement.complete for space in p.case.namespaces},
    )
    for played in stories:
        played.running = {pod: settled[pod] for pod in map(_pod_identity, played.pods)}
    _play_guests(stage, stories)
    for played in stories:
        _play_luck(stage, played)
    names = [name for case in cases for name in case.namespaces]
    stage.clear(names, [node for case in cases for node in case.nodes])
    return stories


def _set(stage: Stage, case: Selection) -> None:
    for namespace in case.namespaces:
        stage.add_namespace(namespace)
    for node in case.nodes:
        stage.add_node(node)
    for namespace, claim in case.claims:
        stage.add_claim(namespace, claim)


def _enter(stage: Stage, case: Selection) -> Played:
    demand = measure(case.pieces)
    placement = place(demand, case.room)
    pins = pins_of(demand, placement, PLACE_LABEL) if placement.complete else {}
    pieces = tuple(
        Piece(piece.module, piece.source, pinned_body(piece.body, pins[identity]))
        if (identity := _identity(piece)) in pins and len(case.nodes) > 1
        else piece
        for piece in case.pieces
    )
    played = Played(case, demand, placement, pieces, ())
    played.pods = tuple(pod for piece, load in played.loads for pod in _running(case, piece, load))
    stage.add_pods(played.pods)
    return played


def _running(case: Selection, piece: Piece, load: Workload) -> list[Body]:
    """The pods of an object that run all the time."""
    if not load.per_node:
        return pods(piece.body, load.replicas)
    homes = [n for n in case.nodes if load.rules.takes(n.name, n.labels, n.taints)]
    return [agent_pod(piece.body, node) for node in homes]


def _play_guests(stage: Stage, stories: Sequence[Played]) -> None:
    """Jobs and the new pods of rollouts, one after the other, where all else is running."""
    waiting = [list(_guests(played)) for played in stories]
    while any(waiting):
        turn = [(p, left.pop(0)) for p, left in zip(stories, waiting, strict=True) if left]
        for _, (_, made) in turn:
            stage.add_pods(made)
        settled = stage.settle(
            {_pod_identity(pod) for _, (_, made) in turn for pod in made},
            {space for p, _ in turn if p.placement.complete for space in p.case.namespaces},
        )
        for played, (origin, made) in turn:
            played.passing[origin] = {pod: settled[pod] for pod in map(_pod_identity, made)}
            for pod in played.passing[origin]:
                stage.remove_pod(pod)
        # One pod without a node has told all there is to tell of its case.
        waiting = [
            left if played.scheduled else [] for played, left in zip(stories, waiting, strict=True)
        ]


def _guests(played: Played) -> Iterator[tuple[Origin, list[Body]]]:
    if played.placement.by_luck or not all(played.running.values()):
        return
    for piece, load in played.loads:
        if load.passing:
            yield load.origin, _passing(piece, load)


def _passing(piece: Piece, load: Workload) -> list[Body]:
    made = pods(piece.body, load.passing, "new-")
    for pod in made:
        # The controller marks each revision, and rollouts spread revisions apart.
        pod["metadata"]["labels"]["pod-template-hash"] = "new"
    return made


def _play_luck(stage: Stage, played: Played) -> None:
    """Send every pod by itself the way that no template could name, to see that there is one."""
    for way in played.placement.lucky:
        stage.clear_pods(played.case.namespaces)
        sent = list(_sent(played, way))
        stage.add_pods(sent)
        names = {_pod_identity(pod) for pod in sent}
        played.lucky.append(stage.settle(names, played.case.namespaces))


def _sent(played: Played, way: Sequence[Seat]) -> Iterator[Body]:
    """The pods of one way, each told its node."""
    for piece, load in played.loads:
        if load.per_node:
            yield from _running(played.case, piece, load)
            continue
        # A bundle has the rules of each of its pods.
        homes = [
            seat.node.name
            for seat in way
            for bundle in seat.inside
            for rules in bundle.rules
            if rules is load.rules
        ]
        assert len(homes) in (load.replicas, load.replicas + load.passing), load.origin
        made = [*pods(piece.body, load.replicas), *_passing(piece, load)]
        for pod, node in zip(made, homes, strict=False):
            pod["spec"]["nodeSelector"][PLACE_LABEL] = node
            yield pod


def disagreements(played: Played) -> list[str]:
    """Sentences about what we said and what the scheduler did."""
    case, placement = played.case, played.placement
    title = f"case {case.number} of seed {SEED}"
    if case.plan is not None and case.plan.verdict.fits != placement.complete:
        return [f"{title}: the plan says {case.plan.verdict.reasons}, not {placement.problems}"]
    if placement.complete:
        if not played.scheduled:
            return [f"{title}: promised, but {played.running} {played.passing}"]
        return [f"{title}: {words}" for words in _misplaced(played)]
    if placement.by_luck:
        stuck = [homes for homes in played.lucky if not all(homes.values())]
        return [f"{title}: a way for luck that is none: {homes}" for homes in stuck]
    if not played.scheduled:
        return []
    return [f"{title}: refused ({placement.problems}), but all pods found a node"]


def _misplaced(played: Played) -> Iterator[str]:
    places = played.placement.places
    for piece, load in played.loads:
        if load.per_node:
            continue
        own = {_pod_identity(pod) for pod in pods(piece.body, load.replicas)}
        homes = {pod: node for pod, node in played.running.items() if pod in own}
        homes |= played.passing.get(load.origin, {})
        # A job that waits to be asked for has no place.
        found, promised = set(homes.values()), set(places.get(load.origin, ()))
        if not found <= promised:
            yield f"{load.origin.words()} is on {found}, promised were {promised}"
        if load.replicas and len(promised) == load.replicas and found < promised:
            yield f"{load.origin.words()} is on {found} alone, promised were {promised}"


def _kind(played: Played) -> str:
    what = "made up" if played.case.plan is None else "our modules"
    if played.placement.complete:
        several = len(played.case.nodes) > 1
        return f"fits on {'several nodes' if several else 'one node'}, {what}"
    return f"{'by luck' if played.placement.by_luck else 'does not fit'}, {what}"


def _pod_identity(pod: Body) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _identity(piece: Piece) -> tuple[str, str, str]:
    metadata = piece.body["metadata"]
    return piece.body["kind"], metadata["namespace"], metadata["name"]


def test_cases_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    assert selection(7, 1) == selection(7, 1)
    assert selection(7, 1) != selection(7, 2)


def test_cases_are_drawn_from_all_modules_and_all_options() -> None:
    plans = [plan for number in range(1, 121, 2) if (plan := selection(number, SEED).plan)]
    drawn = Counter(module.name for plan in plans for module in plan.modules)
    seen: dict[tuple[str, str], set[object]] = {}
    for plan in plans:
        for module in plan.modules:
            for name, value in options(plan.answers, module):
                seen.setdefault((module.name, name), set()).add(value)
    assert set(drawn) == {module.name for module in catalogue()}
    alike = {
        (module.name, option.name)
        for module in catalogue()
        for option in module.file.options
        if len(seen[module.name, option.name]) < 2
        and (option.kind != "text" or option.name in TEXTS)
    }
    assert alike == set()
