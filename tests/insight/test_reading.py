"""Histories out of the database: when a ticket was solved so that it held, who had it, what its requester was told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.insight.cases import Case, Kind
from gateway.insight.estimates import Estimate
from gateway.insight.reading import QUARTER, Histories, cases, history, loads
from gateway.insight.recommend import INTERNAL, Mark, Stay
from gateway.insight.saying import DAY, HOUR
from gateway.store.db import Road, Store
from tests.insight.world import Past, remember

VPN = Kind("network", "vpn", "P3")
NETWORK = {"category": "network", "subcategory": "vpn"}
START = 100 * DAY


def read(store: Store, since: int = 0) -> list[Case]:
    with store.road() as road:
        return list(cases(road, since).values())


def test_the_solution_that_held_is_the_last_one(store: Store) -> None:
    remember(
        store,
        [
            Past(START, solved=[5 * HOUR, 50 * HOUR], reopened=[20 * HOUR]),
            Past(START + 1, solved=[5 * HOUR], reopened=[20 * HOUR], fields={**NETWORK, "custom.complexity": "hard"}),
            Past(START + 2, solved=[7 * HOUR], status="closed", fields={"service": "Mail"}, priority="P1"),
            Past(START + 3),
        ],
    )
    assert sorted(read(store), key=lambda case: case.created) == [
        Case(START, START + 50 * HOUR, VPN, complexity="network"),
        Case(START + 1, None, VPN, complexity="hard"),
        Case(START + 2, START + 2 + 7 * HOUR, Kind("", "", "P1"), "Mail"),
        Case(START + 3, None, VPN, complexity="network"),
    ]


def test_what_tells_nothing_of_a_time_is_left_out(store: Store) -> None:
    remember(
        store,
        [
            Past(START, status="cancelled"),
            Past(START, kind="problem"),
            Past(START, status="closed", clocks=False),
            Past(START, clocks=False),
            Past(START, solved=[9 * DAY], clocks_since=2 * DAY),
            Past(START - 1),
        ],
    )
    assert read(store, START) == []
    assert len(read(store, START - 1)) == 1


def test_what_was_told_is_read_as_it_was_said(store: Store) -> None:
    told = Estimate(50 * HOUR, 100 * HOUR, None, 30, 2, (), START).stored()
    remember(store, [Past(START, estimate=told)])
    assert read(store)[0].told == (3 * DAY, 5 * DAY, None)


def test_each_side_s_stays_and_solutions(store: Store) -> None:
    now = START + 60 * DAY
    held = [("team:desk", 0), ("team:net", HOUR), ("provider:acme", 3 * HOUR), ("team:desk", 30 * HOUR)]
    remember(store, [Past(START, solved=[5 * HOUR, 50 * HOUR], reopened=[20 * HOUR], held=held), Past(now + 1)])
    with store.road() as road:
        found = history(road, cases(road, 0), now)
    end = START + 50 * HOUR
    assert list(found.stays) == [
        Stay(INTERNAL, VPN, START, end, START + 3 * HOUR),
        Stay("provider:acme", VPN, START + 3 * HOUR, end, START + 30 * HOUR),
        Stay(INTERNAL, VPN, START + 30 * HOUR, end),
    ]
    assert list(found.solutions) == [Mark("provider:acme", VPN, True), Mark(INTERNAL, VPN, False)]
    with store.road() as road:
        early = history(road, cases(road, 0), START + 2 * HOUR)
    assert list(early.stays) == [Stay(INTERNAL, VPN, START, None)]


def test_a_solution_counts_when_it_has_had_its_time_to_be_taken_back(store: Store) -> None:
    remember(store, [Past(START, solved=[HOUR], held=[("provider:acme", 0)])])
    with store.road() as road:
        known = cases(road, 0)
        assert list(history(road, known, START + HOUR + 7 * DAY - 1).solutions) == []
        assert list(history(road, known, START + HOUR + 7 * DAY).solutions) == [Mark("provider:acme", VPN, False)]


def test_who_comes_back_after_weeks_has_something_new(store: Store) -> None:
    remember(store, [Past(START, solved=[HOUR, 30 * DAY], reopened=[20 * DAY])])
    with store.road() as road:
        found = history(road, cases(road, 0), START + 60 * DAY)
    assert [mark.hit for mark in found.solutions] == [False, False]


def test_load_is_the_open_work_of_each_side(store: Store) -> None:
    remember(store, [Past(START, held=[("provider:acme", 0)])] * 20)
    remember(store, [Past(START, solved=[1], held=[("provider:acme", 0)])])
    with store.road() as road:
        teams = road.rows("select count(*) from team")[0][0]
    remember(store, [Past(START)] * 10)
    with store.road() as road:
        assert loads(road) == {"provider:acme": 0.5, INTERNAL: 10 / (40 * teams)}


def test_a_day_is_told_from_what_was_known_when_it_began(store: Store) -> None:
    past = [Past(START + n * HOUR, solved=[n * HOUR]) for n in range(1, 31)]
    remember(store, past)
    kept = Histories(store)
    noon = START + 20 * DAY + 12 * HOUR
    first = kept.estimate({"category": "network", "subcategory": "vpn", "priority": "P3"}, noon)
    assert (first.p50, first.finished, first.as_of) == (16 * HOUR, 30, START + 20 * DAY)
    remember(store, [Past(START + 20 * DAY + HOUR, solved=[HOUR])])
    assert kept.known(noon + HOUR) is kept.known(noon)
    assert kept.estimate({}, noon).finished == 30
    assert kept.estimate({}, noon + DAY).finished == 31


def test_whoever_holds_a_lock_waits_for_nobody_who_reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next day is being read by another thread, slowly; what was read before is there."""
    remember(store, [Past(START, solved=[n * HOUR]) for n in range(1, 31)])
    kept, reading, go_on = Histories(store), threading.Event(), threading.Event()
    assert kept.ready({}) is None
    kept.known(START + 20 * DAY)

    def slowly(road: Road, since: int) -> dict[int, Case]:
        reading.set()
        assert go_on.wait(30)
        return {}

    monkeypatch.setattr("gateway.insight.reading.cases", slowly)
    with ThreadPoolExecutor() as pool:
        other = pool.submit(kept.known, START + 21 * DAY)
        assert reading.wait(30)
        found = pool.submit(kept.ready, {}).result(30)
        go_on.set()
        assert found is not None and found.finished == 30
        assert other.result(30).as_of == START + 21 * DAY


def test_forecasts_are_of_the_last_quarter(store: Store) -> None:
    now = START + 200 * DAY
    told = Estimate(HOUR, 2 * HOUR, 3 * HOUR, 30, 2, (), START).stored()
    old = [Past(START, solved=[n * HOUR]) for n in range(1, 31)]
    new = [Past(now - QUARTER + DAY, solved=[HOUR]), Past(now - 2 * DAY, solved=[2 * HOUR], estimate=told)]
    remember(store, [*old, *new])
    first, second = Histories(store).forecasts(now)
    assert (first.told[0], first.took, first.base[0]) == (16 * HOUR, HOUR, 16 * HOUR)
    assert (second.told, second.took) == ((HOUR, 2 * HOUR, 3 * HOUR), 2 * HOUR)
