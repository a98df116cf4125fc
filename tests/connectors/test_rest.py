"""The verbs over HTTP: what is asked, and what is made of the answers. The desk is Deskly, connected without code."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Arrival, File, Item
from connectors.errors import Gone, Refused, Retry, Unknown, Unsupported, Unverified
from connectors.signing import sign
from connectors.simulators.loopback import Request, Response
from tests.connectors.support import DESKLY, NOW, Kept, Scripted, context, deskly, serving, ticket

FIELDS = {"title": "VPN down", "body": "since 08:00", "status": "open", "priority": "2"}


def desk_of(routes: dict[str, Any]) -> Callable[[Request], Response]:
    """Answers by ``METHOD /path``; 404 for what is not listed."""

    def answer(request: Request) -> Response:
        found = routes.get(f"{request.method} {request.path}")
        if isinstance(found, Response):
            return found
        return Response.of(found) if found is not None else Response.of({"message": "nothing there"}, 404)

    return answer


def test_check_gives_every_name_of_our_account_and_keeps_it() -> None:
    text = DESKLY.replace("take: {me: id}", "take: {me: id, me_login: login, region: zone}")
    kept = Kept()
    with serving({"id": 5, "login": "gateway", "zone": "eu"}) as desk:
        found = deskly(desk.url, text).check(context(desk.port, kept=kept))
    assert found.me == {"5", "gateway"}
    assert found.values == {"me": "5", "me_login": "gateway", "region": "eu"}
    assert kept["found.region"] == "eu"


def test_check_without_our_account_is_a_refusal() -> None:
    with serving({"other": 1}) as desk, pytest.raises(Refused, match="our own account"):
        deskly(desk.url).check(context(desk.port))


def test_fetch_decodes_the_record_and_its_items() -> None:
    messages = [
        {"id": 1, "author_id": 5, "created_at": "2026-11-21T20:01:00Z", "text": "hello\r\nthere", "internal": False},
        {"id": 2, "author_id": 6, "created_at": "2026-11-21T20:02:00Z", "text": "psst", "internal": True},
        {"id": 3, "author_id": 6, "created_at": "2026-11-21T20:03:00Z", "text": "who may read me?"},
    ]
    routes = {"GET /api/tickets/7": ticket(body="a\r\nb"), "GET /api/tickets/7/messages": {"data": messages}}
    with Scripted(desk_of(routes)) as desk:
        record = deskly(desk.url).fetch(context(desk.port), "7")
    assert (record.id, record.version, record.author, record.state) == ("7", "3", "paula", "live")
    assert record.created == datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
    assert record.fields == {**FIELDS, "body": "a\nb", "partner_ref": None}
    assert [(each.id, each.channel, each.text) for each in record.comments] == [
        ("1", "reply", "hello\nthere"),
        ("2", "note", "psst"),
        ("3", "note", "who may read me?"),
    ], "unknown visibility reads as the narrowest"
    assert record.complete


def test_a_list_that_may_not_be_read_makes_the_record_incomplete() -> None:
    with Scripted(desk_of({"GET /api/tickets/7": ticket()})) as desk:
        record = deskly(desk.url).fetch(context(desk.port), "7")
    assert record.fields["title"] == "VPN down"
    assert not record.complete


def test_fetch_without_items_is_not_complete_and_one_call() -> None:
    with Scripted(desk_of({"GET /api/tickets/7": ticket()})) as desk:
        assert not deskly(desk.url).fetch(context(desk.port), "7", items=False).complete
        assert len(desk.asked) == 1


def test_a_record_that_answers_under_another_id_was_merged() -> None:
    with serving(ticket(9)) as desk:
        record = deskly(desk.url).fetch(context(desk.port), "7", items=False)
    assert (record.id, record.state, record.into) == ("7", "merged", "9")


@pytest.mark.parametrize(
    ("line", "document", "state"),
    [
        ("gone_when: {status: [deleted]}", ticket(status="deleted"), "gone"),
        ("gone_when: {status: [deleted]}", ticket(), "live"),
        ("merged_into: into.id", ticket(into={"id": 9}), "merged"),
        ("merged_into: into.id", ticket(into={"id": 7}), "live"),
        ("merged_when: {status: [merged]}", ticket(status="merged"), "merged"),
        ('scope: {team: "{settings.team}"}', ticket(team="network"), "live"),
        ('scope: {team: "{settings.team}"}', ticket(team="printers"), "left"),
        ('scope: {team: "{settings.team}"}', ticket(), "live"),
        ('scope: {team: "{found.me}"}', ticket(team="x"), "live"),
    ],
)
def test_what_became_of_a_record(line: str, document: dict[str, Any], state: str) -> None:
    text = DESKLY.replace("  author: updated_by\n", f"  author: updated_by\n  {line}\n")
    with serving(document) as desk:
        assert deskly(desk.url, text).fetch(context(desk.port), "7", items=False).state == state


def test_an_empty_record_at_200_is_gone() -> None:
    text = DESKLY.replace(
        'fetch:  {send: "GET /tickets/{id}", record: ""}', 'fetch: {send: "GET /tickets/{id}", record: item}'
    )
    with serving({"item": None}) as desk, pytest.raises(Gone):
        deskly(desk.url, text).fetch(context(desk.port), "7")


def test_create_sends_the_fields_and_our_reference() -> None:
    with serving(ticket(partner_ref="TDM-AAAA-7"), 201) as desk:
        receipt = deskly(desk.url).create(context(desk.port), FIELDS, "TDM-AAAA-7", "key-1")
        sent = desk.asked[0]
    assert (sent.method, sent.path) == ("POST", "/api/tickets")
    assert sent.headers["authorization"] == "Bearer s3cr3t-token"
    assert sent.headers["content-type"] == "application/json"
    assert sent.json() == {**FIELDS, "priority": 2, "team": "network", "partner_ref": "TDM-AAAA-7"}
    assert (receipt.id, receipt.version, receipt.read_back) == ("7", "3", "reply")
    assert receipt.record is not None and receipt.record.fields["partner_ref"] == "TDM-AAAA-7"


def test_a_yes_without_an_id_is_unknown() -> None:
    with serving({"ok": True}, 201) as desk, pytest.raises(Unknown):
        deskly(desk.url).create(context(desk.port), FIELDS, "TDM-AAAA-7", "key-1")


@pytest.mark.parametrize(
    ("fields", "about"),
    [
        ({"title": "x" * 121}, "title"),
        ({"title": ""}, "title"),
        ({}, "title"),
        ({"title": "x", "status": "nonsense"}, "status"),
        ({"title": "x", "priority": "9"}, "priority"),
        ({"title": "x", "nothing": "y"}, "nothing"),
        ({"title": "x", "custom:1": "y"}, "custom:1"),
    ],
)
def test_what_may_not_be_sent_is_refused_before_anything_is(fields: dict[str, Any], about: str) -> None:
    with serving(ticket()) as desk:
        with pytest.raises(Refused) as caught:
            deskly(desk.url).create(context(desk.port), fields, "TDM-AAAA-7", "key-1")
        assert not desk.asked
    assert caught.value.field == about


def test_update_changes_only_the_named_fields_and_carries_the_version() -> None:
    with serving(ticket(title="new")) as desk:
        receipt = deskly(desk.url).update(context(desk.port), "7", {"title": "new", "body": None}, "2")
        sent = desk.asked[0]
    assert (sent.method, sent.path, sent.headers["if-match"]) == ("PATCH", "/api/tickets/7", "2")
    assert sent.json() == {"title": "new", "body": ""}
    assert receipt.version == "3"


def test_an_update_without_a_version_fetches_it_first() -> None:
    with serving(ticket()) as desk:
        deskly(desk.url).update(context(desk.port), "7", {"title": "new"}, None)
        assert [(r.method, r.headers.get("if-match")) for r in desk.asked] == [("GET", None), ("PATCH", "3")]


ONLY = DESKLY.replace("body:     {type: rich}", "body: {type: rich, only_on: create}").replace(
    "status:   {type: choice,", "status: {only_on: update, type: choice,"
)


def test_what_creation_cannot_set_follows_as_an_update() -> None:
    with serving(ticket()) as desk:
        made = deskly(desk.url, ONLY)
        receipt = made.create(context(desk.port), FIELDS, "TDM-AAAA-7", "key-1")
        assert receipt.later == ("status",)
        assert "status" not in desk.asked[0].json() and "body" in desk.asked[0].json()
        made.update(context(desk.port), "7", {"status": "done"}, "1")
        assert desk.asked[1].json() == {"status": "done"}
        with pytest.raises(Refused) as caught:
            made.update(context(desk.port), "7", {"body": "other"}, "1")
    assert caught.value.field == "body"


REQUIRED = DESKLY.replace("body:     {type: rich}", "body: {type: rich, required_when: {status: [done]}}")


def test_a_field_that_a_value_requires() -> None:
    with serving({"message": "not without a body"}, 403) as desk:
        made, ctx = deskly(desk.url, REQUIRED), context(desk.port)
        with pytest.raises(Refused) as early:
            made.create(ctx, {"title": "x", "status": "done"}, "TDM-1", "k")
        assert early.value.field == "body" and not desk.asked
        with pytest.raises(Refused):
            made.update(ctx, "7", {"status": "done", "body": None}, "1")
        assert not desk.asked
        with pytest.raises(Refused) as late:
            made.update(ctx, "7", {"status": "done"}, "1")
        assert late.value.field == "body" and late.value.said == "not without a body", "the desk has the last word"


def test_find_believes_no_filter() -> None:
    rows = [
        ticket(1, partner_ref="TDM-AAAA-7"),
        ticket(2, partner_ref="TDM-AAAA-77"),
        ticket(3),
        ticket(4, partner_ref="tdm-aaaa-7"),
    ]
    with serving({"data": rows}) as desk:
        hits = deskly(desk.url).find(context(desk.port), "TDM-AAAA-7")
        assert desk.asked[0].query == {"partner_ref": "TDM-AAAA-7"}
    assert [hit.id for hit in hits] == ["1"]


def test_find_gives_both_where_there_are_two_and_none_where_there_is_none() -> None:
    with serving({"data": [ticket(1, partner_ref="TDM-7"), ticket(2, partner_ref="TDM-7")]}) as desk:
        assert len(deskly(desk.url).find(context(desk.port), "TDM-7")) == 2
    with serving({"data": []}) as desk:
        assert deskly(desk.url).find(context(desk.port), "TDM-7") == []


def test_each_channel_lands_with_its_visibility() -> None:
    with serving({"id": 77}) as desk:
        made, ctx = deskly(desk.url), context(desk.port)
        assert made.comment(ctx, "7", "note", "psst", ["staff"]).id == "77"
        assert made.comment(ctx, "7", "reply", "hello", ["requester", "staff"]).id == "77"
        assert [r.json() for r in desk.asked] == [
            {"text": "psst", "internal": True},
            {"text": "hello", "internal": False},
        ]


@pytest.mark.parametrize("reaches", [[], ["requester"], ["staff"]])
def test_a_channel_that_reaches_more_is_refused(reaches: list[str]) -> None:
    with serving({"id": 77}) as desk:
        with pytest.raises(Refused, match="also reaches"):
            deskly(desk.url).comment(context(desk.port), "7", "reply", "hello", reaches)
        assert not desk.asked


def test_what_a_desk_cannot_is_said() -> None:
    made, ctx = deskly("http://127.0.0.1:9"), context(9)
    file = File("a.txt", "text/plain", 1, "", lambda: io.BytesIO(b"x"))
    calls: list[Callable[[], Any]] = [
        lambda: made.attach(ctx, "7", "note", file, ["staff"]),
        lambda: made.worklog(ctx, "7", 5, "x", NOW),
        lambda: made.comment(ctx, "7", "note", "x", ["staff"], replaces="1"),
        lambda: made.person(ctx, email="a@b"),
        lambda: list(made.file(ctx, Item("1", "7", None, None, "note"))),
    ]
    for verb, call in zip(("attach", "worklog", "edit_comment", "person", "file"), calls, strict=True):
        with pytest.raises(Unsupported) as caught:
            call()
        assert caught.value.said == made.cannot[verb]


INJECTION = [
    "x^ORactive=true",
    '"; drop',
    "a\nb",
    "}",
    "{id}",
    "' or 1=1",
    "../../admin",
    "%2e%2e",
    "ключ",
    "?x=1&y=2#z",
]


@pytest.mark.parametrize("value", INJECTION)
def test_a_value_never_changes_the_request(value: str) -> None:
    with serving(ticket()) as desk:
        made, ctx = deskly(desk.url), context(desk.port)
        made.fetch(ctx, value, items=False)
        made.comment(ctx, value, "note", value, ["staff"])
        made.find(ctx, value)
        assert desk.asked[0].path == f"/api/tickets/{value}" and desk.asked[0].query == {}
        assert desk.asked[1].path == f"/api/tickets/{value}/messages"
        assert desk.asked[1].json() == {"text": value, "internal": True}
        assert desk.asked[2].query == {"partner_ref": value}


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_path_segment_that_would_climb_is_refused(value: str) -> None:
    with serving(ticket()) as desk:
        with pytest.raises(Refused):
            deskly(desk.url).fetch(context(desk.port), value)
        assert not desk.asked


def test_a_header_value_cannot_add_a_header() -> None:
    with serving(ticket()) as desk:
        for version in ("1\r\nX-Evil: 1", "1\nx", "ключ"):
            with pytest.raises(Refused):
                deskly(desk.url).update(context(desk.port), "7", {"title": "x"}, version)
        assert not desk.asked


def test_text_of_every_kind_survives_the_way_out() -> None:
    text = "emoji 🚀, RTL שלום, tab\t, CRLF\r\n, NUL-free, " + "x" * 100_000
    with serving({"id": 1}) as desk:
        deskly(desk.url).comment(context(desk.port), "7", "note", text, ["staff"])
        assert desk.asked[0].json()["text"] == text


FILES = DESKLY.replace('  file: "Deskly has no files to read."\n', "").replace(
    "  find:   {", '  file: {send: "GET {file.url}", reply: bytes, follow: true}\n  find:   {'
)


def test_a_file_is_read_from_its_own_host_alone() -> None:
    body = bytes(range(256)) * 100
    with Scripted(lambda r: Response(200, body, "image/png")) as desk, Scripted(lambda r: Response(200)) as other:
        made = deskly(desk.url, FILES)
        item = Item("1", "7", None, None, "note", url=f"{desk.url}/files/1", mime="image/png")
        got = b"".join(made.file(context(desk.port), item))
        assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()
        for url in (
            f"{other.url}/x",
            "http://169.254.169.254/latest",
            f"{desk.url}@evil.example/",
            "file:///etc/passwd",
            "//x",
        ):
            with pytest.raises(Refused):
                list(made.file(context(desk.port), Item("1", "7", None, None, "note", url=url)))
        assert not other.asked


def test_a_redirect_of_a_file_is_followed_once_within_hosts_without_credentials() -> None:
    def answer(request: Request) -> Response:
        if request.path == "/files/1":
            return Response(302, headers={"Location": "/stored/1"})
        return Response(200, b"content", "application/octet-stream")

    with Scripted(answer) as desk:
        item = Item("1", "7", None, None, "note", url=f"{desk.url}/files/1")
        assert b"".join(deskly(desk.url, FILES).file(context(desk.port), item)) == b"content"
        assert [("authorization" in r.headers, r.path) for r in desk.asked] == [
            (True, "/files/1"),
            (False, "/stored/1"),
        ]
    with Scripted(lambda r: Response(302, headers={"Location": "http://evil.example/x"})) as desk:
        item = Item("1", "7", None, None, "note", url=f"{desk.url}/files/1")
        with pytest.raises(Refused, match="another host"):
            list(deskly(desk.url, FILES).file(context(desk.port), item))


def test_a_login_page_is_no_file() -> None:
    with Scripted(lambda r: Response(200, b"<html>sign in", "text/html")) as desk:
        item = Item("1", "7", None, None, "note", url=f"{desk.url}/files/1", mime="image/png")
        with pytest.raises(Retry):
            list(deskly(desk.url, FILES).file(context(desk.port), item))


def hook(body: Any, secret: str = "s3cr3t-hook", **headers: str) -> Arrival:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    scheme = {"hmac": {"header": "X-Deskly-Signature", "hash": "sha256", "encoding": "hex", "message": ["body"]}}
    return Arrival("POST", {}, {k.lower(): v for k, v in sign(scheme, raw, secret, headers).items()}, raw)


def test_a_webhook_is_verified_and_names_its_delivery() -> None:
    made = deskly("http://127.0.0.1:9")
    arrival = hook({"ticket": {"id": 7}}, **{"X-Deskly-Delivery": "d-1"})
    assert made.verify(arrival, NOW).delivery == "d-1"
    with pytest.raises(Unverified):
        made.verify(hook({"ticket": {"id": 7}}, secret="other"), NOW)
    with pytest.raises(Unverified):
        made.verify(Arrival("POST", {}, {}, b"{}"), NOW)


def test_without_a_webhook_secret_nothing_verifies() -> None:
    made = deskly("http://127.0.0.1:9", secrets={"token": "s3cr3t-token"})
    with pytest.raises(Unverified):
        made.verify(hook({"ticket": {"id": 7}}, secret=""), NOW)


EVENTS = DESKLY.replace(
    "  record_id: ticket.id\n",
    """  record_id: [ticket.id, id]
  many: events
  event: {at: [type, kind], values: {made: created, erased: gone, ping: ignored}}
  actor: [by.id, by.name]
  skip: {type: [mail]}
  record: ticket
""",
)


def test_events_of_a_webhook() -> None:
    events = [
        {"type": "made", "ticket": {"id": 7}, "by": {"name": "gateway"}},
        {"type": "renamed", "ticket": {"id": 7}, "by": {"id": 5, "name": "gateway"}},
        {"kind": "erased", "id": 8},
        {"type": "ping", "id": 8},
        {"type": "mail", "id": 8},
        {"type": "made"},
        {},
        "nonsense",
    ]
    made = deskly("http://127.0.0.1:9", EVENTS)
    parsed = made.parse(hook({"events": events}))
    assert [(e.kind, e.record_id, e.actor) for e in parsed] == [
        ("created", "7", "gateway"),
        ("changed", "7", "5"),
        ("gone", "8", None),
        ("ignored", "8", None),
        ("ignored", "8", None),
        ("ignored", None, None),
        ("ignored", None, None),
        ("ignored", None, None),
    ]
    assert all(event.reason for event in parsed if event.kind == "ignored")


def test_a_payload_gives_the_record_only_if_it_is_the_one_it_speaks_of() -> None:
    made = deskly("http://127.0.0.1:9", EVENTS)
    (whole,) = made.parse(hook({"events": [{"type": "made", "ticket": ticket()}]}))
    assert whole.record is not None and whole.record.version == "3" and not whole.record.complete
    (other,) = made.parse(hook({"events": [{"id": 8, "ticket": {"title": "x"}}]}))
    assert (other.record_id, other.record) == ("8", None)
    swapped = deskly("http://127.0.0.1:9", EVENTS.replace("[ticket.id, id]", "id"))
    (foreign,) = swapped.parse(hook({"events": [{"id": 8, "ticket": ticket(7)}]}))
    assert (foreign.record_id, foreign.record) == ("8", None)


@pytest.mark.parametrize("body", [b"", b"not json", b"[" * 100_000, b"\xff\xfe", b"null", b"7", b'"x"', b"[]"])
def test_what_is_no_payload_is_ignored_with_a_reason(body: bytes) -> None:
    (event,) = deskly("http://127.0.0.1:9").parse(Arrival("POST", {}, {}, body))
    assert event.kind == "ignored" and event.reason


def test_a_thin_hook_twice_is_two_hints() -> None:
    made = deskly("http://127.0.0.1:9")
    assert made.parse(hook({"ticket": {"id": 77}})) == made.parse(hook({"ticket": {"id": 77}}))
    assert made.verify(hook({"ticket": {"id": 77}}), NOW).delivery is None


def test_traits() -> None:
    made = deskly("http://127.0.0.1:9")
    assert made.verbs == {
        "check",
        "describe",
        "fetch",
        "create",
        "update",
        "find",
        "comment",
        "changed",
        "verify",
        "parse",
    }
    assert made.channels["reply"].reaches == {"staff", "requester"} and not made.channels["reply"].attach
    assert (made.limits.in_flight, made.record_version_order, made.text_format) == (2, "integer", "plain")
    assert (made.apply_horizon, made.visible_after, made.reference) == (900.0, 0.0, "partner_ref")
    assert (made.read_back("create"), made.repeatable("create"), made.people) == ("reply", 0.0, frozenset())
    assert made.newer("10", "9") is True and made.newer("9", "9") is False and made.newer("x", "9") is None
    assert made.feeds["tickets"].gives == "hints"
    assert made.challenge(Arrival("GET", {}, {}, b"")) is None


def test_the_desk_slows_us_down() -> None:
    text = DESKLY.replace(
        "limits: {in_flight: 2}", "limits: {rate: 100/1m, remaining: X-Left, reset: {header: X-Reset, format: unix}}"
    )
    reset = str(int((NOW + timedelta(seconds=40)).timestamp()))
    for left, waits in (("50", False), ("9", True), ("nonsense", False)):
        with serving(ticket(), headers={"X-Left": left, "X-Reset": reset}) as desk:
            made, ctx = deskly(desk.url, text), context(desk.port)
            made.fetch(ctx, "7", items=False)
            wait = made.slow_until() - ctx.monotonic()
            assert (39 < wait <= 40) if waits else made.slow_until() == 0.0


def test_secrets_show_in_no_repr() -> None:
    made = deskly("http://127.0.0.1:9")
    assert "s3cr3t" not in repr(made) and "s3cr3t" not in repr(vars(made)["_desk"])
