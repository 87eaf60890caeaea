"""Readiness in words: a table of objects as a cluster shows them, and what we say of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.kube.readiness import Readiness, Surroundings, readiness
from installer.kube.trouble import LogPlace

_FOLDER = Path(__file__).parent / "readiness"


def _cases() -> list[Any]:
    found = []
    for path in sorted(_FOLDER.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            found.append(pytest.param(case, id=f"{path.stem}: {case['case']}"))
    return found


@pytest.mark.parametrize("case", _cases())
def test_what_is_said_of_an_object(case: dict[str, Any]) -> None:
    around = Surroundings(
        case.get("pods", ()), case.get("events", ()), case.get("storage_classes", ())
    )

    said = readiness(case["object"], around)

    expected = dict(case["expect"])
    log = expected.pop("log", None)
    assert said == Readiness(**expected, log=LogPlace(**log) if log else None)
