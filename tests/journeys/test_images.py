"""Images over the life of an installation: looked up, pinned, moved on, taken anew, missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.engine.errors import ExitCode
from tests.journeys.person import Person

pytestmark = pytest.mark.slow

POSTGRES = "docker.io/library/postgres:*"
MOVED = {"operation": "* manifests", "subject": POSTGRES, "do": "moved", "times": "always"}


def weather(person: Person, *rules: dict[str, Any]) -> tuple[str, ...]:
    """The flags that make a run meet these rules."""
    path = person.folder / "weather.yaml"
    path.write_text(yaml.safe_dump(list(rules)), encoding="utf-8")
    return ("--weather", str(path))


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Somebody who wants the data layer alone: enough images, and quick to be there."""
    made = Person(tmp_path, speed=200.0)
    answers = yaml.safe_load(made.answers.read_text(encoding="utf-8"))
    for name, chosen in answers["modules"].items():
        chosen["enabled"] = name == "infrastructure"
    made.answers.write_text(yaml.safe_dump(answers), encoding="utf-8")
    return made


def planned(person: Person) -> dict[str, str]:
    """The reference of each image in the plan."""
    document = json.loads(person.rehearsed("plan", str(person.answers), "--output", "json").out)
    return {each["name"]: each["reference"] for each in document["images"]}


def test_tags_may_move_and_nothing_changes_until_newer_ones_are_taken(person: Person) -> None:
    assert person.install().code == ExitCode.OK
    first = planned(person)
    assert all("@sha256:" in reference for reference in first.values())

    moved = weather(person, MOVED)
    again = person.install(*moved)
    assert (again.code, again.finished["ending"]) == (ExitCode.OK, "nothing to do")
    assert planned(person) == first

    check = person.rehearsed("images", "check", str(person.answers), *moved)
    assert check.code == ExitCode.OK
    assert first["postgresql"].partition("@")[2] in check.out
    assert "its tag is now sha256:" in check.out
    assert planned(person) == first

    assert person.rehearsed("images", "refresh", str(person.answers), *moved).code == ExitCode.OK
    newer = planned(person)
    assert {name for name in newer if newer[name] != first[name]} == {"postgresql"}
    taken = person.install(*moved)
    assert (taken.code, taken.finished["ending"]) == (ExitCode.OK, "done")
    # The old tag is back, and still nothing changes.
    assert person.install().finished["ending"] == "nothing to do"


def test_a_lost_state_finds_the_same_images_again(person: Person) -> None:
    assert person.install().code == ExitCode.OK
    (person.state / "state.sqlite").unlink()
    status = person.rehearsed("status")
    assert "image changes" not in status.out
    again = person.install()
    assert again.code == ExitCode.OK
    waves = [each for each in again.of("StepFinished") if each["step"].startswith("infrastructure")]
    assert waves
    assert {each["outcome"] for each in waves} == {"unchanged"}


def test_what_cannot_be_pulled_is_told_at_once_and_nothing_is_made(person: Person) -> None:
    gone = {"operation": "* manifests", "do": "error", "status": 404, "times": "always"}
    flags = weather(
        person,
        {**gone, "subject": POSTGRES, "code": "MANIFEST_UNKNOWN"},
        {"operation": "* manifests", "subject": "quay.io/*", "do": "other_machines",
         "times": "always"},
    )  # fmt: skip
    ended = person.install(*flags)
    assert ended.code == ExitCode.ANSWERS, ended.err
    assert "library/postgres" in ended.err
    assert "not made for linux/arm64" in ended.err
    started = {event["step"] for event in ended.of("StepStarted")}
    assert "images" in started
    assert "compartment" not in started
    doctor = person.rehearsed("doctor", *flags)
    assert "library/postgres" in doctor.out
    assert "images.overrides" in doctor.out

    wrong = ("--set", "images.overrides=postgresql=minio/minio:latest")
    lost = {**gone, "subject": "docker.io/minio/*", "code": "NAME_UNKNOWN"}
    told = person.rehearsed("images", "check", str(person.answers), *wrong, *weather(person, lost))
    assert told.code == ExitCode.ANSWERS
    assert "seaweedfs" in told.out

    assert person.install().code == ExitCode.OK
