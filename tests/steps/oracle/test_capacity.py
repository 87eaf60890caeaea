"""The radar orders the places, the pace outlives a run, and a wrong machine is seen."""

from __future__ import annotations

import json
import time

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Ending, Note, Waiting
from installer.engine.state import State
from installer.oracle.capacity import CapacityRadar
from installer.oracle.pace import MOST_AN_HOUR
from installer.oracle.placement import Outlook, Placement, Reading, in_order_of_hope, placements
from installer.oracle.wanted import NodePlan
from tests.oracle.world import Person, World


def test_places_with_the_best_outlook_come_first_and_none_is_left_out() -> None:
    places = placements(["A", "B"], {"A": ["1"], "B": ["1"]})
    said = {
        Placement("A"): Reading(Outlook.FULL),
        Placement("B", "1"): Reading(Outlook.FREE, 3),
        Placement("A", "1"): Reading(Outlook.UNSUPPORTED),
    }
    assert in_order_of_hope(places, said) == (
        *(Placement("B", "1"), Placement("B"), Placement("A"), Placement("A", "1")),
    )
    assert in_order_of_hope(places, {}) == places


def test_the_report_is_read_for_every_place_in_one_call(world: World) -> None:
    account = world.account()
    domain = account.availability_domains()[0]
    places = placements([domain], {domain: account.fault_domains(domain)})
    before = world.requests()
    said = CapacityRadar(account).read(places, NodePlan())
    assert world.requests() - before == 1
    assert {place: each.outlook for place, each in said.items()} == dict.fromkeys(
        places, Outlook.FREE
    )


def test_a_report_that_cannot_be_had_refuses_nothing(world: World) -> None:
    world.weather(
        {
            "operation": "CreateComputeCapacityReport",
            "do": "error",
            "status": 404,
            "code": "NotAuthorizedOrNotFound",
            "times": "always",
        }
    )
    account = world.account()
    assert (
        CapacityRadar(account).read([Placement(account.availability_domains()[0])], NodePlan())
        == {}
    )


@pytest.mark.slow
def test_quick_reruns_do_not_ask_more_often(world: World, person: Person) -> None:
    world.weather({"operation": "LaunchNodes", "do": "no_capacity", "times": "always"})
    first = person.run("install")
    assert (first.ending, first.exit_code) == (Ending.PARKED, ExitCode.PARKED)
    assert first.error is not None
    assert "costs nothing" in first.error.then
    assert any(
        isinstance(event, Note) and "capacity report" in event.words for event in person.events
    )
    _pretend_a_busy_hour(person)

    again = person.run("install")

    assert again.exit_code == ExitCode.PARKED
    assert again.error is not None
    assert f"{MOST_AN_HOUR} attempts" in again.error.why
    assert "minutes" in again.error.why
    assert world.count()["cluster"] == 1
    assert len(_attempts(person)) == MOST_AN_HOUR
    assert not any(
        isinstance(event, Waiting) and event.step == "node-pool" for event in person.events
    )


def _pretend_a_busy_hour(person: Person) -> None:
    """As many attempts as an hour holds, just now; and an hour that outlasts a slow second run."""
    person.speed = 60.0
    now = time.time() * person.speed
    state = State(person.folder / "state.sqlite")
    kept = json.loads(state.recall("node-pool", "attempts") or "{}")
    domain = next(iter(kept["attempts"]))
    busy = {domain: [now - number for number in range(MOST_AN_HOUR, 0, -1)]}
    state.remember("node-pool", "attempts", json.dumps({"attempts": busy, "not_before": 0.0}))
    state.close()


def _attempts(person: Person) -> list[float]:
    kept = json.loads(person.recall("node-pool", "attempts"))
    return [time for times in kept["attempts"].values() for time in times]
