"""The real log's replay: every row once, in each incident's order, ending where the log ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.simulators.servicenow import ServiceNow
from connectors.simulators.servicenow_log import Replay, digits, known, moment, read

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "sample_uci_incidents.csv"
HEAD = """
number incident_state active reassignment_count reopen_count sys_mod_count made_sla caller_id opened_by
opened_at sys_created_by sys_created_at sys_updated_by sys_updated_at contact_type location category
subcategory u_symptom cmdb_ci impact urgency priority assignment_group assigned_to knowledge
u_priority_confirmation notify problem_id rfc vendor caused_by closed_code resolved_by resolved_at closed_at
"""


def row(number: str, state: str, count: int, at: str, **more: str) -> dict[str, str]:
    values = dict.fromkeys(HEAD.split(), "?")
    values |= {"number": number, "incident_state": state, "sys_mod_count": str(count), "sys_updated_at": at}
    values |= {
        "opened_at": "29/2/2016 06:10",
        "impact": "2 - Medium",
        "urgency": "2 - Medium",
        "priority": "3 - Moderate",
    }
    return {**values, "active": "true", "reassignment_count": "0", "reopen_count": "0", "made_sla": "true", **more}


@pytest.fixture
def desk() -> Iterator[ServiceNow]:
    with ServiceNow(lambda: datetime(2026, 11, 21, tzinfo=UTC)) as made:
        yield made


def test_rows_are_applied_by_time_and_within_an_incident_by_count(desk: ServiceNow) -> None:
    rows = [
        row("A", "Closed", 2, "1/3/2016 09:00"),  # earlier than its predecessor, as five rows of the log are
        row("A", "New", 0, "1/3/2016 08:00"),
        row("A", "-100", 1, "1/3/2016 10:00"),
        row("B", "Awaiting Vendor", 0, "1/3/2016 08:30", caller_id="Caller  7"),
    ]
    replay = Replay(desk, rows)
    assert [(each.number, each.row["state"]) for each in replay.steps] == [
        ("A", "1"),
        ("B", "3"),
        ("A", "-100"),
        ("A", "7"),
    ]
    assert [each.at for each in replay.steps] == sorted(each.at for each in replay.steps)
    assert replay.run() == 4
    assert replay.step() is None
    incidents = desk.tables["incident"]
    final = replay.final()
    assert {each["number"]: each for each in incidents.values()} == {
        number: dict(last) for number, last in final.items()
    }
    assert final["B"]["hold_reason"] == "4"
    caller = desk.tables["sys_user"][final["B"]["caller_id"]]
    assert (caller["name"], caller["email"]) == ("Caller 7", "caller.7@example.com")


def test_the_logs_own_ways_are_read() -> None:
    assert moment("9/3/2016 06:05") == "2016-03-09 06:05:00"
    assert moment("?") == ""
    assert known("Opened by  8") == "Opened by 8"
    assert (digits("code 10"), digits("?")) == (10, 0)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real log is not on this machine")
def test_the_whole_sample_is_replayed_to_its_final_states(desk: ServiceNow) -> None:
    rows = read(SAMPLE)
    replay = Replay(desk, rows)
    assert replay.run() == len(rows) == 6038
    last: dict[str, dict[str, str]] = {}
    for each in rows:
        if int(each["sys_mod_count"]) >= int(last.get(each["number"], {"sys_mod_count": "-1"})["sys_mod_count"]):
            last[each["number"]] = each
    by_number = {each["number"]: each for each in desk.tables["incident"].values()}
    assert len(by_number) == len(last) == 828
    for number, want in last.items():
        have = by_number[number]
        assert (have["sys_mod_count"], have["impact"]) == (want["sys_mod_count"], want["impact"][0])
        assert (have["state"] == "7") == (want["incident_state"] == "Closed")


FULL = SAMPLE.with_name("uci_incident_event_log_full.csv.xz")


@pytest.mark.skipif(not FULL.exists(), reason="the real log is not on this machine")
def test_the_bad_states_are_five_rows_of_two_incidents(desk: ServiceNow) -> None:
    replay = Replay(desk, read(FULL, holding="-100"))
    assert [each.row["state"] for each in replay.steps].count("-100") == 5
    assert set(replay.final()) == {"INC0028089", "INC0030413"}
    assert {each["state"] for each in replay.final().values()} == {"7"}
