"""Kubernetes quantities are read exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.budget.quantities import BadQuantity, milli, nano, show_bytes, whole


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("250m", 250),
        ("1", 1000),
        (1, 1000),
        ("0.5", 500),
        (0.5, 500),
        (0.1, 100),
        (".5", 500),
        ("5.", 5000),
        ("+2", 2000),
        ("1e3", 1_000_000),
        ("1E-1", 100),
        ("100u", 1),
        ("1n", 1),
        ("2.5m", 3),
        ("1k", 1_000_000),
    ],
)
def test_cpu_is_counted_in_whole_millicores_rounded_up(text: object, millis: int) -> None:
    assert milli(text) == millis


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512Mi", 512 * 2**20),
        ("1.5Gi", 3 * 2**29),
        ("1Ki", 1024),
        ("2Ti", 2 * 2**40),
        ("1Pi", 2**50),
        ("1Ei", 2**60),
        ("1E", 10**18),
        ("1P", 10**15),
        ("3G", 3 * 10**9),
        ("129M", 129 * 10**6),
        ("129e6", 129 * 10**6),
        ("128974848000m", 128974848),
        ("0.1Ki", 103),
        (1000, 1000),
    ],
)
def test_bytes_are_whole_and_rounded_up(text: object, size: int) -> None:
    assert whole(text) == size


@pytest.mark.parametrize(
    "text", ["", "m", ".", "1 Gi", "1gi", "1KB", "1e", "--1", "1,5", True, None, [1], "1Gi\n"]
)
def test_what_is_no_quantity_is_refused_with_examples(text: object) -> None:
    with pytest.raises(BadQuantity, match="250m"):
        nano(text)


@given(st.integers(0, 10**12), st.integers(0, 9), st.sampled_from(["", "m", "k", "Mi", "Gi"]))
def test_reading_agrees_with_fractions(digits: int, places: int, suffix: str) -> None:
    shown = str(digits).rjust(places + 1, "0")
    text = f"{shown[: len(shown) - places]}.{shown[len(shown) - places :]}{suffix}"
    above, below = {"": (1, 1), "m": (1, 1000), "k": (1000, 1), "Mi": (2**20, 1), "Gi": (2**30, 1)}[
        suffix
    ]
    exact = Fraction(digits * above * 10**9, 10**places * below)
    assert nano(text) == -(-exact.numerator // exact.denominator)


def test_shown_sizes_never_flatter() -> None:
    almost = 2 * 2**30 - 1
    assert show_bytes(almost) == "1.9 GiB"
    assert show_bytes(almost, up=True) == "2 GiB"
    assert show_bytes(512 * 2**20) == "512 MiB"
