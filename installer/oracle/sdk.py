"""Oracle's SDK, imported on first use.

It takes about a second, which no help text and no first screen should wait for.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any


@cache
def part(name: str) -> Any:
    """A package of the SDK, e.g. "core" or "identity"; untyped, as the SDK has no types."""
    return importlib.import_module(f"oci.{name}")


def models(name: str) -> Any:
    """The model classes of a package of the SDK."""
    return part(name).models
