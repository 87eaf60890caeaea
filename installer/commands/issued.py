"""The certificates that Let's Encrypt was seen to have given, by the names they are for.

It gives five for exactly the same names in seven days:
https://letsencrypt.org/docs/rate-limits/
Certificates are lost with the volume they are on, so a platform that is removed and installed again
soon stands without one. The list holds nothing secret and outlives every installation; certificates
that nobody looked at while they were in use are not in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from installer.engine.places import base_folder

AT_MOST, WINDOW = 5, timedelta(days=7)


@dataclass(frozen=True)
class Issued:
    """One certificate: its serial number, its names, and since when it is good."""

    serial: str
    names: tuple[str, ...]
    since: datetime


class Ledger:
    """The list on this machine; a file that is missing or unreadable is an empty list."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or base_folder() / "certificates.json"

    def entries(self) -> tuple[Issued, ...]:
        """Everything noted, the oldest first."""
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            found = [
                Issued(row["serial"], tuple(row["names"]), datetime.fromisoformat(row["since"]))
                for row in rows
            ]
        except (OSError, ValueError, KeyError, TypeError):
            return ()
        return tuple(sorted(found, key=lambda one: (one.since, one.serial)))

    def note(self, seen: Iterable[Issued]) -> None:
        """Add what is new, and drop what no longer counts."""
        known = {one.serial: one for one in self.entries()}
        known.update({one.serial: one for one in seen})
        limit = datetime.now(UTC) - 2 * WINDOW
        rows = [
            {"serial": one.serial, "names": list(one.names), "since": one.since.isoformat()}
            for one in known.values()
            if one.since > limit
        ]
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._path)

    def warnings(self, hosts: Iterable[str], now: datetime | None = None) -> tuple[str, ...]:
        """A sentence for each host whose next certificate may be the last for days, or none."""
        now = now or datetime.now(UTC)
        entries = self.entries()
        return tuple(words for host in hosts if (words := _warning(host, entries, now)))


def _warning(host: str, entries: Iterable[Issued], now: datetime) -> str:
    counted = sorted(
        one.since for one in entries if set(one.names) == {host} and one.since > now - WINDOW
    )
    if len(counted) < AT_MOST - 1:
        return ""
    seen = f"Let's Encrypt gave {len(counted)} certificates for {host} within a week"
    if len(counted) < AT_MOST:
        return f"{seen}; after one more it gives none before {_day(counted[0])}."
    return (
        f"{seen} and gives no other before {_day(counted[-AT_MOST])}: keep the installation whose "
        "volume has them, or use another name or modules.edge.acme_server: staging until then."
    )


def _day(since: datetime) -> str:
    return f"{since + WINDOW:%Y-%m-%d %H:%M} UTC"
