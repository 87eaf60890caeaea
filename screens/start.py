"""The entry point of `health-install`: the command line, with screens to open if it needs them.

The core never imports the screens; they are handed to it here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from installer.cli import main as run

if TYPE_CHECKING:
    from installer.conversation import Desk


def open_screens(open_desk: Callable[[], Desk]) -> int:
    """Run the Textual app; the desk is opened behind the first frame. Returns the exit code."""
    # Here and not above: Textual costs more time than all of `--help`.
    from screens.app import run as run_screens

    return run_screens(open_desk)


def main() -> int:
    """Run one command of the command line."""
    return run(on_screen=open_screens)


if __name__ == "__main__":
    sys.exit(main())
