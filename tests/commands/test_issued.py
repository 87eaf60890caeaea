"""The list of certificates that Let's Encrypt was seen to have given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from installer.commands.issued import Issued, Ledger

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
API = "api.health.example.org"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "deep" / "certificates.json")


def given(count: int, days_ago: float = 1, names: tuple[str, ...] = (API,)) -> list[Issued]:
    """So many certificates, an hour apart."""
    first = NOW - timedelta(days=days_ago)
    return [
        Issued(f"{days_ago}-{n}-{names[0]}", names, first + timedelta(hours=n))
        for n in range(count)
    ]


class Kept(Ledger):
    """A list of the entries given, whatever today is."""

    def __init__(self, entries: list[Issued]) -> None:
        super().__init__(Path("never"))
        self._entries = tuple(entries)

    def entries(self) -> tuple[Issued, ...]:
        return self._entries


def test_nothing_is_said_while_there_is_room() -> None:
    assert Kept(given(3)).warnings([API], NOW) == ()


def test_the_last_one_of_a_week_is_announced() -> None:
    (words,) = Kept(given(4)).warnings([API], NOW)
    assert "gave 4 certificates" in words
    assert "after one more" in words


def test_a_full_week_says_when_the_next_one_is_given() -> None:
    """Five in a row from yesterday noon: the first leaves the week seven days after that."""
    (words,) = Kept(given(5)).warnings([API], NOW)
    assert "gives no other before 2026-12-01 12:00 UTC" in words
    assert "staging" in words


def test_only_the_same_names_within_seven_days_count() -> None:
    others = given(5, names=("auth.health.example.org",)) + given(5, names=(API, "b.example.org"))
    old = given(5, days_ago=8)
    assert Kept(others + old + given(2)).warnings([API], NOW) == ()


def test_what_was_noted_is_there_again_once_each(ledger: Ledger, tmp_path: Path) -> None:
    fresh = Issued("1f", (API,), datetime.now(UTC).replace(microsecond=0))
    ledger.note([fresh])
    ledger.note([fresh])
    again = Ledger(tmp_path / "deep" / "certificates.json")
    assert again.entries() == (fresh,)


def test_what_no_longer_counts_is_dropped(ledger: Ledger) -> None:
    ledger.note([Issued("1", (API,), datetime.now(UTC) - timedelta(days=15))])
    assert ledger.entries() == ()


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"serial": "1"}]', '{"a": 1}'])
def test_a_damaged_list_is_an_empty_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "certificates.json"
    path.write_text(text)
    damaged = Ledger(path)
    assert damaged.entries() == ()
    damaged.note([Issued("1f", (API,), datetime.now(UTC))])
    assert len(damaged.entries()) == 1
