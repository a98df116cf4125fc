"""Everything a decision may look at, as it was read: tickets, links, and what came in (ENGINE.md 10).

State objects are made anew for every plan and changed by it, so that several inputs of one ticket fold in order. What
is asked of a link's connection (its mapping, its policy, how its versions order) is a ``Leg``. Times are UTC
microseconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway import plain
from gateway.decide.inforce import NONE as NONE_IN_FORCE
from gateway.decide.inforce import NOWHERE as NOTHING_AROUND
from gateway.decide.inforce import Around, InForce
from gateway.decide.merge import Meaning, Pair

OURS = "team"
REQUESTER = "requester"
GUEST = "guest"
"""The role of a link whose other side is a Tandem that brought the ticket: it works on it through our API, so nothing
is owed to it; it is told that there is something new, and reads it."""

LIVING = ("", "new", "in_progress")
"""Leg statuses that no comment of ours can change: there is nothing to reopen."""


class Rule(Protocol):
    """How one canonical field travels on a link."""

    @property
    def direction(self) -> str: ...
    @property
    def policy(self) -> str: ...


class Meanings(Protocol):
    """A compiled mapping, as far as decisions use it (``mappings.engine.Mapping``)."""

    @property
    def hash(self) -> str: ...
    @property
    def document(self) -> Mapping[str, Any]: ...
    @property
    def reads(self) -> frozenset[str]: ...
    @property
    def fields(self) -> Mapping[str, Any]: ...
    @property
    def attachments(self) -> Any: ...
    @property
    def worklogs(self) -> str: ...
    def observe(self, record: Mapping[str, Any]) -> dict[str, Any]: ...
    def read(self, field: str, wire: Any, record: Mapping[str, Any]) -> Any: ...
    def channel_out(self, audience: frozenset[str]) -> str | None: ...
    def audience_in(self, channel: str) -> frozenset[str] | None: ...
    def write(
        self,
        changes: Mapping[str, Any],
        on: Mapping[str, Any],
        create: bool,
        ticket: Mapping[str, Any] | None = None,
        but: Collection[str] = (),
    ) -> Any: ...


class Shares(Protocol):
    """A provider's share policy (``mappings.share``)."""

    @property
    def worklogs(self) -> bool: ...
    def allows(self, field: str) -> bool: ...
    def allows_audience(self, audience: frozenset[str]) -> bool: ...
    def allows_file(self, bytes: int, mime: str) -> bool: ...
    def refuses_file(self, bytes: int, mime: str) -> str: ...
    def narrow(self, field: str, value: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Leg:
    """What decisions ask of one connection. ``order``: how its record versions order (None, opaque: they do not);
    ``version``: the mapping's, as people call it: ``rt@3``."""

    connection_id: int
    name: str
    provider: str
    mapping_id: int
    mapping: Meanings
    share: Shares | None
    order: str | None = None
    me: frozenset[str] = frozenset()
    intake: str = "import"
    side_effects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # channel -> canonical fields
    verbs: frozenset[str] = frozenset()
    horizon: int = 900_000_000  # microseconds after which no unanswered write of ours can land there any more
    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # field -> those whose expression reads it
    home: str = ""  # the team that gets what this connection brings in
    version: str = ""


@dataclass(slots=True)
class Attempt:
    """One try at a delivery, as far as the merge needs it. ``vals``: field -> [ours, wire, ...] tokens."""

    id: int
    kind: str
    started_at: int
    outcome: str | None  # None: in flight
    vals: dict[str, list[Any]]
    delivery_ids: list[int]


@dataclass(slots=True)
class Binding:
    kind: str
    item_id: int
    part: int
    remote_id: str | None
    hash_ours: str
    hash_theirs: str


@dataclass(slots=True)
class Link:
    """Our ticket <-> their record at one connection."""

    id: int
    connection_id: int
    ticket_id: int | None
    remote_id: str | None
    generation: int = 0
    role: str = "holder"
    state: str = "live"
    leg_status: str = ""
    version: str = ""
    last_write_end: int | None = None
    mapping_id: int = 0
    pairs: dict[str, Pair] = field(default_factory=dict)
    seen_text: str = "{}"  # the last observed record as it is stored; read by ``seen`` when it is asked for
    verify: int = 0
    fence: int = 0
    remote_number: str = ""
    remote_page: str = ""
    created_at: int = 0
    attempts: list[Attempt] = field(default_factory=list)  # open, unknown, and ghosts
    bindings: list[Binding] | None = None  # None: not gathered
    open_conflicts: dict[str, int] = field(default_factory=dict)
    open_notices: set[tuple[str, str]] = field(default_factory=set)  # (kind, field)
    stuck: int = 0  # deliveries that wait for a person; counted only where an open notice tells of one
    new: bool = False
    dirty: bool = False
    observed: bool = False  # ``seen`` changed: it is long, and written only then
    leg: Leg | None = None
    _seen: dict[str, Any] | None = None

    @property
    def seen(self) -> dict[str, Any]:
        """The last observed record, every field the mapping reads."""
        if self._seen is None:
            self._seen = plain.read(self.seen_text)
        return self._seen

    @property
    def live(self) -> bool:
        return self.role in ("holder", "helper")

    @property
    def takes_part(self) -> bool:
        """Whether its provider is a party of the ticket, by our deliveries or as a guest."""
        return self.live or self.role == GUEST

    @property
    def in_flight(self) -> bool:
        return any(a.outcome is None for a in self.attempts)


@dataclass(slots=True)
class Ticket:
    """The canonical ticket and its links. ``fields`` holds every synced canonical field, long text included."""

    id: int
    number: int
    version: int
    fields: dict[str, Any]
    holder: str
    links: list[Link] = field(default_factory=list)
    channel: str = ""
    created_at: int = 0
    updated_at: int = 0
    ledger_text: str = "{}"
    wake_at: int | None = None  # when its clocks and timers want to act next
    audit_seq: int = 0
    audit_mac: bytes = b""
    new: bool = False
    dirty: bool = False
    described: bool = False  # the description changed: long text is written by a statement of its own
    _ledger: dict[str, Any] | None = None

    @property
    def ledger(self) -> dict[str, Any]:
        """What its clocks, timers and standing decisions remember; written back when the ticket is dirty."""
        if self._ledger is None:
            self._ledger = plain.read(self.ledger_text)
        return self._ledger

    def kept(self) -> str:
        """The ledger as it is stored."""
        return self.ledger_text if self._ledger is None else plain.text(self._ledger)

    def link(self, id: int) -> Link:
        return next(link for link in self.links if link.id == id)


class Legs(Protocol):
    """Where a plan learns what a connection says: the version a link is pinned to, or the one in force by name; and why
    there is none of that name, as ``paused by Ana ...``, "" where it was never there."""

    def of(self, connection_id: int, mapping_id: int) -> Leg: ...
    def named(self, name: str) -> Leg | None: ...
    def stopped(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What one plan is made from. ``as_of``: when the batch was read, in UTC microseconds."""

    as_of: int
    ticket: Ticket | None
    legs: Legs
    policies: InForce = NONE_IN_FORCE
    around: Around = NOTHING_AROUND


# --- what a plan is about: three things start a decision ---


@dataclass(frozen=True, slots=True)
class ItemSeen:
    """A comment, file or worklog as the remote shows it; ``hash`` of its normal form."""

    kind: str  # comment | file | worklog
    id: str
    author: str | None
    author_name: str
    channel: str
    text: str
    format: str
    raw: str
    hash: str
    created: int | None
    name: str = ""
    mime: str = ""
    size: int | None = None
    url: str | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """A remote record was seen. ``items`` None: its items were not part of what was seen. ``read_began`` in the
    database's time: None for a webhook, whose age only its version tells."""

    source: str  # webhook | poll | fetch | reply
    connection_id: int
    remote_id: str
    version: str | None
    fields: Mapping[str, Any]
    state: str = "live"
    into: str | None = None
    number: str = ""
    page: str = ""
    created: int | None = None
    author: str | None = None
    items: tuple[ItemSeen, ...] | None = None
    complete: bool = False
    read_began: int | None = None
    arrival: int | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened to a remote record; what it looks like now has to be fetched. ``actor``: whose doing it was,
    where the remote says so."""

    connection_id: int
    remote_id: str
    why: str
    arrival: int | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A person (or a rule in a person's stead) wants something. ``decide.commands`` lists ``what`` and ``data``;
    ``party``: on whose side the person is, ``requester`` or ``provider:<slug>``, "" for ours."""

    what: str
    actor: str
    data: Mapping[str, Any]
    reason: str = ""
    actor_name: str = ""
    party: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """A step of a lane ended. ``outcome``: ok | retry | unknown | refused | stale | unauthorized | gone | unsupported |
    found | absent | held; ``sent``: field -> [ours, wire] of this attempt; ``seen``: what the remote shows after it."""

    link_id: int
    step: str  # create | update | comment | attachment | worklog | fetch | look_up | download | tell
    outcome: str
    attempt: int | None
    deliveries: tuple[int, ...] = ()
    sent: Mapping[str, list[Any]] = field(default_factory=dict)
    began: int = 0
    ended: int = 0
    said: str = ""
    remote_id: str | None = None
    version: str | None = None
    seen: Observed | None = None
    read_back: str = ""
    item: tuple[str, int, int, str] | None = None  # kind, item id, part, hash of what was sent
    channel: str = ""
    tries: int = 0
    after: float | None = None
    replaced: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


Input = Observed | Hint | Command | Settled

__all__ = [
    "OURS",
    "REQUESTER",
    "Attempt",
    "Binding",
    "Command",
    "Facts",
    "Hint",
    "Input",
    "ItemSeen",
    "Leg",
    "Legs",
    "Link",
    "Meaning",
    "Meanings",
    "Observed",
    "Pair",
    "Rule",
    "Settled",
    "Shares",
    "Ticket",
]
