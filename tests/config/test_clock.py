"""The clock: integer microseconds, exact both ways, and text that sorts as time does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import clock

MOMENTS = st.integers(min_value=-(10**15), max_value=2**52)


@given(MOMENTS)
def test_microseconds_survive_the_round_trip(us: int) -> None:
    assert clock.to_us(clock.utc(us)) == us
    assert clock.to_us(datetime.fromisoformat(clock.iso(us))) == us


@given(MOMENTS, MOMENTS)
def test_text_order_is_time_order(a: int, b: int) -> None:
    assert (clock.iso(a) < clock.iso(b)) == (a < b)


def test_a_zone_is_honoured_and_a_missing_one_refused() -> None:
    east = datetime(2026, 11, 21, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert clock.iso(clock.to_us(east)) == "2026-11-21T12:00:00.000000Z"
    with pytest.raises(ValueError, match="without a zone"):
        clock.to_us(datetime(2026, 11, 21))


def test_now_is_now() -> None:
    assert abs(clock.utc(clock.now_us()) - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.monotonic() <= clock.monotonic()
