"""The tables of scope and traps name tests that exist, and leave nothing out without a word."""

from __future__ import annotations

import ast
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

TESTS = Path(__file__).parent.parent
TABLES = sorted(Path(__file__).parent.glob("*.yaml"))
# The rows of the scope, all of which the tables answer for.
WANTED = range(1, 295)


def read(path: Path) -> dict[str, dict[object, dict[str, Any]]]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=64)
def functions_of(path: Path) -> frozenset[str]:
    """Names of the functions of a file, those that wait and those of classes among them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for body in bodies for node in body if isinstance(node, kinds))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: str(path.stem))
def test_every_entry_names_tests_that_exist_or_says_why_not(path: Path) -> None:
    for kind, entries in read(path).items():
        assert kind in ("rows", "traps")
        for number, entry in entries.items():
            assert entry.keys() <= {"what", "shown_by", "but", "why_not"}, number
            assert bool(entry.get("shown_by")) != bool(entry.get("why_not")), number
            for test in entry.get("shown_by", ()):
                file, _, name = test.partition("::")
                assert (TESTS / file).is_file(), test
                assert name in functions_of(TESTS / file), test


def test_no_entry_is_in_two_tables() -> None:
    seen: list[object] = [
        (kind, number)
        for path in TABLES
        for kind, entries in read(path).items()
        for number in entries
    ]
    assert len(seen) == len(set(seen))


def test_every_row_is_in_exactly_one_table() -> None:
    found = Counter(number for path in TABLES for number in numbers_in(path))
    assert [number for number in WANTED if number not in found] == []
    assert [number for number in found if number not in WANTED] == []
    assert [number for number, times in found.items() if times > 1] == []


def numbers_in(path: Path) -> list[int]:
    """Every row as it is written; of a number that stands twice, reading keeps only the last."""
    whole = yaml.compose(path.read_text(encoding="utf-8"))
    assert whole is not None, path
    tables = {key.value: rows for key, rows in whole.value}
    return [int(key.value) for key, _ in tables["rows"].value]


def test_every_entry_says_what_it_is_about_and_claims_are_tests() -> None:
    for path in TABLES:
        for number, entry in read(path).get("rows", {}).items():
            assert entry.get("what"), (path.stem, number)
            for test in entry.get("shown_by", ()):
                assert test.partition("::")[2].startswith("test_"), test
