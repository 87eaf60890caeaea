"""The files of limits are dated, sourced and closed."""

from __future__ import annotations

import datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from installer.budget.envelope import (
    MemoryReserved,
    NodeFile,
    Price,
    PriceFile,
    Sourced,
    envelope_names,
    load_envelope,
)
from installer.modules.problems import ModulesInvalid


def content(name: str) -> dict[str, Any]:
    text = files("assets").joinpath("limits", name).read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def test_there_is_an_allowance_for_today_and_one_for_before() -> None:
    assert envelope_names() == ("always-free-2026", "always-free-2025")
    now, before = (load_envelope(name).allowance for name in envelope_names())
    assert now.since == datetime.date(2026, 6, 15)
    assert before.until == datetime.date(2026, 6, 14)
    assert (now.a1.ocpu_hours, now.a1.memory_gb_hours) == (1500, 9000)
    assert (before.a1.ocpu_hours, before.a1.memory_gb_hours) == (3000, 18000)
    assert now.block_storage.gb == before.block_storage.gb == 200


def test_the_default_is_what_is_in_force() -> None:
    assert load_envelope().allowance.until is None


@pytest.mark.parametrize("name", envelope_names())
def test_every_figure_has_a_day_and_a_source(name: str) -> None:
    envelope = load_envelope(name)
    figures = list(_sourced(envelope))
    assert len(figures) > 20
    assert all(figure.as_of <= datetime.date(2026, 12, 31) for figure in figures)
    assert all(len(figure.source) >= 10 for figure in figures)


def _sourced(value: object) -> list[Sourced]:
    if isinstance(value, tuple):
        return [figure for entry in value for figure in _sourced(entry)]
    if not hasattr(type(value), "model_fields"):
        return []
    inside = [figure for field in vars(value).values() for figure in _sourced(field)]
    return [value, *inside] if isinstance(value, Sourced) else inside


def test_an_unknown_allowance_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModulesInvalid, match="always-free-2026, always-free-2025"):
        load_envelope("always-free-2024")


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        PriceFile.model_validate(content("oracle-prices-2026.yaml") | {"discount": 3})


def test_a_price_written_as_a_fraction_is_refused() -> None:
    given = content("oracle-prices-2026.yaml")["prices"]["a1_ocpu_hour"]
    assert Price.model_validate(given).usd == Decimal("0.01")
    with pytest.raises(ValidationError, match="in quotes"):
        Price.model_validate(given | {"usd": 0.01})


FALLING = [{"up_to_gb": 8, "percent": 25}, {"up_to_gb": 4, "percent": 1}]


@pytest.mark.parametrize(
    "bands",
    [
        [{"up_to_gb": 4, "percent": 25}],
        [*FALLING, {"up_to_gb": None, "percent": 1}],
        [{"up_to_gb": None, "percent": 25}, {"up_to_gb": None, "percent": 1}],
    ],
)  # fmt: skip
def test_memory_bands_must_rise_and_end_open(bands: list[dict[str, Any]]) -> None:
    given = content("oke-nodes-2026.yaml")
    NodeFile.model_validate(given)
    with pytest.raises(ValidationError, match="memory band"):
        MemoryReserved.model_validate(given["memory_reserved"] | {"bands": bands})
