"""When a temporary failure is tried again, and after how long."""

from __future__ import annotations

from dataclasses import dataclass

from installer.engine.errors import Temporary


@dataclass(frozen=True)
class RetryPolicy:
    """Doubling pauses, capped; seconds of the real world.

    The SDKs already repeat single calls for some minutes; this is the slower loop around them, so
    a handful of attempts covers an evening's bad connection.
    """

    attempts: int = 6
    first_pause: float = 5.0
    longest_pause: float = 120.0

    def pause(self, error: Temporary, attempt: int) -> float | None:
        """Seconds before the attempt after this one, counted from 1; None to give up."""
        if attempt >= self.attempts:
            return None
        doubled = min(self.first_pause * 2.0 ** (attempt - 1), self.longest_pause)
        # The other side knows best when it names a time; never come back earlier.
        return max(doubled, error.retry_after or 0.0)
