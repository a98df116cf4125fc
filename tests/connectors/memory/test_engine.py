"""The desk over HTTP, driven by the engine and the manifest alone, is the desk in one process, verb by verb."""

from __future__ import annotations

import hashlib
import io
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Arrival, Connector, Context, File, Page
from connectors.egress import Egress
from connectors.errors import Outcome, Refused, Retry, Stale, Unauthorized, Unknown
from connectors.memory.desk import Desk
from connectors.memory.inprocess import MemoryConnector
from connectors.memory.server import DeskServer
from connectors.memory.wire import webhook_body, webhook_headers
from connectors.registry import build
from connectors.session import Session
from tests.connectors.memory.conftest import Clock

FIELDS: dict[str, Any] = {
    "title": "VPN down ☂",
    "description": "Error 809.\nSince this morning.",
    "status": "working",
    "impact": "high",
    "urgency": "low",
    "priority": "2",
    "requester": "alice@customer.example",
    "due": "2026-11-24T17:00:00Z",
    "tags": ["finance", "vpn"],
}


@pytest.fixture
def connector(server: DeskServer) -> Connector:
    return build("memory", settings={"url": server.url}, secrets={"token": "token", "webhook": "s"})


@pytest.fixture
def ctx(server: DeskServer, clock: Clock) -> Context:
    session = Session(Egress.parse(f"127.0.0.1:{server.port}"))
    deadline = time.monotonic() + 20
    return Context(clock(), time.monotonic, session, logging.getLogger("test"), deadline, lambda name, value: None)


@pytest.fixture
def twin(clock: Clock) -> Iterator[MemoryConnector]:
    """The same in one process, with a desk of its own."""
    yield MemoryConnector(Desk(clock), "s")


def text_file() -> File:
    data = b"bytes of a log"
    return File("log ü.txt", "text/plain", len(data), hashlib.sha256(data).hexdigest(), lambda: io.BytesIO(data))


def play(connector: Connector, ctx: Context, clock: Clock) -> list[Any]:
    """A ticket's life by the contract's verbs; everything the gateway sees of it."""
    made = connector.create(ctx, FIELDS, "TDM-1", "key")
    id = str(made.id)
    seen: list[Any] = [made, connector.check(ctx).me, connector.find(ctx, "TDM-1"), connector.find(ctx, "TDM-2")]
    seen.append(connector.update(ctx, id, {"status": "waiting", "tags": None, "description": None}, made.version))
    note = connector.comment(ctx, id, "note", "between us", ["staff"])
    seen += [note, connector.comment(ctx, id, "note", "between us, edited", ["staff"], replaces=note.id)]
    seen.append(connector.comment(ctx, id, "reply", "for all", ["staff", "requester"]))
    seen.append(connector.attach(ctx, id, "note", text_file(), ["staff"]))
    seen.append(connector.worklog(ctx, id, 15, "looked", clock()))
    record = connector.fetch(ctx, id)
    seen.append(replace(record, raw=None, page=None, worklogs=()))
    seen.append(b"".join(connector.file(ctx, record.files[0])))
    seen.append([each.record_id for each in _every(connector, ctx, "tickets")])
    seen.append([each.item for each in _every(connector, ctx, "worklogs")])
    seen.append(connector.person(ctx, email="nobody@desk.example"))
    for wrong in ({"status": "resolved"}, {"title": "x" * 201}):
        with pytest.raises(Refused) as no:
            connector.update(ctx, id, wrong, None)
        seen.append(no.value.field)
    with pytest.raises(Stale):
        connector.update(ctx, id, {"status": "done"}, "1")
    return [_bare(each) for each in seen]


def _every(connector: Connector, ctx: Context, feed: str) -> list[Any]:
    found: list[Any] = []
    page: Page | None = None
    while page is None or not page.done:
        page = connector.changed(ctx, feed, page.cursor if page else None)
        found += page.changes
    return list({each.item.id if each.item else each.record_id: each for each in found}.values())


def _bare(each: Any) -> Any:
    """Without what only HTTP shows."""
    if getattr(each, "record", None) is not None:
        return replace(each, record=replace(each.record, raw=None, page=None))
    return each


def test_over_http_and_in_process_the_gateway_sees_the_same(
    connector: Connector, twin: MemoryConnector, ctx: Context, clock: Clock
) -> None:
    over_http, in_process = play(connector, ctx, clock), play(twin, ctx, clock)
    for one, other in zip(over_http, in_process, strict=True):
        assert one == other


def test_both_read_a_webhook_alike(connector: Connector, twin: MemoryConnector, clock: Clock) -> None:
    twin.desk.create("paula", {"title": "x", "tags": ["b", "a"], "priority": 1})
    body = webhook_body(twin.desk.feed[0], twin.desk.get("1001"))
    headers = {name.lower(): value for name, value in webhook_headers("s", clock(), "d-1", body).items()}
    arrival = Arrival("POST", {}, headers, body)
    for each in (connector, twin):
        assert each.verify(arrival, clock()).delivery == "d-1"
        (event,) = each.parse(arrival)
        assert event.record is not None
        assert event.record.fields["tags"] == ["a", "b"]


@pytest.mark.parametrize(
    ("what", "how", "outcome", "effect"),
    [
        ("commit_then_drop", {}, Unknown, True),
        ("drop_before_commit", {}, Unknown, False),
        ("commit_then_status", {"status": 502}, Unknown, True),
        ("truncate_body", {"size": 10}, Unknown, True),
        ("truncate_head", {"size": 10}, Unknown, True),
        ("html_login_page", {}, Unknown, False),
        ("redirect", {"url": "http://127.0.0.1:9/"}, Unauthorized, False),
        ("status", {"status": 429, "retry_after": "7"}, Retry, False),
        ("status", {"status": 401}, Unauthorized, False),
        ("wrong_content_type", {}, None, True),
    ],
)
def test_each_fault_ends_in_its_outcome(
    connector: Connector,
    server: DeskServer,
    ctx: Context,
    what: Any,
    how: dict[str, Any],
    outcome: type[Outcome] | None,
    effect: bool,
) -> None:
    server.desk.create("paula", {"title": "x"})
    server.faults.plan(what, method="PATCH", **how)
    if outcome is None:
        connector.update(ctx, "1001", {"status": "working"}, "1")
    else:
        with pytest.raises(outcome) as no:
            connector.update(ctx, "1001", {"status": "working"}, "1")
        assert no.value.after == (7.0 if how.get("retry_after") else None)
    assert (server.desk.get("1001").fields["status"] == "working") is effect
