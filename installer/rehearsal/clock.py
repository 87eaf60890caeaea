"""Simulated time: as fast as one likes, and never going back, not even after a kill.

While the world's process is down, its time stands still. To keep the promise without writing at
each glance, a little time is booked ahead on the shelf; after a kill the clock starts at the
booked end.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from installer.rehearsal.shelf import Shelf

_KIND = "clock"
_KEY = "simulated"
_BOOKED_REAL_SECONDS = 1.0
# A sleeper looks up this often, so that winding the clock forward wakes it.
_LONGEST_NAP_REAL_SECONDS = 0.25


class Clock:
    """The world's clock; `speed` simulated seconds pass in one real second."""

    def __init__(self, speed: float = 60.0, shelf: Shelf | None = None) -> None:
        """Goes on from the time booked on `shelf`; without one, starts at the real time."""
        if speed <= 0:
            raise ValueError("The speed of a rehearsal must be above 0.")
        self.speed = speed
        self._shelf = shelf
        self._booked = 0.0
        self._started_at = _stored(shelf) or time.time()
        self._real_start = time.monotonic()

    def now(self) -> datetime:
        """Simulated time, in UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def seconds(self) -> float:
        """Simulated time as seconds since 1970."""
        value = self._started_at + (time.monotonic() - self._real_start) * self.speed
        if value > self._booked:
            self._book(value)
        return value

    async def sleep(self, seconds: float) -> None:
        """Returns when that many simulated seconds have passed."""
        until = self.seconds() + seconds
        while (left := until - self.seconds()) > 0:
            await asyncio.sleep(min(left / self.speed, _LONGEST_NAP_REAL_SECONDS))

    def forward(self, seconds: float) -> None:
        """Winds the clock forward by simulated seconds; a clock never goes back."""
        if seconds < 0:
            raise ValueError("A rehearsal's clock cannot be wound back.")
        self._started_at += seconds
        self.seconds()

    def after(self, seconds: float) -> datetime:
        """The simulated time that many simulated seconds from now."""
        return self.now() + timedelta(seconds=seconds)

    def settle(self) -> None:
        """Gives the booked time back; call before a clean end."""
        value = self.seconds()
        self._booked = value
        if self._shelf is not None:
            self._shelf.put(_KIND, _KEY, {"seconds": value})

    def _book(self, value: float) -> None:
        self._booked = value + _BOOKED_REAL_SECONDS * self.speed
        if self._shelf is not None:
            self._shelf.put(_KIND, _KEY, {"seconds": self._booked})


def _stored(shelf: Shelf | None) -> float | None:
    doc = None if shelf is None else shelf.get(_KIND, _KEY)
    return None if doc is None else float(doc["seconds"])
