"""The straight road: install, nothing to do, status, destroy, nothing there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.person import Person

pytestmark = pytest.mark.slow


def test_everything_is_installed_once_and_removed_without_a_trace(tmp_path: Path) -> None:
    person = Person(tmp_path)
    with person.world() as world:
        before = world.likeness()

    first = person.install()
    assert (first.code, first.finished["ending"]) == (0, "done"), first.err
    assert len(first.of("StepFinished")) == len(first.of("RunStarted")[0]["steps"])
    with person.world() as world:
        installed, secrets, ids = world.likeness(), world.secret_hashes(), world.ids()
        assert world.twins() == []
    assert installed != before
    assert secrets

    second = person.install()
    assert (second.code, second.finished["ending"]) == (0, "nothing to do")
    assert second.finished["changed"] == 0
    assert "Nothing changed" in second.finished["words"]
    assert {each["outcome"] for each in second.of("StepFinished")} == {"unchanged"}

    status = person.rehearsed("status")
    assert (status.code, status.err) == (0, "")
    assert "Installation health is complete." in status.out
    with person.world() as world:
        assert world.likeness() == installed
        assert world.secret_hashes() == secrets
        assert world.ids() == ids

    removed = person.destroy()
    assert (removed.code, removed.finished["ending"]) == (0, "done"), removed.err
    with person.world() as world:
        assert world.likeness() == before
        assert world.inventory() == [] or world.ids() == set()

    again = person.destroy()
    assert again.code == 0
    assert again.finished["changed"] == 0
    assert "Nothing was there" in again.finished["words"]
    assert person.rehearsed("status").code == 1
