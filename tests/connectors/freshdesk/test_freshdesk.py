"""What is Freshdesk's own: thirty days, three hundred pages, a search that lags, notes and replies, forms, refusals."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors import registry
from connectors.base import Arrival, File, Value
from connectors.contract.rehearsal import Rehearsal
from connectors.errors import Gone, Refused, Retry, Unknown, Unsupported
from connectors.rest import Rest
from connectors.simulators import freshworks
from connectors.simulators.forms import File as Sent
from connectors.simulators.freshdesk import Freshdesk
from connectors.simulators.loopback import Request, Response
from tests.connectors.freshdesk.support import BOTH, every_bit_counts, hook
from tests.connectors.support import Scripted, context

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "freshdesk-webhook-secret-12345"


def freshdesk(url: str = "http://127.0.0.1:9", **more: Any) -> Rest:
    settings = {"domain": "acme", "url": url, "requester": "desk@customer.example"}
    made = registry.build("freshdesk", settings=settings, secrets={"key": "k-123", "webhook": SECRET}, **more)
    assert isinstance(made, Rest)
    return made


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text("utf-8"))


def test_the_usual_address_and_its_override() -> None:
    settings = {"domain": "Acme", "requester": "a@example.com"}
    made = registry.build("freshdesk", settings=settings, secrets={"key": "x"})
    assert isinstance(made, Rest) and made._places().base == "https://acme.freshdesk.com/api/v2"


@pytest.mark.parametrize(
    ("name", "kind"), [("ticket_created", "created"), ("status_changed", "changed"), ("private_note", "changed")]
)
def test_recorded_webhooks_are_hints(name: str, kind: str) -> None:
    """Their status and priority are labels, not codes: nothing of them is believed but the number."""
    (event,) = freshdesk().parse(hook(recorded(f"webhook_{name}.json")))
    assert (event.kind, event.record_id, event.record, event.actor) == (kind, "11", None, None)


def test_a_body_of_two_placeholders_is_enough_and_a_broken_one_is_ignored() -> None:
    (event,) = freshdesk().parse(hook({"ticket_id": "12", "triggered_event": "{ticket_action:created}"}))
    assert (event.kind, event.record_id) == ("created", "12")
    (event,) = freshdesk().parse(hook({"ticket_id": 12}))
    assert (event.kind, event.record_id) == ("changed", "12")
    broken = b'{"ticket_id": "12", "subject": "the "big" one"}'
    (event,) = freshdesk().parse(Arrival("POST", {}, {}, broken))
    assert event.kind == "ignored" and event.reason == "the payload is not JSON"


@pytest.mark.parametrize(
    ("choice", "header", "value"),
    [("header", "X-Tandem-Secret", SECRET), ("bearer", "Authorization", f"Bearer {SECRET}")],
)
def test_the_shared_secret_verifies_and_no_bit_of_it_may_change(choice: str, header: str, value: str) -> None:
    every_bit_counts(freshdesk(verify=choice), header, value)


def test_recorded_conversations_keep_their_eyes() -> None:
    """A recorded ticket with a private note, a reply, and a file of the ticket's own."""

    def answer(request: Request) -> Response:
        rows = recorded("conversations.json")
        return Response.of(rows if request.path.endswith("conversations") else recorded("record_ticket.json")["body"])

    with Scripted(answer) as desk:
        record = freshdesk(desk.url).fetch(context(desk.port), "1")
    assert [(each.channel, each.text) for each in record.comments] == [
        ("note", "This is a private note"),
        ("reply", "This is a reply"),
    ]
    (file,) = record.files
    assert (file.name, file.size, file.channel) == ("attachment.txt", 44115, "reply")
    assert record.complete and record.page and record.page.endswith("/a/tickets/1")


def test_recorded_time_is_read_in_minutes() -> None:
    with Scripted(lambda request: Response.of(recorded("time_entries.json"))) as desk:
        page = freshdesk(desk.url).changed(context(desk.port), "worklogs", None)
    assert [(each.record_id, each.item.minutes) for each in page.changes if each.item] == [
        ("1", 15),
        ("2", 10),
        ("3", 15),
    ]


def test_a_recorded_agent_is_found_by_exact_address() -> None:
    with Scripted(lambda request: Response.of(recorded("agents.json"))) as desk:
        person = freshdesk(desk.url).person(context(desk.port), email="Superman@example.com")
    assert person and (person.id, person.name) == ("432", "Clark Kent")


class TestFreshdesk(Rehearsal):
    kind = "freshdesk"
    simulator = Freshdesk
    title, body = "subject", "description"
    fields: ClassVar[Mapping[str, Value]] = {"description": "since 08:00"}
    sim: Freshdesk

    def file(self, data: bytes, name: str = "screen.png") -> File:
        return File(name, "image/png", len(data), hashlib.sha256(data).hexdigest(), lambda: io.BytesIO(data))

    def test_the_feed_asks_beyond_thirty_days(self) -> None:
        id = self.new()
        self.clock.forward(40 * 86400)
        changes, _ = self.poll("tickets")
        assert [change.record_id for change in changes] == [id]
        asked = [
            request.query for request in self.sim.asked if request.path == "/api/v2/tickets" and request.method == "GET"
        ]
        assert asked and all("updated_since" in query for query in asked)

    def test_the_ceiling_of_pages_is_never_reached(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every page begins at the last stamp of the one before, so the page number stays low."""
        monkeypatch.setattr(freshworks, "PAGES", 2)
        ids = set()
        for number in range(450):
            ids.add(self.sim.open_record(f"record {number}"))
            self.clock.forward(1)
        changes, _ = self.poll("tickets")
        assert {change.record_id for change in changes} == ids
        assert max(int(request.query.get("page", 1)) for request in self.sim.asked) <= 2

    def test_a_new_record_is_found_once_the_search_has_seen_it(self) -> None:
        id = self.new(ref="TDM-ONE")
        assert self.desk.find(self.ctx(), "TDM-ONE") == [], "the index is behind"
        self.clock.forward(self.desk.visible_after)
        assert [hit.id for hit in self.desk.find(self.ctx(), "TDM-ONE")] == [id]
        assert self.sim.asked[-1].query["query"] == "\"cf_tandem_reference:'TDM-ONE'\""
        self.sim.remove(id)
        assert self.desk.find(self.ctx(), "TDM-ONE") == []

    def test_a_private_note_is_not_mailed_and_a_reply_is(self) -> None:
        id = self.new()
        self.desk.comment(self.ctx(), id, "note", "psst", ["staff"])
        assert self.sim.asked[-1].json() == {"body": "psst", "private": True}
        self.desk.comment(self.ctx(), id, "public_note", "in the portal", BOTH)
        assert self.sim.mailed == []
        self.desk.comment(self.ctx(), id, "reply", "<p>hello</p>", BOTH)
        assert self.sim.mailed == [(int(id), "hello")]
        assert [(each.channel, each.text) for each in self.record(id).comments] == [
            ("note", "psst"),
            ("reply", "in the portal"),
            ("reply", "hello"),
        ]
        with pytest.raises(Refused, match="also reaches requester"):
            self.desk.comment(self.ctx(), id, "public_note", "not for all", ["staff"])

    def test_a_note_is_reworded_and_a_reply_is_not(self) -> None:
        id = self.new()
        note = self.desk.comment(self.ctx(), id, "note", "frist", ["staff"]).id
        assert self.desk.comment(self.ctx(), id, "note", "first", ["staff"], replaces=note).id == note
        assert [each.text for each in self.sim.said(id)] == ["first"]
        with pytest.raises(Unsupported, match="mailed"):
            self.desk.comment(self.ctx(), id, "reply", "x", BOTH, replaces=note)

    def test_files_go_as_forms_and_keep_the_eyes_of_their_note(self) -> None:
        id = self.new()
        data = b"\r\n--\r\n\x00\xff" * 500
        sent = self.desk.attach(self.ctx(), id, "note", self.file(data, 'odd "name" ü.png'), ["staff"])
        request = self.sim.asked[-1]
        assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert b'name="private"\r\n\r\ntrue' in request.body and b'name="attachments[]"; filename=' in request.body
        (item,) = self.record(id).files
        assert (item.id, item.channel, item.name, item.size) == (sent.id, "note", 'odd "name" ü.png', len(data))
        assert b"".join(self.desk.file(self.ctx(), item)) == data
        with pytest.raises(Refused, match="20000000 bytes"):
            self.desk.attach(self.ctx(), id, "note", self.file(b"x" * 20_000_001), ["staff"])

    def test_a_file_of_the_ticket_itself_is_read_too(self) -> None:
        given = {"email": "alice@customer.example", "subject": "x", "description": "see there"}
        ticket = self.sim.make(given, [Sent("log.txt", "text/plain", b"log")])
        (file,) = self.record(str(ticket["id"])).files
        assert (file.name, file.channel) == ("log.txt", "reply")

    def test_time_is_written_as_a_clock_shows_it(self) -> None:
        id = self.new()
        self.desk.worklog(self.ctx(), id, 95, "looked at the switch", self.clock() - timedelta(hours=2))
        assert self.sim.asked[-1].json()["time_spent"] == "01:35" and self.sim.spent(id) == [95]
        (change,) = self.desk.changed(self.ctx(), "worklogs", None).changes
        assert change.item and (change.item.minutes, change.item.text) == (95, "looked at the switch")
        assert change.author == str(self.sim.tandem)

    def test_what_is_wrong_is_said_by_field(self) -> None:
        with pytest.raises(Refused, match="description is required"):
            self.desk.create(self.ctx(), {"subject": "x"}, "TDM-1", "k")
        with pytest.raises(Refused, match="cf_surprise Unexpected/invalid field"):
            self.new(**{"cf:cf_surprise": "x"})
        id = self.new()
        with pytest.raises(Refused, match="no group matching"):
            self.sim.groups.pop(2)
            self.desk.update(self.ctx(), id, {"group": "2"}, None)
        with pytest.raises(Refused, match="32 characters"):
            self.desk.update(self.ctx(), id, {"tags": ["x" * 33]}, None)

    def test_codes_go_as_numbers_and_an_unknown_one_arrives_as_itself(self) -> None:
        id = self.new(status="3", priority="4")
        assert self.sim.shows(id)["status"] == 3 and self.sim.shows(id)["priority"] == 4
        self.sim.tickets[int(id)]["status"] = 12
        assert self.record(id).fields["status"] == "12"
        with pytest.raises(Refused, match="no value"):
            self.desk.update(self.ctx(), id, {"status": "12"}, None)

    def test_a_requester_that_nobody_knows_becomes_a_contact(self) -> None:
        first = self.record(self.new()).fields["requester"]
        assert self.sim.people[int(str(first))]["email"] == "desk@customer.example"
        other = self.record(self.new(ref="TDM-2", requester="new@customer.example")).fields["requester"]
        assert self.sim.people[int(str(other))]["email"] == "new@customer.example"
        assert self.desk.person(self.ctx(), id=str(other)) is None, "contacts are not agents"
        paula = self.desk.person(self.ctx(), email="paula@provider.example")
        assert paula and self.desk.person(self.ctx(), id=paula.id) == paula

    def test_deleted_and_spam_leave_the_list_and_can_be_told_apart(self) -> None:
        one, other = self.new(), self.new(ref="TDM-2")
        self.sim.remove(one)
        self.sim.move(other)
        assert self.polled({}) == set()
        assert (self.record(one).state, self.record(other).state) == ("gone", "left")
        with pytest.raises(Gone):
            self.desk.fetch(self.ctx(), "99999")

    def test_a_spent_minute_waits_for_the_next(self) -> None:
        id = self.new()
        self.sim.quota = 20
        self.clock.forward(61)
        with pytest.raises(Retry, match="exceeded the limit") as caught:
            for _ in range(30):
                self.desk.fetch(self.ctx(), id, items=False)
        assert caught.value.after and 0 < caught.value.after <= 60
        assert self.desk.slow_until() > 0

    def test_lists_tell_types_groups_and_custom_fields(self) -> None:
        self.sim.groups |= {number: f"Group {number}" for number in range(10, 180)}
        lists = self.desk.lists(self.ctx())
        catalogue = self.desk.catalogue(lists).doc["fields"]
        assert list(catalogue["type"]["values"]) == ["Question", "Incident", "Problem", "Feature Request"]
        assert len(catalogue["group"]["values"]) == 172
        assert catalogue["cf:cf_impact"]["values"] == {"High": "High", "Medium": "Medium", "Low": "Low"}
        assert "cf:status" not in catalogue

    def test_a_create_whose_answer_is_lost_waits_for_the_search(self) -> None:
        self.sim.faults.plan("commit_then_drop", method="POST")
        with pytest.raises(Unknown):
            self.new(ref="TDM-LOST")
        assert self.desk.find(self.ctx(), "TDM-LOST") == [] and self.desk.visible_after == 300
        self.clock.forward(300)
        assert len(self.desk.find(self.ctx(), "TDM-LOST")) == 1
