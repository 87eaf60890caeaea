"""Ends what runs beside the answers, so that a world can close."""

from __future__ import annotations

import asyncio
from typing import Any

_AGAIN_AFTER_SECONDS = 0.5


async def end(task: asyncio.Task[Any]) -> None:
    """Cancels until the task is over, whatever it ended with.

    Once may not be enough: where a time limit runs out in the same moment, the cancellation comes
    out as that limit's error, which whoever repeats failed requests takes for one of these.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_AGAIN_AFTER_SECONDS)
    await asyncio.gather(task, return_exceptions=True)
