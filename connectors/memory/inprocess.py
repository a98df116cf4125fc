"""The memory connector in one process with its desk: every verb of the contract, no network, faults by script.

Deterministic: what each call ends in is decided by the script alone, so a state machine can drive it. Over HTTP the
same desk is reached through the manifest like any other (``connectors.memory.server``).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Literal, TypeVar

import yaml

from connectors.base import (
    Arrival,
    Catalogue,
    Change,
    Channel,
    Context,
    Event,
    Feed,
    File,
    Found,
    Hit,
    Item,
    Json,
    Limits,
    Page,
    Person,
    Receipt,
    Record,
    Reply,
    Value,
    Verified,
)
from connectors.errors import Gone, Refused, Retry, Stale, Unknown, Unverified
from connectors.memory import wire
from connectors.memory.desk import Desk
from connectors.memory.faults import Script, nothing
from connectors.memory.rules import RULES, Conflict, Invalid, Missing
from connectors.memory.tickets import Happening, Ticket

T = TypeVar("T")
WINDOW = 300
"""Seconds a webhook's time stamp may be off."""

FEED_SIZE = 100
READS = frozenset({"check", "describe", "fetch", "changed", "find", "person", "file", "lists"})
CHANNELS = {
    "reply": Channel(frozenset({"staff", "requester"}), attach=True, edit=True, side_effects=("status",)),
    "note": Channel(frozenset({"staff"}), attach=True, edit=True),
}
EVENT_KINDS: Mapping[str, Literal["created", "changed", "gone"]] = {
    "ticket.created": "created",
    "ticket.deleted": "gone",
}


def manifest() -> Mapping[str, Json]:
    """The memory desk's manifest as a document."""
    text = files("connectors.memory").joinpath("manifest.yaml").read_text("utf-8")
    document: Mapping[str, Json] = yaml.safe_load(text)
    return document


class MemoryConnector:
    """Speaks to ``desk`` as the account ``me``. ``locking``: updates carry the version they are based on (If-Match)."""

    kind = "memory"
    verbs = frozenset(
        {"check", "describe", "verify", "parse", "fetch", "changed", "find", "person"}
        | {"create", "update", "comment", "attach", "worklog", "file"}
    )
    cannot: Mapping[str, str] = {}
    feeds: Mapping[str, Feed] = {"tickets": Feed("hints"), "worklogs": Feed("worklogs")}
    channels: Mapping[str, Channel] = CHANNELS
    record_version_order: Literal["time", "integer", "opaque"] | None = "integer"
    text_format = "plain"
    people = frozenset({"id", "email"})
    reference = "reference"
    status = "status"

    def __init__(
        self,
        desk: Desk,
        secret: str = "memory-secret",  # noqa: S107  a test double's default, guards nothing
        me: str = "gateway",
        script: Script = nothing,
        locking: bool = True,
        apply_horizon: float = 900.0,
        visible_after: float = 0.0,
    ) -> None:
        self.desk = desk
        self.me = me
        self.script = script
        self.locking = locking
        self.apply_horizon = apply_horizon
        self.visible_after = visible_after
        self.limits = Limits(in_flight=16)
        self.manifest = manifest()
        self._secret = secret

    def read_back(self, verb: str) -> str:
        return "reply"

    def repeatable(self, verb: str) -> float:
        return 0.0

    def newer(self, one: str, other: str) -> bool | None:
        return int(one) > int(other)

    def slow_until(self) -> float:
        return 0.0

    def lists(self, ctx: Context) -> Mapping[str, Json]:
        return {}

    def catalogue(
        self, lists: Mapping[str, Json] | None = None, declared: Mapping[str, Json] | None = None
    ) -> Catalogue:
        doc = catalogue_document(self.manifest)
        return Catalogue(doc, dict.fromkeys(doc["fields"], "manifest"))

    # Reading -----------------------------------------------------------------------------------------------------

    def check(self, ctx: Context) -> Found:
        return self._call("check", lambda: Found(frozenset({self.me}), {}, "1"))

    def describe(self, ctx: Context) -> Catalogue:
        return self._call("describe", self.catalogue)

    def fetch(self, ctx: Context, id: str, items: bool = True) -> Record:
        return self._call("fetch", lambda: record(self.desk.get(id), items))

    def changed(self, ctx: Context, feed: str, cursor: str | None) -> Page:
        if feed not in self.feeds:
            raise Refused(f"there is no feed {feed}")
        return self._call("changed", lambda: self._page(feed, int(cursor or 0)))

    def _page(self, feed: str, after: int) -> Page:
        rows = self.desk.since(after, FEED_SIZE)
        head = rows[-1].seq if rows else after
        hints = feed == "tickets"
        changes = [self._hint(each) if hints else self._work(each) for each in rows if hints or each.verb == "logged"]
        return Page(tuple(changes), str(head), len(rows) < FEED_SIZE)

    def _hint(self, happening: Happening) -> Change:
        return Change(happening.ticket, None, None, str(happening.seq), happening.actor)

    def _work(self, happening: Happening) -> Change:
        items = worklogs(self.desk.get(happening.ticket))
        item = next(each for each in items if each.id == happening.item)
        return Change(happening.ticket, None, item, str(happening.seq), happening.actor)

    def find(self, ctx: Context, ref: str) -> list[Hit]:
        return self._call("find", lambda: [Hit(each.id, each.created) for each in self.desk.find(ref)])

    def person(self, ctx: Context, *, id: str | None = None, email: str | None = None) -> Person | None:
        found = self._call("person", lambda: self.desk.who(id or email or ""))
        return Person(found.id, found.email, found.id, found.name) if found else None

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        upload = self._call("file", lambda: next(u for u in self.desk.get(item.record_id).uploads if u.id == item.id))
        yield upload.data

    # Writing -----------------------------------------------------------------------------------------------------

    def create(self, ctx: Context, fields: Mapping[str, Value], ref: str, key: str) -> Receipt:
        self._sendable(fields)
        made = self._call("create", lambda: self.desk.create(self.me, {**fields, "reference": ref}))
        return receipt(made)

    def update(self, ctx: Context, id: str, fields: Mapping[str, Value], version: str | None) -> Receipt:
        self._sendable(fields)
        based = int(version) if version and self.locking else None
        return receipt(self._call("update", lambda: self.desk.update(self.me, id, fields, based)))

    def comment(
        self, ctx: Context, id: str, channel: str, text: str, reaches: Sequence[str], replaces: str | None = None
    ) -> Receipt:
        public = self._public(channel, reaches)
        if replaces is not None:
            made = self._call("comment", lambda: self.desk.edit(self.me, id, replaces, text))
        else:
            made = self._call("comment", lambda: self.desk.comment(self.me, id, text, public))
        return Receipt(made.id)

    def attach(self, ctx: Context, id: str, channel: str, file: File, reaches: Sequence[str]) -> Receipt:
        public = self._public(channel, reaches)
        with file.open() as stream:
            data = stream.read()
        made = self._call("attach", lambda: self.desk.upload(self.me, id, file.name, file.mime, data, public))
        return Receipt(made.id)

    def worklog(self, ctx: Context, id: str, minutes: int, text: str, started: datetime) -> Receipt:
        return Receipt(self._call("worklog", lambda: self.desk.log(self.me, id, minutes, text, started)).id)

    def _sendable(self, fields: Mapping[str, Value]) -> None:
        for name, value in fields.items():
            rule = RULES.get(name)
            if rule is None:
                raise Refused(f"the memory desk has no field {name}", field=name)
            if rule.values and value is not None and value not in rule.values:
                raise Refused(f"{value!r} is not one of {', '.join(rule.values)}", field=name)
            if rule.max is not None and isinstance(value, str) and len(value) > rule.max:
                raise Refused(f"{name} is longer than {rule.max} characters", field=name)

    def _public(self, channel: str, reaches: Sequence[str]) -> bool:
        if channel not in self.channels:
            raise Refused(f"there is no channel {channel}")
        if not self.channels[channel].reaches <= set(reaches):
            raise Refused(f"the channel {channel} reaches more than {', '.join(reaches) or 'nobody'}")
        return channel == "reply"

    def _call(self, verb: str, act: Callable[[], T]) -> T:
        fault = self.script(verb)
        lost = Retry if verb in READS else Unknown
        match fault.what:
            case "refuse":
                raise Refused(fault.said)
            case "retry":
                raise Retry("the desk is busy", fault.after)
            case "stale":
                raise Stale("the ticket moved on")
            case "drop_before_commit":
                raise lost("no answer")
            case "late" if verb not in READS:
                self.desk.later(fault.steps, act)
                raise Unknown("no answer in time")
        done = carried_out(act)
        if fault.what != "ok":
            raise lost("the answer was lost")
        return done

    # Webhooks ----------------------------------------------------------------------------------------------------

    def verify(self, arrival: Arrival, now: datetime) -> Verified:
        headers = arrival.headers
        at = headers.get("x-tandem-timestamp", "")
        if not at.isdecimal() or abs(int(at) - now.timestamp()) > WINDOW:
            raise Unverified("the time stamp is missing or out of the window")
        good = wire.signature(self._secret, at, arrival.body)
        if not hmac.compare_digest(good.encode(), headers.get("x-tandem-signature", "").encode()):
            raise Unverified("the signature does not fit")
        return Verified(headers.get("x-tandem-delivery"), datetime.fromtimestamp(int(at), UTC), "webhook")

    def challenge(self, arrival: Arrival) -> Reply | None:
        return None

    def parse(self, arrival: Arrival) -> list[Event]:
        try:
            body = json.loads(arrival.body)
        except ValueError:
            return [Event("ignored", reason="not JSON")]
        if not isinstance(body, dict) or not isinstance(body.get("ticket_id"), str):
            return [Event("ignored", reason="no ticket_id")]
        whole = body.get("ticket")
        kind = EVENT_KINDS.get(str(body.get("event")), "changed")
        return [Event(kind, body["ticket_id"], "", body.get("actor"), decoded(whole) if whole else None)]


def catalogue_document(manifest: Mapping[str, Json]) -> dict[str, Json]:
    """The desk's catalogue in the words mappings and the prover read."""
    types = {"person": "user"}
    fields: dict[str, Json] = {}
    for name, rule in RULES.items():
        entry: dict[str, Json] = {"type": types.get(rule.type, rule.type)}
        if rule.max is not None:
            entry["max"] = rule.max
        if rule.values:
            entry["values"] = dict(manifest["fields"][name]["values"])
        if rule.type == "set":
            entry["of"] = "text"
        if rule.type == "person":
            entry["gives"] = ["email"]
        fields[name] = entry
    fields["title"]["required"] = ["create"]
    fields["description"]["format"] = "plain"
    return {
        "connector": "memory",
        "reference_searchable": ["reference"],
        "fields": fields,
        "status": "status",
        "workflow": manifest["workflow"],
        "channels": {
            "reply": {
                "format": "plain",
                "reaches": ["provider", "requester"],
                "files": True,
                "side_effects": ["status"],
            },
            "note": {"internal": True, "format": "plain", "reaches": ["provider"], "files": True},
        },
        "attachments": dict(manifest["attachments"]),
    }


def carried_out(act: Callable[[], T]) -> T:
    """Does it, with the desk's refusals as outcomes."""
    try:
        return act()
    except Invalid as no:
        raise Refused(no.said, field=no.field) from None
    except Conflict as no:
        raise Stale(no.said) from None
    except Missing as no:
        raise Gone(no.said) from None


def receipt(ticket: Ticket) -> Receipt:
    """The desk's yes to a create or an update, with the ticket as it now is."""
    return Receipt(ticket.id, str(ticket.revision), record(ticket, items=False))


def record(ticket: Ticket, items: bool) -> Record:
    """The ticket as the contract's flat record."""
    return Record(
        id=ticket.id,
        number=f"D-{ticket.id}",
        version=str(ticket.revision),
        created=ticket.created,
        author=ticket.updated_by,
        fields=dict(ticket.fields),
        raw=wire.fields_document(ticket),
        state="gone" if ticket.deleted else "live",
        comments=comments(ticket) if items else (),
        files=uploads(ticket) if items else (),
        worklogs=worklogs(ticket) if items else (),
        complete=items,
    )


def decoded(document: Mapping[str, Any]) -> Record:
    """The record a webhook carries; it says nothing about items."""
    values: dict[str, Value] = {name: document.get(name) or None for name in RULES}
    priority = document.get("priority")
    values["priority"] = str(priority) if priority else None
    return Record(
        id=document["id"],
        number=document["number"],
        version=str(document["revision"]),
        created=datetime.fromisoformat(document["created_at"]),
        author=document["updated_by"],
        fields=values,
        raw=document,
        state="gone" if document["deleted"] else "live",
    )


def comments(ticket: Ticket) -> tuple[Item, ...]:
    """The ticket's comments that were not deleted."""
    return tuple(
        Item(each.id, ticket.id, each.author, each.created, "reply" if each.public else "note", each.text)
        for each in ticket.comments
        if not each.deleted
    )


def uploads(ticket: Ticket) -> tuple[Item, ...]:
    """The ticket's files, without their bytes."""
    return tuple(
        Item(
            each.id,
            ticket.id,
            each.author,
            each.created,
            "reply" if each.public else "note",
            name=each.name,
            mime=each.mime,
            size=each.size,
        )
        for each in ticket.uploads
    )


def worklogs(ticket: Ticket) -> tuple[Item, ...]:
    """The time worked on the ticket."""
    return tuple(
        Item(each.id, ticket.id, each.author, each.created, "", each.text, minutes=each.minutes)
        for each in ticket.worklogs
    )
