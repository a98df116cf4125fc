"""Connectors of the memory desk, each broken in one way: the test that it names has to fail, and no other.

Three ways to break one: its manifest says something else (``manifest``), a verb of it behaves otherwise (``verbs``), or
the desk shows it something else (``desk``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connectors import registry
from connectors.base import Arrival, Connector, Context, Event, Found, Hit, Page, Person, Receipt, Record, Verified
from connectors.contract import Contract
from connectors.errors import Outcome, Refused, Retry, Unauthorized, Unknown, Unverified
from connectors.manifest import Manifest
from connectors.memory.simulator import Memory
from connectors.rest import Rest


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
        broken = self

        class Held(Contract):
            kind = "memory"
            simulator = broken.desk
            body = "description"
            status = ("status", "open", "working")

            def spec(self) -> Manifest:
                text = registry.manifest("memory").text
                for old, new in broken.manifest:
                    assert old in text, f"{broken.fails}: the manifest no longer says {old!r}"
                    text = text.replace(old, new)
                made = registry.load(text)
                return broken.spec(made) if broken.spec is not None else made

            def connect(self, **changes: Any) -> Connector:
                settings = {**self.sim.settings, **changes.pop("settings", {})}
                secrets = {**self.sim.secrets, **changes.pop("secrets", {})}
                made = registry.build(self.spec(), settings=settings, secrets=secrets, **changes)
                made.__class__ = type("Bad", (Rest,), dict(broken.verbs))
                return made

        return Held


# --- verbs that behave otherwise ---


def not_checked(self: Rest, ctx: Context) -> Found:
    """Believes any sign-in."""
    try:
        return Rest.check(self, ctx)
    except Unauthorized:
        return Found(frozenset({"gateway"}))


def check_finds_nobody(self: Rest, ctx: Context) -> Found:
    return replace(Rest.check(self, ctx), me=frozenset({"somebody"}))


def loops(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    """Asks again and again when it is not let in."""
    for _ in range(9):
        try:
            return Rest.fetch(self, ctx, id, items)
        except Unauthorized as error:
            if "redirect" in error.said or "30" in error.said[:3]:
                raise
            last = error
    raise last


def shows_itself(self: Rest) -> str:
    return f"Rest({self._secrets})"


def as_retry(self: Rest, ctx: Context, id: str, fields: Any, version: Any) -> Receipt:
    """Takes a dropped answer for a request that never left."""
    try:
        return Rest.update(self, ctx, id, fields, version)
    except Unknown as error:
        raise Retry(error.said, error.after) from error


def comment_as_retry(self: Rest, ctx: Context, *given: Any) -> Receipt:
    try:
        return Rest.comment(self, ctx, *given)
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


def empty_text(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    record = Rest.fetch(self, ctx, id, items)
    return replace(record, fields={**record.fields, "category": record.fields["category"] or ""})


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


def never_gone(self: Rest, ctx: Context, id: str, items: bool = True) -> Record:
    return replace(Rest.fetch(self, ctx, id, items), state="live")


def two_pages(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    """Takes the second page of a poll for the last."""
    page = Rest.changed(self, ctx, feed, cursor)
    count = self.__dict__.setdefault("pages", {})
    count[feed] = 0 if page.done else count.get(feed, 0) + 1
    return replace(page, done=True, cursor=cursor or page.cursor) if count[feed] > 1 and cursor else page


def new_records_only(self: Rest, ctx: Context, feed: str, cursor: str | None) -> Page:
    page = Rest.changed(self, ctx, feed, cursor)
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
    theirs = [replace(each, channel="reply") if each.author == "paula" else each for each in record.comments]
    return replace(record, comments=tuple(theirs))


# --- desks that show something else, manifests that say something else ---


class Moving(Memory):
    """Where a record can go where we do not look, and nobody notices."""

    def move(self, id: str) -> None:
        self.desk.update("paula", id, {"category": "another team"})


def open_schema(made: Manifest) -> Manifest:
    """A manifest whose text says that it ends: whatever is put after it is not read."""
    return Manifest(made.doc, made.text + "\n...\n", made.hooks)


def saying(key: str, value: Any) -> Callable[[Manifest], Manifest]:
    """A manifest with another part, past its loader."""
    return lambda made: Manifest({**made.doc, key: value}, made.text, made.hooks)


def in_address(made: Manifest) -> Manifest:
    return saying("record", {**made.doc["record"], "page": "{settings.url}/{secret.token}"})(made)


def short_reference(made: Manifest) -> Manifest:
    return saying("fields", {**made.doc["fields"], "reference": {"max": 20}})(made)


def beside(made: Manifest) -> Manifest:
    """A third channel, for the requester alone."""
    channels = made.doc["channels"]
    return saying("channels", {**channels, "mail": {"reaches": ["requester"], "attach": channels["note"]["attach"]}})(
        made
    )


def worded(made: Manifest) -> Manifest:
    return Manifest({**made.doc, "tested": [{False: "1"}]}, made.text, made.hooks)


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
    Broken("test_i04", "an internal note is read as public", verbs={"fetch": all_public}),
    Broken("test_i12", "an internal file is public", manifest=(('public: "false"}, bytes', 'public: "true"}, bytes'),)),
    Broken("test_f01", "the feed ends after two pages", verbs={"changed": two_pages}),
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
    Broken("test_m01", "what its text says after all is not read", spec=open_schema),
    Broken("test_m02", "a verb is there, and explained", spec=saying("cannot", {"find": "it cannot"})),
    Broken("test_m05", "a secret stands in an address", spec=in_address),
    Broken("test_m06", "a channel does not reach the desk itself", spec=beside),
    Broken("test_m07", "the reference is too short", spec=short_reference),
    Broken("test_m10", "no is a word of its own", spec=worded),
    Broken("test_a02", "any sign-in is believed", verbs={"check": not_checked}),
    Broken("test_a03", "it asks nine times", verbs={"fetch": loops}),
    Broken("test_a08", "its repr shows the secrets", verbs={"__repr__": shows_itself}),
    Broken("test_a09", "check tells a wrong name", verbs={"check": check_finds_nobody}),
    Broken("test_w06", "a login page is taken for a record", verbs={"fetch": login_page_is_a_record}),
    Broken("test_w08", "the wait is not told", verbs={"fetch": untold_wait}),
    Broken("test_w10", "a lost answer to a comment is taken for nothing sent", verbs={"comment": comment_as_retry}),
    Broken("test_w14", "the vendor's words are lost", verbs={"fetch": wordless}),
    Broken("test_w15", "a value changes the query", verbs={"find": finds_traps}),
    Broken("test_r02", "a field is not written", verbs={"update": forgets_a_field}),
    Broken("test_r03", "an empty text is not null", verbs={"fetch": empty_text}),
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
    Broken("test_f08_a_record_that_was_deleted", "a tombstone is taken for a record", verbs={"fetch": never_gone}),
    Broken("test_h01", "a webhook without a signature is believed", verbs={"verify": believes}),
    Broken("test_h08", "what makes no sense is taken for a change", verbs={"parse": guesses}),
    Broken("test_h10", "a webhook names us for them", verbs={"parse": nameless}),
)
