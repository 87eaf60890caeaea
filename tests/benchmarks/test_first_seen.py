"""A selection nobody has thought through before: its plan within a frame, its advice in a blink.

The process is warm, as when the modules page is open: everything was switched on once. Selections
are one step apart, a module or an option, and hardly any comes twice. Work of the process counts.
What a frame and a blink are on this machine says `yardstick.py`.
"""

from __future__ import annotations

import gc
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from installer.answers.model import Answers
from installer.cli import parser
from installer.commands.desk import InstallDesk
from installer.commands.sources import case
from installer.conversation import Draft
from installer.modules import Module, ModulesInvalid, catalogue
from installer.plan import Plan, advice_for, make_plan
from tests.benchmarks.yardstick import BLINK, FRAME, Race
from tests.modules.conftest import answers_for
from tests.modules.selections import wander

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]


@pytest.fixture(autouse=True)
def settled() -> Iterator[None]:
    """Memory as the modules page leaves it."""
    warm = {module.name: {"enabled": True} for module in catalogue()}
    make_plan(answers_for(catalogue(), modules=warm))
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def drafts(seed: int) -> Iterator[Draft]:
    """Drafts of a person who switches modules and changes options."""
    for chosen in wander(seed):
        answered = {
            f"modules.{module}.{name}": value
            for module, options in chosen.items()
            for name, value in options.items()
        }
        yield Draft(profile="free", answered=answered)


def test_a_switch_nobody_turned_before_is_thought_through_within_a_frame() -> None:
    desk = InstallDesk(case(parser().parse_args([]), None))
    race = Race()
    for draft in itertools.islice(drafts(2026), 400):
        race.turn(lambda draft=draft: desk.propose(draft))  # type: ignore[misc]
    assert race.ends("switches") <= FRAME


def too_much(seed: int) -> Iterator[Plan]:
    """Plans in the way of which there is something."""
    for chosen in wander(seed):
        try:
            plan = make_plan(answers_for(catalogue(), modules=chosen))
        except ModulesInvalid:
            continue
        if not (plan.verdict.fits and plan.verdict.consented):
            yield plan


def test_advice_for_a_selection_nobody_had_before_comes_in_a_blink() -> None:
    race = Race()
    for plan in itertools.islice(too_much(2027), 150):
        race.turn(lambda plan=plan: advice_for(plan))  # type: ignore[misc]
    assert race.ends("advice") <= BLINK


PART = """
    version: 1
    title: Part {number}
    purpose: One of many.
    namespaces: [{{name: part-{number}}}]
    waves: {{2: Servers}}
    templates: [{{file: part.yaml.j2, wave: 2}}]
    images: [valkey]
    options:
      - {{name: memory, kind: integer, default: 8, minimum: 1, title: Memory, help: In MiB.,
         lower: [{{value: 4, costs: Slower., hurts: 1}}]}}
    claims: [{{name: data, size: 1Gi, what: data}}]
"""
SERVERS = """
    {% for number in range(8) %}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: server-{{ number }}}
    spec:
      strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}
      selector: {matchLabels: {{ labels("server-" ~ number) }}}
      template:
        metadata: {labels: {{ labels("server-" ~ number) }}}
        spec:
          containers:
            - name: server
              image: {{ image("valkey") }}
              resources: {requests: {cpu: 10m, memory: {{ options.memory }}Mi}}
    {% endfor %}
"""


def parts(root: Path, number: int) -> tuple[Module, ...]:
    """A catalogue of so many modules, alike but for their names."""
    for each in range(number):
        folder = root / "modules" / f"part-{each}"
        folder.mkdir(parents=True)
        (folder / "module.yaml").write_text(dedent(PART.format(number=each)))
        (folder / "part.yaml.j2").write_text(dedent(SERVERS))
    lock = Path(__file__).parents[2] / "assets" / "images.lock.yaml"
    (root / "images.lock.yaml").write_bytes(lock.read_bytes())
    return catalogue(root)


def answers_of(modules: tuple[Module, ...], nodes: int, memory: int) -> Answers:
    """So many machines, and one option of one module that was not there before."""
    first = {modules[0].name: {"memory": memory}}
    cluster = {"nodes": nodes, "node_ocpus": 2, "node_memory_gb": 12}
    return answers_for(modules, cluster=cluster, modules=first, money={"accept_monthly_usd": 9999})


def test_ten_times_the_modules_and_machines_take_at_most_fifteen_times_the_time(
    tmp_path: Path,
) -> None:
    few, many = parts(tmp_path / "few", 7), parts(tmp_path / "many", 70)
    memories = itertools.count(9)

    def think(modules: tuple[Module, ...], nodes: int) -> float:
        start = time.process_time()
        plan = make_plan(answers_of(modules, nodes, next(memories)), modules=modules)
        spent = time.process_time() - start
        assert plan.verdict.fits
        return spent

    think(few, 1), think(many, 10)
    once = min(think(few, 1) for _ in range(20))
    ten_times = min(think(many, 10) for _ in range(20))
    print(f"once {once * 1000:.1f} ms, ten times {ten_times * 1000:.1f} ms", file=sys.stderr)
    assert ten_times <= 15 * once
