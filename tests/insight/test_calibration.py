"""Whether what was told came true, as by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.insight.calibration import Forecast, calibrate, losses, pinball, replayed, verdict
from gateway.insight.cases import Case, Kind
from gateway.insight.estimates import LEAST, SHARES
from gateway.insight.saying import DAY, HOUR
from gateway.insight.shares import Share, difference, higher, wilson
from gateway.insight.survival import quantiles

TOLD = (HOUR, 4 * HOUR, 8 * HOUR)
MONDAY = 4 * DAY  # 5 January 1970


def test_by_hand_week_by_week() -> None:
    first = [Forecast(MONDAY + DAY, TOLD, hours * HOUR) for hours in (1, 2, 3, 4, 9)]
    second = [Forecast(MONDAY + 9 * DAY, TOLD, None)]
    every, weeks = calibrate([*second, *first], MONDAY + 30 * DAY)
    assert [week.start for week in weeks] == [MONDAY, MONDAY + 7 * DAY]
    assert [(share.hits, share.n) for share in weeks[0].shares] == [(1, 5), (4, 5), (4, 5)]
    assert [(share.hits, share.n) for share in weeks[1].shares] == [(0, 1)] * 3
    assert (every.start, every.n) == (None, 6)
    assert [(share.hits, share.n) for share in every.shares] == [(1, 6), (4, 6), (4, 6)]


def test_a_forecast_counts_once_its_time_is_over_not_when_it_comes_true() -> None:
    """Else those that came early would count at once and those that come late only later."""
    early = Forecast(0, (HOUR, 10 * HOUR, 20 * HOUR), 2 * HOUR)
    assert [share.n for share in calibrate([early], 5 * HOUR)[0].shares] == [1, 0, 0]
    assert [(share.hits, share.n) for share in calibrate([early], 10 * HOUR)[0].shares] == [(0, 1), (1, 1), (0, 0)]


def test_what_was_not_told_does_not_count_and_is_shown() -> None:
    found = calibrate([Forecast(0, (HOUR, None, None), None)], DAY)[0]
    assert ([share.n for share in found.shares], found.untold, found.n) == ([1, 0, 0], 1, 1)


@pytest.mark.parametrize(
    ("hits", "n", "word"),
    [
        (74, 100, "hopeful"),
        (75, 100, "green"),
        (90, 100, "green"),
        (91, 100, "careful"),
        (0, LEAST - 1, ""),
        (0, 0, ""),
    ],
)
def test_the_green_band(hits: int, n: int, word: str) -> None:
    assert verdict(Share(hits, n)) == word


def test_the_pinball_loss_as_by_hand() -> None:
    assert pinball(0.9, 12, 10) == pytest.approx(1.8) and pinball(0.9, 8, 10) == pytest.approx(0.2)
    rows = [
        Forecast(0, TOLD, 6 * HOUR, (2 * HOUR, 2 * HOUR, 2 * HOUR)),
        Forecast(0, TOLD, None, TOLD),
        Forecast(0, (HOUR, None, None), HOUR, TOLD),
    ]
    found = losses(rows)
    assert [(one.p, one.n) for one in found] == [(0.5, 2), (0.8, 1), (0.9, 1)]
    assert (found[0].told, found[0].base) == (pytest.approx(1.25), pytest.approx(1.0))
    assert (found[1].told, found[1].base) == (pytest.approx(1.6), pytest.approx(3.2))
    assert losses([])[0].told is None


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.sampled_from([0.5, 0.8, 0.9]))
def test_the_loss_is_least_at_the_quantile(times: list[int], p: float) -> None:
    best = sorted(times)[max(math.ceil(p * len(times) - 1e-9), 1) - 1]
    least = sum(pinball(p, time, best) for time in times)
    assert all(sum(pinball(p, time, other) for time in times) >= least - 1e-6 for other in {*times, 0, 500})


def test_a_replay_tells_each_day_what_was_known_at_its_start() -> None:
    kind = Kind("a", "b", "P1")
    past = [Case(0, hour * HOUR, kind) for hour in range(1, 41)]
    past += [Case(0, 3 * DAY + 60_000_000, kind)] * 20  # solved that very day, before the first ticket came
    on_time = Case(3 * DAY + HOUR, 3 * DAY + 2 * HOUR, kind)
    same_day = Case(3 * DAY + 5 * HOUR, None, kind)
    found = replayed([*past, on_time, same_day], DAY, 10 * DAY)
    assert [(one.at, one.took) for one in found] == [(on_time.created, HOUR), (same_day.created, None)]
    at_its_start = quantiles([hour * HOUR for hour in range(1, 41)], [3 * DAY] * 20, SHARES)
    assert at_its_start == [31 * HOUR, None, None]
    assert found[0].told == found[1].told == found[0].base == tuple(at_its_start)
    assert replayed([*past, on_time], DAY, 10 * DAY, base=False)[0].base == (None, None, None)


# --- shares ---


def test_wilson_s_interval() -> None:
    """Newcombe (1998), Stat. Med. 17, 857-872, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for hits, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(hits, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_newcombe_s_difference() -> None:
    """Newcombe (1998), Stat. Med. 17, 873-890, table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/20."""
    for one, two, low, high in (
        (Share(56, 70), Share(48, 80), 0.0524, 0.3339),
        (Share(9, 10), Share(3, 10), 0.1705, 0.8090),
        (Share(10, 10), Share(0, 20), 0.6791, 1.0),
    ):
        assert difference(one, two) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert higher(Share(56, 70), Share(48, 80)) and not higher(Share(48, 80), Share(56, 70))
    assert difference(Share(0, 0), Share(1, 2)) is None and not higher(Share(0, 0), Share(1, 2))
