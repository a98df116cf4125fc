"""The published figures are those of the estimates, and the table is what the statistics module says."""

from __future__ import annotations

import random
import statistics

import pytest

from gateway.insight.cases import Case, Kind
from gateway.insight.estimates import Known
from gateway.insight.expected import by_complexity, published
from gateway.insight.saying import DAY, HOUR
from gateway.insight.survival import quantiles


def test_the_table_is_what_the_statistics_module_says() -> None:
    chance = random.Random(3)
    times = [(chance.choice(["easy", "hard"]), chance.expovariate(1 / 40)) for _ in range(200)]
    for row in by_complexity(times):
        own = [time for complexity, time in times if complexity == row.complexity]
        assert (row.n, row.least, row.most) == (len(own), min(own), max(own))
        assert row.mean == pytest.approx(statistics.mean(own))
        assert row.median == pytest.approx(statistics.median(own))
        assert row.p90 == pytest.approx(statistics.quantiles(own, n=10, method="inclusive")[8])
        assert not row.few


def test_few_are_marked() -> None:
    rows = by_complexity([("rare", 3.0)] + [("usual", float(n)) for n in range(5)] + [("odd", 1.0)] * 4)
    assert [(row.complexity, row.n, row.few) for row in rows] == [
        ("odd", 4, True),
        ("rare", 1, True),
        ("usual", 5, False),
    ]
    assert rows[1].p90 == rows[1].least == 3.0
    assert by_complexity([]) == []


def test_what_is_published_of_a_service_is_its_estimate() -> None:
    cases = [Case(0, hour * HOUR, Kind("a", "b", "P1"), "Mail") for hour in range(1, 31)]
    known = Known([*cases, Case(DAY, None, Kind(), "Mail"), Case(0, 1, Kind(), "New")], 9 * DAY)
    (mail, told), (new, silent) = published(known)
    assert (mail, told.open, told.level, told.as_of) == ("Mail", 1, "service", 9 * DAY)
    assert [told.p50, told.p80, told.p90] == quantiles([h * HOUR for h in range(1, 31)], [8 * DAY], (0.5, 0.8, 0.9))
    assert str(told.said()[1]) == "From 30 solved and 1 open tickets of this service, as of 1970-01-10."
    assert (new, silent.enough, silent.finished) == ("New", False, 1)
