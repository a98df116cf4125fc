"""ServiceNow against the loopback instance, and recorded Table API bodies."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival, Context, File
from connectors.errors import Gone, Refused, Retry, Unauthorized, Unknown, Unsupported
from connectors.rest import Rest
from connectors.signing import sign
from connectors.simulators.loopback import Response
from connectors.simulators.servicenow import ServiceNow
from tests.connectors.support import FIXTURES, NOW, Scripted, context

NEW = {"short_description": "VPN down", "description": "since 08:00\nError 809", "impact": "1", "urgency": "2"}
REF = "TDM-AAAA-BBBB"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def instance(clock: Clock) -> Iterator[ServiceNow]:
    with ServiceNow(clock) as made:
        yield made


def servicenow(url: str = "http://127.0.0.1:9", **more: Any) -> Rest:
    given = {
        "settings": {"url": url, "instance": "dev1", "login": "tandem.integration"},
        "secrets": {"password": "let-me-in", "webhook": "servicenow-secret"},
        **more,
    }
    made = registry.build("servicenow", **given)
    assert isinstance(made, Rest)
    return made


def ctx(instance: ServiceNow, **more: Any) -> Context:
    return context(int(instance.url.rpartition(":")[2]), **more)


def test_the_usual_address_and_its_override() -> None:
    usual = {"instance": "Dev1", "login": "x"}
    made = servicenow(settings=usual)
    assert made._places().base == "https://dev1.service-now.com/api/now"
    for url in ("http://dev1.example.com", "https://user@dev1.example.com", "https://dev1.example.com/?x=1"):
        with pytest.raises(registry.BadSettings):
            servicenow(settings={**usual, "url": url})


def test_check_finds_both_names_of_our_account(instance: ServiceNow) -> None:
    found = servicenow(instance.url).check(ctx(instance))
    assert "tandem.integration" in found.me and len(found.me) == 2
    with pytest.raises(Unauthorized):
        servicenow(instance.url, secrets={"password": "wrong"}).check(ctx(instance))


def test_from_create_to_close(instance: ServiceNow) -> None:
    made = servicenow(instance.url)
    receipt = made.create(ctx(instance), NEW, REF, "key")
    assert receipt.record is not None and receipt.id is not None
    assert receipt.record.fields["priority"] == "2", "computed by the desk"
    assert [hit.id for hit in made.find(ctx(instance), REF)] == [receipt.id]
    assert made.find(ctx(instance), "TDM-OTHER") == []
    with pytest.raises(Refused, match="mandatory") as caught:
        made.update(ctx(instance), receipt.id, {"state": "6"}, receipt.version)
    assert caught.value.field == "close_code"
    closed = {"state": "6", "close_code": "Solution provided", "close_notes": "restarted"}
    done = made.update(ctx(instance), receipt.id, closed, receipt.version)
    assert done.record is not None and done.record.fields["state"] == "6"
    assert made.newer(done.version or "", receipt.version or "") is True


def test_a_cleared_field_is_sent_as_empty_text(instance: ServiceNow) -> None:
    made = servicenow(instance.url)
    receipt = made.create(ctx(instance), {**NEW, "due_date": "2026-12-01T10:00:00Z"}, REF, "key")
    assert receipt.record is not None and receipt.record.fields["due_date"] == "2026-12-01T10:00:00Z"
    done = made.update(ctx(instance), receipt.id or "", {"due_date": None, "assigned_to": None}, None)
    assert done.record is not None and done.record.fields["due_date"] is None


def test_the_computed_priority_is_never_written(instance: ServiceNow) -> None:
    with pytest.raises(Refused) as caught:
        servicenow(instance.url).create(ctx(instance), {**NEW, "priority": "1"}, REF, "key")
    assert caught.value.field == "priority"


def test_comments_notes_and_files(instance: ServiceNow) -> None:
    made = servicenow(instance.url)
    id = made.create(ctx(instance), NEW, REF, "key").id or ""
    made.comment(ctx(instance), id, "comments", "hello", ["staff", "requester"])
    made.comment(ctx(instance), id, "work_notes", "psst", ["staff"])
    with pytest.raises(Refused):
        made.comment(ctx(instance), id, "comments", "not for all", ["staff"])
    content = b"\x00" * 1000
    file = File(
        "ünï code.bin", "application/x-thing", 1000, hashlib.sha256(content).hexdigest(), lambda: io.BytesIO(content)
    )
    with pytest.raises(Unsupported, match="no visibility of its own"):
        made.attach(ctx(instance), id, "work_notes", file, ["staff"])
    sent = made.attach(ctx(instance), id, "comments", file, ["staff", "requester"])
    record = made.fetch(ctx(instance), id)
    assert {(c.channel, c.text, c.author) for c in record.comments} == {
        ("comments", "hello", "tandem.integration"),
        ("work_notes", "psst", "tandem.integration"),
    }
    assert [(f.id, f.name, f.size, f.mime) for f in record.files] == [
        (sent.id, "ünï code.bin", 1000, "application/x-thing")
    ]
    assert b"".join(made.file(ctx(instance), record.files[0])) == content
    assert record.complete and record.fields["u:comments"] is None, "journal fields read back empty"


@pytest.mark.parametrize("what", ["commit_then_drop", "commit_then_status"])
def test_a_lost_reply_to_a_create_is_unknown_and_found_once(instance: ServiceNow, what: Any) -> None:
    made = servicenow(instance.url)
    instance.faults.plan(what, status=502)
    with pytest.raises(Unknown):
        made.create(ctx(instance), NEW, REF, "key")
    assert len(made.find(ctx(instance), REF)) == 1


def test_feeds_give_whole_records_and_journal_hints(instance: ServiceNow, clock: Clock) -> None:
    made = servicenow(instance.url)
    ids = []
    for number in range(250):
        clock.now += timedelta(seconds=number % 3)
        ids.append(made.create(ctx(instance), NEW, f"TDM-{number}", "key").id or "")
    seen: list[str] = []
    cursor, done = None, False
    while not done:
        page = made.changed(ctx(instance), "records", cursor)
        cursor, done = page.cursor, page.done
        seen += [change.record_id for change in page.changes]
        assert all(change.record is not None and not change.record.complete for change in page.changes)
    assert set(seen) == set(ids)
    clock.now += timedelta(minutes=30)
    made.comment(ctx(instance), ids[3], "work_notes", "psst", ["staff"])
    assert [c.record_id for c in made.changed(ctx(instance), "journal", None).changes] == [ids[3]]


def test_a_deleted_or_hidden_record_is_gone(instance: ServiceNow) -> None:
    made = servicenow(instance.url)
    id = made.create(ctx(instance), NEW, REF, "key").id or ""
    instance.hidden.add(id)
    with pytest.raises(Gone):
        made.fetch(ctx(instance), id)


def test_describe_reads_states_codes_and_columns(instance: ServiceNow) -> None:
    made = servicenow(instance.url)
    lists = made.lists(ctx(instance))
    catalogue = made.catalogue(lists)
    assert catalogue.doc["fields"]["state"]["values"]["6"] == "Resolved"
    assert catalogue.sources["state"] == "live" and catalogue.sources["impact"] == "manifest"
    assert catalogue.doc["fields"]["close_code"]["required"] == ["6", "7"]
    assert catalogue.doc["fields"]["priority"]["write"] == "never"
    assert catalogue.doc["workflow"]["edges"]["6"] == ["2", "7"]
    assert "u:u_symptom" in catalogue.doc["fields"]
    listed = servicenow(instance.url, lists=lists)
    id = listed.create(ctx(instance), NEW, REF, "key").id or ""
    names = {name for name in listed.fetch(ctx(instance), id, items=False).fields if name.startswith("u:")}
    assert names == {"u:u_symptom", "u:u_category"}, "listed columns alone"


def test_people(instance: ServiceNow) -> None:
    instance.user("ana", "ana@example.com", "Ana Gil")
    made = servicenow(instance.url)
    person = made.person(ctx(instance), email="ana@example.com")
    assert person is not None and (person.email, person.name) == ("ana@example.com", "Ana Gil")
    assert made.person(ctx(instance), id=person.id) == person
    assert made.person(ctx(instance), id="nope") is None
    assert made.person(ctx(instance), email="nobody@example.com") is None


def test_the_rate_limit_says_how_long(instance: ServiceNow) -> None:
    made = servicenow(instance.url)
    reply = Response.of(
        {"error": {"message": "Rate limit exceeded", "detail": ""}},
        429,
        {"X-RateLimit-Reset": str(int((NOW + timedelta(seconds=33)).timestamp()))},
    )
    with Scripted(lambda request: reply) as desk, pytest.raises(Retry, match="Rate limit") as caught:
        servicenow(desk.url).fetch(context(desk.port), "x")
    assert caught.value.after == 33.0 and made.limits.in_flight == 4


@pytest.mark.parametrize("name", ["get", "post", "patch"])
def test_recorded_bodies(name: str) -> None:
    """Examples of the Table API with reference objects ``{link, value}``, as its own documentation shows them."""
    document = json.loads((FIXTURES / f"servicenow/table_{name}.json").read_text("utf-8"))
    with Scripted(lambda request: Response.of(document)) as desk:
        record = servicenow(desk.url).fetch(context(desk.port), document["result"]["sys_id"], items=False)
    result = document["result"]
    assert record.number == result["number"] and record.version == result["sys_mod_count"]
    assert record.fields["state"] == result["state"] and record.fields["close_code"] == (result["close_code"] or None)
    caller = result["caller_id"]
    assert record.fields["caller_id"] == (caller["value"] if isinstance(caller, dict) else caller or None)


def test_the_signed_script_gives_the_whole_record(instance: ServiceNow) -> None:
    made = servicenow(instance.url)
    id = made.create(ctx(instance), NEW, REF, "key").id or ""
    row = instance.tables["incident"][id]
    body = json.dumps({"sys_id": id, "operation": "update", "sys_updated_by": "paula", "record": row}).encode()
    scheme = registry.manifest("servicenow").part("webhook", "verify", "signed")
    stamp = {"X-Tandem-Timestamp": str(int(NOW.timestamp())), "X-Tandem-Delivery": "d-1"}
    headers = {name.lower(): value for name, value in sign(scheme, body, "servicenow-secret", stamp).items()}
    arrival = Arrival("POST", {}, headers, body)
    proved = made.verify(arrival, NOW)
    assert (proved.delivery, proved.stamp) == ("d-1", NOW)
    (event,) = made.parse(arrival)
    assert (event.kind, event.actor, event.record_id) == ("changed", "paula", id)
    assert event.record is not None and event.record.fields["correlation_id"] == REF
