"""The connector in one process with its desk: every verb, every fault, the audience check, webhooks."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from datetime import UTC, datetime

import pytest

from connectors.base import Arrival, Connector, Context, File
from connectors.errors import Gone, Refused, Retry, Stale, Unknown, Unverified
from connectors.memory import wire
from connectors.memory.desk import Desk
from connectors.memory.faults import Queue
from connectors.memory.inprocess import MemoryConnector
from connectors.memory.rules import RULES
from tests.connectors.memory.conftest import Clock


@pytest.fixture
def script() -> Queue:
    return Queue()


@pytest.fixture
def connector(desk: Desk, script: Queue) -> MemoryConnector:
    return MemoryConnector(desk, "s3cret", script=script)


@pytest.fixture
def ctx(clock: Clock) -> Context:
    return Context(clock(), lambda: 0.0, None, logging.getLogger("test"), 30.0, lambda name, value: None)


def text_file(data: bytes, name: str = "log.txt") -> File:
    return File(name, "text/plain", len(data), hashlib.sha256(data).hexdigest(), lambda: io.BytesIO(data))


def test_it_is_a_connector(connector: MemoryConnector) -> None:
    taken: Connector = connector
    assert taken.kind == taken.manifest["kind"] == "memory"


def test_a_record_goes_out_and_reads_back_as_written(connector: MemoryConnector, ctx: Context) -> None:
    receipt = connector.create(ctx, {"title": "VPN", "priority": "2", "tags": ["a"]}, "TDM-1", "key")
    assert receipt.record is not None
    assert receipt.record.fields["reference"] == "TDM-1"
    assert [hit.id for hit in connector.find(ctx, "TDM-1")] == [receipt.id]
    again = connector.update(ctx, "1001", {"status": "working"}, receipt.version)
    assert again.version == "2"
    assert connector.newer("2", "1")
    fetched = connector.fetch(ctx, "1001")
    assert fetched.complete
    assert (fetched.fields["status"], fetched.fields["priority"], fetched.version) == ("working", "2", "2")
    assert not connector.fetch(ctx, "1001", items=False).complete


def test_comments_files_and_worklogs_land_with_their_audience(connector: MemoryConnector, ctx: Context) -> None:
    connector.create(ctx, {"title": "x"}, "TDM-1", "key")
    connector.comment(ctx, "1001", "reply", "for all", ["staff", "requester"])
    note = connector.comment(ctx, "1001", "note", "for staff", ["staff"])
    file = connector.attach(ctx, "1001", "note", text_file(b"bytes"), ["staff"])
    work = connector.worklog(ctx, "1001", 15, "looked", datetime(2026, 11, 21, tzinfo=UTC))
    record = connector.fetch(ctx, "1001")
    assert [(each.channel, each.text) for each in record.comments] == [("reply", "for all"), ("note", "for staff")]
    assert record.comments[1].id == note.id
    assert [(each.id, each.channel, each.size) for each in record.files] == [(file.id, "note", 5)]
    assert b"".join(connector.file(ctx, record.files[0])) == b"bytes"
    assert [(each.id, each.minutes) for each in record.worklogs] == [(work.id, 15)]


def test_a_channel_that_reaches_more_is_refused_and_nothing_stands(connector: MemoryConnector, ctx: Context) -> None:
    connector.create(ctx, {"title": "x"}, "TDM-1", "key")
    with pytest.raises(Refused):
        connector.comment(ctx, "1001", "reply", "internal", ["staff"])
    with pytest.raises(Refused):
        connector.attach(ctx, "1001", "reply", text_file(b"x"), ["staff"])
    with pytest.raises(Refused):
        connector.comment(ctx, "1001", "shout", "x", ["staff", "requester"])
    record = connector.fetch(ctx, "1001")
    assert record.comments == record.files == ()


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"status": "resolved"}, "status"), ({"colour": "red"}, "colour"), ({"title": "x" * 201}, "title")],
)
def test_what_cannot_be_sent_is_refused_before_it_is(
    connector: MemoryConnector, script: Queue, ctx: Context, fields: dict[str, str], field: str
) -> None:
    with pytest.raises(Refused) as no:
        connector.update(ctx, "1001", fields, None)
    assert no.value.field == field
    assert script.log == []


def test_a_lost_reply_leaves_the_effect_and_find_adopts_it(
    connector: MemoryConnector, script: Queue, ctx: Context
) -> None:
    script.plan("commit_then_drop", "create")
    with pytest.raises(Unknown):
        connector.create(ctx, {"title": "x"}, "TDM-1", "key")
    assert [hit.id for hit in connector.find(ctx, "TDM-1")] == ["1001"]


def test_a_lost_request_leaves_nothing(connector: MemoryConnector, script: Queue, ctx: Context, desk: Desk) -> None:
    script.plan("drop_before_commit", "create")
    with pytest.raises(Unknown):
        connector.create(ctx, {"title": "x"}, "TDM-1", "key")
    assert desk.tickets == {}


def test_a_late_write_lands_after_newer_ones_unless_it_carries_its_version(desk: Desk, ctx: Context) -> None:
    for locking, title in ((False, "late"), (True, "newer")):
        script = Queue()
        connector = MemoryConnector(desk, script=script, locking=locking)
        made = connector.create(ctx, {"title": "x"}, f"TDM-{locking}", "key")
        script.plan("late", "update", steps=2)
        with pytest.raises(Unknown):
            connector.update(ctx, str(made.id), {"title": "late"}, made.version)
        connector.update(ctx, str(made.id), {"title": "newer"}, made.version)
        desk.step()
        desk.step()
        assert connector.fetch(ctx, str(made.id)).fields["title"] == title


@pytest.mark.parametrize(
    ("what", "outcome"), [("refuse", Refused), ("retry", Retry), ("stale", Stale), ("drop_before_commit", Unknown)]
)
def test_a_planned_fault_meets_the_next_call_of_its_verb_once(
    connector: MemoryConnector, script: Queue, ctx: Context, what: str, outcome: type[Exception]
) -> None:
    connector.create(ctx, {"title": "x"}, "TDM-1", "key")
    script.plan(what, "update")  # type: ignore[arg-type]
    assert connector.fetch(ctx, "1001").fields["title"] == "x"
    with pytest.raises(outcome):
        connector.update(ctx, "1001", {"title": "y"}, None)
    assert connector.update(ctx, "1001", {"title": "y"}, None).version == "2"


def test_a_read_that_is_lost_is_to_be_retried(connector: MemoryConnector, script: Queue, ctx: Context) -> None:
    script.plan("commit_then_drop", "find")
    with pytest.raises(Retry):
        connector.find(ctx, "TDM-1")


def test_the_desks_own_refusals_are_outcomes(connector: MemoryConnector, ctx: Context, desk: Desk) -> None:
    connector.create(ctx, {"title": "x"}, "TDM-1", "key")
    desk.quirks.edges = {"open": {"working"}}
    with pytest.raises(Refused) as no:
        connector.update(ctx, "1001", {"status": "done"}, None)
    assert no.value.field == "status"
    with pytest.raises(Stale):
        connector.update(ctx, "1001", {"status": "working"}, "9")
    with pytest.raises(Gone):
        connector.fetch(ctx, "77")


def test_polling_pages_on_and_gives_worklogs_as_items(connector: MemoryConnector, ctx: Context, desk: Desk) -> None:
    connector.create(ctx, {"title": "x"}, "TDM-1", "key")
    for number in range(150):
        desk.update("paula", "1001", {"category": str(number)})
    desk.log("paula", "1001", 5, "looked", desk.clock())
    first = connector.changed(ctx, "tickets", None)
    assert (len(first.changes), first.done) == (100, False)
    second = connector.changed(ctx, "tickets", first.cursor)
    assert (len(second.changes), second.done) == (52, True)
    assert connector.changed(ctx, "tickets", second.cursor).changes == ()
    works = [change.item for change in connector.changed(ctx, "worklogs", "100").changes]
    assert [each.minutes for each in works if each is not None] == [5]


def arrival(connector: MemoryConnector, desk: Desk, secret: str = "s3cret") -> Arrival:
    happening = desk.feed[-1]
    body = wire.webhook_body(happening, desk.get(happening.ticket))
    headers = wire.webhook_headers(secret, desk.clock(), "d-1", body)
    return Arrival("POST", {}, {name.lower(): value for name, value in headers.items()}, body)


def test_a_webhook_of_a_change_carries_the_whole_record(connector: MemoryConnector, ctx: Context, desk: Desk) -> None:
    connector.create(ctx, {"title": "Zürich ☂", "priority": "2", "tags": ["a"]}, "TDM-1", "key")
    came = arrival(connector, desk)
    assert connector.verify(came, desk.clock()).delivery == "d-1"
    (event,) = connector.parse(came)
    assert (event.kind, event.record_id, event.actor) == ("created", "1001", "gateway")
    assert event.record is not None
    assert event.record.fields == connector.fetch(ctx, "1001").fields
    assert event.record.version == "1"
    assert not event.record.complete


def test_a_webhook_of_a_comment_is_a_hint_and_says_none_of_it(
    connector: MemoryConnector, ctx: Context, desk: Desk
) -> None:
    connector.create(ctx, {"title": "x"}, "TDM-1", "key")
    desk.comment("paula", "1001", "between us", public=False)
    came = arrival(connector, desk)
    (event,) = connector.parse(came)
    assert (event.kind, event.record) == ("changed", None)
    assert b"between us" not in came.body


def test_a_webhook_must_be_signed_in_time(connector: MemoryConnector, ctx: Context, desk: Desk, clock: Clock) -> None:
    connector.create(ctx, {"title": "x"}, "TDM-1", "key")
    with pytest.raises(Unverified):
        connector.verify(arrival(connector, desk, "another"), clock())
    came = arrival(connector, desk)
    clock.forward(301)
    with pytest.raises(Unverified):
        connector.verify(came, clock())
    with pytest.raises(Unverified):
        connector.verify(Arrival("POST", {}, {}, came.body), clock())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"ticket_id": null}', json.dumps({"event": "x"}).encode()])
def test_what_says_nothing_is_ignored_with_a_reason(connector: MemoryConnector, body: bytes) -> None:
    (event,) = connector.parse(Arrival("POST", {}, {}, body))
    assert event.kind == "ignored"
    assert event.reason


def test_the_manifest_and_the_desk_agree(connector: MemoryConnector) -> None:
    manifest = connector.manifest
    assert set(manifest["fields"]) == set(RULES)
    for name, rule in RULES.items():
        entry = manifest["fields"][name] or {}
        assert entry.get("max") == rule.max
        assert tuple(entry.get("values", ())) == rule.values
    assert set(connector.catalogue().doc["fields"]) == set(RULES)
