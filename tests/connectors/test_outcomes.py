"""The whole outcome table of CONNECTORS.md section 2, over real sockets: every row, for every verb."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors import registry
from connectors.base import Context, File, Item
from connectors.errors import Gone, Outcome, Refused, Retry, Stale, Unauthorized, Unknown, Unsupported
from connectors.rest import Rest
from connectors.session import Session
from connectors.simulators.loopback import Response
from tests.connectors.support import DESKLY, NOW, Scripted, context, deskly, serving, ticket

READS: dict[str, Callable[[Rest, Context], Any]] = {
    "check": lambda desk, ctx: desk.check(ctx),
    "fetch": lambda desk, ctx: desk.fetch(ctx, "7"),
    "find": lambda desk, ctx: desk.find(ctx, "TDM-AAAA-7"),
    "changed": lambda desk, ctx: desk.changed(ctx, "tickets", None),
    "file": lambda desk, ctx: b"".join(desk.file(ctx, Item("9", "7", None, None, "note", mime="image/png"))),
    "person": lambda desk, ctx: desk.person(ctx, id="ana"),
}
WRITES: dict[str, Callable[[Rest, Context], Any]] = {
    "create": lambda desk, ctx: desk.create(ctx, {"title": "x"}, "TDM-AAAA-7", "key-1"),
    "update": lambda desk, ctx: desk.update(ctx, "7", {"title": "x"}, "3"),
    "comment": lambda desk, ctx: desk.comment(ctx, "7", "note", "hello", ["staff"]),
    "attach": lambda desk, ctx: desk.attach(ctx, "7", "note", FILE, ["staff"]),
    "worklog": lambda desk, ctx: desk.worklog(ctx, "7", 20, "work", NOW),
}
FILE = File("a.txt", "text/plain", 2, hashlib.sha256(b"hi").hexdigest(), lambda: io.BytesIO(b"hi"))
VERBS = {**READS, **WRITES}
WITH_ID = {"fetch", "update", "comment", "attach", "worklog"}
ABOUT_RECORD_ELSEWHERE = {"check", "find", "changed", "file", "create"}


@pytest.fixture
def desk() -> Iterator[Scripted]:
    with Scripted(lambda request: Response.of({"id": "7"})) as made:
        yield made


def built(desk: Scripted) -> Rest:
    made = registry.build("memory", settings={"url": desk.url}, secrets={"token": "s3cr3t-token"})
    assert isinstance(made, Rest)
    return made


def ended(desk: Scripted, verb: str, **how: Any) -> Outcome:
    """The outcome of one verb at ``desk``."""
    with pytest.raises(Outcome) as caught:
        VERBS[verb](built(desk), context(desk.port, **how))
    return caught.value


def by_status(status: int, verb: str) -> type[Outcome] | None:
    """The table, written a second time from the specification."""
    write = verb in WRITES
    unsure: type[Outcome] = Unknown if write else Retry
    if 300 <= status < 400 or status in (401, 407):
        return Unauthorized
    if status == 403:
        return Unauthorized if verb == "check" else Refused
    if status == 404:
        return Gone if verb in WITH_ID else None if verb == "person" else Refused
    if status == 410:
        return Gone
    if status == 409:
        return Retry if verb in ("create", "comment", "attach", "worklog") else Stale
    if status in (412, 428):
        return Stale
    if status in (423, 425, 429):
        return Retry
    if status == 501:
        return Unsupported
    return unsure if status == 408 or status >= 500 else Refused


STATUSES = [
    301,
    302,
    303,
    307,
    308,
    400,
    401,
    403,
    404,
    405,
    406,
    407,
    408,
    409,
    410,
    411,
    412,
    413,
    415,
    418,
    422,
]
STATUSES += [423, 424, 425, 428, 429, 431, 451, 500, 501, 502, 503, 504, 507, 520, 599]


@pytest.mark.parametrize("verb", VERBS)
def test_every_status(desk: Scripted, verb: str) -> None:
    made, ctx = built(desk), context(desk.port)
    for status in STATUSES:
        desk.faults.plan("status", status=status)
        wanted = by_status(status, verb)
        if wanted is None or (status == 410 and verb == "person"):
            assert VERBS[verb](made, ctx) is None
            continue
        with pytest.raises(Outcome) as caught:
            VERBS[verb](made, ctx)
        assert type(caught.value) is wanted, f"{status} on {verb}"
        assert "try again later" in caught.value.said, "the vendor's own words"


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_of_the_request_left(verb: str) -> None:
    with Scripted(lambda request: Response()) as gone:
        made = built(gone)
    for port in (gone.port,):  # nothing listens there any more
        with pytest.raises(Retry):
            VERBS[verb](made, context(port))


@pytest.mark.parametrize("verb", VERBS)
def test_no_time_is_left(desk: Scripted, verb: str) -> None:
    assert type(ended(desk, verb, seconds=-1)) is Retry
    assert not desk.asked


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "fault",
    [
        {"what": "commit_then_drop"},
        {"what": "drop_before_commit"},
        {"what": "truncate_body", "size": 3},
        {"what": "truncate_head", "size": 20},
        {"what": "html_login_page"},
        {"what": "commit_then_delay", "seconds": 5.0},
    ],
    ids=lambda fault: fault["what"],
)
def test_no_usable_answer(desk: Scripted, verb: str, fault: dict[str, Any]) -> None:
    desk.faults.plan(**fault)
    assert type(ended(desk, verb, seconds=0.4)) is (Unknown if verb in WRITES else Retry)


@pytest.mark.parametrize("verb", VERBS)
def test_the_guard_refuses_before_anything_is_sent(desk: Scripted, verb: str) -> None:
    with pytest.raises(Refused, match="not public"):
        VERBS[verb](built(desk), context(None))
    assert not desk.asked


def test_a_redirect_is_not_followed_with_our_credentials(desk: Scripted) -> None:
    with Scripted(lambda request: Response.of({"id": "7"})) as elsewhere:
        desk.faults.plan("redirect", url=elsewhere.url + "/api/me")
        assert type(ended(desk, "check")) is Unauthorized
        assert not elsewhere.asked


@pytest.mark.parametrize("verb", ["fetch", "create"])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("7", 7.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("99999999", 86400.0),
        ("soon", None),
        (None, None),
    ],
    ids=["seconds", "date", "past", "capped", "nonsense", "none"],
)
def test_how_long_to_wait(desk: Scripted, verb: str, status: int, header: str | None, after: float | None) -> None:
    desk.faults.plan("status", status=status, retry_after=header)
    assert ended(desk, verb).after == after


def test_a_reply_over_the_cap(desk: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Session.send
    monkeypatch.setattr(Session, "send", lambda self, *a, **k: small(self, *a, **{**k, "cap": 5}))
    assert type(ended(desk, "fetch")) is Refused
    assert type(ended(desk, "create")) is Unknown


RULED = DESKLY.replace(
    "errors: {says: [message], rules: []}",
    """errors:
  says: [message]
  rules:
    - {status: 500, says: [not allowed], is: refused}
    - {status: 500, verbs: [fetch], where: {code: [17]}, is: gone}
    - {status: 503, is: retry}
    - {status: 200, where: {error: any}, says: [locked], is: retry}
    - {where: {error: any}, is: refused}
    - {status: 200, verbs: [update], where: {"done.{id}": ["false"]}, is: refused}
    - {status: 404, verbs: [update], is: ok}""",
)


@pytest.mark.parametrize(
    ("status", "document", "verb", "outcome"),
    [
        (500, {"message": "This is Not Allowed here"}, "update", Refused),
        (500, {"message": "boom"}, "update", Unknown),
        (500, {"code": 17}, "fetch", Gone),
        (500, {"code": 17}, "update", Unknown),
        (503, {"message": "down"}, "update", Retry),
        (200, {"message": "the record is locked", "error": 1}, "update", Retry),
        (200, {"message": "bad queue", "error": 1}, "update", Refused),
        (200, {"message": "bad queue", "error": None, **ticket()}, "update", None),
        (200, {"done": {"7": False, "8": True}}, "update", Refused),
        (200, {"done": {"7": True, "8": False}, **ticket()}, "update", None),
        (404, {}, "update", None),
        (404, {}, "fetch", Gone),
    ],
)
def test_the_manifests_own_rules(status: int, document: Any, verb: str, outcome: type[Outcome] | None) -> None:
    with serving(document, status) as desk:
        made, ctx = deskly(desk.url, RULED), context(desk.port)
        if outcome is None:
            VERBS[verb](made, ctx)
        else:
            with pytest.raises(outcome):
                VERBS[verb](made, ctx)


def test_secrets_are_blanked_in_what_the_vendor_says() -> None:
    words = {"message": "no user for Bearer s3cr3t-token in s3cr3t-hook"}
    with serving(words, 400) as desk, pytest.raises(Refused) as caught:
        deskly(desk.url).fetch(context(desk.port), "7")
    assert "s3cr3t-token" not in caught.value.said and "***" in caught.value.said


def test_long_words_are_cut_and_html_is_stripped() -> None:
    page = Response(400, b"<html><h1>Bad</h1><p>" + b"word " * 400, "text/html")
    with Scripted(lambda request: page) as desk, pytest.raises(Refused) as caught:
        deskly(desk.url).fetch(context(desk.port), "7")
    assert caught.value.said.startswith("Bad word") and len(caught.value.said) <= 500


def test_a_first_call_is_a_read_even_inside_a_write() -> None:
    text = DESKLY.replace(
        "create: {send: POST /tickets,", "create: {first: {send: POST /uploads, take: {t: id}}, send: POST /tickets,"
    )
    with Scripted(lambda request: Response.of(ticket())) as desk:
        desk.faults.plan("commit_then_drop", path="/uploads")
        with pytest.raises(Retry):
            deskly(desk.url, text).create(context(desk.port), {"title": "x"}, "TDM-1", "k")
        desk.faults.plan("commit_then_drop", path="/tickets")
        with pytest.raises(Unknown):
            deskly(desk.url, text).create(context(desk.port), {"title": "x"}, "TDM-1", "k")


def test_a_comment_that_is_not_there_any_more_says_nothing_of_its_record() -> None:
    edit = 'edit: {send: "PATCH /tickets/{id}/messages/{parent.id}", body: {text: "{text}"}}, comment:'
    text = DESKLY.replace("comment:", edit, 2).replace('  edit_comment: "', '  note: "')
    with serving({"message": "no such message"}, 404) as desk:
        made = deskly(desk.url, text)
        with pytest.raises(Refused, match="no such message"):
            made.comment(context(desk.port), "7", "note", "better", ["staff"], replaces="9")
        with pytest.raises(Gone):
            made.comment(context(desk.port), "7", "note", "new", ["staff"])
