"""The lock dies with its owner; no secret passes the mask."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import quote

import pytest

from installer.engine.errors import ExitCode, Locked, StateError
from installer.engine.events import Note, as_document, masked
from installer.engine.lock import Lock
from installer.engine.log import Log
from installer.engine.masking import MASK, KnownSecrets, known_secrets
from installer.engine.places import Home, prepare

HOLD = """
import sys, time
from pathlib import Path
from installer.engine.lock import Lock
with Lock(Path(sys.argv[1]), "install"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_run_is_told_who_holds_the_lock_and_gets_it_when_the_owner_is_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lock"
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLD), str(path)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "held\n"
    with pytest.raises(Locked) as caught, Lock(path):
        pass
    assert str(owner.pid) in caught.value.why
    assert "(install)" in caught.value.why
    assert caught.value.exit_code is ExitCode.LOCKED
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    with Lock(path):
        pass


def test_secrets_are_masked_in_every_form_they_take() -> None:
    secrets = KnownSecrets()
    value = 'pa/ss+word="1"'
    secrets.add(value)
    forms = [value, quote(value, safe=""), base64.b64encode(value.encode()).decode()]
    for form in forms:
        assert secrets.mask(f"x {form} y") == f"x {MASK} y"


def test_a_secret_that_contains_another_is_masked_whole() -> None:
    secrets = KnownSecrets()
    secrets.add("abcd")
    secrets.add("abcd-and-more")
    assert secrets.mask("abcd-and-more") == MASK


def test_each_line_of_a_key_is_a_secret() -> None:
    secrets = KnownSecrets()
    secrets.add("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END KEY-----")
    assert "MIIEvQ" not in secrets.mask("line: MIIEvQIBADANBgkqhkiG9w0BAQ")


def test_events_and_the_log_carry_no_known_secret(tmp_path: Path) -> None:
    known_secrets.add("canary-in-the-engine")
    log = Log(tmp_path / "log")
    event = Note("it is canary-in-the-engine", "step canary-in-the-engine")
    log.event(event)
    log.write("trace\ncanary-in-the-engine")
    assert "canary" not in (tmp_path / "log").read_text()
    assert "canary" not in str(as_document(masked(event)))
    assert len((tmp_path / "log").read_text().splitlines()) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_that_cannot_be_written_is_named_before_anything_is_done(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StateError, match="Cannot write"):
        prepare(Home(tmp_path / "x"))


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("in the way")
    with pytest.raises(StateError, match="Cannot write") as caught:
        prepare(Home(tmp_path / "x" / "y"))
    assert "HEALTH_INSTALL_HOME" in caught.value.then
