"""What an installer for Oracle must do: the table beside this names a test for each of it."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any

import pytest
import yaml

TESTS = Path(__file__).parents[1]
TABLE: dict[int, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "requirements.yaml").read_text(encoding="utf-8")
)
HOW_MANY = 25


@functools.cache
def names_in(file: str) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def exists(named: str) -> bool:
    """Whether there is such a test or such a case of the weather catalogue."""
    if named.startswith("weather:"):
        return (TESTS / "weather" / f"{named.removeprefix('weather:')}.expected.yaml").is_file()
    file, _, name = named.partition("::")
    return (TESTS / file).is_file() and name in names_in(file)


def test_every_requirement_has_its_row() -> None:
    assert list(TABLE) == list(range(1, HOW_MANY + 1))


@pytest.mark.parametrize("number", TABLE)
def test_each_is_shown_by_tests_that_exist(number: int) -> None:
    row = TABLE[number]
    assert set(row) <= {"must", "tests", "open"}
    assert row["must"].endswith(".")
    assert row["tests"], "a requirement that nothing shows is none"
    assert [named for named in row["tests"] if not exists(named)] == []
    assert row.get("open", "Something.").endswith(".")


def test_what_does_not_exist_is_noticed() -> None:
    assert not exists("oracle/test_requirements.py::test_that_nobody_wrote")
    assert not exists("oracle/test_nothing.py::test_every_requirement_has_its_row")
    assert not exists("weather:fine")
    assert exists("oracle/test_requirements.py::test_every_requirement_has_its_row")
