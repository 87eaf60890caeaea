"""Parked for want of a machine: what is printed goes on, and gets there when there is one."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from installer.engine.errors import ExitCode
from tests.journeys.person import Ended, Person

FULL = "- {operation: LaunchNodes, do: no_capacity, times: always}\n"


def printed(ended: Ended, opening: str) -> str:
    """What a line tells to run."""
    lines = (ended.out + ended.err).splitlines()
    line = next(each for each in lines if each.startswith(f"Next: {opening}"))
    return line.partition(": ")[2].partition(": ")[2]


@pytest.mark.slow
def test_the_printed_command_goes_on_where_the_parked_run_stopped(tmp_path: Path) -> None:
    person = Person(tmp_path)
    weather = tmp_path / "full.yaml"
    weather.write_text(FULL, encoding="utf-8")

    parked = person.install("--weather", str(weather))

    assert parked.code == ExitCode.PARKED
    assert parked.finished["ending"] == "parked"
    command = shlex.split(printed(parked, "Go on by hand"))
    schedule, _, log = printed(parked, "Go on by itself with cron").partition(" >> ")
    assert schedule == f"*/15 * * * * {shlex.join(command)}"
    assert log.endswith("2>&1")
    assert shlex.join(command) in printed(parked, "Or with a systemd timer")

    assert command[:2] == ["env", f"HEALTH_INSTALL_HOME={person.folder / 'home'}"]
    assert command[2].endswith("health-install")
    went_on = person.plain(*command[3:], "--speed", "600")

    assert went_on.code == ExitCode.OK, went_on.err
    with person.world() as world:
        assert world.twins() == []
        assert [each["kind"] for each in world.inventory()].count("nodepool") == 1
