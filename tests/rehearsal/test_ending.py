"""A world closes, whatever runs in it."""

from __future__ import annotations

import asyncio
import contextlib

from installer.rehearsal.ending import end


async def stubborn(lost: int) -> None:
    """Takes so many cancellations for a request that failed, and tries again."""
    for _ in range(lost):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
    await asyncio.sleep(60)


async def falling() -> None:
    raise OSError("the line was cut")


def test_a_task_ends_even_where_its_cancellation_was_lost() -> None:
    async def scene() -> asyncio.Task[None]:
        task = asyncio.create_task(stubborn(1))
        await asyncio.sleep(0)
        await asyncio.wait_for(end(task), 10)
        return task

    assert asyncio.run(scene()).cancelled()


def test_a_task_that_fell_already_is_no_trouble() -> None:
    async def scene() -> asyncio.Task[None]:
        task = asyncio.create_task(falling())
        await asyncio.sleep(0)
        await end(task)
        return task

    assert isinstance(asyncio.run(scene()).exception(), OSError)
