"""How often a machine is asked for, over runs that know each other only by what was kept."""

from __future__ import annotations

from installer.oracle.pace import GAP_SECONDS, HOUR, MOST_AN_HOUR, THROTTLED_SECONDS, Pace

AD = "AD-1"


def attempts_in(seconds: float) -> int:
    """How many attempts somebody makes who comes back the moment it is allowed."""
    now, made, pace = 0.0, 0, Pace()
    while now < seconds:
        pace = Pace.from_text(pace.text())
        wait = max(pace.gap(now), pace.spent(AD, now))
        if wait:
            now += wait
            continue
        pace, made = pace.attempted(AD, now), made + 1
    return made


def test_nobody_asks_more_than_twelve_times_an_hour() -> None:
    assert attempts_in(HOUR) == MOST_AN_HOUR
    assert attempts_in(5 * HOUR) <= 5 * MOST_AN_HOUR


def test_attempts_keep_their_distance() -> None:
    pace = Pace().attempted(AD, 1000.0)
    assert GAP_SECONDS <= pace.gap(1000.0) <= 1.2 * GAP_SECONDS
    assert pace.gap(1000.0 + 1.2 * GAP_SECONDS) == 0


def test_a_429_brings_five_minutes_of_quiet_or_what_was_asked_for() -> None:
    assert THROTTLED_SECONDS <= Pace().throttled(50.0).gap(50.0) <= 1.2 * THROTTLED_SECONDS
    assert Pace().throttled(50.0, asked=900.0).gap(50.0) >= 900.0


def test_each_domain_has_an_hour_of_its_own() -> None:
    pace = Pace()
    for number in range(MOST_AN_HOUR):
        pace = pace.attempted(AD, 100.0 * number)
    now = 100.0 * MOST_AN_HOUR
    assert pace.spent(AD, now) == HOUR - now
    assert pace.spent("AD-2", now) == 0


def test_a_clock_that_was_set_back_does_not_lock_anybody_out() -> None:
    pace = Pace()
    for number in range(MOST_AN_HOUR):
        pace = pace.attempted(AD, 1_000_000.0 + 100.0 * number)
    assert pace.spent(AD, 0.0) == 0
    assert pace.gap(0.0) <= HOUR


def test_what_cannot_be_read_counts_as_no_attempt() -> None:
    for text in (None, "", "no JSON", "[]", '{"attempts": 3}', '{"attempts": {"AD-1": ["x"]}}'):
        assert Pace.from_text(text) == Pace()
