"""Stopped by a person: once, twice, by a second run; and a machine that lost its memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from installer.engine.errors import ExitCode
from tests.journeys.conftest import Undisturbed
from tests.journeys.person import Person
from tests.journeys.test_kills import check_it_can_be_removed, check_it_is_whole, what_is_held

pytestmark = pytest.mark.slow


def goes_on_to_the_end(person: Person, undisturbed: Undisturbed) -> None:
    """The same command again finishes the work."""
    ended = person.install()
    assert (ended.code, ended.finished["ending"]) == (0, "done"), ended.err
    check_it_is_whole(person, undisturbed, {}, set())


def test_one_interrupt_stops_in_good_order_and_the_next_run_goes_on(
    tmp_path: Path, undisturbed: Undisturbed
) -> None:
    person = Person(tmp_path, speed=60.0)
    running = person.installing()
    assert running.until(lambda each: each["event"] == "Waiting" and each["step"] == "cluster")
    running.interrupt()
    ended = running.end()
    assert ended.code == ExitCode.STOPPED
    assert (ended.finished["ending"], ended.finished["exit_code"]) == ("stopped", 8)
    assert "Press Ctrl-C again" in ended.err
    assert "Traceback" not in ended.err
    person.speed = 600.0
    goes_on_to_the_end(person, undisturbed)


def test_a_second_interrupt_leaves_at_once_and_the_next_run_goes_on(
    tmp_path: Path, undisturbed: Undisturbed
) -> None:
    weather = tmp_path / "weather.yaml"
    rule = {"operation": "CreateVcn", "do": "hold", "seconds": 600, "times": 1}
    weather.write_text(yaml.safe_dump([rule]), encoding="utf-8")
    person = Person(tmp_path / "person")
    running = person.installing("--weather", str(weather))
    assert what_is_held(person, running)
    running.interrupt()
    running.until_error_says("Press Ctrl-C again")
    assert running.process.poll() is None, "the first interrupt waits for the call"
    running.interrupt()
    ended = running.end()
    assert ended.code == ExitCode.STOPPED_AT_ONCE
    assert "Run the same command again" in ended.err
    goes_on_to_the_end(person, undisturbed)


def test_a_second_run_is_told_who_is_at_work(tmp_path: Path) -> None:
    person = Person(tmp_path)
    first = person.installing()
    assert first.until_finished("vcn")
    first.freeze()
    answers = (person.state / "answers.yaml").read_bytes()
    other = person.install("--set", "access.email=somebody@example.org")
    assert other.code == ExitCode.LOCKED
    assert (person.state / "answers.yaml").read_bytes() == answers
    for second in (person.install(), person.destroy(), person.rehearsed("status")):
        assert second.code == ExitCode.LOCKED
        assert f"Process {first.process.pid} on " in second.out + second.err
        assert second.of("StepStarted") == []
    first.kill()
    assert person.installing().until_finished("vcn"), "the lock dies with its owner"


@pytest.mark.parametrize("moment", ["subnet-api", "node-pool", "secrets", "tidy"])
def test_a_machine_that_lost_its_state_finds_everything_again(
    tmp_path: Path, undisturbed: Undisturbed, moment: str
) -> None:
    person = Person(tmp_path)
    running = person.installing()
    assert running.until_finished(moment)
    running.freeze()
    world = person.world_now()
    ids, secrets = world.ids(), world.secret_hashes()
    running.kill()
    for file in person.state.glob("state.sqlite*"):
        file.unlink()
    ended = person.install()
    assert ended.code == 0, f"{ended.out}\n{ended.err}"
    check_it_is_whole(person, undisturbed, secrets, ids)
    if moment == "tidy":
        assert ended.finished["changed"] == 0
        for file in person.state.glob("state.sqlite*"):
            file.unlink()
        check_it_can_be_removed(person)
