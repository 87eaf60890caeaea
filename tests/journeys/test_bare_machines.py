"""A machine without any other program, and what is told of half an installation."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from installer.engine.errors import ExitCode
from tests.journeys.person import Person

pytestmark = pytest.mark.slow


def with_data_layer_only(person: Person) -> Person:
    """Answers for one module: enough to be installed, and quick."""
    answers = yaml.safe_load(person.answers.read_text(encoding="utf-8"))
    for name, chosen in answers["modules"].items():
        chosen["enabled"] = name == "infrastructure"
    person.answers.write_text(yaml.safe_dump(answers), encoding="utf-8")
    return person


def test_no_other_program_is_needed_and_any_folder_will_do(tmp_path: Path) -> None:
    nothing, elsewhere = tmp_path / "nothing", tmp_path / "elsewhere"
    nothing.mkdir()
    elsewhere.mkdir()
    # The sources; that the wheel is complete has a test of its own.
    extra = {"PATH": str(nothing), "PYTHONPATH": str(Path(__file__).parents[2])}
    person = with_data_layer_only(Person(tmp_path / "person", cwd=elsewhere, extra=extra))

    installed = person.install()
    assert (installed.code, installed.finished["ending"]) == (ExitCode.OK, "done"), installed.err
    assert person.rehearsed("status").code == ExitCode.OK
    assert person.destroy().code == ExitCode.OK
    assert list(elsewhere.iterdir()) == []


def test_half_an_installation_is_not_called_complete(tmp_path: Path) -> None:
    person = with_data_layer_only(Person(tmp_path / "person", speed=60.0))
    running = person.installing()
    assert running.until_finished("infrastructure-0")
    running.interrupt()
    assert running.end().code == ExitCode.STOPPED

    person.speed = 600.0
    half = person.rehearsed("status")
    assert half.code == ExitCode.FAILED
    assert "Installation health is not complete." in half.out
    words = {line.split()[0] for line in half.out.splitlines() if line.startswith("  ")}
    assert {"installed", "missing"} <= words

    assert person.install().code == ExitCode.OK
    assert "Installation health is complete." in person.rehearsed("status").out
