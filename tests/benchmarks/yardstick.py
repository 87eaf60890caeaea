"""What a frame is on this machine: so many times the work of copying the usual plan's manifests.

Copying is done between the turns of what is measured, so that a disturbed machine is a slow
yardstick. It took 4.7 ms where a frame has 16 and a blink 100.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from installer.modules import catalogue
from installer.plan import Plan, make_plan
from tests.modules.conftest import answers_for

FRAME = 16 / 4.7
BLINK = 100 / 4.7
MOST = 0.99


def usual() -> Plan:
    """The plan of answers nobody changed."""
    return make_plan(answers_for(catalogue()))


class Race:
    """Turns of some work and of the yardstick, one after the other."""

    def __init__(self) -> None:
        self._bodies = [entry.body for entry in usual().rendered.objects]
        self._took: list[float] = []
        self._copying: list[float] = []

    def turn(self, action: Callable[[], Any]) -> None:
        """Let the work be done once, and measure what the machine is like."""
        self._took.append(self._measured(action))
        if len(self._took) % 5 == 0:
            self._copying.append(self._measured(lambda: copy.deepcopy(self._bodies)))

    def ends(self, what: str) -> float:
        """The slowest turn of the quickest 99 in a hundred, in copies of the manifests."""
        ordered, one = sorted(self._took), statistics.median(self._copying)
        slow = ordered[int(len(ordered) * MOST) - 1]
        print(
            f"{what}: {len(ordered)} turns, median {statistics.median(ordered) * 1000:.1f} ms, "
            f"99th {slow * 1000:.1f} ms, which is {slow / one:.1f} copies of {one * 1000:.1f} ms",
            file=sys.stderr,
        )
        return slow / one

    @staticmethod
    def _measured(action: Callable[[], Any]) -> float:
        start = time.process_time()
        action()
        return time.process_time() - start
