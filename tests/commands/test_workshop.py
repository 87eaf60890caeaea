"""Who looks at an installation is told who is at work in it, real or rehearsed."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.answers import Answers
from installer.commands.sources import Case
from installer.commands.workshop import Workshop
from installer.engine.errors import InstallError, Locked
from installer.engine.lock import Lock
from installer.engine.step import StopFlag


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A real installation without any way to Oracle: there is no configuration file."""
    monkeypatch.setenv("HEALTH_INSTALL_HOME", str(tmp_path / "home"))
    return Case("health", False, None, None, "free", False, ())


def answers(folder: Path) -> Answers:
    return Answers.model_validate({"oracle": {"config_file": str(folder / "none")}})


def test_a_real_run_is_named_before_anything_is_looked_at(real: Case, tmp_path: Path) -> None:
    real.home.folder.mkdir(parents=True)
    with Lock(real.home.lock, "install"), Workshop(real) as workshop:
        with pytest.raises(Locked) as told:
            workshop.survey(answers(tmp_path), StopFlag())
        assert "install" in str(told.value)


def test_a_look_at_what_nobody_has_begun_leaves_nothing_on_this_machine(
    real: Case, tmp_path: Path
) -> None:
    with Workshop(real) as workshop, pytest.raises(InstallError) as told:
        workshop.survey(answers(tmp_path), StopFlag())
    assert not isinstance(told.value, Locked)
    assert not real.home.folder.exists()
