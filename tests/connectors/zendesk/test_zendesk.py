"""What is Zendesk's own: comments inside updates, stamps, keys, the export, upload tokens, native ticket rules."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from connectors import registry
from connectors.base import Arrival, File, Item, Value
from connectors.contract.rehearsal import Rehearsal
from connectors.errors import Refused, Retry, Stale, Unknown, Unverified
from connectors.rest import Rest
from connectors.simulators.loopback import Response
from connectors.simulators.zendesk import Zendesk
from tests.connectors.support import Scripted, context

FIXTURES = Path(__file__).parent / "fixtures"
TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # the fixed one of Zendesk's test deliveries
SIGNED = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)
VECTORS = (
    (b'{"ticket_id":"35436","status":"open"}', "ExoVSs9S/nhYVgoxt5VLEmkPI1L51ljlf2+72cc7YWw="),
    (b"", "YiF15okwTpB5LSgBMMaG0OhMDCZfWsT44AMt6oqjLmQ="),
)


def zendesk(url: str = "http://127.0.0.1:9", secret: str = TEST_SECRET) -> Rest:
    settings = {"subdomain": "acme", "url": url, "login": "tandem@example.com", "requester": 7}
    made = registry.build("zendesk", settings=settings, secrets={"token": "zendesk-api-token", "webhook": secret})
    assert isinstance(made, Rest)
    return made


def recorded(name: str) -> Mapping[str, object]:
    document: Mapping[str, object] = json.loads((FIXTURES / name).read_text("utf-8"))
    return document


def arrival(body: bytes, signature: str, stamp: str = "2026-11-21T21:00:00Z") -> Arrival:
    headers = {"x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": stamp}
    return Arrival("POST", {}, {**headers, "x-zendesk-webhook-invocation-id": "i-1"}, body)


def test_the_usual_address_and_its_override() -> None:
    settings = {"subdomain": "Acme", "login": "a@example.com", "requester": 7}
    made = registry.build("zendesk", settings=settings, secrets={"token": "x"})
    assert isinstance(made, Rest) and made._places().base == "https://acme.zendesk.com/api/v2"


@pytest.mark.parametrize(("body", "signature"), VECTORS)
def test_known_signatures_verify_and_no_bit_may_change(body: bytes, signature: str) -> None:
    good, stamp = arrival(body, signature), "2026-11-21T21:00:00Z"
    proved = zendesk().verify(good, SIGNED)
    assert (proved.delivery, proved.stamp) == ("i-1", SIGNED)
    bad = [arrival(_flipped(body, bit), signature) for bit in range(8 * len(body))]
    bad += [arrival(body, _flipped(signature.encode(), bit).decode("latin-1")) for bit in range(8 * len(signature))]
    bad += [arrival(body, signature, _flipped(stamp.encode(), bit).decode("latin-1")) for bit in range(8 * len(stamp))]
    for each in bad:
        with pytest.raises(Unverified):
            zendesk().verify(each, SIGNED)
    for bit in range(8 * len(TEST_SECRET)):
        with pytest.raises(Unverified):
            zendesk(secret=_flipped(TEST_SECRET.encode(), bit).decode("latin-1")).verify(good, SIGNED)
    with pytest.raises(Unverified):
        zendesk().verify(good, SIGNED + timedelta(minutes=6))


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize(
    ("body", "kind", "id", "actor"),
    [
        (recorded("event_status_changed.json"), "changed", "35436", "8447388090494"),
        ({"type": "zen:event-type:ticket.created", "detail": {"id": "5"}}, "created", "5", None),
        ({"type": "zen:event-type:ticket.soft_deleted", "detail": {"id": "5", "actor_id": "3"}}, "gone", "5", "3"),
        ({"type": "zen:event-type:ticket.something_new", "detail": {"id": "5"}}, "changed", "5", None),
        ({"ticket_id": "5", "actor_id": "3"}, "changed", "5", "3"),
    ],
)
def test_events_and_trigger_bodies_are_hints(body: object, kind: str, id: str, actor: str | None) -> None:
    (event,) = zendesk().parse(arrival(json.dumps(body).encode(), ""))
    assert (event.kind, event.record_id, event.actor, event.record) == (kind, id, actor, None)


def test_a_recorded_create_is_read() -> None:
    with Scripted(lambda request: Response.of(recorded("created.json"), 201)) as desk:
        fields: dict[str, Value] = {"subject": "nyanyanyanya", "description": "x", "priority": "urgent"}
        receipt = zendesk(desk.url).create(context(desk.port), fields, "TDM-1", "key-1")
        (asked,) = desk.asked
    assert (receipt.id, receipt.version) == ("4", "2019-06-06T10:02:04Z")
    assert asked.headers["idempotency-key"] == "key-1"
    assert asked.json() == {
        "ticket": {
            "requester_id": 7,
            "comment": {"public": True, "body": "x"},
            "subject": "nyanyanyanya",
            "priority": "urgent",
            "external_id": "TDM-1",
        }
    }


def test_the_fields_of_an_account_are_listed_without_the_systems_own() -> None:
    with Scripted(lambda request: Response.of(recorded("ticket_fields.json"))) as desk:
        lists = zendesk(desk.url).lists(context(desk.port))
    catalogue = zendesk().catalogue(lists).doc["fields"]
    custom = {entry["label"]: entry["type"] for name, entry in catalogue.items() if name.startswith("field:")}
    assert custom == {
        "Tagger Field": "choice",
        "Regexp Field": "text",
        "Decimal Field": "number",
        "Text Field": "text",
        "Textarea Field": "text",
        "Integer Field": "number",
        "Date Field": "date",
        "Checkbox Field": "bool",
    }


class TestZendesk(Rehearsal):
    kind = "zendesk"
    simulator = Zendesk
    title, body = "subject", "description"
    fields: ClassVar[Mapping[str, Value]] = {"description": "since 08:00"}
    sim: Zendesk

    def file(self, data: bytes = b"\x89PNG", name: str = "screen.png") -> File:
        return File(name, "image/png", len(data), hashlib.sha256(data).hexdigest(), lambda: io.BytesIO(data))

    def test_a_comment_moves_the_stamp_and_its_receipt_tells_the_new_one(self) -> None:
        id = self.new()
        before = self.record(id).version
        self.clock.forward(5)
        said = self.desk.comment(self.ctx(), id, "internal", "psst", ["staff"])
        assert said.id == self.sim.said(id)[0].id and said.version != before
        with pytest.raises(Stale, match="outdated ticket data"):
            self.desk.update(self.ctx(), id, {"priority": "high"}, before)
        assert self.desk.update(self.ctx(), id, {"priority": "high"}, said.version).version == said.version
        assert self.desk.newer(said.version or "", before or "") is True

    def test_an_update_without_a_known_stamp_asks_for_it(self) -> None:
        id = self.new()
        self.clock.forward(5)
        assert self.desk.update(self.ctx(), id, {"priority": "high"}, None).version == self.sim.desk.now()

    def test_a_key_repeats_one_create_for_two_hours_and_no_other(self) -> None:
        fields = {"subject": "VPN down", "description": "since 08:00"}
        first = self.desk.create(self.ctx(), fields, "TDM-1", "key-1")
        assert self.desk.create(self.ctx(), fields, "TDM-1", "key-1").id == first.id
        with pytest.raises(Unknown, match="idempotency key"):
            self.desk.create(self.ctx(), {**fields, "subject": "another"}, "TDM-1", "key-1")
        assert len(self.sim.ids()) == 1 and self.desk.repeatable("create") == 7200
        self.clock.forward(7201)
        assert self.desk.create(self.ctx(), fields, "TDM-1", "key-1").id != first.id, "it is looked up by then"
        assert len(self.desk.find(self.ctx(), "TDM-1")) == 2, "a reference is not unique there"

    def test_the_export_leaves_out_the_last_minute_and_goes_on_by_its_token(self) -> None:
        id = self.sim.open_record("theirs")
        page = self.desk.changed(self.ctx(), "tickets", None)
        assert page.changes == () and page.done
        self.clock.forward(61)
        page = self.desk.changed(self.ctx(), "tickets", page.cursor)
        assert [change.record_id for change in page.changes] == [id] and "token" in json.loads(page.cursor)
        asked = self.sim.asked[-1].query
        assert asked == {"start_time": "0"}
        again = self.desk.changed(self.ctx(), "tickets", page.cursor)
        assert again.changes == () and again.cursor == page.cursor and again.done
        assert self.sim.asked[-1].query.keys() == {"cursor"}

    def test_the_export_tells_of_changes_that_move_no_stamp_and_of_deletions(self) -> None:
        one, other = self.sim.open_record("one"), self.sim.open_record("other")
        self.clock.forward(61)
        cursor = self.desk.changed(self.ctx(), "tickets", None).cursor
        self.sim.close(one)
        self.sim.remove(other)
        self.clock.forward(61)
        page = self.desk.changed(self.ctx(), "tickets", cursor)
        assert {change.record_id for change in page.changes} == {one, other}

    def test_an_export_of_several_pages_ends_where_the_stream_ends(self) -> None:
        ids = {self.sim.open_record(f"record {number}") for number in range(25)}
        self.sim.export_page = 10
        self.clock.forward(61)
        changes, _ = self.poll("tickets")
        assert {change.record_id for change in changes} == ids and len(changes) == 25
        asked = [request for request in self.sim.asked if "incremental" in request.path]
        assert len(asked) == 3

    def test_a_closed_ticket_takes_nothing(self) -> None:
        id = self.new()
        self.sim.close(id)
        with pytest.raises(Refused, match="closed prevents ticket update"):
            self.desk.update(self.ctx(), id, {"priority": "low"}, None)
        with pytest.raises(Refused, match="closed prevents ticket update"):
            self.desk.comment(self.ctx(), id, "internal", "psst", ["staff"])
        with pytest.raises(Refused) as caught:
            self.desk.update(self.ctx(), self.new(ref="TDM-2"), {"status": "closed"}, None)
        assert caught.value.field == "status", "Zendesk closes by itself"

    def test_solving_needs_somebody_unless_the_account_assigns_by_itself(self) -> None:
        id = self.new()
        with pytest.raises(Refused, match="Assignee: is required when solving a ticket"):
            self.desk.update(self.ctx(), id, {"status": "solved"}, None)
        self.sim.desk.auto_assign = True
        done = self.desk.update(self.ctx(), id, {"status": "solved"}, None)
        assert done.record and done.record.fields["assignee"] == str(self.sim.login)
        with pytest.raises(Refused, match="new cannot be set again"):
            self.desk.update(self.ctx(), id, {"status": "new"}, None)

    def test_an_assignee_opens_and_a_requesters_reply_reopens(self) -> None:
        id = self.new()
        done = self.desk.update(self.ctx(), id, {"assignee": str(self.sim.paula)}, None)
        assert done.record and done.record.fields["status"] == "open"
        self.sim.change(id, {"status": "solved"})
        self.desk.comment(self.ctx(), id, "public", "better now?", ["staff", "requester"])
        assert self.record(id).fields["status"] == "solved", "we are not the requester"
        self.sim.reply(id, "no")
        assert self.record(id).fields["status"] == "open"
        assert self.desk.channels["public"].side_effects == ("status",)

    def test_files_go_by_token_and_come_from_a_store_that_gets_no_credentials(self) -> None:
        id = self.new()
        sent = self.desk.attach(self.ctx(), id, "internal", self.file(), ["staff"])
        upload, used = self.sim.asked[-2:]
        assert (upload.path, upload.headers["content-type"]) == ("/api/v2/uploads", "image/png")
        assert used.json()["ticket"]["comment"]["uploads"] and not used.json()["ticket"]["comment"]["public"]
        (item,) = self.record(id).files
        assert (item.id, item.channel, item.size) == (sent.id, "internal", 4)
        assert b"".join(self.desk.file(self.ctx(), item)) == b"\x89PNG"
        store = self.sim.asked[-1]
        assert store.path.startswith("/storage/") and "authorization" not in store.headers
        with pytest.raises(Refused, match="another host"):
            list(self.desk.file(self.ctx(), replace(item, url="https://elsewhere.example/x")))

    def test_a_lost_upload_is_tried_again_and_a_lost_comment_is_not(self) -> None:
        id = self.new()
        self.sim.faults.plan("commit_then_drop", method="POST", path="/uploads")
        with pytest.raises(Retry):
            self.desk.attach(self.ctx(), id, "public", self.file(), ["staff", "requester"])
        self.sim.faults.plan("commit_then_drop", method="PUT")
        with pytest.raises(Unknown):
            self.desk.attach(self.ctx(), id, "public", self.file(), ["staff", "requester"])
        assert [each.name for each in self.sim.kept(id)] == ["screen.png"]

    def test_a_comment_made_private_is_read_as_internal(self) -> None:
        id = self.new()
        comment = self.sim.say(id, "for all?", True)
        self.sim.make_private(id, comment)
        (read,) = self.record(id).comments
        assert (read.channel, read.author) == ("internal", str(self.sim.paula))

    def test_people_are_found_by_exact_address_in_a_search_that_is_not(self) -> None:
        self.sim.desk.user("also-alice@customer.example", "Also", "end-user")
        person = self.desk.person(self.ctx(), email="Alice@customer.example")
        assert person and (person.id, person.name) == (str(self.sim.alice), "Alice")
        assert self.desk.person(self.ctx(), id=person.id) == person
        assert self.desk.person(self.ctx(), id="5") is None
        assert self.desk.person(self.ctx(), email="lice@customer.example") is None

    def test_a_new_ticket_is_asked_for_by_whom_we_name_or_by_the_usual_one(self) -> None:
        other = self.sim.desk.user("bob@customer.example", "Bob", "end-user")
        assert self.record(self.new()).fields["requester"] == str(self.sim.alice)
        assert self.record(self.new(ref="TDM-2", requester=str(other))).fields["requester"] == str(other)

    def test_an_anonymous_answer_is_not_our_account(self) -> None:
        nobody = {"user": {"id": None, "name": "Anonymous user"}}
        with Scripted(lambda request: Response.of(nobody)) as desk, pytest.raises(Refused, match="own account"):
            zendesk(desk.url).check(context(desk.port))

    def test_too_many_updates_of_one_ticket_wait_as_long_as_it_says(self) -> None:
        id = self.new()
        for number in range(30):
            self.desk.update(self.ctx(), id, {"priority": ("low", "high")[number % 2]}, None)
        with pytest.raises(Retry, match="exceeded") as caught:
            self.desk.update(self.ctx(), id, {"priority": "normal"}, None)
        assert caught.value.after and 0 < caught.value.after <= 600

    def test_a_nearly_spent_allowance_slows_us_until_it_is_renewed(self) -> None:
        self.sim.quota.account = 90
        self.clock.forward(600)
        for _ in range(83):
            self.desk.fetch(self.ctx(), self.sim.ids()[0] if self.sim.ids() else self.new(), items=False)
        assert self.desk.slow_until() > 0

    def test_tags_are_replaced_and_an_unknown_field_is_ignored_in_silence(self) -> None:
        id = self.new(tags=["vip", "branch_office"])
        done = self.desk.update(self.ctx(), id, {"tags": ["VIP", "lyon"], "field:77": "x"}, None)
        assert done.record and done.record.fields["tags"] == ["lyon", "vip"]
        assert "field:77" not in done.record.fields, "seen in the reply: it was not taken"

    def test_custom_fields_and_statuses_go_by_number(self) -> None:
        id = self.new(**{"field:8001": "impact_high"})
        done = self.desk.update(self.ctx(), id, {"multi:8004": ["vpn", "erp"], "custom_status": "106"}, None)
        assert done.record and done.record.fields["multi:8004"] == ["erp", "vpn"]
        assert done.record.fields["field:8001"] == "impact_high", "the others stay"
        assert (done.record.fields["status"], done.record.fields["custom_status"]) == ("open", "106")
        with pytest.raises(Refused, match="Impact: is invalid"):
            self.desk.update(self.ctx(), id, {"field:8001": "impact_huge"}, None)
        with pytest.raises(Refused):
            self.desk.update(self.ctx(), id, {"field:impact": "x"}, None)

    def test_lists_longer_than_a_page_are_read_to_their_end(self) -> None:
        self.sim.desk.groups |= {number: f"Group {number}" for number in range(1, 151)}
        lists = self.desk.lists(self.ctx())
        assert len(lists["groups"]) == 152 and lists["custom_statuses"][-1]["label"] == "With second line"
        assert [row["id"] for row in lists["multi_fields"]] == ["8004"]
        assert self.desk.catalogue(lists).doc["fields"]["group"]["values"]["9002"] == "Networks"

    def test_a_priority_once_set_is_not_taken_back_and_the_reply_shows_it(self) -> None:
        id = self.new(priority="high")
        done = self.desk.update(self.ctx(), id, {"priority": None}, None)
        assert done.record and done.record.fields["priority"] == "high"

    def test_a_subject_that_is_too_long_is_refused_here(self) -> None:
        before = len(self.sim.asked)
        with pytest.raises(Refused, match="150 characters"):
            self.new("x" * 151)
        assert len(self.sim.asked) == before

    def test_the_first_comment_is_the_description_and_its_files_count(self) -> None:
        token, _ = self.sim.desk.upload("log.txt", "text/plain", b"log", None)
        given = {"subject": "x", "comment": {"body": "see the log", "uploads": [token]}}
        stored, _ = self.sim.desk.create(self.sim.alice, given, "web")
        record = self.record(str(stored.ticket["id"]))
        assert record.comments == () and record.fields["description"] == "see the log"
        (file,) = record.files
        assert isinstance(file, Item) and (file.name, file.channel) == ("log.txt", "public")
