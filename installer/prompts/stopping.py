"""Ctrl-C in line mode: the first one stops in good order, the second one leaves at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from installer.engine.errors import ExitCode
from installer.engine.step import StopFlag

STOPPING = "Stopping after this step. Press Ctrl-C again to leave at once; both can be resumed."
LEAVING = "Left at once. Run the same command again to go on from here."


@contextmanager
def stop_on_interrupt(stop: StopFlag, say: Callable[[str], None]) -> Iterator[None]:
    """While inside, an interrupt asks to stop instead of raising; only from the main thread."""

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            say(LEAVING)
            # Threads in the middle of a call cannot be ended; what they do is on record.
            os._exit(ExitCode.STOPPED_AT_ONCE)
        stop.request()
        say(STOPPING)

    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupted) for number in signals}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
