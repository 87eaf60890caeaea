"""How far this machine's clock is from Oracle's."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Oracle refuses signatures whose date is further off than this.
ALLOWED_SECONDS = 300.0


def offset_seconds(date_header: str | None, now: datetime | None = None) -> float | None:
    """Seconds this machine is ahead of the server (negative: behind); None when unreadable.

    `date_header` is the Date of an HTTP answer, which has a resolution of one second.
    """
    if not date_header:
        return None
    try:
        server = parsedate_to_datetime(date_header)
    except (TypeError, ValueError):
        return None
    if server.tzinfo is None:
        server = server.replace(tzinfo=UTC)
    return ((now or datetime.now(UTC)) - server).total_seconds()


def offset_words(seconds: float) -> str:
    """Such as "7 minutes ahead of"."""
    minutes = abs(seconds) / 60
    size = f"{minutes:.0f} minutes" if minutes >= 2 else f"{abs(seconds):.0f} seconds"
    return f"{size} {'ahead of' if seconds > 0 else 'behind'}"
