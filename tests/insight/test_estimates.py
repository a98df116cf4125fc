"""What is told, to whom, from what; and nothing from what was not known yet."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.insight.cases import Case, Kind
from gateway.insight.estimates import LEAST, SHARES, Estimate, Known
from gateway.insight.saying import DAY, HOUR, MINUTE, rounded_up
from gateway.insight.survival import quantiles

VPN = Kind("network", "vpn", "P3")
WLAN = Kind("network", "wlan", "P3")
NOW = 100 * DAY


def solved(kind: Kind, hours: list[int], service: str = "") -> list[Case]:
    return [Case(0, hour * HOUR, kind, service) for hour in hours]


def test_the_closest_kin_with_enough_solved_tickets_answers() -> None:
    vpn, wlan = solved(VPN, list(range(1, 20))), solved(WLAN, list(range(101, 121)))
    wider = Known(vpn + wlan, NOW).estimate(VPN)
    assert (wider.level, wider.finished) == ("category+priority", 39)
    own = Known([*vpn, *wlan, Case(0, 20 * HOUR, VPN)], NOW).estimate(VPN)
    assert (own.level, own.finished, own.p50, own.p80) == ("category+subcategory+priority", 20, 11 * HOUR, 17 * HOUR)
    other = Known(vpn + wlan, NOW).estimate(Kind("hardware", "", "P1"))
    assert (other.level, other.basis) == ("all", ())
    assert Known(wlan, NOW).estimate(Kind("software", "mail", "P3")).level == "priority"


def test_what_is_not_known_of_a_ticket_is_not_compared() -> None:
    assert Kind("", "vpn", "P3").groups() == [(("priority", "P3"),), ()]
    assert Kind("network", "", "P3").groups()[0] == (("category", "network"), ("priority", "P3"))
    assert Kind().groups() == [()]


def test_below_the_minimum_nothing_is_told() -> None:
    few = Known(solved(VPN, [1] * (LEAST - 1)), NOW).estimate(VPN)
    assert (few.enough, few.spans()) == (False, {"p50": None, "p80": None, "p90": None})
    assert [str(one) for one in few.said()] == ["Not enough data: 19 solved tickets to compare with, 20 are needed."]
    assert Known([], NOW).estimate(VPN).finished == 0


def test_open_tickets_lengthen_what_is_told() -> None:
    done = solved(VPN, list(range(1, 41)))
    calm = Known(done, NOW).estimate(VPN)
    busy = Known(done + [Case(NOW - 30 * HOUR, None, VPN)] * 10, NOW).estimate(VPN)
    assert (calm.p80, busy.p80, busy.open) == (33 * HOUR, 36 * HOUR, 10)


def test_too_many_open_ones_leave_half_an_answer_or_a_wider_one() -> None:
    done, stuck = solved(VPN, list(range(1, 21))), [Case(NOW - 50 * HOUR, None, VPN)] * 10
    half = Known(done + stuck, NOW).estimate(VPN)
    assert (half.p50, half.p80, half.p90, half.enough) == (16 * HOUR, None, None, True)
    assert "cannot be said yet" in str(half.said()[0])
    wider = Known(done + stuck + solved(WLAN, [200] * 200), NOW).estimate(VPN)
    assert (wider.level, wider.p80) == ("category+priority", 200 * HOUR)


def test_nine_of_ten_may_come_from_wider_kin_but_never_before_eight() -> None:
    """Of VPN nobody can say when 9 of 10 are solved; of all tickets one can, and it is far too early."""
    done, stuck = solved(VPN, list(range(101, 151))), [Case(NOW - 200 * HOUR, None, VPN)] * 6
    found = Known(done + stuck + solved(Kind("a", "b", "P1"), [1] * 500), NOW).estimate(VPN)
    assert found.level == "category+subcategory+priority"
    assert found.p80 is not None and found.p90 == found.p80


def test_a_service_is_told_by_its_own_tickets_alone() -> None:
    known = Known([*solved(VPN, list(range(1, 31)), "Mail"), *solved(VPN, [9] * 5, "Phone")], NOW)
    assert known.services() == ["Mail", "Phone"]
    mail = known.service("Mail")
    finished = [hour * HOUR for hour in range(1, 31)]
    assert [mail.p50, mail.p80, mail.p90] == quantiles(finished, [], SHARES)
    assert not known.service("Phone").enough and known.service("Phone").finished == 5


def test_a_target_is_held_against_exactly_its_own_tickets() -> None:
    urgent, calm = replace(VPN, priority="P1"), VPN
    known = Known([*solved(urgent, [1] * 30, "Mail"), *solved(calm, [9] * 30, "Mail"), *solved(calm, [5] * 70)], NOW)
    assert known.about({"service": "Mail", "priority": "P1"}).p80 == HOUR
    assert known.about({"service": "Mail"}).p80 == 9 * HOUR
    assert known.about({"priority": "P3"}).finished == 100
    assert known.about({}).finished == 130
    assert not known.about({"priority": "P5", "kind": "request"}).enough
    assert not known.about({"service": "Phone", "priority": "P1"}).enough
    assert known.services() == ["Mail"]


def test_the_words_round_up_and_say_what_they_are_based_on() -> None:
    said = Known([*solved(VPN, list(range(1, 41))), Case(NOW - HOUR, None, VPN)], NOW).estimate(VPN).said()
    assert [str(one) for one in said] == [
        "Half of such tickets are solved within 21 hours, 8 of 10 within 33 hours.",
        "From 40 solved and 1 open tickets of the same category, subcategory and priority, as of 1970-04-11.",
    ]
    translated = said[0].told(lambda text: text.replace("Half", "La mitad"), lambda one, many, n: f"{n} h")
    assert translated == "La mitad of such tickets are solved within 21 h, 8 of 10 within 33 h."


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (0, "15 minutes"), (1, "15 minutes"), (16 * MINUTE, "30 minutes"), (2 * HOUR, "120 minutes"),
        (2 * HOUR + 1, "3 hours"), (48 * HOUR, "48 hours"), (48 * HOUR + 1, "3 days"), (28 * DAY, "28 days"),
        (28 * DAY + 1, "5 weeks"), (84 * DAY, "12 weeks"), (84 * DAY + 1, "3 months"), (90 * DAY + 1, "4 months"),
    ],
)  # fmt: skip
def test_spans(duration: int, words: str) -> None:
    assert str(rounded_up(duration)) == words


@given(st.integers(0, 4000 * DAY))
def test_a_span_is_never_below_what_it_stands_for(duration: int) -> None:
    assert duration <= rounded_up(duration).length
    assert rounded_up(rounded_up(duration).length) == rounded_up(duration)


def story(seed: int, size: int = 300) -> list[Case]:
    chance = random.Random(seed)
    kinds = [Kind(f"c{n % 2}", f"s{n % 3}", f"P{n % 2}") for n in range(6)]
    made = [chance.randrange(20 * DAY) for _ in range(size)]
    return [
        Case(at, at + chance.randrange(15 * DAY) if chance.random() < 0.8 else None, chance.choice(kinds))
        for at in made
    ]


@pytest.mark.parametrize("seed", range(5))
def test_going_on_day_by_day_is_looking_afresh_and_the_order_of_the_rows_is_nothing(seed: int) -> None:
    cases = story(seed)
    walking = Known(cases, 0)
    for day in range(0, 30, 3):
        walking.move_to(day * DAY)
        fresh = Known(random.Random(day).sample(cases, len(cases)), day * DAY)
        for kind in {case.kind for case in cases}:
            assert walking.estimate(kind) == fresh.estimate(kind)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_known_before_it_happened(seed: int) -> None:
    """Whatever comes after a moment may be otherwise, and nothing that was told then is."""
    cases, now = story(seed), 10 * DAY
    otherwise = [
        Case(case.created, case.resolved if (case.resolved or now) < now else None, case.kind)
        for case in cases
        if case.created < now
    ]
    for kind in {case.kind for case in cases}:
        assert Known(cases, now).estimate(kind) == Known(otherwise, now).estimate(kind)


def test_a_history_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="not forgotten"):
        Known([], 5).move_to(4)


def test_a_ticket_solved_before_it_was_made_took_no_time() -> None:
    known = Known([Case(10, 5, VPN)] * LEAST, 20)
    assert known.estimate(VPN).p50 == 0


def test_an_estimate_is_kept_in_a_ledger_as_plain_json() -> None:
    made = Known(solved(VPN, list(range(1, 41))), NOW).estimate(VPN)
    assert made.stored() == {
        "p50": 21 * HOUR, "p80": 33 * HOUR, "p90": 37 * HOUR, "n": 40, "open": 0,
        "basis": {"category": "network", "subcategory": "vpn", "priority": "P3"}, "as_of": NOW,
    }  # fmt: skip
    assert Estimate.read(made.stored()) == made
