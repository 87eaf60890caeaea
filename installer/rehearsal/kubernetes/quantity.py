"""Kubernetes quantities: reading them, and the one spelling the API server gives back."""

from __future__ import annotations

import re
from decimal import Decimal

_PATTERN = re.compile(r"([+-]?[0-9.]+)([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def value(text: object) -> Decimal:
    """The number a quantity stands for; ValueError for anything else."""
    found = _PATTERN.fullmatch(str(text).strip())
    if found is None:
        raise ValueError(f"{text!r} is not a quantity")
    number, suffix = Decimal(found[1]), found[2] or ""
    if suffix in _BINARY:
        return number * Decimal(1 << _BINARY[suffix])
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix])
    return number.scaleb(int(suffix[1:]))


def milli(text: object) -> int:
    """A CPU quantity in thousandths, rounded up."""
    return -int(-(value(text) * 1000) // 1)


def whole(text: object) -> int:
    """A quantity in whole units (bytes, pods), rounded up."""
    return -int(-value(text) // 1)


def canonical(text: object) -> str:
    """`1000m` -> `1`, `0.5` -> `500m`, `1024Mi` -> `1Gi`: as the API server returns it."""
    number = value(text)
    if number == 0:
        return "0"
    found = _PATTERN.fullmatch(str(text).strip())
    if found is not None and (found[2] or "") in _BINARY:
        return _binary(number)
    return _decimal(number)


def _binary(number: Decimal) -> str:
    if number != number.to_integral_value():
        return _decimal(number)
    for suffix, power in sorted(_BINARY.items(), key=lambda pair: -pair[1]):
        if number % 2**power == 0:
            return f"{int(number / 2**power)}{suffix}"
    return str(int(number))


def _decimal(number: Decimal) -> str:
    for suffix, power in sorted(_DECIMAL.items(), key=lambda pair: -pair[1]):
        scaled = number.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return f"{-int(-number.scaleb(9) // 1)}n"
