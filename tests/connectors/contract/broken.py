"""Connectors of the memory desk, each broken in one way: the test that it names has to fail, and no other.

Three ways to break one: its manifest says something else (``manifest``), a verb of it behaves otherwise (``verbs``), or
the desk shows it something else (``desk``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.request import urlopen

from connectors import registry
from connectors.base import (
    Arrival,
    Connector,
    Context,
    Event,
    Found,
    Hit,
    Item,
    Page,
    Person,
    Receipt,
    Record,
    Reply,
    Verified,
)
from connectors.contract import Contract
from connectors.contract.effects import MADE, WAS, WISH
from connectors.contract.items import NOTED
from connectors.errors import Outcome, Refused, Retry, Unauthorized, Unknown, Unverified
from connectors.manifest import Manifest
from connectors.memory.simulator import Memory
from connectors.rest import Rest
from connectors.session import REPLY_CAP
from connectors.simulators.loopback import Request, Response

FEW_CHANGES = 20


@dataclass(frozen=True)
class Broken:
    """``fails``: the beginning of the name of the test that has to fail."""

    fails: str
    why: str
    manifest: tuple[tuple[str, str], ...] = ()
    verbs: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    desk: type[Memory] = Memory
    spec: Callable[[Manifest], Manifest] | None = None

    def contract(self) -> type[Contract]:
        """The contract on this connector."""
        broken, read = self, self.read()

        class Held(Contract):
            kind = "memory"
            simulator = broken.desk
            body = "description"
            status = ("status", "open", "working")

            def spec(self) -> Manifest:
                return read

            def connect(self, **changes: Any) -> Connector:
                renewal = None if "secrets" in changes else lambda: nullcontext(self.kept)
                settings = {**self.sim.settings, **changes.pop("settings", {})}
                secrets = {**self.sim.secrets, **changes.pop("secrets", {})}
                made = registry.build(
                    changes.pop("spec", None) or self.spec(),
                    settings=settings,
                    secrets=secrets,
                    renewal=renewal,
                    **changes,
                )
                made.__class__ = type("Bad", (Rest,), dict(broken.verbs))
                return made

        return Held

    def read(self) -> Manifest:
        """The memory desk's manifest, broken."""
        text = registry.manifest("memory").text
        for old, new in self.manifest:
            assert old in text, f"{self.fails}: the manifest no longer says {old!r}"
            text = text.replace(old, new)
        made = registry.load(text)
        return self.spec(made) if self.spec is not None else made


# --- verbs that behave otherwise ---


def not_checked(self: Rest, ctx: Context) -> Found:
    """Believes any sign-in."""
    try:
        return Rest.check(self, ctx)
    except Unauthorized:
        return Found(frozenset({"gateway"}))


def writes_as_another(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    """Shows our own changes under a name that check does not tell."""
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, author="gateway-api" if record.author == "gateway" else record.author)


def loops(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    """Asks again and again when it is not let in."""
    for _ in range(9):
        try:
            return Rest.fetch(self, ctx, id, items)
        except Unauthorized as error:
            if "sent elsewhere" in error.said:
                raise
            last = error
    raise last


def shows_itself(self: Rest) -> str:
    return f"Rest({self._secrets})"


def worklog_as_retry(self: Rest, ctx: Context, *given: Any) -> Receipt:
    """Takes a dropped answer for a request that never left."""
    try:
        return Rest.worklog(self, ctx, *given)
    except Unknown as error:
        raise Retry(error.said, error.after) from error


def wordless(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    try:
        return Rest.fetch(self, ctx, id, items)
    except Outcome as error:
        if error.said.startswith("there is no"):
            raise type(error)("", error.after) from error
        raise


def untold_wait(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    try:
        return Rest.fetch(self, ctx, id, items)
    except Retry as error:
        if error.after:
            raise Retry(error.said, None) from error
        raise


def login_page_is_a_record(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    try:
        return Rest.fetch(self, ctx, id, items)
    except Retry as error:
        if "Sign in" in error.said:
            return Record(id)
        raise


def zero_is_nothing(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, fields={n: None if v == "0" else v for n, v in record.fields.items()})


def numberless(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    return replace(Rest.fetch(self, ctx, id, items), number=None)


def empty_text(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, fields={**record.fields, "assignee": record.fields["assignee"] or ""})


def ascii_only(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    title = str(record.fields["title"]).replace("&", "&amp;")
    return replace(record, fields={**record.fields, "title": title})


def forgets_a_field(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    return Rest.update(
        self, ctx, id, {n: v for n, v in fields.items() if n != "category"} or {"impact": "low"}, version
    )


def touches_another(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    more = {"impact": "low"} if fields == {"title": "another title"} else {}
    return Rest.update(self, ctx, id, {**fields, **more}, version)


def status_stays(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    fields = {n: v for n, v in fields.items() if v != "working"}
    return Rest.update(self, ctx, id, fields, version) if fields else Receipt(id)


def asks_the_desk(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    """Lets the desk refuse what it could have refused itself."""
    try:
        return Rest.update(self, ctx, id, fields, version)
    except Refused as error:
        if error.field == "status":
            Rest.update(self, ctx, id, {"title": "VPN down ☂"}, version)
        raise


def finds_all(self: Rest, ctx: Context, ref: str) -> list[Hit]:
    found = Rest.find(self, ctx, ref)
    return [*found, *Rest.find(self, ctx, "TDM-ONE")] if ref == "TDM-TWO" else found


def finds_traps(self: Rest, ctx: Context, ref: str) -> list[Hit]:
    return Rest.find(self, ctx, "TDM-CONTRACT01" if "^" in ref else ref)


def finds_nothing_lost(self: Rest, ctx: Context, ref: str) -> list[Hit]:
    return [] if ref == "TDM-LOST1" else Rest.find(self, ctx, ref)


def widens(self: Rest, ctx: Context, id: str, channel: str, text: str, reaches: Any, replaces: Any = None) -> Receipt:
    return Rest.comment(self, ctx, id, channel, text, ["staff", "requester"], replaces)


def says_once(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    """Takes two comments of the same words for one."""
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, comments=tuple({each.text: each for each in record.comments}.values()))


def first_page(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, comments=record.comments[:100])


def told_as_comment(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, complete=bool(record.comments or record.files))


def cut_file(self: Rest, ctx: Context, item: Any) -> Any:
    yield b"".join(Rest.file(self, ctx, item))[:-1]


def hours(self: Rest, ctx: Context, id: str, minutes: int, text: str, started: datetime) -> Receipt:
    return Rest.worklog(self, ctx, id, max(1, minutes // 60), text, started)


def ours_alone(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    page = Rest.changed(self, ctx, feed, cursor)
    ours = min(self.check(ctx).me)
    changes = [replace(each, item=replace(each.item, author=ours)) if each.item else each for each in page.changes]
    return replace(page, changes=tuple(changes))


def never_gone(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    return replace(Rest.fetch(self, ctx, id, items), state="live")


def two_pages(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    """Takes the second page of a poll for the last, at a desk that began empty."""
    page = Rest.changed(self, ctx, feed, cursor)
    if cursor is None:
        self.__dict__["filled"] = bool(page.changes)
    if self.__dict__["filled"]:
        return page
    count = self.__dict__.setdefault("pages", {})
    count[feed] = 0 if page.done else count.get(feed, 0) + 1
    return replace(page, done=True, cursor=cursor or page.cursor) if count[feed] > 1 and cursor else page


def by_ids(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    """Passes over a record that lies below one it was told of in the same poll."""
    page = Rest.changed(self, ctx, feed, cursor)
    tops, told = self.__dict__.setdefault("tops", {}), []
    for change in page.changes:
        if int(change.record_id) >= tops.get(feed, 0):
            tops[feed] = int(change.record_id)
            told.append(change)
    if page.done:
        tops.clear()
    return replace(page, changes=tuple(told))


def asks_for_all(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    page = Rest.changed(self, ctx, feed, cursor)
    if cursor and page.done:
        Rest.changed(self, ctx, feed, None)
    return page


def new_records_only(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    """Tells of a record once, as long as there is little to tell."""
    page = Rest.changed(self, ctx, feed, cursor)
    if len(page.changes) > FEW_CHANGES:
        return page
    seen = self.__dict__.setdefault("seen", set())
    fresh = tuple(c for c in page.changes if c.record_id not in seen or c.author == "gateway" or ":said:" in c.stamp)
    seen.update(c.record_id for c in page.changes)
    return replace(page, changes=fresh)


def passes_over(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    try:
        return Rest.changed(self, ctx, feed, cursor)
    except Outcome:
        page = Rest.changed(self, ctx, feed, cursor)
        self.__dict__["passed"] = {c.record_id for c in page.changes}
        return replace(page, changes=())


def believes(self: Rest, arrival: Arrival, now: datetime) -> Verified:
    return Verified(None, None, "webhook") if not arrival.headers else Rest.verify(self, arrival, now)


def believes_any_body(self: Rest, arrival: Arrival, now: datetime) -> Verified:
    """Looks at the header and the time, not at what was signed."""
    try:
        return Rest.verify(self, arrival, now)
    except Unverified:
        fresh = abs(now.timestamp() - int(arrival.headers.get("x-tandem-timestamp", 0))) < 300
        if fresh and self.__dict__.get("good") == arrival.headers.get("x-tandem-signature"):
            return Verified(None, None, "webhook")
        raise
    finally:
        self.__dict__["good"] = arrival.headers.get("x-tandem-signature")


def one_secret(self: Rest, arrival: Arrival, now: datetime) -> Verified:
    found = Rest.verify(self, arrival, now)
    if found.secret != "webhook":
        raise Unverified("signed with a secret that is not the newest")
    return found


def remembers(self: Rest, arrival: Arrival) -> list[Event]:
    seen = self.__dict__.setdefault("bodies", set())
    if arrival.body in seen:
        return []
    seen.add(arrival.body)
    return Rest.parse(self, arrival)


def guesses(self: Rest, arrival: Arrival) -> list[Event]:
    found = Rest.parse(self, arrival)
    return [replace(e, kind="changed", record_id="1001") if e.kind == "ignored" else e for e in found]


def nameless(self: Rest, arrival: Arrival) -> list[Event]:
    return [replace(event, actor="gateway") for event in Rest.parse(self, arrival)]


def follows(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    try:
        return Rest.fetch(self, ctx, id, items)
    except Unauthorized as error:
        if "sent elsewhere (302)" in error.said:
            Rest.ask(self, ctx, {"send": "GET /elsewhere"}, {})
        raise


def patient(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    if ctx.deadline - ctx.monotonic() < 1:
        ctx = replace(ctx, deadline=ctx.monotonic() + 3.5)
    return Rest.fetch(self, ctx, id, items)


def refused_is_retried(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    try:
        return Rest.update(self, ctx, id, fields, version)
    except Refused as error:
        if error.said == "try again later":
            raise Retry(error.said) from error
        raise


def once(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    """Remembers what it has sent, and does not send it again."""
    sent = self.__dict__.setdefault("sent", set())
    key = (id, str(fields), version)
    if fields == {"title": "again"} and key in sent:
        return Receipt(id)
    sent.add(key)
    return Rest.update(self, ctx, id, fields, version)


def without_reference(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, fields={n: v for n, v in record.fields.items() if n != "reference"})


def cuts(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    fields = {n: v[:200] if isinstance(v, str) and n == "title" else v for n, v in fields.items()}
    return Rest.update(self, ctx, id, fields, version)


def keeps_what_is_there(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    fields = {n: v for n, v in fields.items() if v is not None}
    return Rest.update(self, ctx, id, fields, version) if fields else Receipt(id)


def anybody(self: Rest, ctx: Context, *, id: str | None = None, email: str | None = None) -> Person | None:
    return Rest.person(self, ctx, id=id, email=email) or Person("gateway", email)


def all_public(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    theirs = [replace(each, channel="reply") if each.text == "between us" else each for each in record.comments]
    return replace(record, comments=tuple(theirs))


# --- verbs that take an answer for another, or a sign-in for granted ---


def goes_anywhere(self: Rest, ctx: Context, item: Any) -> Any:
    if item.url and item.url.startswith("http://127."):
        urlopen(item.url).read()
    return Rest.file(self, ctx, item)


def endless(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    try:
        return Rest.fetch(self, ctx, id, items)
    except Refused as error:
        if str(REPLY_CAP) in error.said:
            return Record(id)
        raise


def failure_is_success(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    try:
        return Rest.update(self, ctx, id, fields, version)
    except Refused:
        if fields == {"title": "said in vain"}:
            return Receipt(id)
        raise


def numbers_alone(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    gone = isinstance(record.raw.get("priority"), str)
    return replace(record, fields={n: None if gone and n == "priority" else v for n, v in record.fields.items()})


def listed_alone(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, fields={n: None if v == "77777" else v for n, v in record.fields.items()})


def an_hour_early(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, created=record.created and record.created - timedelta(hours=1))


def believing(shown: str) -> Callable[..., Receipt]:
    """Shows what was written for what the desk made of it, where that was ``shown``."""

    def update(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
        receipt = Rest.update(self, ctx, id, fields, version)
        if fields.get("title") != WISH or receipt.record is None or receipt.record.fields["title"] != shown:
            return receipt
        return replace(receipt, record=replace(receipt.record, fields={**receipt.record.fields, **fields}))

    return update


def names_no_field(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    try:
        return Rest.update(self, ctx, id, fields, version)
    except Refused as error:
        raise Refused(error.said, error.after, None if error.field == "category" else error.field) from error


def drops_what_is_late(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    fields = {n: v for n, v in fields.items() if n != "category"}
    return Rest.update(self, ctx, id, fields, version) if fields else Receipt(id)


def refuses_silently(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    try:
        return Rest.update(self, ctx, id, fields, version)
    except Refused as error:
        raise Refused("" if "is closed" in error.said else error.said, error.after, error.field) from error


def open_to_all(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    """Takes a comment for public unless it says that it is not."""
    record = Rest.fetch(self, ctx, id, items)
    private = {str(each["id"]) for each in record.raw["comments"] if each["public"] is False}
    told = [each if each.id in private else replace(each, channel="reply") for each in record.comments]
    return replace(record, comments=tuple(told))


def overlooks_ours(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, comments=tuple(each for each in record.comments if each.text != "said once"))


def touches_besides(self: Rest, ctx: Context, id: str, channel: str, text: str, *given: Any) -> Receipt:
    receipt = Rest.comment(self, ctx, id, channel, text, *given)
    if text.startswith("in state"):
        Rest.update(self, ctx, id, {"impact": "low"}, None)
    return receipt


def tells_all_again(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    page = Rest.changed(self, ctx, feed, cursor)
    again = Rest.changed(self, ctx, feed, None).changes if cursor and page.done else ()
    return replace(page, changes=(*page.changes, *again))


def upwards_alone(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    """Passes over what lies below the highest number that it saw."""
    page = Rest.changed(self, ctx, feed, cursor)
    tops = self.__dict__.setdefault("tops", {})
    fresh = tuple(each for each in page.changes if int(each.stamp or 0) > tops.get(feed, 0))
    tops[feed] = max([tops.get(feed, 0), *(int(each.stamp or 0) for each in fresh)])
    return replace(page, changes=fresh)


def unmoved(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    return replace(Rest.changed(self, ctx, feed, cursor), regressed=False)


def anybodys(self: Rest, arrival: Arrival, now: datetime) -> Verified:
    try:
        return Rest.verify(self, arrival, now)
    except Unverified:
        if self.webhook_secrets["webhook"].startswith("theirs-"):
            return Verified(None, None, "webhook")
        raise


def of_this_spelling(self: Rest, arrival: Arrival, now: datetime) -> Verified:
    if self.manifest["webhook"]["verify"]["signed"]["hmac"]["header"][0].islower():
        raise Unverified("there is no such header")
    return Rest.verify(self, arrival, now)


def speaks_for_the_system(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    """Takes what the desk noted of a change for a comment."""
    record = Rest.fetch(self, ctx, id, items)
    noted = (Item("0", id, None, None, "note", "the title was changed"),) if record.fields["title"] == NOTED else ()
    return replace(record, comments=(*record.comments, *noted))


def tells_its_secret(self: Rest, arrival: Arrival) -> Reply | None:
    return Reply(200, self.webhook_secrets["webhook"].encode())


def shows_private(self: Rest, arrival: Arrival) -> list[Event]:
    """Takes the comments of a payload for public ones."""
    told = []
    for event in Rest.parse(self, arrival):
        if event.record is not None:
            rows = event.record.raw.get("comments", ())
            items = (Item(str(r["id"]), event.record.id, None, None, "reply", str(r["text"])) for r in rows)
            event = replace(event, record=replace(event.record, comments=tuple(items)))
        told.append(event)
    return told


def asks_for_its_own(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    """Once it has signed in, takes no token that another worker got."""
    try:
        return Rest.fetch(self, ctx, id, items)
    finally:
        self.__dict__["_desk"].signin._kept = lambda *_: None


def keeps_late(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    late: list[tuple[str, str]] = []
    try:
        return Rest.fetch(self, replace(ctx, keep=lambda name, value: late.append((name, value))), id, items)
    finally:
        for name, value in late:
            ctx.keep(name, value)


# --- desks that show something else, manifests that say something else ---


class Moving(Memory):
    """Where a record can go where we do not look, and nobody notices."""

    def move(self, id: str) -> None:
        self.desk.update("paula", id, {"category": "another team"})


class Demanding(Memory):
    """Where a ticket that waits needs a category."""

    def answer(self, request: Request) -> Response:
        given = request.json() if request.method == "PATCH" and "/comments/" not in request.path else {}
        if given.get("status") == "waiting" and not given.get("category"):
            return Response.of({"message": "say what it waits for"}, 422)
        return super().answer(request)


class Telling(Memory):
    """Whose webhooks carry the whole ticket, comments and all."""

    def announce(self, body: bytes) -> None:
        told = json.loads(body)
        super().announce(json.dumps({**told, "ticket": self.shows(str(told["ticket_id"]))}).encode())


class Keyed(Memory):
    """Where a sign-in gives a token for an hour, and the secret of the next sign-in."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.secrets = {"refresh": "memory-refresh-0", "webhook": "memory-webhook-secret"}
        self.signed = 0
        self.good: dict[str, datetime] = {}

    def answer(self, request: Request) -> Response:
        if request.path == "/api/session":
            return self.session(request.json().get("refresh"))
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.good.get(token, self.clock()) <= self.clock():
            return Response.of({"message": "sign in"}, 401)
        return super().answer(replace(request, headers={**request.headers, "authorization": "Bearer memory-token"}))

    def session(self, refresh: object) -> Response:
        if refresh != f"memory-refresh-{self.signed}":
            return Response.of({"message": "used before"}, 400)
        self.signed += 1
        self.good[f"access-{self.signed}"] = self.clock() + timedelta(hours=1)
        return Response.of({"access": f"access-{self.signed}", "next": f"memory-refresh-{self.signed}", "lasts": 3600})

    def expire(self) -> None:
        self.good.clear()


STATIC = 'token: {headers: {Authorization: "Bearer {secret.token}"}}'
SIGNED = (
    'token: {token: {send: POST /session, body: {refresh: "{secret.refresh}"}, access: access, lasts: lasts, '
    'rotate: {refresh: next}}, headers: {Authorization: "Bearer {token}"}}'
)
RULED = "errors: {says: [message], rules: [{status: 200, where: {result: [failed]}, is: refused}]}"


def open_schema(made: Manifest) -> Manifest:
    """A manifest whose text says that it ends: whatever is put after it is not read."""
    return Manifest(made.doc, made.text + "\n...\n", made.hooks)


def saying(key: str, value: Any) -> Callable[[Manifest], Manifest]:
    """A manifest with another part, past its loader."""
    return lambda made: Manifest({**made.doc, key: value}, made.text, made.hooks)


def in_address(made: Manifest) -> Manifest:
    return saying("record", {**made.doc["record"], "page": "{settings.url}/{secret.token}"})(made)


def short_reference(made: Manifest) -> Manifest:
    return saying("fields", {**made.doc["fields"], "reference": {"max": 39}})(made)


def beside(made: Manifest) -> Manifest:
    """A third channel, for the requester alone."""
    return saying("channels", {**made.doc["channels"], "mail": {"reaches": ["requester"]}})(made)


def worded(made: Manifest) -> Manifest:
    return Manifest(made.doc, made.text + "\nnotes:\n  no: it is not read\n", made.hooks)


BROKEN = (
    Broken("test_w02", "a redirect is followed", verbs={"fetch": follows}),
    Broken("test_w05", "the deadline is not kept", verbs={"fetch": patient}),
    Broken("test_w07", "a refusal is taken for a reason to try again", verbs={"update": refused_is_retried}),
    Broken("test_w12", "a write is never repeated", verbs={"update": once}),
    Broken("test_r07", "a long title is cut", verbs={"update": cuts}),
    Broken("test_u02", "the reference is not read", verbs={"fetch": without_reference}),
    Broken("test_u06", "nothing is ever emptied", verbs={"update": keeps_what_is_there}),
    Broken("test_u16", "anybody is somebody", verbs={"person": anybody}),
    Broken(
        "test_i01",
        "a public comment is sent as internal",
        manifest=(('body: {text: "{text}", public: true}, take', 'body: {text: "{text}", public: false}, take'),),
    ),
    Broken(
        "test_i01",
        "the id of a comment is looked for where it is not",
        manifest=(("public: false}, take: {id: id}}\n    edit", "public: false}, take: {id: comment.id}}\n    edit"),),
    ),
    Broken("test_i04", "an internal note is read as public", verbs={"fetch": all_public}),
    Broken("test_i12", "an internal file is public", manifest=(('public: "false"}, bytes', 'public: "true"}, bytes'),)),
    Broken("test_f01_more", "the feed ends after two pages", verbs={"changed": two_pages}),
    Broken("test_f01_changes", "ids are taken for an order of changes", verbs={"changed": by_ids}),
    Broken("test_f03_a_record", "a change is told once only", verbs={"changed": new_records_only}),
    Broken("test_f08_a_record_that_was_moved", "what has left is shown", desk=Moving),
    Broken("test_f12", "a cursor moves past a page that failed", verbs={"changed": passes_over}),
    Broken("test_h02", "the body is not signed", verbs={"verify": believes_any_body}),
    Broken("test_h03", "a stamp may be of any time", manifest=(("window: 5m", "window: 300d"),)),
    Broken("test_h04", "one secret is good at a time", verbs={"verify": one_secret}),
    Broken(
        "test_h06",
        "every delivery has the same id",
        manifest=(('delivery: "header:X-Tandem-Delivery"', 'delivery: "header:Content-Type"'),),
    ),
    Broken("test_h07", "a repeat is ignored", verbs={"parse": remembers}),
    Broken(
        "test_a04",
        "a token is taken for good",
        desk=Keyed,
        manifest=((STATIC, SIGNED.replace("lasts: lasts", "lasts: 90d")),),
    ),
    Broken(
        "test_a06", "each worker signs in", desk=Keyed, manifest=((STATIC, SIGNED),), verbs={"fetch": asks_for_its_own}
    ),
    Broken(
        "test_a07", "a new secret is used first", desk=Keyed, manifest=((STATIC, SIGNED),), verbs={"fetch": keeps_late}
    ),
    Broken("test_w03", "a file is got from anywhere", verbs={"file": goes_anywhere}),
    Broken("test_w04", "an endless answer is a record", verbs={"fetch": endless}),
    Broken(
        "test_w13",
        "a failure at 200 is a success",
        manifest=(("errors: {says: [message], rules: []}", RULED),),
        verbs={"update": failure_is_success},
    ),
    Broken("test_r04", "a number has to be a number", verbs={"fetch": numbers_alone}),
    Broken("test_r05", "an unlisted value is nothing", verbs={"fetch": listed_alone}),
    Broken("test_r09", "its clock is an hour off", verbs={"fetch": an_hour_early}),
    Broken("test_u08", "what was ignored is taken for done", verbs={"update": believing(WAS)}),
    Broken("test_u09", "what was altered is taken for done", verbs={"update": believing(MADE)}),
    Broken(
        "test_u11",
        "a refusal does not name what is owed",
        desk=Demanding,
        manifest=(("category:    {max: 100}", "category:    {max: 100, required_when: {status: [waiting]}}"),),
        verbs={"update": names_no_field},
    ),
    Broken(
        "test_u13",
        "what comes too late is dropped",
        manifest=(("category:    {max: 100}", "category:    {max: 100, only_on: create}"),),
        verbs={"update": drops_what_is_late},
    ),
    Broken("test_u15", "a refusal has no words", verbs={"update": refuses_silently}),
    Broken("test_i03", "what is not private is public", verbs={"fetch": open_to_all}),
    Broken("test_i05", "our own comment is not found", verbs={"fetch": overlooks_ours}),
    Broken("test_i10", "a comment changes a field", verbs={"comment": touches_besides}),
    Broken("test_f06", "what was told is told again", verbs={"changed": tells_all_again}),
    Broken("test_f06", "the desk is asked for all, each time", verbs={"changed": asks_for_all}),
    Broken("test_f07", "a late row is passed over", verbs={"changed": upwards_alone}),
    Broken(
        "test_f09",
        "what is hidden is taken for deleted",
        manifest=(("rules: []", "rules: [{status: 403, verbs: [fetch], is: gone}]"),),
    ),
    Broken("test_f11", "a restored desk looks like an idle one", verbs={"changed": unmoved}),
    Broken("test_h05", "a webhook for another is taken", verbs={"verify": anybodys}),
    Broken("test_h09", "header names have one spelling", verbs={"verify": of_this_spelling}),
    Broken("test_i08", "what the desk notes is a comment", verbs={"fetch": speaks_for_the_system}),
    Broken("test_h11", "whoever asks gets the secret", verbs={"challenge": tells_its_secret}),
    Broken("test_h12", "what a payload says is public", desk=Telling, verbs={"parse": shows_private}),
    Broken("test_m01", "what its text says after all is not read", spec=open_schema),
    Broken("test_m02", "a verb is there, and explained", spec=saying("cannot", {"find": "it cannot"})),
    Broken("test_m05", "a secret stands in an address", spec=in_address),
    Broken("test_m06", "a channel does not reach the desk itself", spec=beside),
    Broken("test_m07", "the reference is too short", spec=short_reference),
    Broken("test_m10", "no is a word of its own", spec=worded),
    Broken("test_a02", "any sign-in is believed", verbs={"check": not_checked}),
    Broken("test_a03", "it asks nine times", verbs={"fetch": loops}),
    Broken("test_a08", "its repr shows the secrets", verbs={"__repr__": shows_itself}),
    Broken("test_a09", "check does not tell the name that we write under", verbs={"fetch": writes_as_another}),
    Broken("test_w06", "a login page is taken for a record", verbs={"fetch": login_page_is_a_record}),
    Broken("test_w08", "the wait is not told", verbs={"fetch": untold_wait}),
    Broken("test_w10", "time whose answer was lost is taken for unsent", verbs={"worklog": worklog_as_retry}),
    Broken("test_w14", "the vendor's words are lost", verbs={"fetch": wordless}),
    Broken("test_w15", "a value changes the query", verbs={"find": finds_traps}),
    Broken("test_r02", "a field is not written", verbs={"update": forgets_a_field}),
    Broken("test_r03", "an empty text is not null", verbs={"fetch": empty_text}),
    Broken("test_r10", "the number of a record is not read", verbs={"fetch": numberless}),
    Broken("test_r06", "an ampersand comes back as an entity", verbs={"fetch": ascii_only}),
    Broken("test_r08", "0 is taken for nothing", verbs={"fetch": zero_is_nothing}),
    Broken("test_u01", "what was made without an answer is not found", verbs={"find": finds_nothing_lost}),
    Broken("test_u03", "find gives what does not carry the reference", verbs={"find": finds_all}),
    Broken("test_u05", "an update changes another field", verbs={"update": touches_another}),
    Broken("test_u07", "the desk is asked before it is refused", verbs={"update": asks_the_desk}),
    Broken("test_u12", "the version is not sent", manifest=((' headers: {If-Match: "{version}"},', ""),)),
    Broken("test_u14", "the status is not written", verbs={"update": status_stays}),
    Broken("test_i02", "a channel is used for a narrower audience", verbs={"comment": widens}),
    Broken("test_i06", "equal comments are taken for one", verbs={"fetch": says_once}),
    Broken("test_i07", "an empty list is taken for an unread one", verbs={"fetch": told_as_comment}),
    Broken("test_i09", "deleted comments are shown", manifest=(('    skip: {deleted: ["true"]}\n', ""),)),
    Broken("test_i11", "a file is cut", verbs={"file": cut_file}),
    Broken("test_i13", "minutes are taken for hours", verbs={"worklog": hours}),
    Broken("test_i14", "only a hundred comments are read", verbs={"fetch": first_page}),
    Broken("test_i15", "time of theirs is taken for ours", verbs={"changed": ours_alone}),
    Broken("test_f08_a_record_that_was_deleted", "a tombstone is taken for a record", verbs={"fetch": never_gone}),
    Broken("test_h01", "a webhook without a signature is believed", verbs={"verify": believes}),
    Broken("test_h08", "what makes no sense is taken for a change", verbs={"parse": guesses}),
    Broken("test_h10", "a webhook names us for them", verbs={"parse": nameless}),
)
