"""What is Freshservice's own: envelopes, workspaces, levels that run the other way, agents named in time entries."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors import registry
from connectors.base import File, Value
from connectors.contract.rehearsal import Rehearsal
from connectors.errors import Refused, Unsupported
from connectors.rest import Rest
from connectors.simulators.forms import File as Sent
from connectors.simulators.freshservice import PRIMARY, Freshservice
from connectors.simulators.loopback import Request, Response
from tests.connectors.freshdesk.support import BOTH, every_bit_counts, hook
from tests.connectors.support import Scripted, context

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "freshservice-webhook-secret-123"


def freshservice(url: str = "http://127.0.0.1:9", **more: Any) -> Rest:
    settings = {"domain": "acme", "url": url, "requester": "desk@customer.example", **more.pop("settings", {})}
    made = registry.build("freshservice", settings=settings, secrets={"key": "k-123", "webhook": SECRET}, **more)
    assert isinstance(made, Rest)
    return made


def test_the_usual_address() -> None:
    made = registry.build(
        "freshservice", settings={"domain": "Acme", "requester": "a@example.com"}, secrets={"key": "x"}
    )
    assert isinstance(made, Rest) and made._places().base == "https://acme.freshservice.com/api/v2"


@pytest.mark.parametrize(
    ("body", "kind", "id"),
    [
        ({"ticket_id": "12", "event": "created"}, "created", "12"),
        ({"ticket_id": 12, "event": "updated"}, "changed", "12"),
        ({"ticket_id": "12", "event": "deleted"}, "gone", "12"),
        ({"ticket_id": "12"}, "changed", "12"),
    ],
)
def test_what_a_workflow_sends_is_a_hint(body: object, kind: str, id: str) -> None:
    (event,) = freshservice().parse(hook(body))
    assert (event.kind, event.record_id, event.record) == (kind, id, None)


@pytest.mark.parametrize(
    ("choice", "header", "value"),
    [("header", "X-Tandem-Secret", SECRET), ("bearer", "Authorization", f"Bearer {SECRET}")],
)
def test_the_shared_secret_verifies_and_no_bit_of_it_may_change(choice: str, header: str, value: str) -> None:
    every_bit_counts(freshservice(verify=choice), header, value)


def test_a_recorded_ticket_is_read_out_of_its_envelope() -> None:
    body = json.loads((FIXTURES / "record_ticket.json").read_text("utf-8"))["body"]

    def answer(request: Request) -> Response:
        return Response.of({"conversations": []} if request.path.endswith("conversations") else {"ticket": body})

    with Scripted(answer) as desk:
        record = freshservice(desk.url).fetch(context(desk.port), "1")
    assert record.complete and record.version == "2016-05-18T23:42:50Z" and len(record.files) == 1


class TestFreshservice(Rehearsal):
    kind = "freshservice"
    simulator = Freshservice
    title, body = "subject", "description"
    fields: ClassVar[Mapping[str, Value]] = {"description": "since 08:00"}
    sim: Freshservice

    def test_a_create_goes_bare_and_comes_wrapped(self) -> None:
        id = self.new(impact="3", urgency="1")
        sent = next(request for request in self.sim.asked if request.method == "POST").json()
        assert "ticket" not in sent and (sent["impact"], sent["urgency"], sent["status"]) == (3, 1, 2)
        assert sent["workspace_id"] == PRIMARY
        assert self.record(id).fields["impact"] == "3" and self.record(id).fields["type"] == "Incident"

    def test_levels_are_known_by_their_words(self) -> None:
        catalogue = self.catalogue()["fields"]
        assert (
            catalogue["impact"]["values"] == catalogue["urgency"]["values"] == {"1": "Low", "2": "Medium", "3": "High"}
        )
        assert registry.manifest("servicenow").doc["fields"]["impact"]["values"]["1"] == "High"

    def test_only_our_workspace_is_looked_at(self) -> None:
        ours, theirs = self.new(), self.new(ref="TDM-2")
        self.sim.move(theirs)
        assert self.polled({}) == {ours} and self.record(theirs).state == "left"
        self.clock.forward(self.desk.visible_after)
        assert self.desk.find(self.ctx(), "TDM-2") == []
        assert self.sim.asked[-1].query == {"query": "\"tandem_reference:'TDM-2' AND priority:>1\""}
        other = self.connect(settings={"workspace": 3, "within": "workspace_id:3"})
        assert [hit.id for hit in other.find(self.ctx(), "TDM-2")] == [theirs]
        assert other.fetch(self.ctx(), theirs).state == "live"

    def test_without_a_workspace_none_is_asked_for(self) -> None:
        self.sim.settings = {name: value for name, value in self.sim.settings.items() if name != "workspace"}
        self.desk = self.connect()
        self.polled({})
        assert all("workspace_id" not in request.query for request in self.sim.asked[-1:])
        assert self.record(self.new()).state == "live"

    def test_a_time_entry_names_our_agent_by_number(self) -> None:
        id = self.new()
        self.desk.worklog(self.ctx(), id, 75, "looked at the switch", self.clock())
        sent = self.sim.asked[-1].json()
        assert (sent["agent_id"], sent["time_spent"]) == (self.sim.tandem, "01:15")
        assert self.sim.spent(id) == [75] and "worklogs" not in self.desk.feeds

    def test_notes_replies_and_edits(self) -> None:
        id = self.new()
        note = self.desk.comment(self.ctx(), id, "note", "frist", ["staff"]).id
        assert self.desk.comment(self.ctx(), id, "note", "first", ["staff"], replaces=note).id == note
        self.desk.comment(self.ctx(), id, "reply", "hello", BOTH)
        assert self.sim.mailed == [(int(id), "hello")]
        assert [(each.channel, each.text) for each in self.record(id).comments] == [
            ("note", "first"),
            ("reply", "hello"),
        ]
        with pytest.raises(Unsupported, match="mailed"):
            self.desk.comment(self.ctx(), id, "reply", "x", BOTH, replaces=note)
        with pytest.raises(Refused, match="also reaches requester"):
            self.desk.comment(self.ctx(), id, "reply", "not for all", ["staff"])

    def test_files_keep_the_eyes_of_their_note_and_those_of_the_ticket_are_read(self) -> None:
        given = {"email": "alice@customer.example", "subject": "x", "description": "see there", **self.sim.usual()}
        id = str(self.sim.make(given, [Sent("log.txt", "text/plain", b"log")])["id"])
        data = b"\x00\r\n" * 700
        digest = hashlib.sha256(data).hexdigest()
        self.desk.attach(
            self.ctx(), id, "note", File("a.bin", "image/png", len(data), digest, lambda: io.BytesIO(data)), ["staff"]
        )
        theirs, ours = self.record(id).files
        assert (theirs.name, theirs.channel, theirs.size) == ("log.txt", "reply", 3)
        assert (ours.name, ours.channel) == ("a.bin", "note")
        assert b"".join(self.desk.file(self.ctx(), ours)) == data

    def test_what_is_wrong_is_said_by_field(self) -> None:
        id = self.new()
        with pytest.raises(Refused, match="Validation failed environment_"):
            self.desk.update(self.ctx(), id, {"cf:environment_": "x"}, None)
        with pytest.raises(Refused, match="no value"):
            self.desk.update(self.ctx(), id, {"category": "Furniture"}, None)
        with pytest.raises(Refused, match="cannot be written"):
            self.desk.update(self.ctx(), id, {"type": "Service Request"}, None)

    def test_lists_tell_categories_groups_and_custom_fields(self) -> None:
        catalogue = self.catalogue()["fields"]
        assert list(catalogue["category"]["values"])[:2] == ["Hardware", "Software"]
        assert catalogue["group"]["values"] == {"1": "Entertainers", "2": "Helpdesk"}
        assert catalogue["cf:environment"]["values"] == {"Production": "Production", "UAT": "UAT"}
        assert "cf:subject" not in catalogue and "cf:tandem_reference" in catalogue

    def test_people_are_agents(self) -> None:
        paula = self.desk.person(self.ctx(), email="paula@provider.example")
        assert paula and paula.name == "Paula" and self.desk.person(self.ctx(), id=paula.id) == paula
        assert self.desk.person(self.ctx(), id=str(self.sim.alice)) is None
        assert self.desk.person(self.ctx(), email="nobody@provider.example") is None

    def test_old_tickets_are_in_the_feed(self) -> None:
        id = self.new()
        self.clock.forward(40 * 86400)
        assert self.polled({}) == {id}

    def test_resolution_notes_go_both_ways(self) -> None:
        id = self.new()
        done = self.desk.update(self.ctx(), id, {"status": "4", "resolution_notes": "restarted"}, None)
        assert done.record and done.record.fields["resolution_notes"] == "restarted"
        self.sim.change(id, {"resolution_notes": "replaced"})
        assert self.record(id).fields["resolution_notes"] == "replaced"
