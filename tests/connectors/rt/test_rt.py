"""Request Tracker by recordings of RT 5.0.3: records, texts and files, writes, feed, webhooks."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival, File, Item
from connectors.errors import Gone, Refused, Stale, Unauthorized, Unverified
from connectors.rest import Rest
from connectors.signing import sign
from connectors.simulators.desk import Clock
from connectors.simulators.loopback import Request, Response
from connectors.simulators.rt import RequestTracker as Simulated
from tests.connectors.support import FIXTURES, NOW, Scripted, context, recorded, replay

ROUTES = {
    "GET /REST/2.0/queue/Escalations": "03_queue",
    "GET /REST/2.0/user/gateway": "04_user",
    "GET /REST/2.0/user/paula": "04_user",
    "POST /REST/2.0/ticket": "10_ticket_create",
    "GET /REST/2.0/ticket/1": "11_ticket_get",
    "PUT /REST/2.0/ticket/1": "13_ticket_put_status",
    "GET /REST/2.0/ticket/1/history": "30_history",
    "GET /REST/2.0/ticket/1/attachments": "33_attachments",
    "POST /REST/2.0/ticket/1/correspond": "20_correspond_public",
    "POST /REST/2.0/ticket/1/comment": "20_correspond_public",
    "POST /REST/2.0/transactions": "45_transactions_after_id",
    "POST /REST/2.0/customfields": "05_customfields",
}
TEXTS = {"8": "We are looking into it.", "12": "internal word", "13": "<b>done</b>", "18": "screenshot and log"}
TEXTS |= {"25": "trace.bin", "27": ""}
Answer = Callable[[Request], Response]
UNLISTED = "12"
"""A text that the list of texts does not show."""


def answer(request: Request) -> Response:
    kind, _, id = request.path.rpartition("/")
    if request.path == "/REST/2.0/attachments":
        (wanted,) = request.json()
        assert (wanted["field"], wanted["operator"]) == ("id", "IN")
        rows = [{"id": each, "Content": TEXTS[each]} for each in wanted["value"] if each != UNLISTED]
        return Response.of({"items": rows})
    if kind == "/REST/2.0/attachment":
        if id == "26":
            return replay("rt/34_attachment_application_octet-stream.json")
        text = base64.encodebytes(TEXTS.get(id, f"file {id}").encode()).decode()
        return Response.of({"id": int(id), "Content": text})
    name = ROUTES.get(f"{request.method} {request.path}", "63_not_found")
    return replay(f"rt/{name}.json")


@pytest.fixture
def desk() -> Iterator[Scripted]:
    with Scripted(answer) as made:
        yield made


def rt(desk: Scripted | None = None, **more: Any) -> Rest:
    settings = {"url": desk.url if desk else "http://127.0.0.1:9", "queue": "Escalations", "login": "gateway"}
    made = registry.build("rt", **{"settings": settings, "secrets": {"token": "1-28-token", "webhook": "hook"}, **more})
    assert isinstance(made, Rest)
    return made


def test_check_finds_our_names_and_the_queue(desk: Scripted) -> None:
    found = rt(desk).check(context(desk.port))
    assert found.me == {"paula", "30"}
    assert found.values["queue_id"] == str(recorded("rt/03_queue.json")["response"]["json"]["id"])
    assert desk.asked[0].headers["authorization"] == "token 1-28-token"


def test_a_ticket_as_a_record(desk: Scripted) -> None:
    record = rt(desk).fetch(context(desk.port), "1", items=False)
    assert (record.id, record.version, record.author, record.state, record.into) == ("1", "49", "gateway", "live", None)
    assert record.page == f"{desk.url}/Ticket/Display.html?id=1"
    fields = record.fields
    assert fields["Subject"] == "VPN down for finance — Zürich ☂"
    assert (fields["Status"], fields["Priority"], fields["Owner"]) == ("new", 80, None), "Nobody is nobody"
    assert fields["Requestor"] == "alice@customer.example.test"
    assert fields["cf:External Reference"] == "GW-1001"
    assert fields["cfs:Asset Tag"] == sorted(recorded_values("Asset Tag"))
    assert "Content" not in fields


def recorded_values(name: str) -> list[str]:
    fields = recorded("rt/11_ticket_get.json")["response"]["json"]["CustomFields"]
    return next(list(each["values"]) for each in fields if each["name"] == name)


def test_a_ticket_of_another_queue_has_left(desk: Scripted) -> None:
    record = rt(desk, found={"queue_id": "99"}).fetch(context(desk.port), "1", items=False)
    assert record.state == "left"


def test_a_merged_ticket(desk: Scripted) -> None:
    document = recorded("rt/11_ticket_get.json")["response"]["json"]
    document["EffectiveId"]["id"] = "5"
    with Scripted(lambda request: Response.of(document)) as other:
        record = rt(other).fetch(context(other.port), "1")
        assert len(other.asked) == 1, "no items of a ticket that is elsewhere now"
    assert (record.state, record.into) == ("merged", "5")


def test_texts_and_files_of_a_ticket(desk: Scripted) -> None:
    record = rt(desk).fetch(context(desk.port), "1")
    assert record.complete
    assert [request.path.removeprefix("/REST/2.0") for request in desk.asked] == [
        "/ticket/1",
        "/ticket/1/history",
        "/ticket/1/attachments",
        "/attachments",
        f"/attachment/{UNLISTED}",
    ], "one call for all texts, one for the text it did not show"
    assert [(c.id, c.author, c.channel, c.text) for c in record.comments] == [
        ("53", "gateway", "correspond", "We are looking into it."),
        ("55", "paula", "comment", "internal word"),
        ("56", "paula", "correspond", "<b>done</b>"),
        ("58", "gateway", "correspond", "screenshot and log"),
    ], "no description, no outgoing mail, no empty comment"
    assert [(f.id, f.name, f.mime, f.channel) for f in record.files] == [
        ("58/19", "screen.png", "image/png", "correspond"),
        ("58/20", "vpn log.txt", "text/plain", "correspond"),
        ("60", "trace.bin", "application/octet-stream", "comment"),
    ], "a transaction that is one file and its name has the id that sending it told us"
    assert [(w.id, w.author, w.minutes, w.text) for w in record.worklogs] == [("53", "gateway", 5, "")]


PART = {"Filename": "", "TransactionId": "9", "ContentLength": "8"}


def ticket_of(
    *parts: dict[str, str], kind: str = "Correspond", who: str = "paula", minutes: int = 0, of: str = "1"
) -> Answer:
    """Answers as an RT whose ticket has one transaction, with these parts; each text is its part's number."""
    said = {"id": "9", "Type": kind, "Creator": {"id": who}, "Created": "2026-11-21T10:00:00Z", "TimeTaken": minutes}
    said["ObjectId"] = of

    def answer(request: Request) -> Response:
        path = request.path.removeprefix("/REST/2.0")
        if path == "/ticket/1":
            return replay("rt/11_ticket_get.json")
        if path == "/attachments":
            (wanted,) = request.json()
            return Response.of({"items": [{"id": id, "Content": f"text {id}"} for id in wanted["value"]]})
        rows = {"/ticket/1/history": [said], "/ticket/1/attachments": list(parts)}
        return Response.of({"items": rows[path]})

    return answer


def test_what_a_mail_brings_without_a_name_is_a_file_unless_it_is_text_or_a_wrapping(desk: Scripted) -> None:
    kinds = ("multipart/mixed", "text/plain", "text/html", "image/png", "message/rfc822", "application/x-foo")
    parts = [{**PART, "id": str(number), "ContentType": kind} for number, kind in enumerate(kinds)]
    parts.append({**PART, "id": "7", "ContentType": "image/gif", "ContentLength": "0"})
    with Scripted(ticket_of(*parts)) as other:
        record = rt(other).fetch(context(other.port), "1")
    assert [comment.text for comment in record.comments] == ["text 1"]
    assert [(f.id, f.name, f.mime) for f in record.files] == [
        ("9/3", "untitled.png", "image/png"),
        ("9/5", "untitled", "application/x-foo"),
    ]


@pytest.mark.parametrize(
    ("who", "kind", "text"),
    [("gateway", "Comment", "text 1"), ("paula", "Comment", ""), ("gateway", "Correspond", "")],
)
def test_time_we_sent_is_a_worklog_with_its_text_and_no_comment(who: str, kind: str, text: str) -> None:
    part = {**PART, "id": "1", "ContentType": "text/plain"}
    with Scripted(ticket_of(part, kind=kind, who=who, minutes=25)) as other:
        record = rt(other, found={"me": "gateway", "me_number": "30"}).fetch(context(other.port), "1")
    assert [(w.id, w.author, w.minutes, w.text) for w in record.worklogs] == [("9", who, 25, text)]
    assert [c.text for c in record.comments] == ([] if text else ["text 1"])


@pytest.mark.parametrize(("of", "who", "texts"), [("1", "paula", []), ("2", "paula", ["text 1"]), ("2", "gateway", [])])
def test_what_a_merged_ticket_began_with_is_news_unless_we_wrote_it(of: str, who: str, texts: list[str]) -> None:
    part = {**PART, "id": "1", "ContentType": "text/plain"}
    with Scripted(ticket_of(part, kind="Create", who=who, of=of)) as other:
        record = rt(other, found={"me": "gateway"}).fetch(context(other.port), "1")
    assert [(comment.channel, comment.text) for comment in record.comments] == [("correspond", t) for t in texts]


def test_long_texts_are_asked_for_in_several_calls() -> None:
    three = 3 * 1024 * 1024
    rows = [("1", three), ("2", three), ("3", three), ("4", 100)]
    parts = [
        {"id": id, "ContentType": "text/plain", "Filename": "", "ContentLength": str(size), "TransactionId": f"9{id}"}
        for id, size in rows
    ]
    said = {"Type": "Correspond", "Creator": {"id": "paula"}, "Created": "2026-11-21T10:00:00Z"}
    inner = ticket_of(*parts)

    def answer(request: Request) -> Response:
        if request.path.endswith("/history"):
            return Response.of({"items": [{**said, "id": f"9{id}"} for id, _ in rows]})
        return inner(request)

    with Scripted(answer) as other:
        record = rt(other).fetch(context(other.port), "1")
        assert [each.json()[0]["value"] for each in other.asked[3:]] == [["1", "2"], ["3", "4"]]
    assert [comment.text for comment in record.comments] == ["text 1", "text 2", "text 3", "text 4"]


def test_a_file_as_large_as_we_keep_fits_though_it_comes_wrapped() -> None:
    content = base64.encodebytes(bytes(25 * 1024 * 1024)).decode()
    with Scripted(lambda request: Response.of({"Content": content})) as other:
        item = Item("9", "1", None, None, "comment", name="big.bin", url="5")
        assert sum(map(len, rt(other).file(context(other.port), item))) == 25 * 1024 * 1024
    with Scripted(lambda request: Response.of({"Content": content * 2})) as other, pytest.raises(Refused):
        list(rt(other).file(context(other.port), item))


def test_a_files_content(desk: Scripted) -> None:
    made, ctx = rt(desk), context(desk.port)
    item = next(each for each in made.fetch(ctx, "1").files if each.name == "trace.bin")
    assert b"".join(made.file(ctx, item)) == bytes(range(256))


def test_create_writes_the_reference_and_what_only_creation_can(desk: Scripted) -> None:
    receipt = rt(desk).create(
        context(desk.port),
        {
            "Subject": "x",
            "Content": "a\nb",
            "Priority": 80,
            "Requestor": "alice@customer.example.test",
            "Due": "2026-11-22T10:00:00Z",
            "cf:Impact": "High",
            "cfs:Asset Tag": ["A", "B"],
        },
        "TDM-AAAA-7",
        "key",
    )
    assert (receipt.id, receipt.read_back) == ("1", "fetch")
    assert desk.asked[0].json() == {
        "Queue": "Escalations",
        "ContentType": "text/plain",
        "Subject": "x",
        "Content": "a\nb",
        "Priority": "80",
        "Requestor": "alice@customer.example.test",
        "Due": "2026-11-22 10:00:00",
        "CustomFields": {"Impact": "High", "Asset Tag": ["A", "B"], "External Reference": "TDM-AAAA-7"},
    }


def test_update_carries_the_version_and_keeps_the_sentences(desk: Scripted) -> None:
    receipt = rt(desk).update(context(desk.port), "1", {"Status": "open", "Owner": None, "Due": None}, "49")
    assert desk.asked[0].headers["if-match"] == '"49"'
    assert desk.asked[0].json() == {"Status": "open", "Owner": "Nobody", "Due": "1970-01-01 00:00:00"}
    assert receipt.said and receipt.read_back == "fetch"


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("12_ticket_put_wrong_etag", Stale),
        ("14_ticket_put_bad_status", None),
        ("17_ticket_put_same_value", None),
        ("63_not_found", Gone),
        ("61_create_bad_queue", Refused),
        ("01_unauthorized", Unauthorized),
    ],
)
def test_recorded_ends_of_an_update(name: str, outcome: type[Exception] | None) -> None:
    with Scripted(lambda request: replay(f"rt/{name}.json")) as desk:
        made, ctx = rt(desk), context(desk.port)
        if outcome:
            with pytest.raises(outcome):
                made.update(ctx, "1", {"Subject": "x"}, "49")
        else:
            said = made.update(ctx, "1", {"Subject": "x"}, "49").said
            assert list(said) == recorded(f"rt/{name}.json")["response"]["json"], "200 though nothing was done"


@pytest.mark.parametrize(("channel", "reaches"), [("correspond", ["staff", "requester"]), ("comment", ["staff"])])
def test_comments_worklogs_and_files_give_their_transaction(desk: Scripted, channel: str, reaches: list[str]) -> None:
    made, ctx = rt(desk), context(desk.port)
    content = b"\x00\x01hello"
    file = File(
        "größe ☂.txt", "text/plain", len(content), hashlib.sha256(content).hexdigest(), lambda: io.BytesIO(content)
    )
    assert made.comment(ctx, "1", channel, "hello", reaches).id == "53"
    assert made.attach(ctx, "1", channel, file, reaches).id == "53"
    assert [request.path for request in desk.asked] == [f"/REST/2.0/ticket/1/{channel}"] * 2
    text, sent = parts_of(desk.asked[1])
    assert json.loads(text.get_payload(decode=True)) == {"Content": "größe ☂.txt", "ContentType": "text/plain"}
    assert sent.get_payload(decode=True) == content
    assert 'name="Attachments"; filename="größe ☂.txt"' in desk.asked[1].body.decode("utf-8", "replace")
    assert sent.get_content_type() == "application/octet-stream", "RT would rewrite what comes as text"
    assert made.worklog(ctx, "1", 25, "remote session", NOW).id == "53"
    assert desk.asked[2].json()["TimeTaken"] == 25


def parts_of(request: Request) -> list[Message]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    return list(message_from_bytes(head + request.body).get_payload())


def test_a_lifecycle_of_its_own_takes_the_statuses_that_are_declared(desk: Scripted) -> None:
    declared = {"fields": {"Status": {"values": {"open": "Open", "awaiting": "Awaiting"}}}}
    rt(desk, declared=declared).update(context(desk.port), "1", {"Status": "awaiting"}, "49")
    assert desk.asked[0].json() == {"Status": "awaiting"}
    for made, status in ((rt(desk), "awaiting"), (rt(desk, declared=declared), "stalled")):
        with pytest.raises(Refused):
            made.update(context(desk.port), "1", {"Status": status}, "49")


def test_find_asks_for_our_reference_in_our_queue() -> None:
    rows = [
        {"id": "1", "CustomFields": [{"name": "External Reference", "values": ["TDM-AAAA-7"]}]},
        {"id": "2", "CustomFields": [{"name": "External Reference", "values": ["TDM-AAAA-8"]}]},
    ]
    with Scripted(lambda request: Response.of({"items": rows})) as desk:
        assert [hit.id for hit in rt(desk).find(context(desk.port), "TDM-AAAA-7")] == ["1"]
        assert desk.asked[0].query["query"] == "Queue = 'Escalations' AND 'CF.{External Reference}' = 'TDM-AAAA-7'"
        with pytest.raises(Refused):
            rt(desk).find(context(desk.port), "x' OR 'CF.{Impact}' = 'High")
        assert len(desk.asked) == 1


def test_the_feed_skips_mail_and_names_tickets() -> None:
    """The recording was asked without the field ``ObjectId``; it is the ticket's id in each row."""
    rows = recorded("rt/45_transactions_after_id.json")["response"]["json"]["items"]
    rows = [{**row, "ObjectId": str(7 + number % 2)} for number, row in enumerate(rows)]
    with Scripted(lambda request: Response.of({"items": rows})) as desk:
        page = rt(desk).changed(context(desk.port), "transactions", None)
        assert "ObjectId" in desk.asked[0].query["fields"]
        assert desk.asked[0].json() == [
            {"field": "ObjectType", "value": "RT::Ticket"},
            {"field": "id", "operator": ">", "value": 0},
        ]
    wanted = {(row["ObjectId"], row["Creator"]["id"]) for row in rows if row["Type"] != "EmailRecord"}
    assert {(change.record_id, change.author) for change in page.changes} == wanted != set()


def test_people(desk: Scripted) -> None:
    person = rt(desk).person(context(desk.port), id="paula")
    assert person is not None
    assert (person.id, person.email, person.login, person.name) == (
        "paula",
        "paula@peer-rt.example.test",
        "paula",
        "Paula Provider",
    )
    assert rt(desk).person(context(desk.port), id="nobody-here") is None


HOOKS: list[dict[str, Any]] = json.loads((FIXTURES / "rt/webhooks.json").read_text("utf-8"))


@pytest.mark.parametrize("payload", HOOKS, ids=lambda hook: hook["event"])
def test_recorded_webhooks(payload: dict[str, Any]) -> None:
    made, body = rt(), json.dumps(payload).encode()
    scheme = registry.manifest("rt").part("webhook", "verify", "script")
    headers = sign(scheme, body, "hook", {"X-RT-Timestamp": str(int(NOW.timestamp()))})
    arrival = Arrival("POST", {}, {name.lower(): value for name, value in headers.items()}, body)
    assert made.verify(arrival, NOW).delivery == payload["delivery"]
    (event,) = made.parse(arrival)
    assert event.kind == ("created" if payload["event"] == "ticket.create" else "changed")
    assert (event.record_id, event.actor) == (str(payload["ticket"]["id"]), payload["transaction"]["creator"])
    with pytest.raises(Unverified):
        made.verify(Arrival("POST", {}, arrival.headers, body + b" "), NOW)


def test_the_catalogue_with_the_queues_custom_fields() -> None:
    rows = [
        {"Name": "Impact", "Type": "Select", "id": "3"},
        {"Name": "Asset Tag", "Type": "FreeformMultiple", "id": "5"},
        {"Name": "External Reference", "Type": "FreeformSingle", "id": "2"},
    ]
    with Scripted(lambda request: Response.of({"items": rows})) as desk:
        catalogue = rt(desk).describe(context(desk.port))
    fields = catalogue.doc["fields"]
    assert fields["cfs:Asset Tag"]["type"] == "set" and "cf:Asset Tag" not in fields
    assert fields["cf:External Reference"]["type"] == "text" and "cfs:External Reference" not in fields
    assert fields["Content"] == {"type": "text", "format": "plain", "write": "create", "read": False}
    assert catalogue.doc["reference_searchable"] == ["cf:External Reference"]
    assert catalogue.doc["channels"]["comment"] == {
        "format": "plain",
        "reaches": ["provider"],
        "internal": True,
        "files": True,
    }
    assert catalogue.sources["cf:Impact"] == "live" and catalogue.sources["Subject"] == "manifest"


def test_the_field_of_our_reference_must_be_there_if_the_desk_tells_its_fields() -> None:
    made = rt(settings={"url": "http://127.0.0.1:9", "queue": "Q", "login": "gateway", "reference_field": "Nope"})
    told = made.catalogue({"custom_fields": [{"id": "Impact", "label": "Impact", "type": "SelectSingle"}]}).doc
    assert "cf:Nope" not in told["fields"] and told["reference_searchable"] == []
    untold = made.catalogue({}).doc
    assert "cf:Nope" in untold["fields"] and untold["reference_searchable"] == ["cf:Nope"]


EMPTIES = [
    ("External Reference", ["x", None], []),
    ("External Reference", ["x", ""], [None]),
    ("External Reference", ["x", []], [None]),
    ("Impact", [None], [None]),
    ("Impact", ["Wild"], []),
    ("Asset Tag", ["x", None], [None, None]),
    ("Asset Tag", ["x", ""], [None]),
    ("Asset Tag", [["x", "y"], []], []),
]
"""What a real one shows of a custom field that was given these."""


@pytest.mark.parametrize(("field", "given", "shown"), EMPTIES)
def test_the_simulator_empties_a_custom_field_as_a_real_one_does(
    field: str, given: list[Any], shown: list[Any]
) -> None:
    sim = Simulated(Clock(NOW))
    id = sim.open_record("x")
    for value in given:
        sim.change(id, {f"cf:{field}": value})
    held = {each["name"]: each["values"] for each in sim.shows(id)["CustomFields"]}
    assert held[field] == shown
    sim.stop()


def test_the_simulator_lists_the_fields_that_are_asked_for_as_a_real_one_does() -> None:
    sim = Simulated(Clock(NOW))
    id = sim.open_record("x")
    headers = {"authorization": f"token {sim.secrets['token']}"}
    query = {"query": "Queue = 'Escalations'", "fields": "Subject"}
    found = json.loads(sim.answer(Request("GET", "/REST/2.0/tickets", query, headers, b"")).body)
    assert found["items"] == [{"id": id, "type": "ticket", "Subject": "x"}] and found["total"] == 1
    history = Request("GET", f"/REST/2.0/ticket/{id}/history", {"fields": "Type"}, headers, b"")
    told = json.loads(sim.answer(history).body)
    assert told["items"][0].keys() == {"id", "type", "Type"} and told["total"] is None
    sim.stop()
