"""All that was recorded of Autotask: tickets, notes, time, resources, picklists; and whatever else comes instead."""

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

SETTINGS = {"login": "tandem@acme.example", "company": 174}
PICKED = {
    "STATUS_FIELD": "status",
    "PRIORITY_FIELD": "priority",
    "QUEUE_FIELD": "queueID",
    "TICKET_TYPE_FIELD": "ticketType",
    "SOURCE_FIELD": "source",
    "ISSUE_TYPE_FIELD": "issueType",
}
"""Recordings of one picklist of a ticket each, and the field that takes it."""


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return {name.removeprefix("API_"): answer for name, answer in recordings("autotask").items()}


@contextmanager
def desk(whole: dict[str, Any], **instead: Any) -> Iterator[tuple[Rest, int]]:
    """A connector to a desk that answers with the recordings; ``instead``: other answers, by the path behind v1.0/
    with its slashes as underscores."""

    def answer(request: Request) -> Response:
        replies = {
            "zoneInformation": {"url": f"{served.url}/z/", "webUrl": "https://ww1.autotask.net/"},
            "Resources_query": whole["RESOURCE"],
            "Resources_10": {"item": whole["RESOURCE_ITEMS"][0]},
            "Contacts_query": whole["CONTACT"],
            "Tickets_query": whole["TICKET"],
            "Tickets_100": whole["TICKET_BY_ID"],
            "TicketNotes_query": whole["TICKET_NOTE"],
            "TicketAttachments_query": whole["EMPTY"],
            "TimeEntries_query": whole["TIME_ENTRY_TICKET"],
            "Tickets_entityInformation_fields": whole["TICKET_PICKLIST_FIELD"],
            "Tickets_entityInformation_userDefinedFields": whole["UDF"],
        }
        return Response.of({**replies, **instead}[request.path.partition("/v1.0/")[2].replace("/", "_")])

    with Scripted(answer) as served:
        settings = {**SETTINGS, "discovery": f"{served.url}/atservicesrest"}
        made = registry.build("autotask", settings=settings, secrets={"secret": "x", "integration_code": "y"})
        assert isinstance(made, Rest) and "10" in made.check(context(served.port)).me
        yield made, served.port


def test_every_recorded_ticket_is_read(whole: dict[str, Any]) -> None:
    every = [whole["TICKET_BY_ID"]["item"], whole["TICKET_ITEM"], *whole["TICKET_ITEMS"], *whole["TICKET"]["items"]]
    for each in every:
        with desk(whole, Tickets_100={"item": each}) as (made, port):
            record = made.fetch(context(port), "100")
            told = made.changed(context(port), "tickets", None).changes
        assert (record.id, record.state, record.number) == ("100", "live", each["ticketNumber"])
        wanted = {name: str(each[name]) for name in ("status", "priority", "queueID", "ticketType", "title")}
        assert {name: record.fields[name] for name in wanted} == wanted
        assert [change.record_id for change in told] == ["100"]


def test_every_recorded_note_hour_and_person_is_read(whole: dict[str, Any]) -> None:
    note = whole["TICKET_NOTE_ITEMS"][0]
    with desk(whole) as (made, port):
        (comment,) = made.fetch(context(port), "100").comments
        (change,) = made.changed(context(port), "time", None).changes
        resource = made.person(context(port), id="10")
        contact = made.person(context(port), email=whole["CONTACT_ITEMS"][0]["emailAddress"])
    assert (comment.id, comment.text, comment.channel) == (str(note["id"]), note["description"], "all")
    assert change.item is not None
    assert (change.record_id, change.item.minutes, change.item.author) == ("100", 60, "10")
    assert resource is not None and resource.id == "10"
    assert contact is not None and contact.id == str(whole["CONTACT_ITEMS"][0]["id"])


def test_time_on_a_project_is_nobodys_here(whole: dict[str, Any]) -> None:
    """The filter asks for time on tickets alone; a row that comes all the same names none."""
    with desk(whole, TimeEntries_query=whole["TIME_ENTRY"]) as (made, port):
        assert [each.record_id for each in made.changed(context(port), "time", None).changes] == ["100"]


@pytest.mark.parametrize("name", PICKED)
def test_every_recorded_picklist_of_a_ticket_is_read(whole: dict[str, Any], name: str) -> None:
    told = next(each for each in whole[name]["fields"] if each["name"] == PICKED[name])
    with desk(whole, Tickets_entityInformation_fields=whole[name]) as (made, port):
        fields = made.catalogue(made.lists(context(port))).doc["fields"]
    wanted = {str(row["value"]): row["label"] for row in told["picklistValues"] if row["isActive"]}
    assert wanted and fields[PICKED[name]]["values"] == wanted
    assert fields["udf:Test UDF"]["values"] == {"1": "1"}


def test_no_recording_in_anothers_place_upsets_the_connector(whole: dict[str, Any]) -> None:
    """Whatever is answered is a record, a list or an outcome: never an error of ours."""
    assert len(whole) == 103
    read: dict[str, set[str]] = {"fetch": set(), "lists": set()}
    paths = ("Tickets_100", "Tickets_query", "TicketNotes_query", "TimeEntries_query")
    for name, answer in whole.items():
        with desk(whole, **dict.fromkeys(paths, answer)) as (made, port):
            if borne(partial(made.fetch, context(port), "100")):
                read["fetch"].add(name)
            if {borne(partial(made.changed, context(port), feed, None)) for feed in made.feeds} == {True}:
                read["lists"].add(name)
    assert "TICKET_BY_ID" in read["fetch"]
    assert {name for name, answer in whole.items() if isinstance(answer, dict) and "items" in answer} <= read["lists"]
