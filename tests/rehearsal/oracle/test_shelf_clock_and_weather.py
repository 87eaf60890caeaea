"""The three things every part of the rehearsal stands on."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.rehearsal.clock import Clock
from installer.rehearsal.shelf import Shelf
from installer.rehearsal.weather import Weather, WeatherInvalid


def test_what_is_on_the_shelf_is_there_for_the_next_one_who_opens_it(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "world.sqlite")
    shelf.put("vcn", "b", {"n": 1})
    shelf.put("vcn", "a", {"n": 2})
    shelf.put("vcn", "b", {"n": 3})
    again = Shelf(tmp_path / "world.sqlite")
    assert again.all("vcn") == [("b", {"n": 3}), ("a", {"n": 2})]
    assert again.delete("vcn", "b")
    assert not again.delete("vcn", "b")
    assert shelf.get("vcn", "b") is None


def test_changes_made_together_are_all_kept_or_none(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "world.sqlite")

    def half_way() -> None:
        with shelf.together():
            shelf.put("vcn", "a", {})
            with shelf.together():
                shelf.put("subnet", "b", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_way()
    assert shelf.kinds() == ()


def test_simulated_time_never_goes_back_even_when_nothing_was_said_at_the_end(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path / "world.sqlite")
    first = Clock(speed=5000, shelf=shelf)
    first.forward(86400)
    seen = first.now()
    second = Clock(speed=1, shelf=Shelf(tmp_path / "world.sqlite"))
    assert seen <= second.now()
    assert (second.now() - seen).total_seconds() < 3 * 5000


def test_a_clean_end_gives_the_booked_time_back(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "world.sqlite")
    first = Clock(speed=1000, shelf=shelf)
    seen = first.now()
    first.settle()
    second = Clock(speed=0.001, shelf=shelf)
    assert 0 <= (second.now() - seen).total_seconds() < 900


async def test_sleeping_takes_simulated_time_and_wakes_when_the_clock_is_wound() -> None:
    clock = Clock(speed=10_000)
    before = clock.now()
    await clock.sleep(100)
    assert (clock.now() - before).total_seconds() >= 100


def test_a_rule_strikes_the_calls_it_names_and_counts_across_restarts(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "world.sqlite")
    file = tmp_path / "weather.yaml"
    file.write_text("- {operation: 'Create*', do: error, status: 503, after: 1, times: 2}\n")
    weather = Weather.load(file, shelf)
    assert weather.strike("ListVcns") is None
    assert weather.strike("CreateVcn") is None
    struck = weather.strike("CreateSubnet", "POST /20160918/subnets")
    assert struck is not None
    assert struck.status == 503
    later = Weather.load(file, Shelf(tmp_path / "world.sqlite"))
    assert later.strike("CreateVcn") is not None
    assert later.strike("CreateVcn") is None


def test_a_storm_ends_with_its_file_but_what_was_injected_stays(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "world.sqlite")
    file = tmp_path / "weather.yaml"
    file.write_text("- {operation: CreateVcn, do: error, times: always}\n")
    Weather.load(file, shelf).inject({"operation": "ListVcns", "do": "error", "times": 2})
    later = Weather.load(None, shelf)
    assert later.strike("CreateVcn") is None
    assert later.strike("ListVcns") is not None
    again = Weather.load(file, shelf)
    assert again.strike("CreateVcn") is not None
    assert again.strike("ListVcns") is not None
    assert again.strike("ListVcns") is None
    again.clear()
    assert Weather.load(None, shelf).strike("ListVcns") is None


def test_a_changed_file_is_counted_anew(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "world.sqlite")
    file = tmp_path / "weather.yaml"
    file.write_text("- {operation: CreateVcn, do: error}\n")
    assert Weather.load(file, shelf).strike("CreateVcn") is not None
    assert Weather.load(file, shelf).strike("CreateVcn") is None
    file.write_text("- {operation: CreateVcn, do: error, status: 503}\n")
    assert Weather.load(file, shelf).strike("CreateVcn") is not None


def test_a_rule_can_be_about_one_thing_only() -> None:
    weather = Weather()
    weather.inject(
        [{"operation": "PATCH pods", "do": "cut", "subject": "health/*", "times": "always"}]
    )
    assert weather.strike("PATCH pods", subject="auth/keycloak") is None
    assert weather.strike("PATCH pods", subject="health/postgres-0") is not None


def test_rules_that_cannot_strike_here_do_not_count_here() -> None:
    weather = Weather()
    weather.inject({"operation": "CreateNodePool", "do": "no_capacity"})
    assert weather.strike("CreateNodePool", kinds=("error", "slow")) is None
    assert weather.strike("CreateNodePool", kinds=("no_capacity",)) is not None


def test_all_mistakes_of_a_weather_file_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "weather.yaml"
    file.write_text("- {operation: CreateVcn, do: rain, times: often}\n- {do: cut, whem: after}\n")
    with pytest.raises(WeatherInvalid) as caught:
        Weather.load(file)
    assert len(caught.value.problems) == 4
