"""Promises beside history, dates with something behind them, and the word for what takes longer."""

from __future__ import annotations

import pytest

from gateway.insight.cases import Case, Kind
from gateway.insight.estimates import Estimate, Known
from gateway.insight.promise import NoBasis, Promise, check_promise, filled, kept, longer_than_usual
from gateway.insight.saying import DAY, HOUR

MAIL = Kind("software", "mail", "P4")
HOURS = Known([Case(0, hour * 5 * HOUR, MAIL) for hour in range(1, 40)], 100 * DAY).estimate(MAIL)
"""8 of 10 within 160 hours, 9 of 10 within 180."""
NOTHING = Known([], 0).estimate()


def test_two_hours_where_eight_of_ten_took_160_need_a_reason() -> None:
    assert HOURS.p80 == 160 * HOUR
    found = check_promise(2 * HOUR, HOURS)
    assert (found.allowed, found.short) == (False, True)
    assert str(found.said) == (
        "8 of 10 such tickets took up to 7 days (n = 39): promising 120 minutes needs a reason why this one is faster."
    )
    assert found.inputs == {"promised": 2 * HOUR, "reason": "", "estimate": HOURS.stored()}
    assert not check_promise(2 * HOUR, HOURS, "  ").allowed


def test_with_a_reason_it_is_given_and_remembered_as_short() -> None:
    found = check_promise(2 * HOUR, HOURS, "a spare one lies on the desk")
    assert (found.allowed, found.short) == (True, True)
    assert str(found.said) == "120 minutes were promised, though 8 of 10 such tickets took up to 7 days (n = 39)."
    assert found.inputs["reason"] == "a spare one lies on the desk"


@pytest.mark.parametrize(("promised", "short"), [(160 * HOUR - 1, True), (160 * HOUR, False)])
def test_the_bound_is_what_eight_of_ten_took(promised: int, short: bool) -> None:
    assert check_promise(promised, HOURS).short is short


def test_where_nothing_is_known_nothing_is_held_against_a_promise() -> None:
    found = check_promise(HOUR, NOTHING)
    assert (found.allowed, found.short) == (True, False)
    assert "not enough data (n = 0)" in str(found.said)


def test_the_share_of_kept_promises_as_by_hand() -> None:
    """Kept, late, never, kept at the last moment; two whose time is not over count neither way."""
    given = [Promise(10, 9), Promise(10, 11), Promise(12, None), Promise(13, 13), Promise(99, 5), Promise(99, None)]
    found = kept(given, 20)
    assert (found.hits, found.n, found.rate) == (2, 4, 0.5)
    assert found.low == pytest.approx(0.150, abs=5e-4) and found.high == pytest.approx(0.850, abs=5e-4)
    assert kept([], 20).rate is None


def test_a_template_prints_no_firm_date_without_a_basis() -> None:
    text = "Hello {name}, it will be solved by { solved_by }."
    with pytest.raises(NoBasis) as refused:
        filled(text, {"name": "Ana"})
    assert refused.value.places == ("solved_by",)
    with pytest.raises(NoBasis):
        filled(text, {"name": "Ana", "solved_by": ""})
    assert filled(text, {"name": "Ana", "solved_by": "Friday"}) == "Hello Ana, it will be solved by Friday."
    assert filled("{p80} {name}", {"p80": "2 days", "name": "{due}"}) == "2 days {due}"
    with pytest.raises(KeyError):
        filled("{nmae}", {"name": "Ana"})


# --- longer than usual ---


def test_longer_than_usual_is_said_once_in_each_interval() -> None:
    told: list[int] = []
    for now in range(0, 400 * HOUR, HOUR):
        late = longer_than_usual(0, HOURS, now, DAY, told[-1] if told else None)
        if late is not None and late.tell:
            told.append(now)
            assert (late.since, late.next_update) == (180 * HOUR, now + DAY)
    assert told == [hour * HOUR for hour in range(181, 400, 24)]


def test_who_was_away_says_it_once_and_the_next_update_is_from_now() -> None:
    late = longer_than_usual(0, HOURS, 500 * HOUR, DAY, 200 * HOUR)
    assert late is not None and late.tell and late.next_update == 524 * HOUR
    assert (
        str(late.said) == "This is taking longer than usual: 9 of 10 such tickets were solved within 8 days (n = 39)."
    )
    waiting = longer_than_usual(0, HOURS, 201 * HOUR, DAY, 200 * HOUR)
    assert waiting is not None and not waiting.tell and waiting.next_update == 224 * HOUR


def test_the_next_update_may_come_in_hours_of_support() -> None:
    late = longer_than_usual(0, HOURS, 181 * HOUR, DAY, None, lambda start, length: start + 3 * length)
    assert late is not None and late.next_update == 181 * HOUR + 3 * DAY


def test_where_the_usual_is_not_known_nothing_takes_longer() -> None:
    assert longer_than_usual(0, NOTHING, 10**18, DAY) is None
    no_p90 = Estimate(1, 2, None, 20, 5, (), 0)
    assert longer_than_usual(0, no_p90, 10**18, DAY) is None
