"""The loopback ServiceNow behaves as the vendor's documentation says."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from connectors.simulators.loopback import Loopback, Request, Response
from connectors.simulators.servicenow import Quota, ServiceNow

PLAIN = {"sysparm_exclude_reference_link": "true"}


class Clock:
    at = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Iterator[ServiceNow]:
    with ServiceNow(clock) as made:
        yield made


class Table:
    """The Table API as an integration calls it."""

    def __init__(self, desk: ServiceNow) -> None:
        self.base = f"{desk.url}/api/now"
        self.session = requests.Session()
        self.session.auth = ("tandem.integration", "let-me-in")

    def call(self, method: str, path: str, **how: Any) -> requests.Response:
        return self.session.request(method, f"{self.base}{path}", timeout=5, **how)

    def create(self, **fields: Any) -> dict[str, Any]:
        reply = self.call("POST", "/table/incident", json=fields, params=PLAIN)
        assert reply.status_code == 201
        return dict(reply.json()["result"])

    def query(self, query: str, **more: Any) -> requests.Response:
        return self.call("GET", "/table/incident", params={**PLAIN, "sysparm_query": query, **more})

    def ids(self, query: str, **more: Any) -> list[str]:
        return [row["correlation_id"] for row in self.query(query, **more).json()["result"]]


@pytest.fixture
def table(desk: ServiceNow) -> Iterator[Table]:
    made = Table(desk)
    yield made
    made.session.close()


def test_wrong_credentials_are_not_authenticated(desk: ServiceNow) -> None:
    reply = requests.get(f"{desk.url}/api/now/table/incident", auth=("tandem.integration", "wrong"), timeout=5)
    assert (reply.status_code, reply.json()["status"]) == (401, "failure")


def test_a_new_incident_has_text_values_defaults_and_a_computed_priority(table: Table) -> None:
    row = table.create(short_description="VPN down", impact=1, urgency="2", priority="5", nonsense="x")
    assert (row["state"], row["priority"], row["sys_mod_count"], row["active"]) == ("1", "2", "0", "true")
    assert row["sys_created_on"] == "2026-11-21 09:00:00"
    assert row["number"].startswith("INC")
    assert "nonsense" not in row
    assert all(isinstance(value, str) for value in row.values())


def test_updates_count_and_unchanged_ones_do_not(table: Table, clock: Clock) -> None:
    row = table.create(short_description="x")
    clock.at += timedelta(seconds=90)
    path = f"/table/incident/{row['sys_id']}"
    changed = table.call("PATCH", path, json={"urgency": "1"}, params=PLAIN).json()["result"]
    assert (changed["sys_mod_count"], changed["sys_updated_on"]) == ("1", "2026-11-21 09:01:30")
    assert table.call("PATCH", path, json={"urgency": "1"}).json()["result"]["sys_mod_count"] == "1"


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"state": "6"}, "Close code, Close notes"),
        ({"state": "7", "close_code": "User error"}, "Close notes"),
        ({"state": "3"}, "On hold reason"),
    ],
)
def test_a_data_policy_answers_403_and_nothing_changes(table: Table, fields: dict[str, str], missing: str) -> None:
    row = table.create(short_description="x")
    path = f"/table/incident/{row['sys_id']}"
    reply = table.call("PATCH", path, json=fields)
    assert reply.status_code == 403
    assert reply.json()["error"]["detail"].endswith(missing)
    assert table.call("GET", path).json()["result"]["state"] == "1"


def test_resolving_with_code_and_notes_is_taken(table: Table) -> None:
    row = table.create(short_description="x")
    fields = {"state": "6", "close_code": "Solution provided", "close_notes": "done"}
    assert table.call("PATCH", f"/table/incident/{row['sys_id']}", json=fields).json()["result"]["state"] == "6"


def test_too_long_text_is_cut_without_a_word(table: Table) -> None:
    assert len(table.create(short_description="x" * 200)["short_description"]) == 160


def test_journal_fields_read_back_empty_and_are_listed_by_user_name(table: Table) -> None:
    row = table.create(short_description="x")
    path = f"/table/incident/{row['sys_id']}"
    after = table.call("PATCH", path, json={"comments": "for all", "work_notes": "for us"}).json()["result"]
    assert (after["comments"], after["work_notes"], after["sys_mod_count"]) == ("", "", "1")
    query = f"element_id={row['sys_id']}^elementINwork_notes,comments^ORDERBYsys_created_on"
    found = table.call("GET", "/table/sys_journal_field", params={"sysparm_query": query}).json()["result"]
    assert {(each["element"], each["value"]) for each in found} == {("comments", "for all"), ("work_notes", "for us")}
    assert {each["sys_created_by"] for each in found} == {"tandem.integration"}


def test_references_are_objects_unless_asked_plain_and_nobody_is_stored_as_nothing(
    table: Table, desk: ServiceNow
) -> None:
    caller = desk.user("alice", "alice@customer.example", "Alice")
    row = table.create(short_description="x", caller_id=caller, assigned_to="nobody")
    assert (row["caller_id"], row["assigned_to"]) == (caller, "")
    shown = table.call("GET", f"/table/incident/{row['sys_id']}").json()["result"]
    assert shown["caller_id"]["value"] == caller
    assert shown["assigned_to"] == ""


def test_queries_filter_sort_and_ignore_what_they_do_not_know(table: Table, clock: Clock) -> None:
    for name in ("c", "a", "b"):
        table.create(short_description=name, correlation_id=name, category="network" if name == "a" else "software")
        clock.at += timedelta(seconds=1)
    assert table.ids("correlation_id=b") == ["b"]
    assert table.ids("correlation_idINa,c^ORDERBYcorrelation_id") == ["a", "c"]
    assert table.ids("sys_updated_on>=2026-11-21 09:00:01^ORDERBYDESCsys_updated_on") == ["b", "a"]
    assert table.ids("correlation_id=a^ORcorrelation_id=b^ORDERBYsys_updated_on") == ["a", "b"]
    assert table.ids("sys_idISNOTEMPTY^category=network") == ["a"]
    assert table.ids("no_such_column=1^ORDERBYcorrelation_id") == ["a", "b", "c"]
    assert table.ids("correlation_id~b^ORDERBYcorrelation_id") == ["a", "b", "c"]
    assert table.ids("correlation_id=x^ORactive=true") == ["c", "a", "b"]


def test_pages_link_on_and_a_hidden_row_makes_one_short(table: Table, desk: ServiceNow) -> None:
    rows = [table.create(short_description=str(number), correlation_id=str(number)) for number in range(5)]
    desk.hidden = {rows[0]["sys_id"], rows[1]["sys_id"]}
    reply = table.query("sys_idISNOTEMPTY^ORDERBYnumber", sysparm_limit=2)
    assert reply.json()["result"] == []
    assert reply.headers["X-Total-Count"] == "5"
    seen = []
    while "next" in reply.links:
        reply = table.session.get(reply.links["next"]["url"], timeout=5)
        seen += [row["correlation_id"] for row in reply.json()["result"]]
    assert seen == ["2", "3", "4"]
    assert set(reply.links) == {"first", "prev", "last"}
    assert table.call("GET", f"/table/incident/{rows[0]['sys_id']}").status_code == 404


def test_files_hang_on_the_record_and_their_bytes_come_back(table: Table) -> None:
    row = table.create(short_description="x")
    where = {"table_name": "incident", "table_sys_id": row["sys_id"], "file_name": "a b.bin"}
    data = bytes(range(256))
    made = table.call("POST", "/attachment/file", params=where, data=data, headers={"Content-Type": "image/png"})
    assert made.status_code == 201
    query = {"sysparm_query": f"table_name=incident^table_sys_id={row['sys_id']}"}
    (listed,) = table.call("GET", "/attachment", params=query).json()["result"]
    assert (listed["file_name"], listed["size_bytes"], listed["content_type"]) == ("a b.bin", "256", "image/png")
    assert table.call("GET", f"/attachment/{listed['sys_id']}/file").content == data


def test_choices_and_columns_can_be_read(table: Table) -> None:
    params = {"sysparm_query": "nameINtask,incident^element=state^inactive=false", "sysparm_fields": "value,label"}
    states = table.call("GET", "/table/sys_choice", params=params).json()["result"]
    assert {"value": "3", "label": "On Hold"} in states
    assert len(states) == 6
    params = {"sysparm_query": "name=incident^elementSTARTSWITHu_"}
    columns = table.call("GET", "/table/sys_dictionary", params=params).json()["result"]
    assert {each["element"] for each in columns} == {"u_symptom", "u_category"}


def test_a_rate_limit_says_when_it_ends(table: Table, desk: ServiceNow, clock: Clock) -> None:
    now = int(clock().timestamp())
    desk.quota = Quota(limit=2, window=30, left=2, reset=now + 30)
    assert [table.query("").status_code for _ in range(3)] == [200, 200, 429]
    refused = table.query("")
    assert refused.headers["Retry-After"] == "30"
    assert refused.headers["X-RateLimit-Reset"] == str(now + 30)
    clock.at += timedelta(seconds=30)
    assert table.query("").status_code == 200


def test_a_deleted_row_is_not_found(table: Table) -> None:
    row = table.create(short_description="x")
    assert table.call("DELETE", f"/table/incident/{row['sys_id']}").status_code == 204
    assert table.call("GET", f"/table/incident/{row['sys_id']}").status_code == 404


def test_the_scripted_webhook_is_signed_in_base64_and_carries_the_record(clock: Clock) -> None:
    came: list[Request] = []
    with (
        Loopback(lambda request: (came.append(request), Response(202))[1]) as hook,
        ServiceNow(clock, webhook=f"{hook.url}/hooks/sn", secret="s") as desk,
    ):
        desk.insert("paula", {"short_description": "x", "comments": "not in the webhook"})
        assert desk.sender is not None
        assert desk.sender.flush()
    (request,) = came
    stamp = request.headers["x-tandem-timestamp"]
    good = hmac.new(b"s", f"{stamp}.".encode() + request.body, "sha256").digest()
    assert request.headers["x-tandem-signature"] == base64.b64encode(good).decode()
    body = json.loads(request.body)
    assert (body["operation"], body["sys_updated_by"]) == ("insert", "paula")
    assert body["record"]["sys_id"] == body["sys_id"]
    assert b"not in the webhook" not in request.body
