"""Curves of what has ended and what has not: by hand, against a second method, and what must always hold."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.insight.survival import band, curve, interval, logrank, quantiles, reached

TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], list[int]()
"""Weeks of remission of 42 children with leukaemia (Freireich et al. 1963, Blood 21, 699-716), the example of the
textbooks: ended, and still under way."""

times = st.lists(st.integers(0, 30), max_size=40).map(sorted)
shares = st.sampled_from([Fraction(n, 20) for n in range(1, 20)])


def by_hand_to_the_right(finished: list[int], ages: list[int], share: Fraction) -> int | None:
    """When so much has ended: Efron's way (1967), in fractions. Everybody weighs the same; the weight of one still
    under way goes in equal parts to all who stay longer. O(n^2) and more; shares no line with the curve."""
    people = sorted([(time, 0) for time in finished] + [(age, 1) for age in ages])
    weights = [Fraction(1, len(people))] * len(people)
    for place, (_, still) in enumerate(people):
        later = len(people) - place - 1
        if still and later:
            for other in range(place + 1, len(people)):
                weights[other] += weights[place] / later
            weights[place] = Fraction(0)
    for time in sorted(set(finished)):
        if sum(w for (t, still), w in zip(people, weights, strict=True) if not still and t <= time) >= share:
            return time
    return None


def test_the_textbook_s_curve() -> None:
    found = {time: (at_risk, ended, round(left, 3)) for time, at_risk, ended, left in curve(*TREATED)}
    assert found == {
        6: (21, 3, 0.857), 7: (17, 1, 0.807), 10: (15, 1, 0.753), 13: (12, 1, 0.690), 16: (11, 1, 0.627),
        22: (7, 1, 0.538), 23: (6, 1, 0.448),
    }  # fmt: skip


def test_the_textbook_s_medians_with_their_intervals() -> None:
    assert (reached(*PLACEBO, [0.5]), interval(*PLACEBO, 0.5)) == ([8], (4, 11))
    assert (reached(*TREATED, [0.5]), interval(*TREATED, 0.5)) == ([23], (13, None))


def test_the_textbook_s_band() -> None:
    """As Stata lists it for these data (``sts list``): log-minus-log, 95 %."""
    found = {time: (round(low, 4), round(high, 4)) for time, low, high in band(*TREATED)}
    assert found == {
        6: (0.6197, 0.9516), 7: (0.5631, 0.9228), 10: (0.5032, 0.8894), 13: (0.4316, 0.8491), 16: (0.3675, 0.8049),
        22: (0.2678, 0.7468), 23: (0.1881, 0.6801),
    }  # fmt: skip
    assert list(band(*PLACEBO))[-1] == (23, 0.0, 0.0)


def test_the_textbook_s_comparison() -> None:
    found = logrank(PLACEBO, TREATED)
    assert found.statistic == pytest.approx(16.793, abs=5e-4)
    assert found.more == pytest.approx(10.251, abs=5e-4)
    assert found.p == pytest.approx(4.17e-5, rel=1e-2)
    other = logrank(TREATED, PLACEBO)
    assert (other.more, other.statistic) == (pytest.approx(-found.more), pytest.approx(found.statistic))


def test_by_hand() -> None:
    """Ended after 1, 2, 4; still under way at 2 and 3. Left: 4/5, then 4/5 * 3/4 = 3/5, then 3/5 * 0 = 0."""
    assert [(time, at_risk, round(left, 6)) for time, at_risk, _, left in curve([1, 2, 4], [2, 3])] == [
        (1, 5, 0.8), (2, 4, 0.6), (4, 1, 0.0),
    ]  # fmt: skip
    assert reached([1, 2, 4], [2, 3], [0.2, 0.4, 0.41]) == [1, 2, 4]


def test_nothing_ended_says_nothing() -> None:
    assert quantiles([], [1, 2], [0.5, 0.9]) == [None, None]
    assert quantiles([], [], [0.5]) == [None]


@given(times, times, shares)
def test_it_is_what_the_other_way_finds(finished: list[int], ages: list[int], share: Fraction) -> None:
    if finished:
        assert reached(finished, ages, [float(share)]) == [by_hand_to_the_right(finished, ages, share)]


@given(times, shares)
def test_without_open_ones_it_is_the_conformal_rank(finished: list[int], share: Fraction) -> None:
    rank = math.ceil((len(finished) + 1) * share)
    assert quantiles(finished, [], [float(share)]) == [finished[rank - 1] if rank <= len(finished) else None]


@given(times, times)
def test_a_larger_share_takes_no_less(finished: list[int], ages: list[int]) -> None:
    found = [math.inf if time is None else time for time in quantiles(finished, ages, [n / 20 for n in range(1, 20)])]
    assert found == sorted(found)


@given(times, times, shares, st.integers(0, 30))
def test_open_ones_never_shorten(finished: list[int], ages: list[int], share: Fraction, age: int) -> None:
    """Neither one more of them, whatever its age, nor one that had ended and is only known not to have by then."""
    before = quantiles(finished, ages, [float(share)])[0]
    more = quantiles(finished, sorted([*ages, age]), [float(share)])[0]
    assert more is None or (before is not None and more >= before)
    for place, time in enumerate(finished):
        less = quantiles(finished[:place] + finished[place + 1 :], sorted([*ages, time]), [float(share)])[0]
        assert less is None or (before is not None and less >= before)


def test_open_ones_of_no_age_do_not_make_it_surer() -> None:
    twenty = list(range(1, 21))
    assert quantiles(twenty, [0] * 1000, [0.94]) == quantiles(twenty, [], [0.94]) == [20]


@given(times.filter(lambda found: len(found) > 1))
def test_the_median_of_what_ended_is_the_median(finished: list[int]) -> None:
    assert reached(finished, [], [0.5]) == [statistics.median_low(finished)]


@given(times, times)
def test_an_interval_holds_its_quantile(finished: list[int], ages: list[int]) -> None:
    (middle,) = reached(finished, ages, [0.5])
    low, high = interval(finished, ages, 0.5)
    if middle is not None:
        assert low is not None and low <= middle and (high is None or middle <= high)
