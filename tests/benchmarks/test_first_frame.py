"""The first frame: as quick as a bare Textual app's, and before anything heavy is loaded."""

from __future__ import annotations

import os
import pty
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 9
AT_MOST = 1.2
READY = b"begin-here"
ANSWERED = b"answered-it"

# Both show their frame, and answer a key: what is on the screen must be alive.
BARE = """
from textual.app import App
from textual.widgets import Footer, Label, OptionList

class Bare(App):
    BINDINGS = [("f1", "answer", "Answer")]
    def compose(self):
        yield Label("a bare app: begin-here")
        yield OptionList("one")
        yield Footer()
    def action_answer(self):
        self.query_one(Label).update("answered-it")

Bare().run()
"""
OURS = """
import sys
from installer.cli import main
from screens.start import open_screens
sys.argv = ["health-install", "--rehearse"]
sys.exit(main(on_screen=open_screens))
"""
WORDS = {BARE: (READY, ANSWERED), OURS: (b"Begin with:", b"A profile is a set of")}


class Terminal:
    """A child in a terminal of 80 by 24, watched from outside."""

    def __init__(self, code: str, home: Path) -> None:
        self._main, end = pty.openpty()
        self.started = time.perf_counter()
        self._child = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=end,
            stdout=end,
            stderr=end,
            cwd=ROOT,
            env=environment(home),
            start_new_session=True,
        )
        os.close(end)
        self._seen = b""

    def until(self, words: bytes) -> float:
        """Seconds since the start until these words were painted."""
        while words not in self._seen:
            ready, _, _ = select.select([self._main], [], [], 60)
            assert ready, f"waited in vain for {words!r} after {self._seen[-2000:]!r}"
            self._seen += os.read(self._main, 65536)
        return time.perf_counter() - self.started

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._main, keys)

    def close(self) -> None:
        """End the child, whatever it does."""
        self._child.kill()
        self._child.wait(60)
        os.close(self._main)


def environment(home: Path) -> dict[str, str]:
    """A clean environment with a terminal that can do everything."""
    return {
        **os.environ,
        "TERM": "xterm-256color",
        "COLUMNS": "80",
        "LINES": "24",
        "HEALTH_INSTALL_HOME": str(home),
    }


@contextmanager
def terminal(code: str, home: Path) -> Iterator[Terminal]:
    """A child that is ended afterwards."""
    child = Terminal(code, home)
    try:
        yield child
    finally:
        child.close()


def first_frame(code: str, home: Path) -> float:
    """Seconds from the start of the process to its first frame; the frame answers a key."""
    shown, answer = WORDS[code]
    with terminal(code, home) as child:
        seconds = child.until(shown)
        child.press(b"\x1bOP")  # F1
        child.until(answer)
    return seconds


def test_the_first_frame_comes_as_soon_as_that_of_a_bare_app(tmp_path: Path) -> None:
    for code in (BARE, OURS):
        first_frame(code, tmp_path)  # Fills the caches of files and of compiled modules.
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(first_frame(BARE, tmp_path))
        ours.append(first_frame(OURS, tmp_path))
    ratio = statistics.median(ours) / statistics.median(bare)
    print(
        f"first frame: ours {statistics.median(ours):.3f} s, "
        f"bare {statistics.median(bare):.3f} s, ratio {ratio:.3f}"
    )
    assert ratio <= AT_MOST


LOADED = """
import sys
from installer.cli import main
import screens.welcome
from screens.start import open_screens

shown = screens.welcome.WelcomePage.on_mount

def tell(page):
    shown(page)
    def write():
        names = sorted({name.split(".")[0] for name in sys.modules})
        open(sys.argv[1], "w").write(" ".join(names))
    page.call_after_refresh(write)

screens.welcome.WelcomePage.on_mount = tell
main(["--rehearse"], on_screen=open_screens)
"""


def test_no_sdk_and_no_model_is_loaded_before_the_first_frame(tmp_path: Path) -> None:
    told = tmp_path / "loaded"
    code = LOADED.replace("sys.argv[1]", repr(str(told)))
    with terminal(code, tmp_path) as child:
        child.until(b"Skip the questions")
    loaded = set(told.read_text(encoding="utf-8").split())
    assert "textual" in loaded
    assert not loaded & {"oci", "kubernetes", "questionary", "pydantic", "jinja2", "aiohttp"}
