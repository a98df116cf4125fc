"""The engine and the shipped ServiceNow manifest against the loopback instance: what the gateway sees of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Arrival, Change, Connector, Context
from connectors.egress import Egress
from connectors.errors import Refused, Retry, Unknown
from connectors.registry import build
from connectors.session import Session
from connectors.simulators.loopback import Loopback, Request, Response
from connectors.simulators.servicenow import Quota, ServiceNow
from connectors.simulators.servicenow_log import Replay, read
from connectors.simulators.webhooks import Mood

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "sample_uci_incidents.csv"
SECRETS = {"password": "let-me-in", "webhook": "servicenow-secret"}


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


def connect(desk: ServiceNow) -> Connector:
    """By the shipped manifest, with the address of the loopback instance."""
    settings = {"instance": "acme", "url": desk.url, "login": "tandem.integration"}
    return build("servicenow", settings=settings, secrets=SECRETS)


@pytest.fixture
def connector(desk: ServiceNow) -> Connector:
    return connect(desk)


def context(desk: ServiceNow) -> Context:
    session = Session(Egress.parse(desk.url.removeprefix("http://")))
    deadline = time.monotonic() + 60
    return Context(desk.clock(), time.monotonic, session, logging.getLogger("test"), deadline, lambda name, value: None)


@pytest.fixture
def ctx(desk: ServiceNow) -> Context:
    return context(desk)


def poll(connector: Connector, ctx: Context, feed: str) -> list[Change]:
    found: list[Change] = []
    cursor: str | None = None
    while True:
        page = connector.changed(ctx, feed, cursor)
        found += page.changes
        if page.done:
            return found
        cursor = page.cursor


def test_a_lost_reply_of_a_create_is_found_by_its_reference(
    connector: Connector, desk: ServiceNow, ctx: Context
) -> None:
    desk.faults.plan("commit_then_drop", method="POST")
    with pytest.raises(Unknown):
        connector.create(ctx, {"short_description": "VPN", "impact": "1", "urgency": "2"}, "TDM-1", "key")
    (hit,) = connector.find(ctx, "TDM-1")
    record = connector.fetch(ctx, hit.id)
    assert (record.fields["state"], record.fields["priority"], record.version) == ("1", "2", "0")
    assert connector.find(ctx, "TDM-2") == []


def test_items_land_in_their_channels(connector: Connector, ctx: Context) -> None:
    id = str(connector.create(ctx, {"short_description": "x"}, "TDM-1", "key").id)
    connector.comment(ctx, id, "work_notes", "for us", ["staff"])
    connector.comment(ctx, id, "comments", "for all", ["staff", "requester"])
    record = connector.fetch(ctx, id)
    assert {(each.channel, each.text) for each in record.comments} == {
        ("work_notes", "for us"),
        ("comments", "for all"),
    }
    assert connector.check(ctx).me >= {each.author for each in record.comments}
    assert [change.record_id for change in poll(connector, ctx, "journal")] == [id]


def test_a_data_policy_is_a_refusal_and_names_the_field(connector: Connector, ctx: Context) -> None:
    id = str(connector.create(ctx, {"short_description": "x"}, "TDM-1", "key").id)
    for state, field in (("6", "close_code"), ("3", "hold_reason")):
        with pytest.raises(Refused, match="mandatory") as no:
            connector.update(ctx, id, {"state": state}, "0")
        assert no.value.field == field
    done = connector.update(ctx, id, {"state": "3", "hold_reason": "4"}, "0")
    assert done.record is not None
    assert (done.record.fields["hold_reason"], done.version) == ("4", "1")


def test_a_rate_limit_is_obeyed_to_the_second(connector: Connector, desk: ServiceNow, ctx: Context) -> None:
    desk.quota = Quota(limit=1, window=30, left=0, reset=int(desk.clock().timestamp()) + 12)
    with pytest.raises(Retry) as later:
        connector.create(ctx, {"short_description": "x"}, "TDM-1", "key")
    assert later.value.after == 12.0
    assert desk.tables["incident"] == {}


def test_polling_passes_hidden_rows_and_pages_of_one_second(
    connector: Connector, desk: ServiceNow, ctx: Context, clock: Clock
) -> None:
    rows = [desk.insert("paula", {"short_description": str(number)}) for number in range(450)]
    clock.at += timedelta(seconds=1)
    rows += [desk.insert("paula", {"short_description": str(number)}) for number in range(450, 500)]
    desk.hidden = {rows[number]["sys_id"] for number in (0, 1, 250, 499)}
    seen = {change.record_id for change in poll(connector, ctx, "records")}
    assert seen == {row["sys_id"] for row in rows} - desk.hidden


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real log is not on this machine")
def test_webhooks_and_one_poll_bring_the_whole_log(clock: Clock) -> None:
    """Shuffled, a tenth doubled, a tenth dropped: the newest version seen of each incident is the log's last."""
    came: list[Request] = []
    with (
        Loopback(lambda request: (came.append(request), Response(202))[1]) as hook,
        ServiceNow(clock, webhook=f"{hook.url}/hooks/sn", mood=Mood(twice=0.1, shuffle=30, drop=0.1)) as desk,
    ):
        replay = Replay(desk, read(SAMPLE))
        replay.run()
        assert desk.sender is not None
        assert desk.sender.flush(60)
        connector = connect(desk)
        newest: dict[str, Any] = {}
        for request in came:
            arrival = Arrival(request.method, request.query, request.headers, request.body)
            connector.verify(arrival, clock())
            (event,) = connector.parse(arrival)
            record = event.record
            assert record is not None
            known = newest.get(record.id)
            if known is None or connector.newer(str(record.version), str(known.version)):
                newest[record.id] = record
        tally = desk.sender.tally
        assert len(came) == tally.sent == 6038 - tally.dropped + tally.doubled
        assert tally.dropped > 500 < tally.doubled
        missed = [each for each in replay.final().values() if newest[each["sys_id"]].version != each["sys_mod_count"]]
        assert missed
        newest |= {change.record_id: change.record for change in poll(connector, context(desk), "records")}
    for last in replay.final().values():
        record = newest[last["sys_id"]]
        assert record.version == last["sys_mod_count"]
        wanted = {name: last[name] or None for name in ("state", "hold_reason", "impact", "close_code", "assigned_to")}
        assert {name: record.fields[name] for name in wanted} == wanted
