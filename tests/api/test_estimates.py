"""What the desk is told of times, of whether they came true, and of who solves such tickets best."""

from __future__ import annotations

import statistics

import pytest
from sqlalchemy import insert

from gateway.insight.estimates import Estimate
from gateway.insight.saying import DAY, HOUR, day_start
from gateway.store import tables
from gateway.store.ids import mint
from tests.api.support import Asking
from tests.insight.world import Past, remember


def past(api: Asking, *more: Past) -> int:
    """40 tickets solved by our desk within 41 to 80 hours, and by acme within 1 to 40, of which it reopened 12; all of
    them months ago. When today began."""
    today = day_start(api.world.rt.now())
    long_ago = today - 60 * DAY
    ours = [Past(long_ago, solved=[(40 + n) * HOUR]) for n in range(1, 41)]
    held = [("provider:acme", 0)]
    theirs = [Past(long_ago, solved=[n * HOUR], held=held) for n in range(1, 29)]
    again = [Past(long_ago, solved=[HOUR // 2, n * HOUR], reopened=[HOUR * 3 // 4], held=held) for n in range(29, 41)]
    remember(api.world.rt.store, [*ours, *theirs, *again, *more])
    return today


def test_an_estimate_says_what_it_is_made_of(api: Asking) -> None:
    past(api)
    told = api.get("agent", "estimates?category=network&subcategory=vpn&priority=P3")
    assert (told["n"], told["open"], told["level"]) == (80, 0, "category+subcategory+priority")
    assert told["p50"] == {"text": "41 hours", "count": 41, "unit": "hour", "seconds": 41 * 3600}
    assert told["basis"] == {"category": "network", "subcategory": "vpn", "priority": "P3"}
    assert told["said"][0] == "Half of such tickets are solved within 41 hours, 8 of 10 within 3 days."
    assert api.get("agent", "estimates?category=hardware")["level"] == "all"


def test_without_a_history_there_is_not_enough_data(api: Asking) -> None:
    told = api.get("admin", "estimates")
    assert (told["enough"], told["p50"], told["p80"], told["n"]) == (False, None, None, 0)
    assert told["said"] == ["Not enough data: 0 solved tickets to compare with, 20 are needed."]
    assert api.get("admin", "estimates/services") == {"items": []}
    assert api.get("admin", "estimates/calibration")["all"]["p80"]["rate"] is None


def test_what_may_be_expected_of_each_service_is_its_estimate(api: Asking) -> None:
    long_ago = day_start(api.world.rt.now()) - 60 * DAY
    mail = [Past(long_ago, solved=[n * HOUR], fields={"service": "Mail & more"}) for n in range(1, 31)]
    past(api, *mail, Past(long_ago, fields={"service": "New"}))
    first, second = api.get("agent", "estimates/services")["items"]
    assert first["service"] == "Mail & more"
    assert first["estimate"] == api.get("agent", "estimates?service=Mail%20%26%20more&category=network")
    assert (first["estimate"]["p50"]["seconds"], first["estimate"]["n"]) == (16 * 3600, 30)
    assert (second["service"], second["estimate"]["enough"], second["estimate"]["open"]) == ("New", False, 1)


def test_times_by_complexity_are_what_the_statistics_module_says(api: Asking) -> None:
    start = day_start(api.world.rt.now()) - 60 * DAY
    hard = {"category": "network", "custom.complexity": "hard"}
    ids = remember(api.world.rt.store, [Past(start, solved=[n * n * HOUR], fields=hard) for n in range(1, 21)])
    remember(api.world.rt.store, [Past(start, solved=[HOUR]), Past(start)])
    with api.world.rt.store.write() as conn:
        rows = [(id, minutes) for id in ids[:6] for minutes in (10, 5)]
        for id, minutes in rows:
            times = {"minutes": minutes, "started_at": 1, "created_at": 1}
            conn.execute(insert(tables.worklog).values(id=mint(), ticket_id=id, author="user:1", **times))
    found = api.get("agent", "estimates/complexity")
    first, second = found["solved"]
    own = [n * n * 60 for n in range(1, 21)]
    assert (first["complexity"], first["n"], first["few"]) == ("hard", 20, False)
    assert (first["least"], first["most"]) == (60, 24000)
    assert (first["mean"], first["median"]) == (statistics.mean(own), statistics.median(own))
    assert first["p90"] == pytest.approx(statistics.quantiles(own, n=10, method="inclusive")[8])
    assert (second["complexity"], second["n"], second["few"]) == ("network", 1, True)
    assert [(one["complexity"], one["n"], one["mean"]) for one in found["worked"]] == [("hard", 6, 15)]


def test_whether_what_was_told_came_true(api: Asking) -> None:
    today = day_start(api.world.rt.now())
    estimate = Estimate(10 * HOUR, 20 * HOUR, 40 * HOUR, 99, 9, (), today).stored()
    told = [Past(today - 30 * DAY, solved=[n * HOUR], estimate=estimate) for n in range(1, 26)]
    past(api, *told)
    found = api.get("agent", "estimates/calibration")
    week = found["weeks"][-1]
    assert (week["n"], week["p50"]["hits"], week["p80"]["hits"], week["p90"]["hits"]) == (25, 10, 20, 25)
    assert (week["p80"]["n"], week["p80"]["rate"], week["verdict"]) == (25, 0.8, "green")
    assert week["p80"]["low"] < 0.8 < week["p80"]["high"]
    assert (found["all"]["n"], found["all"]["untold"], found["all"]["week"]) == (105, 80, None)
    assert (found["promises"]["n"], found["promises"]["rate"]) == (0, None)
    assert [(one["p"], one["n"]) for one in found["losses"]] == [(0.5, 25), (0.8, 25), (0.9, 25)]


def test_a_faster_provider_that_reopens_more_is_told_with_both(api: Asking) -> None:
    past(api)
    id = api.ticket(category="network", subcategory="vpn", impact="medium", urgency="medium")
    found = api.get("agent", f"recommendation?ticket={id}")
    assert (found["choice"], found["confirmed"]) == ("provider:acme", False)
    assert found["because"][0].startswith("provider:acme solves such tickets faster: half within 21 hours (n = 40)")
    assert found["but"] == [
        "But provider:acme reopens more: 12 of its 52 solutions did not hold, with internal 0 of 40."
    ]
    inside, outside = found["sides"]
    assert (inside["side"], inside["n"], inside["median"]["text"]) == ("internal", 40, "3 days")
    assert (outside["reopened"]["hits"], outside["reopened"]["n"]) == (12, 52)
    assert outside["median_low"]["seconds"] < outside["median"]["seconds"] < outside["median_high"]["seconds"]


def test_below_the_minimum_nothing_is_recommended(api: Asking) -> None:
    past(api)
    id = api.ticket(category="hardware")
    found = api.get("agent", f"recommendation?ticket={id}")
    assert (found["choice"], found["sides"]) == (None, [])
    assert found["because"][0].startswith("Not enough data")


def test_only_the_desk_is_told(api: Asking) -> None:
    id = api.ticket(to="acme")
    parts = ("", "/services", "/complexity", "/calibration")
    for path in (*(f"estimates{part}" for part in parts), f"recommendation?ticket={id}"):
        for who, status in (("", 401), ("provider", 403), ("requester", 403), ("agent", 200), ("admin", 200)):
            assert api(who, "GET", path).status_code == status, (who, path)


def test_a_ticket_that_is_not_there(api: Asking) -> None:
    refused = api("agent", "GET", "recommendation?ticket=T-99999")
    assert refused.status_code == 422 and refused.json["errors"][0]["title"] == "no such ticket"
    assert api("agent", "GET", "recommendation").status_code == 422
    assert api("agent", "GET", "estimates?colour=red").status_code == 422
