"""Who should have it: both sides explained, and nothing said where nothing is known."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gateway.insight.cases import Kind
from gateway.insight.recommend import (
    BRIEF,
    INTERNAL,
    Cost,
    History,
    Mark,
    Recommendation,
    Stay,
    recommend,
    stays_of,
)  # fmt: skip
from gateway.insight.saying import DAY, HOUR, MINUTE
from gateway.insight.survival import logrank

VPN = Kind("network", "vpn", "P3")
ACME, BOLT = "provider:acme", "provider:bolt"
NOW = 1000 * DAY


def took(side: str, hours: list[int], kind: Kind = VPN) -> list[Stay]:
    return [Stay(side, kind, 0, hour * HOUR) for hour in hours]


def marks(side: str, hits: int, n: int) -> list[Mark]:
    return [Mark(side, VPN, place < hits) for place in range(n)]


SLOW, FAST = list(range(40, 80)), list(range(1, 41))
HISTORY = History(took(INTERNAL, SLOW) + took(ACME, FAST), as_of=NOW)


def words(found: Recommendation) -> str:
    return " ".join(str(said) for said in (*found.because, *found.but))


def test_the_provider_is_faster() -> None:
    found = recommend(VPN, HISTORY)
    assert (found.choice, found.confirmed) == (ACME, True)
    assert words(found) == (
        "provider:acme solves such tickets faster: half within 21 hours (n = 40), with internal within 3 days (n = 40)."
    )
    inside, outside = found.sides
    assert (inside.name, inside.median, inside.p80) == (INTERNAL, 60 * HOUR, 72 * HOUR)
    low, high = outside.median_within
    assert low is not None and high is not None and low < 21 * HOUR < high < 40 * HOUR


def test_the_provider_is_faster_but_reopens_more_and_both_are_told() -> None:
    found = recommend(VPN, replace(HISTORY, solutions=marks(INTERNAL, 1, 40) + marks(ACME, 12, 40)))
    assert (found.choice, found.confirmed) == (ACME, False)
    assert "provider:acme solves such tickets faster" in words(found)
    assert "But provider:acme reopens more: 12 of its 40 solutions did not hold, with internal 1 of 40." in words(found)
    assert [side.reopened.hits for side in found.sides] == [1, 12]


def test_a_difference_that_may_be_chance_is_not_told() -> None:
    found = recommend(VPN, replace(HISTORY, solutions=marks(INTERNAL, 3, 40) + marks(ACME, 5, 40)))
    assert (found.choice, found.confirmed, found.but) == (ACME, True, ())


def test_what_requesters_say_what_it_costs_and_who_is_full_speak_against_it_too() -> None:
    found = recommend(
        VPN,
        replace(
            HISTORY,
            ratings=marks(INTERNAL, 38, 40) + marks(ACME, 20, 40),
            costs=[Cost(side, VPN, cost) for side, cost in ((INTERNAL, 45), (ACME, 90)) for _ in range(20)],
            load={INTERNAL: 0.4, ACME: 1.25},
        ),
    )
    assert not found.confirmed
    assert [str(said) for said in found.but] == [
        "But requesters are less content with provider:acme: 20 of 40 were satisfied, with internal 38 of 40.",
        "But provider:acme costs more: half of such tickets more than 90, with internal 45.",
        "But provider:acme is full: 1.2 hours of work wait for each hour it has in a week.",
    ]


@pytest.mark.parametrize("ours", [90, 200])
def test_what_costs_no_more_is_not_held_against_it(ours: int) -> None:
    costs = [Cost(side, VPN, cost) for side, cost in ((INTERNAL, ours), (ACME, 90)) for _ in range(20)]
    found = recommend(VPN, replace(HISTORY, costs=costs))
    assert found.confirmed and [side.median_cost for side in found.sides] == [ours, 90]


def test_few_answers_of_requesters_tell_nothing() -> None:
    few = replace(HISTORY, ratings=marks(INTERNAL, 9, 9) + marks(ACME, 0, 40))
    assert recommend(VPN, few).confirmed


def test_below_the_minimum_it_is_silent() -> None:
    found = recommend(VPN, History(took(INTERNAL, SLOW) + took(ACME, FAST[:19]), as_of=NOW))
    assert (found.choice, found.confirmed, found.but) == ("", False, ())
    assert words(found) == "Not enough data: provider:acme has solved 19 such tickets, 20 are needed."
    assert found.sides[1].median is None and found.sides[1].median_within == (None, None)


def test_one_side_alone_is_no_comparison() -> None:
    for history in (History(took(INTERNAL, SLOW), as_of=NOW), History((), as_of=NOW)):
        assert words(recommend(VPN, history)).startswith("Not enough data")
    assert words(recommend(Kind(), HISTORY)).startswith("Not enough data")


def test_equals_are_not_told_apart() -> None:
    alike = took(INTERNAL, list(range(1, 60, 2))) + took(ACME, list(range(2, 61, 2)))
    found = recommend(VPN, History(alike, as_of=NOW))
    assert found.choice == "" and "about equally long" in words(found)


def test_the_best_of_three_has_to_be_better_than_both() -> None:
    three = took(INTERNAL, SLOW) + took(ACME, FAST) + took(BOLT, [hour + 1 for hour in FAST])
    assert recommend(VPN, History(three, as_of=NOW)).choice == ""
    three = took(INTERNAL, SLOW) + took(ACME, FAST) + took(BOLT, [hour + 30 for hour in FAST])
    assert recommend(VPN, History(three, as_of=NOW)).choice == ACME


def test_more_comparisons_have_to_be_surer() -> None:
    """Each alone would be chance in 3 of 100."""
    later = [hour + 5 for hour in FAST]
    two = took(ACME, FAST) + took(INTERNAL, later)
    assert recommend(VPN, History(two, as_of=NOW)).choice == ACME
    assert recommend(VPN, History(two + took(BOLT, later), as_of=NOW)).choice == ""


def test_what_is_still_open_counts_against_a_side() -> None:
    """Acme has solved what was easy; as many of its tickets have been open for months."""
    stuck = [Stay(ACME, VPN, NOW - 100 * DAY, None)] * 40
    found = recommend(VPN, replace(HISTORY, stays=[*HISTORY.stays, *stuck]))
    assert found.choice == INTERNAL
    assert [side.median for side in found.sides] == [60 * HOUR, None]
    assert "with provider:acme most are still open" in words(found)


def test_the_closest_kin_that_lets_two_sides_be_compared() -> None:
    wide = replace(VPN, subcategory="wlan")
    found = recommend(VPN, History(took(INTERNAL, SLOW, wide) + took(ACME, FAST, wide), as_of=NOW))
    assert found.basis == (("category", "network"), ("priority", "P3"))
    other = replace(VPN, category="hardware")
    assert recommend(other, HISTORY).sides == ()


def test_the_order_of_the_rows_is_nothing() -> None:
    assert recommend(VPN, replace(HISTORY, stays=list(reversed(HISTORY.stays)))) == recommend(VPN, HISTORY)


# --- stays ---


def test_a_stay_ends_with_the_ticket_s_solution_whoever_found_it() -> None:
    held = [("team:desk", 0), ("team:network", 2 * HOUR), ("provider:acme", 5 * HOUR), ("team:desk", 9 * HOUR)]
    assert stays_of(VPN, held, 10 * HOUR) == [
        Stay(INTERNAL, VPN, 0, 10 * HOUR, 5 * HOUR),
        Stay(ACME, VPN, 5 * HOUR, 10 * HOUR, 9 * HOUR),
        Stay(INTERNAL, VPN, 9 * HOUR, 10 * HOUR),
    ]
    assert stays_of(VPN, [("team:desk", 0), ("provider:acme", 11 * HOUR)], 10 * HOUR) == [
        Stay(INTERNAL, VPN, 0, 10 * HOUR)
    ]
    assert stays_of(VPN, [("provider:acme", 3)], None) == [Stay(ACME, VPN, 3, None)]


def test_handing_on_what_is_hard_makes_nobody_fast() -> None:
    """Internal solves 40 in an hour each and hands 40 on after a day, which then take 100 days."""
    easy = took(INTERNAL, [1] * 40)
    hard = [stay for _ in range(40) for stay in stays_of(VPN, [("team:desk", 0), (ACME, DAY)], 100 * DAY)]
    inside = recommend(VPN, History(easy + hard, as_of=NOW)).sides[0]
    assert (len(inside.finished), inside.p80, inside.passed_on.hits) == (80, 100 * DAY, 40)


def test_a_look_is_no_try() -> None:
    looked = [stay for _ in range(30) for stay in stays_of(VPN, [("team:desk", 0), (ACME, BRIEF - 1)], DAY)]
    inside, outside = recommend(VPN, History(looked, as_of=NOW)).sides
    assert (len(inside.finished), inside.passed_on.hits, len(outside.finished)) == (0, 30, 30)
    assert stays_of(VPN, [("team:desk", 0), (ACME, BRIEF)], DAY)[0].tried
    assert Stay(INTERNAL, VPN, 0, 10 * MINUTE).tried


@pytest.mark.parametrize("shift", [0, 5, 20])
def test_the_comparison_is_as_sure_as_chance_allows(shift: int) -> None:
    """What is told is told only where shuffling who had what would seldom do as well."""
    one, two = list(range(1, 31)), [hour + shift for hour in range(1, 31)]
    chance, pool, real = random.Random(7), one + two, logrank((one, []), (sorted(two), []))
    as_well = 0
    for _ in range(400):
        chance.shuffle(pool)
        as_well += logrank((sorted(pool[:30]), []), (sorted(pool[30:]), [])).statistic >= real.statistic - 1e-9
    assert as_well / 400 == pytest.approx(real.p, abs=0.06)
