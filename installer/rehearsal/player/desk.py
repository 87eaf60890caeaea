"""A desk: names of things to be put right, worked through as they come in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp

from installer.rehearsal.clock import Clock
from installer.rehearsal.player.api import ApiRefused
from installer.rehearsal.player.cluster import Key

_FIRST_RETRY_SECONDS = 0.02
_LONGEST_RETRY_SECONDS = 2.0
_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 20.0, 1000.0
_log = logging.getLogger(__name__)


class Desk:
    """Runs `work(key)` for every key added: never twice at once for the same key, and again later
    when it fails or when the key is added while it runs."""

    def __init__(self, name: str, work: Callable[[Key], Awaitable[None]], clock: Clock) -> None:
        self._name, self._work, self._clock = name, work, clock
        self._waiting: dict[Key, None] = {}
        self._running: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._refusals: dict[Key, int] = {}
        self._timers: set[tuple[Key, asyncio.Task[None]]] = set()
        self._wake = asyncio.Event()

    def add(self, key: Key) -> None:
        """There is something to put right."""
        self._waiting[key] = None
        self._wake.set()

    def add_later(self, key: Key, seconds: float) -> None:
        """The same after simulated seconds; one timer a key is enough."""
        if any(waiting == key for waiting, _ in self._timers):
            return
        entry = (key, asyncio.ensure_future(self._later(key, seconds)))
        self._timers.add(entry)
        entry[1].add_done_callback(lambda _: self._timers.discard(entry))

    def back_off(self, key: Key) -> None:
        """The same after a time that doubles from 20 to 1000 simulated seconds, until `fine`."""
        refusals = self._refusals[key] = self._refusals.get(key, 0) + 1
        wait = _FIRST_BACKOFF_SECONDS * 2 ** min(refusals - 1, 10)
        self.add_later(key, min(wait, _LONGEST_BACKOFF_SECONDS))

    def fine(self, key: Key) -> None:
        """Ends a `back_off`."""
        self._refusals.pop(key, None)

    async def _later(self, key: Key, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self.add(key)

    async def run(self) -> None:
        """Works until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    self._begin(tasks)
        finally:
            for _, timer in self._timers:
                timer.cancel()

    def _begin(self, tasks: asyncio.TaskGroup) -> None:
        for key in [key for key in self._waiting if key not in self._running]:
            del self._waiting[key]
            self._running.add(key)
            tasks.create_task(self._once(key))

    async def _once(self, key: Key) -> None:
        try:
            await self._work(key)
            self._failures.pop(key, None)
        except (ApiRefused, aiohttp.ClientError, OSError) as error:
            _log.debug("%s %s: %s", self._name, key, error)
            await self._retry(key)
        except Exception:  # noqa: BLE001 - reported, and tried again: one bad object must not end all
            _log.exception("%s %s", self._name, key)
            await self._retry(key)
        finally:
            self._running.discard(key)
            if key in self._waiting:
                self._wake.set()

    async def _retry(self, key: Key) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        await asyncio.sleep(
            min(_FIRST_RETRY_SECONDS * 2 ** min(failures, 10), _LONGEST_RETRY_SECONDS)
        )
        self.add(key)
