"""Kubernetes quantities, exactly: text in, whole numbers out, no floating point on the way."""

from __future__ import annotations

import re
from functools import lru_cache

NANO = 10**9
"""Quantities are held in billionths, the finest step the Kubernetes API keeps."""

KIB = 1024
MIB = 1024**2
GIB = 1024**3

_FORM = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?"
)
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


class BadQuantity(ValueError):
    """The text is not a Kubernetes quantity."""

    def __init__(self, text: object) -> None:
        super().__init__(
            f"{text!r} is not a Kubernetes quantity; examples are 250m, 0.5, 512Mi, 2G, 1e3"
        )


def nano(value: object) -> int:
    """The quantity in billionths, rounded away from zero like the API server does.

    Numbers are accepted because `cpu: 1` and `cpu: 0.5` are ordinary YAML; their decimal text is
    what a JSON client would send. Raises BadQuantity for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise BadQuantity(value)
    return _nano_of_text(value if isinstance(value, str) else repr(value))


@lru_cache(maxsize=4096)
def _nano_of_text(text: str) -> int:
    match = _FORM.fullmatch(text)
    if match is None or not (match["whole"] or match["part"]):
        raise BadQuantity(text)
    part = match["part"] or ""
    digits = int((match["whole"] or "") + part)
    above, below = _scale(match["suffix"] or "")
    size = ceil_div(digits * above * NANO, below * 10 ** len(part))
    return -size if match["sign"] == "-" else size


def _scale(suffix: str) -> tuple[int, int]:
    """The suffix as a fraction (above, below) of whole numbers."""
    if suffix in _BINARY:
        return int(1024 ** _BINARY[suffix]), 1
    power = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:] or 0) if suffix else 0
    return (10**power, 1) if power >= 0 else (1, 10**-power)


def ceil_div(amount: int, by: int) -> int:
    """Division rounded up."""
    return -(-amount // by)


def milli(value: object) -> int:
    """Thousandths, rounded up: `cpu: 0.1` is 100 millicores."""
    return ceil_div(nano(value), NANO // 1000)


def whole(value: object) -> int:
    """Whole units, rounded up: bytes of a memory or storage quantity."""
    return ceil_div(nano(value), NANO)


def show_cpu(amount: int) -> str:
    """Millicores for people: `1,530 m`."""
    return f"{amount:,} m"


def show_bytes(amount: int, *, up: bool = False) -> str:
    """Bytes for people, in GiB from 1 GiB on and in MiB below, cut (or with `up` raised) to tenths.

    Cutting what is left and raising what is asked never makes a tight fit look roomy.
    """
    unit, name = (GIB, "GiB") if abs(amount) >= GIB else (MIB, "MiB")
    tenths = ceil_div(amount * 10, unit) if up else amount * 10 // unit
    text = f"{tenths // 10:,}.{tenths % 10}" if tenths % 10 else f"{tenths // 10:,}"
    return f"{text} {name}"
