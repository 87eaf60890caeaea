"""Blocking work beside the screen, in threads that never hold the process back.

Textual's own thread workers are waited for when the loop closes; the second Ctrl-C must not wait.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a daemon thread and give back what it returns or raises."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(deliver: Callable[[], None]) -> None:
        def if_still_wanted() -> None:
            if not future.done():
                deliver()

        # The loop may have closed meanwhile: then nobody waits for the result any more.
        if not loop.is_closed():
            loop.call_soon_threadsafe(if_still_wanted)

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - handed over to whoever awaits
            caught = error
            settle(lambda: future.set_exception(caught))
        else:
            settle(lambda: future.set_result(result))

    threading.Thread(target=run, daemon=True, name="beside the screen").start()
    return await future
