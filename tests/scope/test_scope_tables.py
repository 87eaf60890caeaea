"""The tables of scope and traps name tests that exist, and leave nothing out without a word."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

TESTS = Path(__file__).parent.parent
TABLES = sorted(Path(__file__).parent.glob("*.yaml"))


def read(path: Path) -> dict[str, dict[object, dict[str, Any]]]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=64)
def functions_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


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
