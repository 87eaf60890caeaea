"""Kubernetes quantities ("1500m", "2Gi") as whole numbers."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_FORM = re.compile(r"^([+-]?[0-9.]+)([eE][+-]?[0-9]+)?([a-zA-Z]*)$")
_UNITS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}


def _amount(text: str) -> Decimal:
    match = _FORM.match(text.strip())
    if match is None or match[3] not in _UNITS:
        raise ValueError(f"{text!r} is not a quantity")
    return Decimal(match[1] + (match[2] or "")) * _UNITS[match[3]]


def _whole(amount: Decimal) -> int:
    return int(amount.to_integral_value(rounding=ROUND_CEILING))


def milli(text: str | int | float) -> int:
    """Thousandths, rounded up as the scheduler does; for CPU."""
    return _whole(_amount(str(text)) * 1000)


def whole(text: str | int | float) -> int:
    """Whole units, rounded up; for bytes and counts."""
    return _whole(_amount(str(text)))
