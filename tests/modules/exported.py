"""The one table of what the parts of the platform export, and what a query asks beyond it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from tests.modules.promql import grouped_by, selectors

_TABLE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "exported_metrics.yaml").read_text(encoding="utf-8")
)
METRICS: dict[str, dict[str, Any]] = _TABLE["metrics"]
_ADDED = frozenset(_TABLE["added"])


def asked_in_vain(query: str, own: Collection[str] = ()) -> list[str]:
    """Metrics and labels of a query that nobody exports; `own` are names of recorded series."""
    found = [one for one in selectors(query) if one.metric not in own]
    unknown = [one.metric for one in found if one.metric not in METRICS]
    if unknown:
        return unknown
    known = {one.metric: {*METRICS[one.metric]["labels"], *_ADDED} for one in found}
    wrong = [
        f"{one.metric}{{{label}}}"
        for one in found
        for label in one.labels
        if label not in known[one.metric]
    ]
    if len(found) < len(selectors(query)):
        return wrong  # Series of our own keep the labels their rule leaves them.
    return wrong + sorted(grouped_by(query) - set().union(*known.values()))
