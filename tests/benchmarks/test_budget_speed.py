"""The budget is fast enough to be worked out at every key press; ratios of one run."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from installer.answers.model import answers_model
from installer.budget.advice import MOST_TRIES, Advice, Change, advise
from installer.budget.demand import Demand, measure
from installer.budget.envelope import load_envelope
from installer.budget.room import NodeShape
from installer.budget.storage import plan_volumes
from installer.budget.verdict import judge, tally
from installer.modules import catalogue
from installer.modules.claims import Claim, VolumePlan
from installer.plan import make_plan
from tests.budget.pieces import Piece, container, mounting, pod_spec, workload

pytestmark = pytest.mark.benchmark


def platform(times: int) -> tuple[list[Piece], list[Claim]]:
    """About forty workloads of every kind, `times` over, each time in a namespace of its own."""
    pieces: list[Piece] = []
    claims: list[Claim] = []
    for turn in range(times):
        space = f"health-{turn}"
        for i in range(40):
            kind = ("Deployment", "StatefulSet", "Job", "CronJob")[i % 4]
            spec = pod_spec(
                container("30m", "64Mi"),
                initContainers=[container("10m", "32Mi")],
                **mounting(*(["data"] if i % 5 == 0 else [])),
            )
            pieces.append(workload(kind, f"w{i}", spec, module=f"m{turn}-{i % 8}", namespace=space))
        claims += [Claim(f"m{turn}-0", space, f"c{i}", i * 2**30, "") for i in range(8)]
    return pieces, claims


def work(pieces: list[Piece], claims: list[Claim], nodes: NodeShape) -> bool:
    """All that a changed answer costs apart from rendering."""
    volumes = plan_volumes(claims, sharing=True, floor_gib=50)
    return judge(measure(pieces), volumes, nodes, load_envelope()).fits


def least(action: Callable[[], Any], times: int = 25) -> float:
    """Seconds of this process' work in the least disturbed of several turns."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        action()
        spent.append(time.process_time() - start)
    return min(spent)


def test_a_verdict_costs_about_as_much_as_copying_the_manifests_a_few_times() -> None:
    pieces, claims = platform(1)
    node = NodeShape(2, 12)
    assert work(pieces, claims, node)
    verdict = least(lambda: work(pieces, claims, node))
    copying = least(lambda: copy.deepcopy(pieces))
    print(f"verdict {verdict * 1000:.2f} ms, copying {copying * 1000:.2f} ms")
    assert verdict <= 5 * copying


def test_ten_times_the_modules_and_nodes_take_at_most_fifteen_times_the_time() -> None:
    small, large = platform(1), platform(10)
    one, ten = NodeShape(2, 12), NodeShape(2, 12, count=10)
    assert work(*large, ten)
    before = least(lambda: work(*small, one))
    after = least(lambda: work(*large, ten))
    print(f"once {before * 1000:.2f} ms, ten times {after * 1000:.2f} ms")
    assert after <= 15 * before


def test_ten_times_the_workloads_on_two_nodes_each_are_still_placed_in_proportion() -> None:
    pieces, _ = platform(1)
    many, _ = platform(10)
    two, twenty = NodeShape(2, 12, count=2), NodeShape(2, 12, count=20)
    assert work(many, [], twenty)
    before = least(lambda: work(pieces, [], two))
    after = least(lambda: work(many, [], twenty))
    print(f"two nodes {before * 1000:.2f} ms, twenty {after * 1000:.2f} ms")
    assert after <= 15 * before


def slowest(action: Callable[[], Any], times: int = 60) -> float:
    """Seconds of this process' work in the slowest of a hundred turns, but for the last one."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        action()
        spent.append(time.process_time() - start)
    return sorted(spent)[int(len(spent) * 0.99) - 1]


def too_large(number: int) -> tuple[list[Piece], list[Change]]:
    """A whole platform with three lower values for each of ten options, and too much CPU."""
    pieces, _ = platform(1)
    options = [
        Change(f"o{at}", "now", str(step), "Option", "Something is lost.", step)
        for at in range(10)
        for step in (1, 2, 3)
    ]
    spec = pod_spec(container(f"{700 + number}m", "64Mi"))
    return [*pieces, workload("StatefulSet", "large", spec)], options


def advised(pieces: list[Piece], options: list[Change]) -> tuple[Advice, ...]:
    """Advice where every step of an option takes some of the load away."""
    node, envelope, nothing = NodeShape(2, 12), load_envelope(), VolumePlan(())

    def asked(changes: Sequence[Change]) -> Demand:
        less = sum(int(change.value) for change in changes)
        return measure([*pieces[: len(pieces) - less], *pieces[len(pieces) :]])

    return advise(
        judge(measure(pieces), nothing, node, envelope),
        options,
        lambda changes: judge(asked(changes), nothing, node, envelope),
        lambda changes: tally(asked(changes), nothing, node, envelope),
    )


def test_advice_costs_no_more_than_a_fixed_number_of_verdicts() -> None:
    pieces, options = too_large(400)
    assert advised(pieces, options)
    node, envelope = NodeShape(2, 12), load_envelope()
    verdict = least(lambda: judge(measure(pieces), VolumePlan(()), node, envelope))
    advice = slowest(lambda: advised(pieces, options))
    print(f"advice at most {advice * 1000:.1f} ms, verdict {verdict * 1000:.2f} ms")
    # Each lower value once, then the sets; with room for a disturbed turn.
    assert advice <= 2 * (len(options) + MOST_TRIES + 1) * verdict


def test_a_toggled_answer_is_judged_within_the_time_of_a_few_screens() -> None:
    model = answers_model([module.questions for module in catalogue()])
    on, off = (
        model.model_validate({"modules": {"infrastructure": {"exporters": value}}})
        for value in (True, False)
    )
    turns = iter(range(10**6))

    def toggle() -> None:
        make_plan(on if next(turns) % 2 else off)

    toggle()
    toggle()
    rendered = make_plan(on).rendered
    copying = least(lambda: copy.deepcopy([entry.body for entry in rendered.objects]))
    toggling = slowest(toggle)
    print(f"toggle {toggling * 1000:.2f} ms, copying the manifests {copying * 1000:.2f} ms")
    assert toggling <= 10 * copying
