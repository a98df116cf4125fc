"""Business time: the reference values, what holds for every calendar, and an independent count minute by minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.decide.hours import ALWAYS, Country, Days, Hours, NeverOpens
from gateway.decide.hours.days import WHOLE, kept
from gateway.decide.hours.zone import DAY, EPOCH, MINUTE, instant, wall
from tests.decide.hours_world import H, at, hours, office

ZONES = ("Europe/Madrid", "Europe/Moscow", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "Africa/Cairo")
MORNING = ((0, 12 * H),)


# --- the reference values ---


@pytest.mark.parametrize(
    ("kept", "start", "end", "minutes"),
    [
        (office(), "2026-11-20 17:00", "2026-11-23 10:00", 120),
        (office((9 * H, 14 * H), (15 * H, 18 * H)), "2026-11-20 13:30", "2026-11-20 15:30", 60),
        (office(), "2026-11-20 07:00", "2026-11-20 09:15", 15),
        (office(country=Country("ES")), "2026-12-24 17:00", "2026-12-28 10:00", 120),
        (office(), "2026-11-21 10:00", "2026-11-22 20:00", 0),
        (hours("Europe/Madrid", MORNING), "2026-03-29 00:00", "2026-03-29 06:00", 300),
        (hours("Europe/Madrid", MORNING), "2026-10-25 00:00", "2026-10-25 06:00", 420),
    ],
)
def test_the_reference_values_of_business_time(kept: Hours, start: str, end: str, minutes: int) -> None:
    assert kept.worked(at(start), at(end)) == minutes * MINUTE


@pytest.mark.parametrize(
    ("zone", "start", "end", "open_hours"),
    [
        ("America/New_York", "2026-03-08 00:00", "2026-03-08 06:00", 5),
        ("America/New_York", "2026-11-01 00:00", "2026-11-01 06:00", 7),
        ("Australia/Lord_Howe", "2026-10-04 00:00", "2026-10-04 06:00", 5.5),  # its clocks move by half an hour
        ("Australia/Lord_Howe", "2026-04-05 00:00", "2026-04-05 06:00", 6.5),
        ("Asia/Kathmandu", "2026-03-29 00:00", "2026-03-29 06:00", 6),
        ("Europe/Moscow", "2026-10-25 00:00", "2026-10-25 06:00", 6),
        ("Europe/Moscow", "2014-10-26 00:00", "2014-10-26 06:00", 7),  # it left summer time for good
    ],
)
def test_days_on_which_clocks_move(zone: str, start: str, end: str, open_hours: float) -> None:
    assert hours(zone, MORNING).worked(at(start, zone), at(end, zone)) == open_hours * H


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    nights = hours("Europe/Madrid", ((22 * H, 30 * H),), ())  # Monday to Friday, until 06:00
    assert nights.worked(at("2026-11-20 12:00"), at("2026-11-23 12:00")) == 8 * H  # Friday's, into Saturday
    assert nights.is_open(at("2026-11-21 05:59"))
    assert not nights.is_open(at("2026-11-21 06:00"))
    assert nights.opens(at("2026-11-21 06:00")) == at("2026-11-23 22:00")


def test_a_night_shift_lasts_an_hour_more_or_less_when_clocks_move() -> None:
    nights = hours("Europe/Madrid", ((22 * H, 30 * H),))
    assert nights.worked(at("2026-10-24 12:00"), at("2026-10-25 12:00")) == 9 * H
    assert nights.worked(at("2026-03-28 12:00"), at("2026-03-29 12:00")) == 7 * H


def test_a_holiday_closes_the_night_that_begins_on_it_and_not_the_one_before() -> None:
    nights = hours("Europe/Madrid", ((22 * H, 30 * H),), ((22 * H, 30 * H),), country=Country("ES"))
    assert nights.is_open(at("2026-12-25 05:00"))
    assert not nights.is_open(at("2026-12-25 23:00"))
    assert not nights.is_open(at("2026-12-26 05:00"))
    assert nights.reason(at("2026-12-25 23:00")) == "Christmas Day"


def test_hours_that_are_skipped_are_none_and_hours_that_come_twice_are_held_twice() -> None:
    early = hours("Europe/Madrid", ((2 * H, 3 * H),))
    assert early.worked(at("2026-03-29 00:00"), at("2026-03-29 12:00")) == 0
    assert early.worked(at("2026-10-25 00:00"), at("2026-10-25 12:00")) == 2 * H
    until_half = hours("Europe/Madrid", ((0, 2 * H + H // 2),))
    first, again = at("2026-10-25 02:15"), at("2026-10-25 02:15", fold=1)
    assert again - first == H
    assert until_half.is_open(first)
    assert until_half.is_open(again)
    assert not until_half.is_open(at("2026-10-25 02:45"))
    assert until_half.opens(at("2026-10-25 02:45")) == at("2026-10-25 02:00", fold=1)


def test_windows_go_on_over_the_end_of_a_year() -> None:
    nights = hours("America/New_York", ((18 * H, 27 * H),))
    assert (
        nights.worked(at("2026-12-31 12:00", "America/New_York"), at("2027-01-01 12:00", "America/New_York")) == 9 * H
    )
    started = at("2026-12-31 18:00", "America/New_York")
    assert nights.after(started, 9 * H) == started + 9 * H
    days = office()
    assert days.worked(at("2024-01-01 00:00"), at("2027-01-01 00:00")) == (262 + 261 + 261) * 9 * H  # weekdays


def test_the_first_and_the_last_microsecond_of_a_window() -> None:
    kept, opens, closes = office(), at("2026-11-20 09:00"), at("2026-11-20 18:00")
    assert [kept.is_open(opens - 1), kept.is_open(opens)] == [False, True]
    assert [kept.is_open(closes - 1), kept.is_open(closes)] == [True, False]
    assert kept.worked(opens - 1, opens + 1) == 1
    assert kept.worked(closes - 1, closes + 1) == 1
    assert kept.after(closes - 1, 1) == closes
    assert kept.after(closes - 1, 2) == at("2026-11-23 09:00") + 1


def test_nothing_has_to_pass_when_open_and_the_opening_is_waited_for_when_closed() -> None:
    kept = office()
    assert kept.after(at("2026-11-20 10:00"), 0) == at("2026-11-20 10:00")
    assert kept.after(at("2026-11-20 18:00"), 0) == at("2026-11-23 09:00")
    assert kept.after(at("2026-11-20 17:00"), H) == at("2026-11-20 18:00")  # the first instant, not Monday's opening
    with pytest.raises(ValueError, match="not negative"):
        kept.after(0, -1)


def test_an_end_before_the_start_is_no_time_at_all() -> None:
    assert office().worked(at("2026-11-20 12:00"), at("2026-11-20 10:00")) == 0


def test_round_the_clock_is_wall_time() -> None:
    assert ALWAYS.worked(7, 10**16) == 10**16 - 7
    assert ALWAYS.after(7, 3 * 10**14) == 7 + 3 * 10**14
    assert ALWAYS.is_open(123)
    assert ALWAYS.opens(-5) == -5


def test_who_never_opens_is_said_to() -> None:
    never = hours("UTC", ())
    assert never.opens(0) is None
    assert never.worked(0, 10**15) == 0
    with pytest.raises(NeverOpens):
        never.after(0, 1)


def test_a_day_of_its_own_goes_before_closed_days_and_those_before_the_week() -> None:
    christmas, feast = datetime(2026, 12, 25).date(), datetime(2026, 12, 28).date()
    days = Days((((9 * H, 18 * H),),) * 7, Country("ES"), {feast: "stocktaking"}, {(12, 29): "rest"}, {})
    kept = Hours("test", "Europe/Madrid", days)
    spared = at("2026-12-24 18:00"), at("2026-12-30 09:00")
    assert kept.worked(*spared) == 2 * 9 * H  # Saturday and Sunday
    assert kept.reason(at("2026-12-29 12:00")) == "rest"
    extra = Hours("test", "Europe/Madrid", Days(days.week, days.country, {}, {}, {christmas: (((0, H),), "a launch")}))
    assert extra.worked(at("2026-12-25 00:00"), at("2026-12-26 00:00")) == H
    assert extra.reason(at("2026-12-25 00:00")) == "a launch"


def test_a_day_of_its_own_may_overlap_with_the_night_before_and_no_time_counts_twice() -> None:
    saturday = datetime(2026, 11, 21).date()
    days = Days((((22 * H, 30 * H),),) * 5 + ((),) * 2, extra={saturday: (((4 * H, 8 * H),), "stocktaking")})
    kept = Hours("test", "Europe/Madrid", days)
    assert kept.worked(at("2026-11-20 12:00"), at("2026-11-22 12:00")) == 10 * H
    assert kept.after(at("2026-11-20 22:00"), 9 * H) == at("2026-11-21 07:00")


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    thursday = at("2026-04-02 12:00")
    assert office(country=Country("ES")).is_open(thursday)
    assert not office(country=Country("ES", "MD")).is_open(thursday)
    assert office(country=Country("ES", "MD")).reason(thursday) == "Maundy Thursday"


def test_the_name_of_a_holiday_does_not_depend_on_who_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    christmas = datetime(2026, 12, 25).date()
    for language in ("C", "es_ES", "ru_RU"):
        monkeypatch.setenv("LANGUAGE", language)
        assert kept.__wrapped__(Country("ES"), 2026)[christmas] == "Christmas Day"


# --- what holds for every calendar ---

BEGIN, END = at("2023-12-25 00:00", "UTC"), at("2028-01-05 00:00", "UTC")
JUMPS = [  # clocks move within hours of these
    at(day, "UTC")
    for day in ("2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-04", "2026-10-03", "2026-04-24")
] + [at(day, "UTC") for day in ("2026-10-29", "2024-12-31", "2026-01-01")]

INSTANTS = st.one_of(
    st.integers(BEGIN, END),
    st.builds(lambda jump, off: jump + off, st.sampled_from(JUMPS), st.integers(-36 * H, 36 * H)),
    st.builds(lambda jump, off: jump + off * 15 * MINUTE, st.sampled_from(JUMPS), st.integers(-144, 144)),
)


@st.composite
def windows(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Up to three windows of a day, apart; the last may reach into the next day, where it may overlap."""
    marks = sorted(draw(st.lists(st.integers(0, 96), max_size=6, unique=True)))
    pairs = [(a * 15 * MINUTE, b * 15 * MINUTE) for a, b in zip(marks[::2], marks[1::2], strict=False)]
    if len(marks) % 2:
        pairs.append((marks[-1] * 15 * MINUTE, DAY + draw(st.integers(0, 20)) * 15 * MINUTE))
    return tuple((a, b) for a, b in pairs if a < b)


@st.composite
def calendars(draw: st.DrawFn) -> Hours:
    week = draw(st.lists(windows(), min_size=7, max_size=7).filter(any))
    country = draw(st.sampled_from((None, Country("ES", "MD"), Country("RU"), Country("US"))))
    return hours(draw(st.sampled_from(ZONES)), *week, country=country)


@given(calendars(), st.lists(INSTANTS, min_size=3, max_size=3).map(sorted))
def test_adjacent_intervals_add_up_and_a_longer_one_is_never_less(kept: Hours, of: list[int]) -> None:
    a, b, c = of
    assert kept.worked(a, b) + kept.worked(b, c) == kept.worked(a, c)
    assert kept.worked(a, b) <= kept.worked(a, c)
    assert 0 <= kept.worked(a, c) <= c - a


@given(calendars(), st.lists(INSTANTS, min_size=2, max_size=2).map(sorted))
def test_after_is_the_first_instant_by_which_so_much_was_worked(kept: Hours, of: list[int]) -> None:
    """So it gives ``end`` back at every ``end`` whose last microsecond was worked, and at no other but an opening that
    nothing was worked before."""
    start, end = of
    worked = kept.worked(start, end)
    found = kept.after(start, worked)
    if worked:
        assert kept.worked(start, found) == worked
        assert kept.worked(start, found - 1) == worked - 1
        assert (found == end) == kept.is_open(end - 1)
    else:
        assert found == kept.opens(start)
        assert (found == end) == (kept.opens(start) == end)


@given(calendars(), INSTANTS, st.integers(1, 900 * H))
def test_what_passes_until_after_is_what_was_asked_for(kept: Hours, start: int, length: int) -> None:
    assert kept.worked(start, kept.after(start, length)) == length


@given(calendars(), INSTANTS)
def test_the_next_opening_is_open_and_nothing_is_worked_before_it(kept: Hours, now: int) -> None:
    opens = kept.opens(now)
    assert opens is not None
    assert kept.is_open(opens)
    assert kept.worked(now, opens) == 0
    assert (opens == now) == kept.is_open(now)


def shows(kept: Hours, now: int) -> bool:
    """Whether the clock on the wall shows a time within the hours, counted apart from the code under test."""
    local = (EPOCH + timedelta(microseconds=now)).astimezone(ZoneInfo(kept.zone)).replace(tzinfo=None)
    for days_ago in (0, 1):
        day = local.date() - timedelta(days=days_ago)
        since = (local - datetime(day.year, day.month, day.day)) // timedelta(microseconds=1)
        if any(start <= since < end for start, end in kept.days.windows(day)):
            return True
    return False


@given(calendars(), INSTANTS)
def test_it_is_open_exactly_when_its_clock_shows_a_time_within_its_hours(kept: Hours, now: int) -> None:
    assert kept.is_open(now) == shows(kept, now)


@settings(max_examples=30)
@given(calendars(), INSTANTS, st.integers(1, 300))
def test_business_time_is_the_count_of_quarters_in_which_it_is_open(kept: Hours, now: int, quarters: int) -> None:
    start = now - now % (15 * MINUTE)  # every offset and every window begins with a quarter
    step = 15 * MINUTE
    counted = sum(shows(kept, start + n * step) for n in range(quarters))
    assert kept.worked(start, start + quarters * step) == counted * step


# --- the clock on the wall ---


@given(st.sampled_from(ZONES), INSTANTS)
def test_an_instant_is_found_again_by_what_the_clock_showed(zone: str, now: int) -> None:
    named = ZoneInfo(zone)
    found = instant(named, wall(named, now))
    assert wall(named, found) == wall(named, now)
    assert found <= now
    assert now - found in (0, H // 2, H)


def test_a_time_that_no_clock_shows_is_the_instant_of_the_jump() -> None:
    named = ZoneInfo("Europe/Madrid")
    shown = at("2026-03-29 02:30", "UTC")
    assert instant(named, shown) == at("2026-03-29 03:00")
    assert instant(named, at("2026-10-25 02:30", "UTC")) == at("2026-10-25 02:30")


def test_a_whole_day_is_as_long_as_the_day() -> None:
    cairo = hours("Africa/Cairo", WHOLE, ())  # its clocks move at midnight: Friday 2026-04-24 begins at 01:00
    assert cairo.worked(at("2026-04-23 00:00", "Africa/Cairo"), at("2026-04-25 00:00", "Africa/Cairo")) == 47 * H
