"""All that was recorded of ConnectWise: tickets, notes, time, members, lists; and whatever else comes instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from connectors import registry
from connectors.rest import Rest
from connectors.simulators.loopback import Request, Response
from tests.connectors.recordings import borne, recordings
from tests.connectors.support import Scripted, context

API = "/v2017_3/apis/3.0"
TICKETS = ("SERVICE_TICKET", "SERVICE_TICKET_LIST", "SERVICE_TICKET_MAP", "PROJECT_TICKET", "PROJECT_TICKET_LIST")


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return {name.removeprefix("API_"): answer for name, answer in recordings("connectwise").items()}


@contextmanager
def desk(whole: dict[str, Any], **instead: Any) -> Iterator[tuple[Rest, int]]:
    """A connector to a desk that answers with the recordings; ``instead``: others, by the last word of a path."""
    replies = {
        "/login/companyinfo/acme": whole["COMPANY_INFO"],
        f"{API}/system/members": whole["MEMBER_LIST"],
        f"{API}/system/members/176": whole["MEMBER"],
        f"{API}/service/tickets": whole["SERVICE_TICKET_LIST"],
        f"{API}/service/tickets/69/notes": whole["SERVICE_NOTE_LIST"],
        f"{API}/system/documents": [],
        f"{API}/time/entries": whole["TIME_ENTRY_LIST"],
        f"{API}/service/boards": whole["BOARD_LIST"],
        f"{API}/service/boards/1/statuses": whole["BOARD_STATUS_LIST"],
        f"{API}/service/boards/1/types": whole["TYPE_LIST"],
        f"{API}/service/priorities": whole["SERVICE_PRIORITY_LIST"],
        f"{API}/service/sources": whole["SOURCE_LIST"],
        **{f"{API}/service/tickets/{each['id']}": each for each in tickets(whole)},
    }

    def answer(request: Request) -> Response:
        last = request.path.rpartition("/")[2]
        return Response.of(instead[last] if last in instead else replies.get(request.path, []))

    with Scripted(answer) as served:
        settings = {"company_id": "acme", "public_key": "x", "member": "User1", "client_id": "c"}
        settings |= {"company": "YourCompany", "url": served.url, "site": served.url}
        made = registry.build("connectwise", settings=settings, secrets={"private_key": "x"})
        assert isinstance(made, Rest) and made.check(context(served.port)).me == {"User1", "176"}
        yield made, served.port


def tickets(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Every ticket in the recordings, as it stands there."""
    found: list[dict[str, Any]] = []
    for name in TICKETS:
        told = whole[name]
        found += told if isinstance(told, list) else [told] if "id" in told else told.values()
    return found


def test_every_recorded_ticket_is_read(whole: dict[str, Any]) -> None:
    every = tickets(whole)
    assert len(every) == 5
    for each in every:
        with desk(whole, **{str(each["id"]): each}) as (made, port):
            record = made.fetch(context(port), str(each["id"]))
        assert (record.id, record.state, record.author) == (str(each["id"]), "live", each["_info"]["updatedBy"])
        assert (record.version, record.fields["summary"]) == (each["_info"]["lastUpdated"], each["summary"])
        wanted = {name: str(each[name]["id"]) for name in ("board", "status", "priority", "owner") if each.get(name)}
        assert wanted and {name: record.fields[name] for name in wanted} == wanted


def test_every_recorded_note_hour_and_member_is_read(whole: dict[str, Any]) -> None:
    with desk(whole) as (made, port):
        comments = made.fetch(context(port), "69").comments
        hours = made.changed(context(port), "time", None).changes
        told = made.changed(context(port), "tickets", None).changes
        by_id = made.person(context(port), id="176")
        by_email = made.person(context(port), email="test@test.com")
    assert [(each.id, each.text) for each in comments] == [
        (str(note["id"]), note["text"]) for note in whole["SERVICE_NOTE_LIST"]
    ]
    assert [(each.record_id, each.item and each.item.minutes) for each in hours] == [
        (str(entry["chargeToId"]), entry["actualHours"] * 60) for entry in whole["TIME_ENTRY_LIST"]
    ]
    assert [each.record_id for each in told] == ["69"]
    assert by_id is not None and by_id == by_email and by_id.login == "User1"


def test_every_recorded_list_is_read(whole: dict[str, Any]) -> None:
    with desk(whole) as (made, port):
        lists = made.lists(context(port))
        fields = made.catalogue(lists).doc["fields"]
    assert {name: len(rows) for name, rows in lists.items()} == {
        "boards": 1,
        "statuses": 2,
        "types": 1,
        "priorities": 2,
        "sources": 1,
    }
    assert fields["status"]["values"] == {"1": {"1": "New", "2": "In Progress"}}
    assert fields["type"]["values"] == {"1": {"8": "Admin"}}
    assert fields["priority"]["values"] == {"5": "Priority 2 - Quick Response", "4": "Priority 3 - Normal Response"}


def test_no_recording_in_anothers_place_upsets_the_connector(whole: dict[str, Any]) -> None:
    """Whatever is answered is a record, a list or an outcome: never an error of ours."""
    assert len(whole) == 111
    read: dict[str, set[str]] = {"fetch": set(), "lists": set()}
    for name, answer in whole.items():
        with desk(whole, **{"69": answer, "tickets": answer, "entries": answer, "notes": answer}) as (made, port):
            if borne(partial(made.fetch, context(port), "69")):
                read["fetch"].add(name)
            if {borne(partial(made.changed, context(port), feed, None)) for feed in made.feeds} == {True}:
                read["lists"].add(name)
    assert {"SERVICE_TICKET", "PROJECT_TICKET"} <= read["fetch"]
    assert {name for name, answer in whole.items() if isinstance(answer, list)} <= read["lists"]
