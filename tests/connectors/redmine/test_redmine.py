"""Redmine by recordings of Redmine 5.0.4."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival, File
from connectors.errors import Gone, Refused, Unauthorized
from connectors.rest import Rest
from connectors.signing import sign
from connectors.simulators.desk import Clock
from connectors.simulators.loopback import Request, Response
from connectors.simulators.redmine import Redmine as Simulated
from tests.connectors.support import FIXTURES, NOW, Scripted, context, recorded, replay

ROUTES = {
    "GET /users/current.json": "00_current_user",
    "POST /issues.json": "10_issue_create",
    "GET /issues/1.json": "20_issue_history",
    "PUT /issues/1.json": "12_status_update",
    "GET /issues.json": "30_changed_since",
    "GET /time_entries.json": "34_time_entries",
    "POST /time_entries.json": "19_worklog",
    "POST /uploads.json": "15_upload",
    "GET /issue_statuses.json": "04_statuses",
    "GET /enumerations/issue_priorities.json": "05_priorities",
    "GET /custom_fields.json": "07_custom_fields",
}

KEY = {"x-redmine-api-key": "redmine-api-key-1"}


def answer(request: Request) -> Response:
    if request.path == "/projects/escalations.json":
        return Response.of({"project": {"id": 1, "identifier": "escalations"}})
    if request.path.startswith("/projects/escalations/"):
        return Response.of({"issue_categories": [{"id": 1, "name": "Network"}]})
    if request.path.startswith("/attachments/download/1"):
        return Response(200, b"\x89PNG", "image/png")
    return replay(f"redmine/{ROUTES.get(f'{request.method} {request.path}', '55_not_found')}.json")


@pytest.fixture
def desk() -> Iterator[Scripted]:
    with Scripted(answer) as made:
        yield made


def redmine(desk: Scripted | None = None, **more: Any) -> Rest:
    settings = {
        "url": desk.url if desk else "http://127.0.0.1:9",
        "project": "escalations",
        "tracker": "1",
        "reference_field": "1",
        "activity": 8,
    }
    made = registry.build("redmine", **{"settings": settings, "secrets": {"key": "api-key", "webhook": "hook"}, **more})
    assert isinstance(made, Rest)
    return made


def test_check(desk: Scripted) -> None:
    found = redmine(desk).check(context(desk.port))
    assert found.me == {"5", "gateway"} and found.values["project_id"] == "1"
    assert desk.asked[0].headers["x-redmine-api-key"] == "api-key"


def test_an_issue_as_a_record_with_its_notes_and_files(desk: Scripted) -> None:
    record = redmine(desk).fetch(context(desk.port), "1")
    assert (record.id, record.version, record.author, record.state) == ("1", "2026-11-21T21:35:36Z", "5", "live")
    assert record.fields == {
        "subject": "VPN down for finance — Zürich ☂",
        "description": "Users cannot connect since 08:00.\nError 809.",
        "status": "2",
        "priority": "4",
        "assignee": "6",
        "category": None,
        "due": "2026-11-23",
        "custom:1": "GW-1001",
        "custom:2": "Medium",
        "custom:3": "Medium",
        "custom:4": "LT-001",
    }
    assert [(c.id, c.author, c.channel, c.text) for c in record.comments] == [
        ("2", "6", "note", "We are looking into it."),
        ("3", "6", "private_note", "Internal: suspect the concentrator."),
        ("4", "5", "note", "screenshot"),
    ]
    assert [(f.id, f.name, f.size, f.mime) for f in record.files] == [("1", "screen.png", 70, "image/png")]
    assert record.complete and len(desk.asked) == 1, "one call for all of it"
    assert b"".join(redmine(desk).file(context(desk.port), record.files[0])) == b"\x89PNG"


def test_an_issue_of_another_project_has_left(desk: Scripted) -> None:
    assert redmine(desk, found={"project_id": "2"}).fetch(context(desk.port), "1").state == "left"


def test_create_and_update(desk: Scripted) -> None:
    made, ctx = redmine(desk), context(desk.port)
    fields = {"subject": "x", "priority": "3", "due": "2026-11-23", "custom:2": "High", "assignee": None}
    receipt = made.create(ctx, fields, "TDM-AAAA-7", "key")
    assert desk.asked[0].json() == {
        "issue": {
            "project_id": "escalations",
            "tracker_id": 1,
            "subject": "x",
            "priority_id": 3,
            "due_date": "2026-11-23",
            "custom_fields": [{"id": 2, "value": "High"}, {"id": 1, "value": "TDM-AAAA-7"}],
            "assigned_to_id": None,
        }
    }
    assert receipt.id == "1" and receipt.record is not None and receipt.record.fields["custom:1"] == "GW-1001"
    receipt = made.update(ctx, "1", {"status": "2"}, None)
    assert desk.asked[1].json() == {"issue": {"status_id": 2}} and len(desk.asked) == 2
    assert (receipt.id, receipt.record, receipt.read_back) == ("1", None, "fetch"), "204 says nothing"


def test_notes_files_and_time(desk: Scripted) -> None:
    made, ctx = redmine(desk), context(desk.port)
    content = b"\x89PNG"
    file = File("scr een.png", "image/png", 4, hashlib.sha256(content).hexdigest(), lambda: io.BytesIO(content))
    made.comment(ctx, "1", "note", "hello", ["staff", "requester"])
    made.comment(ctx, "1", "private_note", "psst", ["staff"])
    assert made.attach(ctx, "1", "note", file, ["staff", "requester"]).id == "1"
    assert made.worklog(ctx, "1", 30, "remote session", NOW).id == "1"
    assert [request.json() for request in desk.asked if request.path != "/uploads.json"] == [
        {"issue": {"notes": "hello", "private_notes": False}},
        {"issue": {"notes": "psst", "private_notes": True}},
        {
            "issue": {
                "uploads": [
                    {
                        "token": recorded("redmine/15_upload.json")["response"]["json"]["upload"]["token"],
                        "filename": "scr een.png",
                        "content_type": "image/png",
                    }
                ]
            }
        },
        {
            "time_entry": {
                "issue_id": "1",
                "hours": 0.5,
                "activity_id": 8,
                "comments": "remote session",
                "spent_on": "2026-11-21",
            }
        },
    ]
    upload = next(request for request in desk.asked if request.path == "/uploads.json")
    assert (upload.headers["content-type"], upload.query, upload.body) == (
        "application/octet-stream",
        {"filename": "scr een.png"},
        content,
    )


@pytest.mark.parametrize(
    ("name", "outcome", "said"),
    [
        ("50_create_invalid", Refused, "Subject cannot be blank"),
        ("51_create_bad_project", Refused, "Project"),
        ("55_not_found", Gone, "status 404"),
        ("01_unauthorized", Unauthorized, "status 401"),
    ],
)
def test_recorded_refusals(name: str, outcome: type[Exception], said: str) -> None:
    with Scripted(lambda request: replay(f"redmine/{name}.json")) as desk, pytest.raises(outcome, match=said):
        redmine(desk).update(context(desk.port), "1", {"subject": "x"}, None)


def test_find_with_a_field_that_is_no_filter_finds_nothing(desk: Scripted) -> None:
    hits = redmine(desk).find(context(desk.port), "TDM-AAAA-7")
    assert hits == [] and desk.asked[0].query["cf_1"] == "TDM-AAAA-7"
    assert [hit.id for hit in redmine(desk).find(context(desk.port), "GW-1001")] == ["1"]


def test_feeds(desk: Scripted) -> None:
    made, ctx = redmine(desk), context(desk.port)
    page = made.changed(ctx, "issues", None)
    assert [change.record_id for change in page.changes] == ["1"] and page.done
    assert desk.asked[0].query["updated_on"] == ">=1970-01-01T00:00:00Z" and desk.asked[0].query["status_id"] == "*"
    page = made.changed(ctx, "worklogs", None)
    (change,) = page.changes
    assert change.item is not None
    assert (change.record_id, change.author, change.item.id, change.item.minutes) == ("1", "5", "1", 30)


def test_a_forbidden_list_is_left_out(desk: Scripted) -> None:
    made = redmine(desk)
    catalogue = made.describe(context(desk.port))
    assert catalogue.doc["fields"]["status"]["values"]["5"] == "Closed"
    assert catalogue.doc["fields"]["custom:2"]["values"] == {"High": "High", "Medium": "Medium", "Low": "Low"}
    desk.faults.plan("status", status=403, path="custom_fields")
    lists = made.lists(context(desk.port))
    assert "custom_fields" not in lists and "statuses" in lists
    declared = {"fields": {"custom:2": {"type": "choice", "values": {"High": "High"}}}}
    catalogue = made.catalogue(lists, declared)
    assert catalogue.sources["custom:2"] == "declared" and catalogue.sources["custom:1"] == "manifest"


def test_values_are_checked_once_the_lists_are_known(desk: Scripted) -> None:
    lists = redmine(desk).lists(context(desk.port))
    with pytest.raises(Refused) as caught:
        redmine(desk, lists=lists).update(context(desk.port), "1", {"status": "99"}, None)
    assert caught.value.field == "status"


HOOKS: list[dict[str, Any]] = json.loads((FIXTURES / "redmine/webhooks.json").read_text("utf-8"))


@pytest.mark.parametrize("payload", HOOKS, ids=lambda hook: hook["delivery"])
def test_recorded_webhooks(payload: dict[str, Any]) -> None:
    made, body = redmine(verify="script"), json.dumps(payload).encode()
    scheme = registry.manifest("redmine").part("webhook", "verify", "script")
    headers = sign(scheme, body, "hook", {"X-RT-Timestamp": str(int(NOW.timestamp()))})
    arrival = Arrival("POST", {}, {name.lower(): value for name, value in headers.items()}, body)
    assert made.verify(arrival, NOW).delivery == payload["delivery"]
    (event,) = made.parse(arrival)
    assert event.kind == ("created" if payload["event"] == "issue.created" else "changed")
    assert event.record_id == "1"
    assert event.actor == (payload["journal"]["user"] if payload.get("journal") else None)


def test_the_simulator_gives_the_second_before_too_as_a_real_one_does() -> None:
    clock = Clock(NOW)
    sim = Simulated(clock)
    ids = []
    for after in (0.0, 0.4, 0.6):
        clock.forward(after)
        ids.append(int(sim.open_record(f"after {after}")))
    asked = Request(
        "GET", "/issues.json", {"updated_on": f">={NOW + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"}, KEY, b""
    )
    rows = sim.answer(asked).body
    assert [row["id"] for row in json.loads(rows)["issues"]] == ids[1:]
    assert json.loads(rows)["issues"][0]["updated_on"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    sim.stop()


def put(sim: Simulated, id: str, **issue: Any) -> Response:
    return sim.answer(Request("PUT", f"/issues/{id}.json", {}, KEY, json.dumps({"issue": issue}).encode()))


def test_the_simulator_passes_over_a_status_at_creation_as_a_real_one_does() -> None:
    sim = Simulated(Clock(NOW))
    issue = {"project_id": "escalations", "subject": "x", "status_id": 2, "description": "a\nb"}
    made = json.loads(sim.answer(Request("POST", "/issues.json", {}, KEY, json.dumps({"issue": issue}).encode())).body)
    assert made["issue"]["status"] == {"id": 1, "name": "New"} and made["issue"]["description"] == "a\r\nb"
    assert [each["value"] for each in made["issue"]["custom_fields"]] == [None] * 4
    sim.stop()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"assigned_to_id": 999}, "Assignee is invalid"),
        ({"custom_fields": [{"id": 2, "value": "Wild"}]}, "Impact is not included in the list"),
    ],
)
def test_the_simulator_refuses_in_a_real_ones_words(wrong: dict[str, Any], said: str) -> None:
    sim = Simulated(Clock(NOW))
    answer = put(sim, sim.open_record("x"), **wrong)
    assert answer.status == 422 and json.loads(answer.body) == {"errors": [said]}
    sim.stop()


def test_the_simulators_journals_tell_what_changed() -> None:
    sim = Simulated(Clock(NOW))
    id = sim.open_record("x")
    put(sim, id, status_id="2", custom_fields=[{"id": 4, "value": "LT-1"}])
    put(sim, id, custom_fields=[{"id": 4, "value": ""}])
    assert [each["details"] for each in sim.shows(id)["journals"]] == [
        [
            {"property": "attr", "name": "status_id", "old_value": "1", "new_value": "2"},
            {"property": "cf", "name": "4", "old_value": None, "new_value": "LT-1"},
        ],
        [{"property": "cf", "name": "4", "old_value": "LT-1", "new_value": ""}],
    ]
    sim.stop()
