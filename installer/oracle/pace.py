"""How often to ask for a machine, so that patience gets nobody banned.

People who wait for capacity ask every 60 to 90 seconds and met throttling even at ten minutes; five
minutes and more after a 429 did best. At most twelve attempts an hour in one availability domain is
what we hold ourselves to, over all runs: the record is kept in the state.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

HOUR = 3600.0
MOST_AN_HOUR = 12
GAP_SECONDS = 75.0
THROTTLED_SECONDS = 300.0
# Of each pause, so that many installations do not come back at the same moment.
_JITTER = 0.2


@dataclass(frozen=True)
class Pace:
    """When attempts were made, by availability domain; times in seconds of one clock."""

    attempts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    not_before: float = 0.0

    @classmethod
    def from_text(cls, text: str | None) -> Self:
        """As kept by `text`; what cannot be read counts as no attempt."""
        try:
            kept = json.loads(text or "{}")
            attempts = {str(k): tuple(map(float, v)) for k, v in kept.get("attempts", {}).items()}
            return cls(attempts, float(kept.get("not_before", 0.0)))
        except (ValueError, TypeError, AttributeError):
            return cls()

    def text(self) -> str:
        """For keeping."""
        kept = {domain: list(times) for domain, times in self.attempts.items()}
        return json.dumps({"attempts": kept, "not_before": self.not_before})

    def attempted(self, domain: str, now: float) -> Pace:
        """With one attempt more; forgets those of more than an hour ago."""
        recent = {
            each: kept
            for each, times in self.attempts.items()
            if (kept := tuple(time for time in times if now - HOUR < time <= now))
        }
        recent[domain] = (*recent.get(domain, ()), now)
        return Pace(recent, max(self.not_before, now + with_jitter(GAP_SECONDS)))

    def throttled(self, now: float, asked: float = 0.0) -> Pace:
        """After a 429 that asked for so many seconds."""
        pause = with_jitter(max(THROTTLED_SECONDS, asked))
        return Pace(self.attempts, max(self.not_before, now + pause))

    def spent(self, domain: str, now: float) -> float:
        """Seconds until the hour has room again for this domain; 0 when it has."""
        times = sorted(time for time in self.attempts.get(domain, ()) if now - HOUR < time <= now)
        return max(0.0, times[-MOST_AN_HOUR] + HOUR - now) if len(times) >= MOST_AN_HOUR else 0.0

    def gap(self, now: float) -> float:
        """Seconds until any attempt may be made; never more than an hour, whatever the clock."""
        return min(HOUR, max(0.0, self.not_before - now))


def with_jitter(seconds: float) -> float:
    """At least so many seconds, and up to a fifth more."""
    return seconds * (1.0 + random.uniform(0.0, _JITTER))  # noqa: S311 - no secret
