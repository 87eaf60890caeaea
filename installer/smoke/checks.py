"""Everything that is tried, in the order in which one thing needs another."""

from __future__ import annotations

from installer.smoke.answering import ANSWERING
from installer.smoke.door import DOOR
from installer.smoke.login import GUARDS, PASSKEY
from installer.smoke.trying import Check
from installer.smoke.upload import READY, REFUSAL, WHOLE_WAY
from installer.smoke.watching import DASHBOARDS, LOGS, METRICS, TRACES

CHECKS: tuple[Check, ...] = (
    ANSWERING,
    GUARDS,
    PASSKEY,
    READY,
    WHOLE_WAY,
    REFUSAL,
    METRICS,
    DASHBOARDS,
    LOGS,
    TRACES,
    DOOR,
)
