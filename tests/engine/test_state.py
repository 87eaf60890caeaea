"""State survives cuts, refuses what it does not understand, and keeps intents open."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from installer.engine.errors import StateError
from installer.engine.state import SCHEMA_VERSION, State
from tests.engine.small_world import Killed, Run, World, chain


def one_by_one(run: Run) -> None:
    """Without threads, so that the cut reaches the test."""
    for step in run.runner.steps:
        run.runner._ensure(step)


@pytest.mark.parametrize("name", ["ground", "left", "right", "roof"])
@pytest.mark.parametrize("moment", ["before_create", "after_create"])
def test_a_cut_around_any_creating_call_ends_in_the_same_world_with_nothing_twice(
    tmp_path: Path, name: str, moment: str
) -> None:
    """The cut is a BaseException, which nothing of ours catches."""
    world = World()

    def cut(created: str) -> None:
        if created == name:
            raise Killed

    setattr(world, moment, cut)
    run = Run(tmp_path, chain(world))
    with pytest.raises(Killed):
        one_by_one(run)
    setattr(world, moment, lambda _name: None)
    Run(tmp_path, chain(world)).install()
    assert sorted(world.things) == ["ground", "left", "right", "roof"]
    assert len(world.tokens) == 4


def test_an_open_intent_keeps_its_retry_token(tmp_path: Path) -> None:
    state = State(tmp_path / "s")
    first = state.intend("vcn", "vcn", "a")
    assert state.intend("vcn", "vcn", "a").retry_token == first.retry_token
    assert state.intend("vcn", "vcn", "b").retry_token != first.retry_token


def test_a_fulfilled_intent_is_followed_by_a_new_token(tmp_path: Path) -> None:
    state = State(tmp_path / "s")
    first = state.intend("vcn", "vcn", "a")
    state.made("vcn", "vcn", "ocid1")
    assert state.resource("vcn", "vcn") is not None
    assert state.intend("vcn", "vcn", "a").retry_token != first.retry_token


def test_the_installation_keeps_its_identity(tmp_path: Path) -> None:
    made = State(tmp_path / "s").installation("x")
    assert State(tmp_path / "s").installation("x") == made
    assert len(made.id) == 12


def test_a_state_file_from_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StateError, match="newer health-install") as caught:
        State(path)
    assert "Upgrade" in caught.value.then
    assert path.read_bytes() == before


def test_a_damaged_state_file_is_named_and_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StateError) as caught:
        State(path)
    assert "move it away" in caught.value.then
    assert path.exists()


def test_the_state_file_is_for_its_owner_only(tmp_path: Path) -> None:
    State(tmp_path / "s")
    assert (tmp_path / "s").stat().st_mode & 0o077 == 0


def test_an_intent_survives_kill_minus_9(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from installer.engine.state import State
        state = State(Path(sys.argv[1]))
        state.intend("vcn", "vcn", "wanted")
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path / "s")], check=False)
    assert ended.returncode == -signal.SIGKILL
    record = State(tmp_path / "s").resource("vcn", "vcn")
    assert record is not None
    assert (record.name, record.resource_id) == ("wanted", None)
    assert os.path.getsize(tmp_path / "s") > 0
