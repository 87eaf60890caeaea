"""The one registry of secret values, so that none of them leaves this process as text."""

from __future__ import annotations

import base64
import json
import re
import threading
from urllib.parse import quote

MASK = "‹secret›"
# Shorter values would turn ordinary words into masks and tell nobody's secret.
SHORTEST = 4


class KnownSecrets:
    """Values that must never be shown. Thread-safe; grows, never shrinks."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        # None while values wait to be taken in: many come at once, and each pattern costs.
        self._pattern: re.Pattern[str] | None = None
        self._guard = threading.RLock()

    def add(self, value: str | None) -> None:
        """Remember a secret value and the forms it takes in URLs, JSON and Secrets."""
        if value is None or len(value.strip()) < SHORTEST:
            return
        forms = _forms(value)
        with self._guard:
            if not forms <= self._values:
                self._values |= forms
                self._pattern = None

    def mask(self, text: str) -> str:
        """The text with every known secret replaced."""
        pattern = self._pattern or self._compiled()
        return pattern.sub(MASK, text) if pattern else text

    def _compiled(self) -> re.Pattern[str] | None:
        with self._guard:
            if self._values and self._pattern is None:
                longest_first = sorted(self._values, key=len, reverse=True)
                self._pattern = re.compile("|".join(re.escape(each) for each in longest_first))
            return self._pattern


def _forms(value: str) -> set[str]:
    """The value itself, its lines, and its usual encodings."""
    stripped = value.strip()
    raw = value.encode()
    forms = {
        value,
        stripped,
        quote(stripped, safe=""),
        json.dumps(stripped)[1:-1],
        base64.b64encode(raw).decode(),
        base64.b64encode(stripped.encode()).decode(),
    }
    # A multi-line secret (a key file) is often shown line by line.
    forms.update(line.strip() for line in value.splitlines() if len(line.strip()) >= 16)
    return {form for form in forms if len(form) >= SHORTEST}


known_secrets = KnownSecrets()
