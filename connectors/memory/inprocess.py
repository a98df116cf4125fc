"""The memory connector in one process with its desk: every verb of the contract, no network, faults by script.

Deterministic: what each call ends in is decided by the script alone, so a state machine can drive it. What needs no
call (attributes, catalogue, webhooks) is the engine's own; over HTTP the engine does all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from connectors.base import (
    Change,
    Context,
    File,
    Found,
    Hit,
    Item,
    Page,
    Person,
    Receipt,
    Record,
    Value,
)
from connectors.errors import Gone, Refused, Retry, Stale, Unknown
from connectors.memory import wire
from connectors.memory.desk import Desk
from connectors.memory.faults import Script, nothing
from connectors.memory.rules import Conflict, Invalid, Missing
from connectors.memory.tickets import Happening, Ticket
from connectors.registry import manifest
from connectors.rest import Rest

T = TypeVar("T")
FEED_SIZE = 100
READS = frozenset({"check", "fetch", "changed", "find", "person", "file"})


class MemoryConnector(Rest):
    """Speaks to ``desk`` as the account ``me``. ``locking``: updates carry the version they are based on (If-Match).

    ``apply_horizon`` and ``visible_after`` (seconds) override what the manifest says.
    """

    def __init__(
        self,
        desk: Desk,
        secret: str = "memory-secret",  # noqa: S107  a test double's default, guards nothing
        me: str = "gateway",
        script: Script = nothing,
        locking: bool = True,
        apply_horizon: float | None = None,
        visible_after: float | None = None,
    ) -> None:
        spec = manifest("memory")
        super().__init__(
            spec,
            settings={"url": "http://127.0.0.1:9"},
            secrets={"webhook": secret},
            found={},
            auth=spec.choice("auth", "")[1],
            verify=spec.choice("webhook.verify", "")[1],
        )
        self.desk = desk
        self.me = me
        self.script = script
        self.locking = locking
        if apply_horizon is not None:
            self.apply_horizon = apply_horizon
        if visible_after is not None:
            self.visible_after = visible_after

    # Reading -----------------------------------------------------------------------------------------------------

    def check(self, ctx: Context) -> Found:
        return self._do("check", lambda: Found(frozenset({self.me}), {}, "1"))

    def fetch(self, ctx: Context, id: str, items: bool = True) -> Record:
        return self._do("fetch", lambda: record(self.desk.get(id), items))

    def changed(self, ctx: Context, feed: str, cursor: str | None) -> Page:
        if feed not in self.feeds:
            raise Refused(f"there is no feed {feed}")
        return self._do("changed", lambda: self._rows_of(feed, int(cursor or 0)))

    def _rows_of(self, feed: str, after: int) -> Page:
        rows = self.desk.since(after, FEED_SIZE)
        head = rows[-1].seq if rows else after
        hints = feed == "tickets"
        changes = [self._hint(each) if hints else self._work(each) for each in rows if hints or each.verb == "logged"]
        return Page(tuple(changes), str(head), len(rows) < FEED_SIZE, regressed=after > len(self.desk.feed))

    def _hint(self, happening: Happening) -> Change:
        return Change(happening.ticket, None, None, str(happening.seq), happening.actor)

    def _work(self, happening: Happening) -> Change:
        items = worklogs(self.desk.get(happening.ticket))
        item = next(each for each in items if each.id == happening.item)
        return Change(happening.ticket, None, item, str(happening.seq), happening.actor)

    def find(self, ctx: Context, ref: str) -> list[Hit]:
        return self._do("find", lambda: [Hit(each.id, each.created) for each in self.desk.find(ref)])

    def person(self, ctx: Context, *, id: str | None = None, email: str | None = None) -> Person | None:
        found = self._do("person", lambda: self.desk.who(id or email or ""))
        return Person(found.id, found.email, found.id, found.name) if found else None

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        return iter((self._do("file", lambda: self.desk.uploaded(item.id).data),))

    # Writing -----------------------------------------------------------------------------------------------------

    def create(self, ctx: Context, fields: Mapping[str, Value], ref: str, key: str) -> Receipt:
        self._encoded(fields, "create")
        made = self._do("create", lambda: self.desk.create(self.me, {**fields, "reference": ref}))
        return receipt(made)

    def update(self, ctx: Context, id: str, fields: Mapping[str, Value], version: str | None) -> Receipt:
        self._encoded(fields, "update")
        based = int(version) if version and self.locking else None
        return receipt(self._do("update", lambda: self.desk.update(self.me, id, fields, based)))

    def comment(
        self, ctx: Context, id: str, channel: str, text: str, reaches: Sequence[str], replaces: str | None = None
    ) -> Receipt:
        public = self._public(channel, "edit" if replaces else "comment", reaches)
        if replaces is not None:
            made = self._do("comment", lambda: self.desk.edit(self.me, id, replaces, text))
        else:
            made = self._do("comment", lambda: self.desk.comment(self.me, id, text, public))
        return Receipt(made.id)

    def attach(self, ctx: Context, id: str, channel: str, file: File, reaches: Sequence[str]) -> Receipt:
        public = self._public(channel, "attach", reaches)
        with file.open() as stream:
            data = stream.read()
        made = self._do("attach", lambda: self.desk.upload(self.me, id, file.name, file.mime, data, public))
        return Receipt(made.id)

    def worklog(self, ctx: Context, id: str, minutes: int, text: str, started: datetime) -> Receipt:
        return Receipt(self._do("worklog", lambda: self.desk.log(self.me, id, minutes, text, started)).id)

    def _public(self, channel: str, verb: str, reaches: Sequence[str]) -> bool:
        self._channel(channel, verb, reaches)
        return channel == "reply"

    def _do(self, verb: str, act: Callable[[], T]) -> T:
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
