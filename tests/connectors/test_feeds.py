"""Feeds: what a poll sees while the desk moves under it, and what it says when the desk does not do as asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Change, Page
from connectors.errors import Retry, Unsupported
from connectors.rest import Rest
from connectors.simulators.loopback import Request, Response
from tests.connectors.support import DESKLY, NOW, Scripted, context, deskly, ticket

BEGAN = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass
class Moving:
    """A desk with rows that change between two pages. ``clamp``: its own page size; ``meanwhile``: after each page."""

    rows: dict[int, datetime]
    clamp: int = 1000
    filters: bool = True
    sorts: bool = True
    meanwhile: Callable[[Moving], None] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        query = dict(request.query)
        self.asked.append(query)
        since = datetime.fromisoformat(query["updated_after"]) if self.filters else BEGAN
        found = [(stamp, id) for id, stamp in self.rows.items() if stamp >= since.replace(microsecond=0)]
        found = sorted(found) if self.sorts else found
        size = min(int(query["per_page"]), self.clamp)
        start = (int(query["page"]) - 1) * size
        data = [shown(id, stamp) for stamp, id in found[start : start + size]]
        if self.meanwhile:
            self.meanwhile(self)
        return Response.of({"data": data})


def shown(id: int, stamp: datetime) -> dict[str, Any]:
    return ticket(id, updated_at=stamp.isoformat().replace("+00:00", "Z"))


def spaced(count: int, seconds: float = 60) -> dict[int, datetime]:
    return {id: BEGAN + timedelta(seconds=seconds * id) for id in range(1, count + 1)}


def poll(
    made: Rest, port: int, cursor: str | None, feed: str = "tickets", now: datetime = NOW
) -> tuple[list[Change], str]:
    """Reads a poll to its end: (changes, cursor)."""
    changes: list[Change] = []
    for _ in range(100):
        page = made.changed(context(port, now=now), feed, cursor)
        changes += page.changes
        cursor = page.cursor
        if page.done:
            return changes, cursor
    raise AssertionError("the poll does not end")


def ids(changes: list[Change]) -> list[int]:
    return [int(change.record_id) for change in changes]


def test_more_than_two_pages_are_read_and_the_next_poll_is_small() -> None:
    moving = Moving(spaced(180))
    with Scripted(moving) as desk:
        made = deskly(desk.url)
        first, cursor = poll(made, desk.port, None)
        assert sorted(ids(first)) == list(range(1, 181))
        moving.asked.clear()
        again, cursor = poll(made, desk.port, cursor, now=NOW + timedelta(minutes=1))
        assert ids(again) == [180], "the newest once more: it might have changed within its second"
        assert poll(made, desk.port, cursor, now=NOW + timedelta(minutes=2))[0] == []
        assert len(moving.asked) == 2
        newest = BEGAN + timedelta(seconds=60 * 180)
        assert moving.asked[0]["updated_after"] == (newest - timedelta(minutes=5)).isoformat().replace("+00:00", "Z")


def test_a_change_is_seen_at_the_next_poll() -> None:
    moving = Moving(spaced(10))
    with Scripted(moving) as desk:
        made = deskly(desk.url)
        _, cursor = poll(made, desk.port, None)
        moving.rows[3] = BEGAN + timedelta(hours=1)
        found, cursor = poll(made, desk.port, cursor, now=NOW + timedelta(minutes=1))
        assert 3 in ids(found)
        moving.rows[11] = BEGAN + timedelta(hours=1) - timedelta(minutes=4)
        found, _ = poll(made, desk.port, cursor, now=NOW + timedelta(minutes=2))
        assert 11 in ids(found), "a row that committed late, within the overlap"


@pytest.mark.parametrize("edited", [1, 20, 50, 51, 99])
def test_a_row_edited_between_two_pages_loses_no_other(edited: int) -> None:
    def edit(moving: Moving) -> None:
        moving.rows[edited] = BEGAN + timedelta(days=1, seconds=len(moving.asked))
        moving.meanwhile = None

    with Scripted(Moving(spaced(130), meanwhile=edit)) as desk:
        found, _ = poll(deskly(desk.url), desk.port, None)
    assert set(ids(found)) == set(range(1, 131))


def test_a_page_edge_within_one_stamp() -> None:
    rows = {id: BEGAN + timedelta(hours=1 if id < 200 else 2) for id in range(1, 230)}
    with Scripted(Moving(rows)) as desk:
        found, _ = poll(deskly(desk.url), desk.port, None)
    assert set(ids(found)) == set(range(1, 230))


def test_stamps_with_fractions_of_one_second_end() -> None:
    rows = {id: BEGAN + timedelta(microseconds=1000 * id) for id in range(1, 180)}
    text = DESKLY.replace("cursor: {kind: time,", "cursor: {kind: time, format: sql,")
    with Scripted(Moving(rows)) as desk:
        made = deskly(desk.url, text)
        moving: Any = desk._answer
        moving.filters = False
        found, _ = poll(made, desk.port, None)
    assert set(ids(found)) == set(range(1, 180))


def test_two_changes_within_one_second_are_both_given() -> None:
    """The row looks alike both times: one-second clocks. The second look, when that second is over, gives it again."""
    moving = Moving({1: BEGAN})
    with Scripted(moving) as desk:
        made = deskly(desk.url)
        first, cursor = poll(made, desk.port, None)
        soon, cursor = poll(made, desk.port, cursor, now=NOW + timedelta(seconds=1))
        later, cursor = poll(made, desk.port, cursor, now=NOW + timedelta(seconds=61))
        last, _ = poll(made, desk.port, cursor, now=NOW + timedelta(seconds=121))
    assert [ids(first), ids(soon), ids(later), ids(last)] == [[1], [], [1], []]


def test_a_filter_that_is_ignored_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    moving = Moving(spaced(120))
    with Scripted(moving) as desk:
        made = deskly(desk.url)
        _, cursor = poll(made, desk.port, None)
        moving.filters = False
        moving.rows[5] = BEGAN + timedelta(days=1)
        found, _ = poll(made, desk.port, cursor, now=NOW + timedelta(minutes=1))
    assert 5 in ids(found) and 6 not in ids(found)
    assert "filter ignored" in caplog.text


def test_the_second_before_is_no_filter_ignored(caplog: pytest.LogCaptureFixture) -> None:
    """Redmine searches from just after the second before on, and shows no fractions."""
    moving = Moving({1: BEGAN, 2: BEGAN + timedelta(seconds=299), 3: BEGAN + timedelta(seconds=300)})
    with Scripted(moving) as desk:
        made = deskly(desk.url)
        _, cursor = poll(made, desk.port, None)
        moving.rows[3] = BEGAN + timedelta(seconds=599)
        _, cursor = poll(made, desk.port, cursor, now=NOW + timedelta(minutes=1))
        moving.filters = False
        del moving.rows[1]
        moving.rows[2] = BEGAN + timedelta(seconds=298)
        found, _ = poll(made, desk.port, cursor, now=NOW + timedelta(minutes=2))
    assert 2 not in ids(found) and "filter ignored" not in caplog.text


def test_an_order_that_is_ignored_loses_nothing() -> None:
    rows = dict(reversed(spaced(130).items()))
    with Scripted(Moving(rows, sorts=False)) as desk:
        found, _ = poll(deskly(desk.url), desk.port, None)
    assert set(ids(found)) == set(range(1, 131))


def test_no_row_at_all() -> None:
    moving = Moving({})
    with Scripted(moving) as desk:
        made = deskly(desk.url)
        found, cursor = poll(made, desk.port, None)
        assert found == []
        moving.rows[1] = BEGAN
        assert ids(poll(made, desk.port, cursor)[0]) == [1]


def test_a_failed_page_leaves_the_cursor_good() -> None:
    with Scripted(Moving(spaced(130))) as desk:
        made = deskly(desk.url)
        page = made.changed(context(desk.port), "tickets", None)
        desk.faults.plan("status", status=503)
        with pytest.raises(Retry):
            made.changed(context(desk.port), "tickets", page.cursor)
        rest, _ = poll(made, desk.port, page.cursor)
    assert set(ids([*page.changes, *rest])) == set(range(1, 131))


def test_a_feed_that_is_not_there() -> None:
    with pytest.raises(Unsupported):
        deskly("http://127.0.0.1:9").changed(context(9), "nothing", None)


def by_id(size: int, overlap: int = 5) -> str:
    start = DESKLY.index("changed:")
    end = DESKLY.index("webhook:")
    return DESKLY[:start] + (
        f"""changed:
  log:
    send: GET /log
    query: {{after: "{{after}}", limit: "{{size}}"}}
    items: rows
    skip: {{type: [mail]}}
    cursor: {{kind: id, at: n, overlap: {overlap}}}
    page: {{kind: none, size: {size}}}
    gives: hints
    record_id: ticket
    author: who

"""
        + DESKLY[end:]
    )


@dataclass
class Log:
    """An audit log with ids; ``late`` ids appear below the head."""

    ids: list[int]
    clamp: int = 1000
    asked: int = 0

    def __call__(self, request: Request) -> Response:
        self.asked += 1
        after, size = int(request.query["after"]), min(int(request.query["limit"]), self.clamp)
        found = sorted(id for id in self.ids if id > after)[:size]
        rows = [{"n": id, "ticket": id, "who": "paula", "type": "mail" if id % 10 == 0 else "note"} for id in found]
        return Response.of({"rows": rows})


def test_an_id_feed_and_a_late_id() -> None:
    log = Log([id for id in range(1, 251) if id != 248])
    with Scripted(log) as desk:
        made = deskly(desk.url, by_id(100))
        found, cursor = poll(made, desk.port, None, "log")
        assert set(ids(found)) == {id for id in log.ids if id % 10}
        log.ids += [248, 251]
        found, cursor = poll(made, desk.port, cursor, "log")
        assert ids(found) == [248, 251]
        assert poll(made, desk.port, cursor, "log")[0] == []


def test_a_clamp_smaller_than_the_overlap_still_moves() -> None:
    log = Log(list(range(1, 40)), clamp=3)
    with Scripted(log) as desk:
        made = deskly(desk.url, by_id(100, overlap=10))
        seen: list[Change] = []
        cursor: str | None = None
        for _ in range(20):
            found, cursor = poll(made, desk.port, cursor, "log")
            seen += found
        assert set(ids(seen)) == {id for id in log.ids if id % 10}


def test_a_restored_desk_is_reported() -> None:
    log = Log(list(range(1, 100)))
    with Scripted(log) as desk:
        made = deskly(desk.url, by_id(100))
        _, cursor = poll(made, desk.port, None, "log")
        page = made.changed(context(desk.port), "log", cursor)
        assert page.done and not page.regressed
        log.ids = list(range(1, 60))
        assert made.changed(context(desk.port), "log", cursor).regressed


def test_several_hints_of_one_record_and_author_are_one() -> None:
    def answer(request: Request) -> Response:
        rows = [{"n": 1, "ticket": 7, "who": "a"}, {"n": 2, "ticket": 7, "who": "b"}, {"n": 3, "ticket": 7, "who": "a"}]
        return Response.of({"rows": [row for row in rows if row["n"] > int(request.query["after"])]})

    with Scripted(answer) as desk:
        found, _ = poll(deskly(desk.url, by_id(100)), desk.port, None, "log")
    assert [(change.author, change.stamp) for change in found] == [("a", "3"), ("b", "2")]


def replaced(feed: str) -> str:
    start, end = DESKLY.index("changed:"), DESKLY.index("webhook:")
    return DESKLY[:start] + "changed:\n" + feed + "\n" + DESKLY[end:]


OPAQUE = replaced(
    """  tickets:
    send: GET /incremental
    query: {start_time: "{since}", cursor: "{token}"}
    items: tickets
    cursor: {kind: opaque, format: unix, overlap: 2m}
    page: {kind: token, at: after, end: {end: [true]}}
    gives: records
"""
)


def test_an_opaque_cursor_goes_on_over_empty_pages() -> None:
    pages = {
        None: {"tickets": [ticket(1)], "after": "a", "end": False},
        "a": {"tickets": [], "after": "b", "end": False},
        "b": {"tickets": [ticket(2)], "after": "c", "end": True},
        "c": {"tickets": [], "after": "c", "end": True},
    }
    with Scripted(lambda request: Response.of(pages[request.query.get("cursor")])) as desk:
        made = deskly(desk.url, OPAQUE)
        found, cursor = poll(made, desk.port, None)
        assert ids(found) == [1, 2]
        assert found[0].record is not None and found[0].record.fields["title"] == "VPN down"
        assert desk.asked[0].query == {"start_time": "0"}
        assert desk.asked[1].query == {"cursor": "a"}
        assert poll(made, desk.port, cursor)[0] == []
        assert desk.asked[-1].query == {"cursor": "c"}


SCAN = replaced(
    """  worklogs:
    send: GET /times
    query: {from: "{day}", page: "{page}", size: "{size}"}
    items: rows
    cursor: {kind: scan, window: 14d, every: 15m}
    page: {kind: page, size: 2}
    gives: worklogs
    record_id: ticket
    item: {id: id, author: who, hours: hours, text: text, created: at}
"""
)


def test_a_scan_gives_what_is_new_or_different() -> None:
    rows = [
        {"id": n, "ticket": 7, "who": "a", "hours": n / 3, "text": "x", "at": "2026-11-20T10:00:00Z"} for n in (1, 2, 3)
    ]

    def answer(request: Request) -> Response:
        start = (int(request.query["page"]) - 1) * 2
        return Response.of({"rows": rows[start : start + 2]})

    with Scripted(answer) as desk:
        made = deskly(desk.url, SCAN)
        assert made.feeds["worklogs"].every == 900.0
        found, cursor = poll(made, desk.port, None, "worklogs")
        assert [(c.item.id, c.item.minutes, c.record_id) for c in found if c.item] == [
            ("1", 20, "7"),
            ("2", 40, "7"),
            ("3", 60, "7"),
        ]
        assert desk.asked[0].query["from"] == "2026-11-07"
        assert poll(made, desk.port, cursor, "worklogs")[0] == []
        rows[1]["hours"] = 5
        rows.append({**rows[0], "id": 4})
        found, _ = poll(made, desk.port, cursor, "worklogs")
        assert [c.item.id for c in found if c.item] == ["2", "4"]


def linked(kind: str) -> str:
    return DESKLY.replace("page: {kind: page, size: 50}", f"page: {{kind: {kind}}}").replace(', page: "{page}"', "")


def test_linked_pages_end_with_the_last_link_alone_and_stay_at_their_host() -> None:
    def answer(request: Request) -> Response:
        at = int(request.query.get("at", 0))
        data = [] if at == 1 else [shown(at + 1, BEGAN)]
        link = {"Link": f'<{desk.url}/api/tickets?at={at + 1}>; rel="next"'} if at < 3 else {}
        return Response.of({"data": data}, 200, link)

    with Scripted(answer) as desk:
        found, _ = poll(deskly(desk.url, linked("link")), desk.port, None)
    assert ids(found) == [1, 3, 4], "the second page was emptied by access rules"


@pytest.mark.parametrize("kind", ["link", "next_url, at: next"])
def test_a_next_page_at_another_host_is_refused(kind: str) -> None:
    where = "https://evil.example/api/tickets?page=2"
    reply = Response.of({"data": [shown(1, BEGAN)], "next": where}, 200, {"Link": f'<{where}>; rel="next"'})
    with Scripted(lambda request: reply) as desk:
        made = deskly(desk.url, linked(kind))
        page: Page = made.changed(context(desk.port), "tickets", None)
        assert not page.done
        with pytest.raises(Exception, match="another host"):
            poll(made, desk.port, page.cursor)


def test_a_cursor_of_another_kind_begins_anew() -> None:
    with Scripted(Moving(spaced(3))) as desk:
        for cursor in ("nonsense", "[]", json.dumps({"kind": "id", "head": 5}), "7"):
            assert ids(poll(deskly(desk.url), desk.port, cursor)[0]) == [1, 2, 3]


PAGED = DESKLY.replace(
    '    send: "GET /tickets/{id}/messages"\n    at: data',
    '    send: "GET /tickets/{id}/messages"\n    query: {limit: "{size}", offset: "{offset}"}\n'
    "    page: {kind: offset, size: 10}\n    at: data",
)


def test_more_items_than_one_page_and_a_clamped_last_page() -> None:
    def answer(request: Request) -> Response:
        if "messages" not in request.path:
            return Response.of(ticket())
        start = min(int(request.query["offset"]), 20)  # like RT: beyond the end the last page comes again
        return Response.of({"data": [{"id": n, "text": "x", "internal": False} for n in range(start, start + 10)]})

    with Scripted(answer) as desk:
        record = deskly(desk.url, PAGED).fetch(context(desk.port), "7")
    assert [int(each.id) for each in record.comments] == list(range(30))
    assert record.complete


def test_a_range_of_rows_is_asked_for_by_its_first_and_last() -> None:
    text = DESKLY.replace('per_page: "{size}", page: "{page}"', 'range: "{offset}-{last}"').replace(
        "page: {kind: page, size: 50}", "page: {kind: offset, size: 50}"
    )
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.query["range"])
        first, last = map(int, asked[-1].split("-"))
        return Response.of({"data": [shown(id, BEGAN) for id in range(first, min(last + 1, 60))]})

    with Scripted(answer) as desk:
        changes, _ = poll(deskly(desk.url, text), desk.port, None)
    assert asked == ["0-49", "0-49", "50-99"] and len(changes) == 60, "once more from the last stamp of a full page"
