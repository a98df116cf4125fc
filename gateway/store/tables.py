"""All tables, once, for SQLite and PostgreSQL. Times are UTC microseconds, ids time-ordered 63-bit integers.

JSON is text where a value is written whole (fields, pairs, bodies); rows are for what is claimed, counted, unique or
has a life of its own. Sum types are short words; work queues use small integers so that partial indexes stay literal.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

HOT: dict[str, Any] = {"postgresql_with": {"fillfactor": 70}}
WAITING, DONE, DEAD, WITHDRAWN, HELD = 0, 1, 2, 3, 4
"""States of an arrival or a delivery. HELD waits for a person or for something else to happen first."""


def _id() -> Column[int]:
    return Column("id", BigInteger, primary_key=True, autoincrement=False)


def _big(name: str, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _text(name: str, nullable: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=nullable, server_default=default)


def _int(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text(str(default)))


def _ref(name: str, target: str, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(target), nullable=nullable)


installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("code"),  # base32, part of every reference we write at a remote
    Column("id_salt", LargeBinary, nullable=False),
    Column("key_check", LargeBinary, nullable=False),  # tells a wrong secret key at start
    _big("created_at"),
)
sequence = Table("sequence", metadata, Column("name", Text, primary_key=True), _big("value"))

ticket = Table(
    "ticket",
    metadata,
    _id(),
    _big("number"),
    _int("version"),
    _text("kind"),
    _text("status"),
    _text("priority"),
    _text("holder"),  # team:<slug> or provider:<slug>
    _text("title"),
    _text("requester", default=""),  # e-mail in lower case
    _text("channel", default=""),
    _text("fields"),
    _text("description", default=""),
    _text("ledger", default="{}"),  # its clocks, timers and standing decisions, each by the module that keeps it
    _big("wake_at", nullable=True),  # when the next of them is due; null: nothing is
    _big("created_at"),
    _big("updated_at"),
    _int("audit_seq"),  # with the MAC: the head of the audit chain, (0, b"") at first
    Column("audit_mac", LargeBinary, nullable=False),
    UniqueConstraint("number"),
    Index("ix_ticket_status_id", "status", "id"),
    Index("ix_ticket_holder_id", "holder", "id"),
    Index("ix_ticket_requester_id", "requester", "id"),
    Index(  # how many open tickets each holder has, for every new ticket
        "ix_ticket_open",
        "holder",
        "status",
        sqlite_where=text("status not in ('resolved', 'closed', 'cancelled')"),
        postgresql_where=text("status not in ('resolved', 'closed', 'cancelled')"),
    ),
    Index(
        "ix_ticket_wake_at",
        "wake_at",
        sqlite_where=text("wake_at is not null"),
        postgresql_where=text("wake_at is not null"),
    ),
    **HOT,
)
provider = Table(
    "provider",
    metadata,
    _id(),
    _text("slug"),
    _text("name"),
    _text("hours", default="{}"),
    _text("contacts", default="[]"),
    _text("state", default="active"),
    _big("created_at"),
    UniqueConstraint("slug"),
)
team = Table("team", metadata, _id(), _text("slug"), _text("name"), _big("created_at"), UniqueConstraint("slug"))
contact = Table(
    "contact",
    metadata,
    _id(),
    _text("email"),
    _text("name"),
    _text("clientele", default="employee"),
    _text("site", default=""),
    _text("language", default=""),
    _big("created_at"),
    UniqueConstraint("email"),
)
document = Table(  # mappings, share policies, routing policies: every version that ever was
    "document",
    metadata,
    _id(),
    _text("kind"),  # mapping | share | policy
    _text("name"),
    Column("version", Integer),  # null while a draft
    _text("text"),
    _text("effective", default=""),
    _text("hash", default=""),
    _text("parent", default=""),
    _text("catalogue", default=""),  # SHA-256 of what a mapping was proved against
    _text("accepted", default="[]"),  # warnings that were accepted, by name
    _text("author", default=""),
    _text("reason", default=""),
    _big("created_at"),
    UniqueConstraint("kind", "name", "version"),
    Index(
        "uq_document_draft",
        "kind",
        "name",
        unique=True,
        sqlite_where=text("version is null"),
        postgresql_where=text("version is null"),
    ),
)
connection = Table(
    "connection",
    metadata,
    _id(),
    _text("name"),
    _text("kind"),
    _ref("provider_id", "provider.id"),
    _int("version"),
    _text("auth"),  # which of the manifest's auth choices, and which of its verify choices
    _text("verify", default=""),
    _text("settings", default="{}"),
    _text("secrets", default="{}"),  # name -> sealed value
    _text("found", default="{}"),
    _text("me", default="[]"),
    _text("manifest", default=""),  # text of a connector that no one wrote code for
    _text("declared", default="{}"),
    _ref("mapping_id", "document.id"),
    _text("intake", default="import"),  # import | ignore: what becomes of a record we do not know
    _text("state", default="active"),  # active | paused | unauthorized | regressed
    _text("state_reason", default=""),
    _big("poll_every"),
    _big("poll_at", nullable=True),
    _big("created_at"),
    UniqueConstraint("name"),
)
health = Table(  # breaker and signs of life; never locked together with tickets
    "health",
    metadata,
    Column("connection_id", BigInteger, ForeignKey("connection.id"), primary_key=True, autoincrement=False),
    _text("breaker", default="closed"),  # closed | open | half
    _int("fails"),
    _int("opens"),
    _big("until", nullable=True),
    _big("last_ok_at", nullable=True),
    _big("last_error_at", nullable=True),
    _text("last_error", default=""),
    _big("last_arrival_at", nullable=True),
    _big("last_poll_at", nullable=True),
)
watch = Table(  # what a desk had when the mapping at work there was proved, and what has changed since
    "watch",
    metadata,
    Column("connection_id", BigInteger, ForeignKey("connection.id"), primary_key=True, autoincrement=False),
    _big("mapping_id"),
    _text("lists", default="{}"),
    _text("told", default="[]"),  # what was found at the last look: JSON list of [severity, sentence]
    _text("said", default=""),  # why the last look failed
    _big("looked_at", nullable=True),
    _big("due_at"),
)
permit = Table(
    "permit",
    metadata,
    Column("connection_id", BigInteger, primary_key=True, autoincrement=False),
    Column("drain", Text, primary_key=True),
    _int("held"),
    _big("until"),
)
cursor = Table(
    "cursor",
    metadata,
    Column("connection_id", BigInteger, ForeignKey("connection.id"), primary_key=True, autoincrement=False),
    Column("feed", Text, primary_key=True),
    _text("cursor"),
    _text("head", default=""),
    _big("saved_at"),
)
link = Table(
    "link",
    metadata,
    _id(),
    _ref("ticket_id", "ticket.id", nullable=True),  # null: a record found at a remote, not (yet) a ticket
    _ref("connection_id", "connection.id"),
    _text("remote_id", nullable=True),
    _text("remote_number", default=""),
    _text("remote_page", default=""),
    _int("generation"),
    _text("role"),  # holder | helper | ended | found | copy
    _text("state", default="live"),  # live | gone | merged | left
    _text("leg_status", default=""),
    _text("remote_version", default=""),
    _big("last_write_end", nullable=True),
    _ref("mapping_id", "document.id"),
    _text("pairs", default="{}"),  # canonical field -> [ours, theirs, owed, park]
    _text("seen", default="{}"),  # last observed record, every field the mapping reads
    _int("verify"),  # 1: fetch before anything is written, 2: when all is
    _big("created_at"),
    UniqueConstraint("connection_id", "remote_id", "generation"),
    Index(
        "uq_link_live",
        "ticket_id",
        "connection_id",
        unique=True,
        sqlite_where=text("role <> 'ended'"),
        postgresql_where=text("role <> 'ended'"),
    ),
    Index("ix_link_ticket_id", "ticket_id"),
    **HOT,
)
lane = Table(
    "lane",
    metadata,
    Column("link_id", BigInteger, ForeignKey("link.id"), primary_key=True, autoincrement=False),
    _big("ticket_id", nullable=True),
    _big("connection_id"),
    _int("fence"),
    _big("due_at", nullable=True),  # null idle; past: due; future: leased or backing off
    _int("tries"),
    _text("held", default=""),  # why this lane waits for a person
    _big("freed_at", nullable=True),  # when a person last let it go on: earlier writes are no loop
    Index(
        "ix_lane_due",
        "connection_id",
        "due_at",
        sqlite_where=text("due_at is not null"),
        postgresql_where=text("due_at is not null"),
    ),
    **HOT,
)
delivery = Table(
    "delivery",
    metadata,
    _id(),
    _ref("link_id", "link.id"),
    _big("ticket_id"),
    _text("kind"),  # create | update | comment | attachment | worklog
    _big("item_id", nullable=True),
    _int("part"),
    _text("body", default="{}"),
    _int("tries"),
    _int("state"),
    _text("said", default=""),
    _big("created_at"),
    _big("done_at", nullable=True),
    Index("ix_delivery_waiting", "link_id", "id", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
    Index(
        "ix_delivery_dead",
        "id",
        sqlite_where=text("state in (2, 4)"),
        postgresql_where=text("state in (2, 4)"),
    ),
    Index("ix_delivery_ticket_id", "ticket_id"),
    **HOT,
)
attempt = Table(
    "attempt",
    metadata,
    _id(),
    _ref("link_id", "link.id"),
    _text("kind"),
    _text("delivery_ids", default="[]"),
    _int("fence"),
    _text("vals", default="{}"),  # canonical field -> [ours, wire, ...]: what ENGINE.md calls `sent`
    _big("started_at"),
    _big("ended_at", nullable=True),
    _text("outcome", nullable=True),  # null in flight | ok | unknown | ghost | the outcome's name
    _text("said", default=""),
    _text("mapping", default=""),
    Index(
        "uq_attempt_in_flight",
        "link_id",
        unique=True,
        sqlite_where=text("outcome is null"),
        postgresql_where=text("outcome is null"),
    ),
    Index(
        "ix_attempt_unsure",
        "link_id",
        sqlite_where=text("outcome in ('unknown', 'ghost')"),
        postgresql_where=text("outcome in ('unknown', 'ghost')"),
    ),
    Index("ix_attempt_link_id", "link_id", "id"),
    **HOT,
)
arrival = Table(
    "arrival",
    metadata,
    _id(),
    _ref("connection_id", "connection.id"),
    _text("delivery_key", nullable=True),
    _text("kind"),  # webhook | poll | fetch | mail
    _text("head", default="{}"),
    Column("body", LargeBinary, nullable=False),
    _big("received_at"),
    _big("read_began", nullable=True),
    _int("state"),
    _int("tries"),
    _big("due_at", nullable=True),  # only while HELD: look again then
    _text("said", default=""),
    UniqueConstraint("connection_id", "delivery_key"),
    Index("ix_arrival_waiting", "id", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
    Index("ix_arrival_dead", "id", sqlite_where=text("state in (2, 4)"), postgresql_where=text("state in (2, 4)")),
    **HOT,
)
facts = Table("facts", metadata, _id(), _big("as_of"), Column("blob", LargeBinary, nullable=False))

comment = Table(
    "comment",
    metadata,
    _id(),
    _ref("ticket_id", "ticket.id"),
    _text("author"),  # user:<id> | provider:<slug> | requester:<email> | tandem
    _text("author_name", default=""),
    _text("body"),
    _text("format", default="plain"),
    _text("raw", default=""),  # the original, when it is not the body itself
    _ref("link_id", "link.id", nullable=True),  # where it came from
    _big("created_at"),
    _big("edited_at", nullable=True),
    _big("deleted_at", nullable=True),
    Index("ix_comment_ticket_id_id", "ticket_id", "id"),
)
audience = Table(  # besides our team; no row = team alone
    "audience",
    metadata,
    Column("comment_id", BigInteger, ForeignKey("comment.id"), primary_key=True, autoincrement=False),
    Column("party", Text, primary_key=True),  # provider:<slug> | requester
)
attachment = Table(
    "attachment",
    metadata,
    _id(),
    _ref("ticket_id", "ticket.id"),
    _ref("comment_id", "comment.id", nullable=True),
    _text("author"),
    _text("author_name", default=""),
    _text("name"),
    _text("mime"),
    _big("size"),
    _text("sha256", default=""),
    _text("key", default=""),  # where its bytes lie in the file store; "" until fetched
    _text("audience", default="[]"),  # JSON list of parties, as for a comment
    _ref("link_id", "link.id", nullable=True),
    _text("remote", default="{}"),  # what is needed to fetch it from there
    _text("state", default="stored"),  # stored | remote | refused
    _big("created_at"),
    Index("ix_attachment_ticket_id_id", "ticket_id", "id"),
    Index(
        "ix_attachment_remote", "id", sqlite_where=text("state = 'remote'"), postgresql_where=text("state = 'remote'")
    ),
)
worklog = Table(
    "worklog",
    metadata,
    _id(),
    _ref("ticket_id", "ticket.id"),
    _text("author"),
    _text("author_name", default=""),
    _int("minutes"),
    _text("text", default=""),
    _big("started_at"),
    _ref("link_id", "link.id", nullable=True),
    _big("created_at"),
    Index("ix_worklog_ticket_id_id", "ticket_id", "id"),
)
binding = Table(  # one of our comments, files or worklogs <-> theirs
    "binding",
    metadata,
    Column("link_id", BigInteger, ForeignKey("link.id"), primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),  # comment | file | worklog
    Column("item_id", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),
    _text("remote_id", nullable=True),
    _text("hash_ours", default=""),
    _text("hash_theirs", default=""),
    UniqueConstraint("link_id", "kind", "remote_id"),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _text("subject"),
    _int("seq"),
    _big("at"),
    Column("canon", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    _text("payload", default="{}"),
    UniqueConstraint("subject", "seq"),
)
subject = Table(  # audit heads of everything that is not a ticket
    "subject",
    metadata,
    Column("name", Text, primary_key=True),
    _int("audit_seq"),
    Column("audit_mac", LargeBinary, nullable=False),
)
unsealed = Table("unsealed", metadata, _id(), Column("leaves", LargeBinary, nullable=False))
seal = Table(
    "seal",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 ...
    _big("at"),
    Column("prev", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    _int("n"),
    Column("leaves", LargeBinary, nullable=False),
    Column("sig", LargeBinary, nullable=False),
)
checkpoint = Table("checkpoint", metadata, _id(), _big("seal_id"), _big("at"), _text("target"))

conflict = Table(
    "conflict",
    metadata,
    _id(),
    _ref("ticket_id", "ticket.id"),
    _ref("link_id", "link.id"),
    _text("field"),
    _text("ours"),
    _text("theirs"),
    _text("state", default="open"),  # open | closed
    _text("resolution", default=""),  # ours | theirs | corresponds | unmapped
    _text("actor", default=""),
    _big("opened_at"),
    _big("closed_at", nullable=True),
    Index(
        "uq_conflict_open",
        "link_id",
        "field",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("ix_conflict_ticket_id", "ticket_id"),
)
notice = Table(
    "notice",
    metadata,
    _id(),
    _ref("ticket_id", "ticket.id", nullable=True),
    _ref("link_id", "link.id", nullable=True),
    _ref("connection_id", "connection.id", nullable=True),
    _text("kind"),  # ignored | altered | refused | held | gone | left | drift | placeholder | ...
    _text("field", default=""),
    _text("text"),
    _text("state", default="open"),
    _int("count", 1),
    _big("created_at"),
    _big("closed_at", nullable=True),
    Index("ix_notice_ticket_id", "ticket_id"),
    Index("ix_notice_open", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
)
holding = Table(  # who had the ticket when; the segments sum to wall time
    "holding",
    metadata,
    _id(),
    _ref("ticket_id", "ticket.id"),
    _text("holder"),
    _big("started_at"),
    _big("ended_at", nullable=True),
    _text("actor", default=""),
    _text("reason", default=""),
    Index("ix_holding_ticket_id", "ticket_id"),
    Index(
        "uq_holding_now",
        "ticket_id",
        unique=True,
        sqlite_where=text("ended_at is null"),
        postgresql_where=text("ended_at is null"),
    ),
)
decision = Table(
    "decision",
    metadata,
    _id(),
    _ref("ticket_id", "ticket.id"),
    _big("at"),
    _text("kind"),  # triage | routing | escalation | take_back | override | promise
    _text("outcome"),
    _text("rule", default=""),
    _text("policy", default=""),  # name@version, or the hash of the shipped one
    _text("inputs", default="{}"),
    _text("lost", default="[]"),
    _text("actor", default=""),
    _text("reason", default=""),
    _text("otherwise", default=""),  # what would have been without the rule that won
    Index("ix_decision_ticket_id", "ticket_id"),
)
clock_event = Table(  # what became of each clock of a ticket: its state is what these come to
    "clock_event",
    metadata,
    _id(),
    _ref("ticket_id", "ticket.id"),
    _text("clock"),  # acknowledge | reply | requester_wait | agent_work | provider_ack | provider_resolve | ...
    _int("instance"),
    _text("kind"),  # activate | pause | resume | fulfil | breach | warn | retarget | cancel
    _text("reason", default=""),
    _big("at"),  # when it happened
    _big("received_at"),  # when it was known here
    _text("party", default=""),
    _text("policy", default=""),
    _text("calendar", default=""),
    _big("due_at", nullable=True),
    Index("ix_clock_event_ticket_id_id", "ticket_id", "id"),
)

person = Table(  # people of a remote desk, cached for a day
    "person",
    metadata,
    Column("connection_id", BigInteger, ForeignKey("connection.id"), primary_key=True, autoincrement=False),
    Column("remote_id", Text, primary_key=True),
    _text("email", default=""),
    _text("login", default=""),
    _text("name", default=""),
    _big("fetched_at"),
    Index("ix_person_connection_id_email", "connection_id", "email"),
)
user = Table(
    "user",
    metadata,
    _id(),
    _text("email"),
    _text("name"),
    _text("role"),  # admin | agent | auditor | provider | requester
    _text("password", default=""),
    _text("state", default="active"),  # active | disabled
    _ref("team_id", "team.id", nullable=True),
    _ref("connection_id", "connection.id", nullable=True),
    _text("language", default=""),
    _big("created_at"),
    UniqueConstraint("email"),
)
session = Table(
    "session",
    metadata,
    Column("hash", Text, primary_key=True),
    _ref("user_id", "user.id"),
    _text("csrf"),
    _big("created_at"),
    _big("seen_at"),
    _big("expires_at"),
)
token = Table(
    "token",
    metadata,
    _id(),
    _text("name"),
    _text("hash"),
    _text("role"),
    _ref("user_id", "user.id", nullable=True),
    _ref("connection_id", "connection.id", nullable=True),
    _big("created_at"),
    _big("used_at", nullable=True),
    _big("expires_at", nullable=True),
    _big("revoked_at", nullable=True),
    UniqueConstraint("hash"),
)
pairing = Table(  # codes by which another Tandem connects itself with us
    "pairing",
    metadata,
    _id(),
    _text("hash"),
    _text("name"),  # of our connection to be
    _text("provider"),
    _text("provider_name"),
    _text("url"),  # ours, as the other side reaches it
    _text("actor"),
    _big("expires_at"),
    _big("used_at", nullable=True),
    UniqueConstraint("hash"),
)
idempotency = Table(
    "idempotency",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    _text("body_hash"),
    _int("status"),
    _text("response"),
    _big("created_at"),
)
lease = Table("lease", metadata, Column("name", Text, primary_key=True), _text("owner"), _big("until"))
slot = Table(
    "slot",
    metadata,
    Column("job", Text, primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
)

# The audit trail is only ever added to; erasure blanks a payload with its salt, and nothing else of an entry.
APPEND_ONLY = {
    "audit": ("id", "subject", "seq", "at", "canon", "mac"),
    "seal": ("id", "at", "prev", "root", "n", "leaves", "sig"),
}

__all__ = [name for name, value in list(globals().items()) if isinstance(value, Table)] + ["metadata"]
