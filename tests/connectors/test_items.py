"""Items that lie in several lists, files in a store of the vendor's, and time as a clock writes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import responses

from connectors import items, registry
from connectors.base import Item
from connectors.rest import Rest
from connectors.simulators.loopback import Request, Response
from connectors.values import Times
from tests.connectors.support import DESKLY, NOW, Scripted, context, deskly, ticket

LISTS = """
  files:
    - {call: fetch, at: attachments, id: id, name: name, url: url, channel: reply}
    - {send: "GET /tickets/{id}/messages", at: "data[*].attachments[*]", id: id, name: name, url: url, channel: note}
"""
FILES = DESKLY.replace("\nchanged:", f"{LISTS}\nchanged:").replace(
    '  file: "Deskly has no files to read."', ""
).replace("calls:\n", 'calls:\n  file: {send: "GET {file.url}", reply: bytes}\n').replace(
    "base:", 'hosts: ["files.deskly.example"]\nbase:', 1
)  # fmt: skip


def answer(request: Request) -> Response:
    if request.path.endswith("/messages"):
        row: dict[str, Any] = {"id": 1, "author_id": 5, "text": "see there", "internal": True}
        return Response.of({"data": [{**row, "attachments": [{"id": 12, "name": "theirs.log", "url": "/f/12"}]}]})
    return Response.of(ticket(attachments=[{"id": 11, "name": "first.log", "url": "/f/11"}]))


def test_files_of_the_record_and_of_its_comments_are_read_together() -> None:
    with Scripted(answer) as desk:
        record = deskly(desk.url, FILES).fetch(context(desk.port), "7")
        assert len(desk.asked) == 2, "each list is asked for once"
    assert [(each.id, each.channel) for each in record.files] == [("11", "reply"), ("12", "note")]
    assert record.complete and len(record.comments) == 1


def test_a_list_of_several_that_may_not_be_read_makes_the_record_incomplete() -> None:
    def half(request: Request) -> Response:
        return Response.of({}, 403) if request.path.endswith("/messages") else answer(request)

    with Scripted(half) as desk:
        assert not deskly(desk.url, FILES).fetch(context(desk.port), "7").complete


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("channel: note}", "channel: nowhere}", "is no channel"),
        ("call: fetch, at: attachments", "at: attachments", "either call: fetch or a send"),
        ("{id}/messages", "{ids}/messages", "is no name here"),
    ],
)
def test_each_of_several_lists_is_checked(old: str, new: str, said: str) -> None:
    with pytest.raises(registry.BadManifest, match=said):
        registry.load(FILES.replace(old, new))


def test_credentials_stay_with_the_desk_itself() -> None:
    made = deskly("https://desk.example", FILES)
    assert isinstance(made, Rest)
    for url, expected in (("https://files.deskly.example/x", False), ("https://desk.example/x", True)):
        with responses.RequestsMock(target="connectors.transport.Adapter.send") as mock:
            mock.get(url, body=b"content", content_type="text/plain")
            assert b"".join(made.file(context(), Item("1", "7", None, None, "note", url=url))) == b"content"
            assert ("Authorization" in mock.calls[0].request.headers) == expected, url


def test_time_goes_out_as_a_clock_writes_it() -> None:
    text = DESKLY.replace('  worklog: "No time entries: minutes go into a note."', "").replace(
        "calls:\n", 'calls:\n  worklog: {send: "POST /tickets/{id}/time", body: {spent: "{clock}"}, take: {id: id}}\n'
    )
    with Scripted(lambda request: Response.of({"id": 1}, 201)) as desk:
        for minutes in (5, 90, 1500):
            deskly(desk.url, text).worklog(context(desk.port), "7", minutes, "x", NOW - timedelta(hours=2))
        assert [request.json()["spent"] for request in desk.asked] == ["00:05", "01:30", "25:00"]


@pytest.mark.parametrize(
    ("told", "minutes"), [("01:30", 90), ("00:05", 5), ("1.5", 90), ("100:00", 6000), (None, None)]
)
def test_hours_come_as_a_number_or_as_a_clock(told: str | None, minutes: int | None) -> None:
    item = items.worklog({"id": "id", "hours": "hours"}, Times(), "7", {"id": 1, "hours": told})
    assert item.minutes == minutes
