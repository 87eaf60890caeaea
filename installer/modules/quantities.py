"""Kubernetes storage quantities as bytes."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = re.compile(r"^(\d+(?:\.\d+)?)([kMGT]|[KMGT]i)?$")


def bytes_of(quantity: str) -> int:
    """Bytes in a quantity such as `12Gi`; raises ValueError with a sentence for anything else."""
    match = _QUANTITY.match(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is not a size; write a number and a unit, such as 12Gi")
    return int(Decimal(match[1]) * _UNITS[match[2] or ""])
