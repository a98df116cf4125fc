"""The contract between the gateway and a remote desk: the shapes that cross it and the verbs a connector has.

A connector is built from (manifest, settings, secrets, found), holds no other state and does no network in its
constructor. Times are aware UTC datetimes, sizes bytes, waits seconds. Failures are raised as ``connectors.errors``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from logging import Logger
from typing import Any, BinaryIO, Literal, Protocol

Json = Any
"""A decoded JSON document."""

Value = str | int | float | bool | None | list[str]
"""A normal value of a record: text with LF, choice, person and ref as text, number, boolean, RFC 3339 UTC, sorted
set, null."""


@dataclass(frozen=True)
class Context:
    """What one call may use. ``deadline`` is on the ``monotonic`` scale; ``keep(name, value)`` saves a rotated secret
    or a found value durably before it returns. ``session`` is a ``connectors.session.Session`` (guarded egress)."""

    now: datetime
    monotonic: Callable[[], float]
    session: Any
    log: Logger
    deadline: float
    keep: Callable[[str, str], None]


@dataclass(frozen=True)
class Arrival:
    """A webhook as it came: header names in lower case, body as raw bytes."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """The answer to a remote's GET challenge."""

    status: int
    body: bytes
    mime: str = "text/plain"


@dataclass(frozen=True)
class Verified:
    """A webhook that proved its origin. ``delivery``: the sender's own id of this delivery, when it gives one."""

    delivery: str | None
    stamp: datetime | None
    secret: str


@dataclass(frozen=True)
class Item:
    """A comment, file or worklog of a record as the remote shows it. ``minutes`` only for worklogs, ``size`` for files,
    ``url``: where a file lies, for ``file`` alone to understand."""

    id: str
    record_id: str
    author: str | None
    created: datetime | None
    channel: str
    text: str = ""
    format: str = "plain"
    name: str = ""
    mime: str = ""
    size: int | None = None
    url: str | None = None
    minutes: int | None = None


@dataclass(frozen=True)
class Record:
    """One remote ticket: ``fields`` flat, catalogue name -> normal value (a name absent was not observed).

    ``complete`` is False when a list of items could not be read or was not asked for: absence then proves nothing.
    """

    id: str
    number: str | None = None
    page: str | None = None
    version: str | None = None
    created: datetime | None = None
    author: str | None = None
    fields: Mapping[str, Value] = field(default_factory=dict)
    raw: Json = None
    state: Literal["live", "gone", "merged", "left"] = "live"
    into: str | None = None
    comments: tuple[Item, ...] = ()
    files: tuple[Item, ...] = ()
    worklogs: tuple[Item, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class Event:
    """What an arrival says happened. ``record`` only where the payload gives the whole record; else it is a hint."""

    kind: Literal["created", "changed", "gone", "ignored"]
    record_id: str | None = None
    reason: str = ""
    actor: str | None = None
    record: Record | None = None


@dataclass(frozen=True)
class Change:
    """One row of a feed: a hint (``record`` None), a record, or an item. ``stamp``: the remote's own text for when."""

    record_id: str
    record: Record | None
    item: Item | None
    stamp: str
    author: str | None


@dataclass(frozen=True)
class Page:
    """A page of a feed; ``cursor`` is our own text, saved together with the page; ``done`` ends this poll.

    ``regressed``: the remote no longer has what the cursor has passed: it was restored from a backup (ENGINE 2).
    """

    changes: tuple[Change, ...]
    cursor: str
    done: bool
    regressed: bool = False


@dataclass(frozen=True)
class File:
    """A file to send. ``open()`` gives a fresh readable stream each time."""

    name: str
    mime: str
    size: int
    sha256: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class Receipt:
    """The remote's yes. ``record`` is the reply's own representation, when it gives one; ``read_back`` says how the
    gateway learns what the remote made of the write: ``reply``, ``fetch`` or ``next_poll``. ``later``: fields that a
    create could not carry there; an update must follow with them."""

    id: str | None = None
    version: str | None = None
    record: Record | None = None
    said: tuple[str, ...] = ()
    read_back: str = "reply"
    later: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A record that carries our reference."""

    id: str
    created: datetime | None


@dataclass(frozen=True)
class Person:
    """A person at the remote, as far as it tells."""

    id: str
    email: str | None = None
    login: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Found:
    """What ``check`` learned: every name of our own account, values later calls need, the remote's version."""

    me: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)
    remote: str = ""


@dataclass(frozen=True)
class Catalogue:
    """The remote's fields, channels and workflow in the form mappings and the prover read (MAPPINGS.md, "What the
    catalogue gives"): a JSON document with keys connector, fields, status, workflow, channels, attachments,
    reference_searchable. ``sources`` tells per field whether it is ``live``, ``manifest`` or ``declared``."""

    doc: Mapping[str, Json]
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Channel:
    """A way to say something on a record: who reads it there (``staff`` = the desk's own people, ``requester``), what
    it can carry, and which catalogue fields the remote changes by itself when it is used."""

    reaches: frozenset[str]
    comment: bool = True
    attach: bool = False
    edit: bool = False
    side_effects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feed:
    """One thing to poll. ``gives``: ``hints`` (ids to fetch), ``records`` or ``worklogs``. ``every``: the least seconds
    between two polls of it, 0 where the connection's own interval decides."""

    gives: Literal["hints", "records", "worklogs"] = "hints"
    every: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What the desk bears: calls at once, and (calls, seconds) at most, where it says so."""

    in_flight: int = 4
    rate: tuple[int, float] | None = None


class Connector(Protocol):
    """One configured desk. Reads may be repeated; of the writes only what the manifest calls repeatable may.

    The attributes need no network and do not change while the object lives; one object serves many threads.
    ``verbs``: the verbs it has, by name; ``cannot``: for the others (and for lesser lacks) one sentence each.
    ``feeds``, ``channels``: by name. ``record_version_order``: ``integer`` and ``time`` versions can be compared with
    ``newer``, ``opaque`` and None cannot. ``apply_horizon``: seconds an unanswered write may still land.
    ``visible_after``: seconds until a write is surely seen by ``find`` and by the lists of items.
    ``people``: by what ``person`` can look up (``id``, ``email``). ``reference``: the catalogue field of our reference,
    "" where there is none: a create without answer then waits for a person. ``status``: the status field's name.
    """

    kind: str
    manifest: Mapping[str, Json]

    @property
    def verbs(self) -> frozenset[str]: ...
    @property
    def cannot(self) -> Mapping[str, str]: ...
    @property
    def feeds(self) -> Mapping[str, Feed]: ...
    @property
    def channels(self) -> Mapping[str, Channel]: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def record_version_order(self) -> Literal["time", "integer", "opaque"] | None: ...
    @property
    def text_format(self) -> str: ...
    @property
    def text_max(self) -> int | None: ...
    @property
    def apply_horizon(self) -> float: ...
    @property
    def visible_after(self) -> float: ...
    @property
    def people(self) -> frozenset[str]: ...
    @property
    def reference(self) -> str: ...
    @property
    def status(self) -> str: ...

    def read_back(self, verb: str) -> str:
        """How the effect of ``create`` or ``update`` is learned: ``reply``, ``fetch`` or ``next_poll``."""

    def repeatable(self, verb: str) -> float:
        """Seconds during which repeating that write with the same key is harmless; 0: never."""

    def newer(self, one: str, other: str) -> bool | None:
        """Is version ``one`` later than ``other``? None: they cannot be ordered."""

    def slow_until(self) -> float:
        """The ``monotonic`` time before which the desk asks for no more calls (0.0: now is fine)."""

    def catalogue(
        self, lists: Mapping[str, Json] | None = None, declared: Mapping[str, Json] | None = None
    ) -> Catalogue:
        """The catalogue without any call: the manifest, ``lists`` read earlier, and what an admin declared."""

    def lists(self, ctx: Context) -> Mapping[str, Json]:
        """The live values and fields the desk tells, as a JSON document to store and to give to ``catalogue``."""

    def check(self, ctx: Context) -> Found: ...
    def describe(self, ctx: Context) -> Catalogue: ...
    def verify(self, arrival: Arrival, now: datetime) -> Verified: ...
    def challenge(self, arrival: Arrival) -> Reply | None: ...
    def parse(self, arrival: Arrival) -> list[Event]: ...
    def fetch(self, ctx: Context, id: str, items: bool = True) -> Record: ...
    def changed(self, ctx: Context, feed: str, cursor: str | None) -> Page: ...
    def find(self, ctx: Context, ref: str) -> list[Hit]: ...
    def person(self, ctx: Context, *, id: str | None = None, email: str | None = None) -> Person | None: ...
    def create(self, ctx: Context, fields: Mapping[str, Value], ref: str, key: str) -> Receipt: ...
    def update(self, ctx: Context, id: str, fields: Mapping[str, Value], version: str | None) -> Receipt: ...
    def comment(
        self, ctx: Context, id: str, channel: str, text: str, reaches: Sequence[str], replaces: str | None = None
    ) -> Receipt: ...
    def attach(self, ctx: Context, id: str, channel: str, file: File, reaches: Sequence[str]) -> Receipt: ...
    def worklog(self, ctx: Context, id: str, minutes: int, text: str, started: datetime) -> Receipt: ...
    def file(self, ctx: Context, item: Item) -> Iterator[bytes]: ...


class Telling(Protocol):
    """A connector with the verb ``tell``, for a ticket that the other side brought and works on through our API."""

    def tell(self, ctx: Context, id: str, key: str) -> None:
        """Says that our ticket ``id`` has something new; the same news has the same ``key``. Raises an ``Outcome``."""
