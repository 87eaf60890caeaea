"""The releases of Kubernetes whose schemas every rendered object is held against."""

from __future__ import annotations

CHECKED_RELEASES = ("1.34", "1.35", "1.36", "1.37")
"""Oldest first; what a release outside of these makes of our objects nobody has looked at."""
