"""A whole ticket desk in memory, with rules and quirks of its own: the remote at the far end of the journey.

It is a system of its own, not a mock: it validates, numbers revisions, keeps a feed of what happened and counts the
effects on which "nothing twice" is judged. All methods may be called from several threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from threading import RLock

from connectors.memory.rules import EMPTY, OVER, Conflict, Fields, Invalid, Missing, Quirks, Value, normal
from connectors.memory.tickets import Comment, Effects, Happening, Staff, Ticket, Upload, Verb, Worklog

PEOPLE = (
    Staff("gateway", "gateway@desk.example", "Gateway"),
    Staff("paula", "paula@desk.example", "Paula Provider"),
    Staff("omar", "omar@desk.example", "Omar Operator"),
    Staff("robin", "robin@desk.example", "Robin Remote"),
)


class Desk:
    """Tickets by id; ``clock`` gives aware datetimes. Listeners hear each happening after it stands, in order."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        quirks: Quirks | None = None,
        people: Iterable[Staff] = PEOPLE,
        first: int = 1001,
    ) -> None:
        self.clock = clock
        self.quirks = quirks or Quirks()
        self.people = {each.id: each for each in people}
        self.tickets: dict[str, Ticket] = {}
        self.feed: list[Happening] = []
        self.listeners: list[Callable[[Happening, Ticket], None]] = []
        self.lock = RLock()
        self._first = first
        self._items = 0
        self._late: list[tuple[int, Callable[[], object]]] = []

    def restore(self, tickets: Iterable[Ticket], feed: Iterable[Happening]) -> None:
        """Begins where another desk ended."""
        self.tickets = {each.id: each for each in tickets}
        self.feed = list(feed)
        self._items = sum(len(t.comments) + len(t.uploads) + len(t.worklogs) for t in self.tickets.values())

    # Reading -----------------------------------------------------------------------------------------------------

    def get(self, id: str) -> Ticket:
        """The ticket itself, tombstones included; raises ``Missing``. Not to be changed by the caller."""
        try:
            return self.tickets[id]
        except KeyError:
            raise Missing(f"there is no ticket {id}") from None

    def find(self, reference: str) -> list[Ticket]:
        """The live tickets that carry ``reference``, as the desk's index knows them."""
        seen = self.clock() - self.quirks.index_lag
        with self.lock:
            live = [each for each in self.tickets.values() if not each.deleted]
        return [each for each in live if each.fields["reference"] == reference and each.referenced <= seen]

    def since(self, seq: int, limit: int) -> list[Happening]:
        """The first ``limit`` happenings after number ``seq``."""
        return self.feed[max(seq, 0) : max(seq, 0) + limit]

    def uploaded(self, id: str) -> Upload:
        """The file with this id, on whatever ticket; raises ``Missing``."""
        for ticket in list(self.tickets.values()):
            for upload in ticket.uploads:
                if upload.id == id:
                    return upload
        raise Missing(f"there is no file {id}")

    def who(self, text: str) -> Staff | None:
        """The person with this id or e-mail address."""
        known = self.people.get(text)
        return known or next((each for each in self.people.values() if each.email == text.lower()), None)

    def effects(self) -> Effects:
        """What stands, counted."""
        tickets = list(self.tickets.values())
        return Effects(
            created=Counter(each.born for each in tickets if each.born),
            comments=Counter((t.id, each.author, each.text) for t in tickets for each in t.comments),
            uploads=Counter((t.id, each.author, each.sha256) for t in tickets for each in t.uploads),
            worklogs=Counter((t.id, each.author, each.text) for t in tickets for each in t.worklogs),
            writes=Counter({(t.id, actor): n for t in tickets for actor, n in t.writes.items()}),
        )

    # Writing -----------------------------------------------------------------------------------------------------

    def create(self, actor: str, fields: Mapping[str, object]) -> Ticket:
        """A new ticket; raises ``Invalid``."""
        values: Fields = {**EMPTY, **self._taken(fields)}
        if values["title"] is None:
            raise Invalid("title can't be blank", "title")
        with self.lock:
            now = self.clock()
            id = str(self._first + len(self.tickets))
            born = values["reference"]
            ticket = Ticket(id, now, actor, now, actor, now, values, born=str(born) if born else None)
            self.tickets[id] = ticket
            self._tell("created", ticket, actor, now)
        return ticket

    def update(self, actor: str, id: str, fields: Mapping[str, object], revision: int | None = None) -> Ticket:
        """Changes the named fields; ``revision`` is the one the write is based on, if it says so.

        Raises ``Invalid``, ``Conflict``, ``Missing``.
        """
        wanted = self._taken(fields)
        with self.lock:
            ticket = self._open(id)
            if revision is not None and revision != ticket.revision:
                raise Conflict(f"ticket {id} is at revision {ticket.revision}, not {revision}")
            self._allowed(ticket, wanted)
            ticket.writes[actor] = ticket.writes.get(actor, 0) + 1
            changed = {name: value for name, value in wanted.items() if ticket.fields[name] != value}
            if changed or self.quirks.touch:
                ticket.fields.update(changed)
                self._tell("updated", ticket, actor, self._touch(ticket, actor, referenced="reference" in changed))
        if self.quirks.answer is not None and actor in self.people:
            self.quirks.answer(id, actor)
        return ticket

    def delete(self, actor: str, id: str) -> None:
        """Leaves a tombstone."""
        with self.lock:
            ticket = self._open(id)
            ticket.deleted = True
            self._tell("deleted", ticket, actor, self._touch(ticket, actor))

    def comment(self, actor: str, id: str, text: str, public: bool) -> Comment:
        """A public reply or an internal note; raises ``Invalid`` for an empty one."""
        if not text.strip():
            raise Invalid("text can't be blank", "text")
        with self.lock:
            ticket = self._open(id)
            made = Comment(self._item(), actor, self.clock(), text, public)
            ticket.comments.append(made)
            if public and self.quirks.reopen and ticket.fields["status"] in OVER:
                ticket.fields["status"] = "open"
                self._tell("updated", ticket, "system", self._touch(ticket, "system"))
            self._tell("commented", ticket, actor, self._touch(ticket, actor), made.id)
        return made

    def edit(self, actor: str, id: str, comment: str, text: str | None) -> Comment:
        """Gives a comment another text; None deletes it."""
        with self.lock:
            ticket = self._open(id)
            made = next((each for each in ticket.comments if each.id == comment and not each.deleted), None)
            if made is None:
                raise Missing(f"there is no comment {comment} on ticket {id}")
            made.text, made.deleted = text or "", text is None
            made.edited = self.clock()
            self._tell("uncommented" if text is None else "edited", ticket, actor, self._touch(ticket, actor), comment)
        return made

    def upload(self, actor: str, id: str, name: str, mime: str, data: bytes, public: bool) -> Upload:
        """A file for the ticket."""
        if not name:
            raise Invalid("a file needs a name", "name")
        with self.lock:
            ticket = self._open(id)
            now = self.clock()
            made = Upload(self._item(), actor, now, name, mime, len(data), sha256(data).hexdigest(), public, data)
            ticket.uploads.append(made)
            self._tell("uploaded", ticket, actor, self._touch(ticket, actor), made.id)
        return made

    def log(self, actor: str, id: str, minutes: int, text: str, started: datetime) -> Worklog:
        """Time worked; raises ``Invalid`` unless it is between a minute and a day."""
        if not 0 < minutes <= 1440:
            raise Invalid("minutes must be between 1 and 1440", "minutes")
        with self.lock:
            ticket = self._open(id)
            made = Worklog(self._item(), actor, self.clock(), minutes, text, started)
            ticket.worklogs.append(made)
            self._tell("logged", ticket, actor, self._touch(ticket, actor), made.id)
        return made

    # Writes that land late ------------------------------------------------------------------------------------------

    def later(self, steps: int, write: Callable[[], object]) -> None:
        """Carries out ``write`` at the ``steps``-th coming ``step()``."""
        self._late.append((steps, write))

    def step(self) -> None:
        """One tick for writes that are on their way; those that arrive and are refused vanish."""
        due = [write for steps, write in self._late if steps <= 1]
        self._late = [(steps - 1, write) for steps, write in self._late if steps > 1]
        for write in due:
            try:
                write()
            except (Invalid, Conflict, Missing):
                continue

    @property
    def waiting(self) -> int:
        """How many writes are still on their way."""
        return len(self._late)

    # Inside ------------------------------------------------------------------------------------------------------

    def _taken(self, fields: Mapping[str, object]) -> dict[str, Value]:
        values = {name: normal(name, value) for name, value in fields.items()}
        for name, rewrite in self.quirks.rewrite.items():
            if name in values:
                values[name] = rewrite(values[name])
        return {name: value for name, value in values.items() if name not in self.quirks.ignore}

    def _open(self, id: str) -> Ticket:
        ticket = self.get(id)
        if ticket.deleted:
            raise Missing(f"ticket {id} was deleted")
        if self.quirks.frozen and ticket.fields["status"] == "closed":
            raise Invalid(f"ticket {id} is closed and takes no changes", "status")
        return ticket

    def _allowed(self, ticket: Ticket, wanted: Mapping[str, Value]) -> None:
        have, to = str(ticket.fields["status"]), wanted.get("status")
        edges = self.quirks.edges.get(have)
        if to is None or to == have or edges is None or to in edges:
            return
        raise Invalid(f"cannot go from {have} to {to}; allowed: {', '.join(sorted(edges)) or 'nothing'}", "status")

    def _touch(self, ticket: Ticket, actor: str, referenced: bool = False) -> datetime:
        ticket.revision += 1
        ticket.updated = now = self.clock()
        ticket.updated_by = actor
        if referenced:
            ticket.referenced = now
        return now

    def _item(self) -> str:
        self._items += 1
        return str(self._items)

    def _tell(self, verb: Verb, ticket: Ticket, actor: str, at: datetime, item: str | None = None) -> None:
        happening = Happening(len(self.feed) + 1, at, verb, ticket.id, actor, item)
        self.feed.append(happening)
        for listener in self.listeners:
            listener(happening, ticket)
