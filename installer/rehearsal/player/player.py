"""The player."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from installer.rehearsal.clock import Clock
from installer.rehearsal.cloud import Cloud
from installer.rehearsal.kubernetes.world import Endpoint
from installer.rehearsal.weather import Weather


class Player:
    """Brings a cluster to life."""

    def __init__(
        self, endpoint: Endpoint, token: Callable[[], str], clock: Clock, cloud: Cloud, weather: Weather
    ) -> None:
        self._parts = (endpoint, token, clock, cloud, weather)

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.Event().wait()
