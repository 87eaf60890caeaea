"""Cut at the worst moments; the next run goes on, and nothing exists twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from installer.engine.errors import ExitCode, Temporary
from installer.engine.events import Ending, Event, Waiting
from installer.engine.run import Result
from installer.engine.step import Step, StopFlag
from installer.steps import oracle_resource
from installer.steps.oracle_resource import OracleResource
from tests.oracle.world import Person, World

pytestmark = pytest.mark.slow

MAKERS = (
    *("compartment", "vcn", "internet-gateway", "route-table", "security-rules-api"),
    *("security-rules-nodes", "security-rules-balancers", "subnet-api", "subnet-nodes"),
    *("subnet-balancers", "cluster", "node-pool"),
)
ONE_EACH = {
    "compartment": 1,
    "vcn": 1,
    "internetgateway": 1,
    "routetable": 2,  # the network's default one, and ours
    "securitylist": 4,
    "subnet": 3,
    "cluster": 1,
    "nodepool": 1,
    "instance": 1,
}

# Simulated seconds; two real ones, so that the next run meets what is still hidden.
HIDDEN = 1200.0


class Cut(Exception):
    """Stands for a pulled plug: nothing after it is done."""


def cut_after_calls(steps: Sequence[Step], victims: set[str]) -> set[str]:
    """The victims' creating calls reach Oracle; the answers reach nobody.

    Returns those that were cut, once the steps have run.
    """
    reached: set[str] = set()
    for step in steps:
        if step.id in victims:
            assert isinstance(step, OracleResource)
            then = partial(reached.add, step.id)
            step.create = _then_cut(step.create, then)  # type: ignore[method-assign]
    return reached


def cut_after_call(steps: tuple[Step, ...], victim: str) -> tuple[Step, ...]:
    """The same for a single victim; returns the steps."""
    cut_after_calls(steps, {victim})
    return steps


def _then_cut(
    call: Callable[..., Any], then: Callable[[], object] = lambda: None
) -> Callable[..., Any]:
    def cut(*args: Any) -> Any:
        call(*args)
        then()
        raise Cut

    return cut


def made(world: World) -> dict[str, int]:
    count = world.count()
    return {kind: count[kind] for kind in ONE_EACH}


def test_a_cut_between_making_and_saving_makes_nothing_twice(world: World, person: Person) -> None:
    left = set(MAKERS)
    while left:
        steps = person.steps()
        reached = cut_after_calls(steps, left)
        assert person.run("install", steps).exit_code == ExitCode.BUG
        assert reached
        left -= reached

    assert all("Cut" in bug for bug in person.bugs)
    assert person.run("install").error is None
    assert made(world) == ONE_EACH
    assert person.run("install").changed == 0
    assert person.run("destroy").error is None
    assert world.inventory() == []


@pytest.mark.parametrize(
    ("operation", "victim"),
    [("CreateCompartment", "compartment"), ("CreateVcn", "vcn"), ("CreateSubnet", "subnet-api")],
)
def test_what_is_not_visible_yet_is_not_made_again(
    world: World, person: Person, operation: str, victim: str
) -> None:
    world.weather({"operation": operation, "do": "not_found_for", "seconds": HIDDEN, "times": 1})
    person.run("install", cut_after_call(person.network_steps(), victim))
    assert person.run("install", person.network_steps()).error is None
    assert {kind: world.count()[kind] for kind in ("compartment", "vcn", "subnet")} == {
        "compartment": 1,
        "vcn": 1,
        "subnet": 3,
    }


@pytest.mark.parametrize(
    ("operation", "victim"), [("CreateVcn", "vcn"), ("CreateSubnet", "subnet-nodes")]
)
def test_what_was_saved_but_is_not_visible_yet_is_waited_for(
    world: World,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    victim: str,
) -> None:
    """Cut after the id was saved; the next run holds an id that Oracle does not show."""
    monkeypatch.setattr(oracle_resource, "FRESH_SECONDS", 3600.0)
    world.weather({"operation": operation, "do": "not_found_for", "seconds": HIDDEN, "times": 3})
    steps = person.network_steps()
    for step in steps:
        if step.id == victim:
            assert isinstance(step, OracleResource)
            step.start = _then_cut(step.start)  # type: ignore[method-assign]
    assert person.run("install", steps).exit_code == ExitCode.BUG
    world.fine()
    while (error := person.run("install", person.network_steps()).error) is not None:
        assert isinstance(error, Temporary)
        assert (world.count()["vcn"], world.count()["subnet"] <= 3) == (1, True)
    assert (world.count()["vcn"], world.count()["subnet"]) == (1, 3)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_cut_in_a_creating_call_makes_one_thing(
    world: World, person: Person, when: str
) -> None:
    world.weather({"operation": "CreateVcn", "do": "cut", "when": when, "times": 2})
    assert person.run("install", person.network_steps()).error is None
    assert world.count()["vcn"] == 1


def test_stopped_while_waiting_it_goes_on_with_the_same_cluster(
    world: World, person: Person
) -> None:
    result = run_until_it_waits(person, "cluster")
    assert (result.ending, result.exit_code) == (Ending.STOPPED, ExitCode.STOPPED)
    first = person.recall("cluster")
    assert first
    assert person.run("install").error is None
    assert person.recall("cluster") == first
    assert world.count()["cluster"] == 1


def run_until_it_waits(person: Person, step: str) -> Result:
    """Ask to stop as soon as the step waits for something that has an id."""
    stop = StopFlag()

    class Listener(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Waiting) and event.step == step and person.recall(step):
                stop.request()

    return person.run("install", None, stop, Listener())


def test_a_removal_that_was_cut_is_finished_by_the_next(world: World, person: Person) -> None:
    person.run("install", person.network_steps())
    steps = person.network_steps()
    for step in steps:
        if step.id == "route-table":
            assert isinstance(step, OracleResource)
            step.delete = _then_cut(step.delete)  # type: ignore[method-assign]
    assert person.run("destroy", steps).exit_code == ExitCode.BUG
    assert person.run("destroy", person.network_steps()).error is None
    assert world.inventory() == []


def test_a_half_made_cluster_can_be_removed(world: World, person: Person) -> None:
    person.run("install", cut_after_call(person.steps(), "cluster"))
    assert world.count()["cluster"] == 1
    assert person.run("destroy").error is None
    assert world.inventory() == []
