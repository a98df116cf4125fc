"""Audit entries on their way into the database, always in the transaction of the change they tell of.

The road makes the entries of a whole batch with ``rows_for`` and keeps each ticket's head in the ticket's own row. The
quiet parts (connections, users, mappings ...) say one thing at a time with ``note``, whose heads lie in table
``subject``. Either way the transaction adds one row to ``unsealed``, the sealer's queue.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection

from gateway.journal import chain
from gateway.journal.chain import COLUMNS, SALT_BYTES, START, Head, Key, Row
from gateway.store import tables
from gateway.store.db import Road
from gateway.store.ids import mint

ERASED = "erased"
"""The verb of the entry that accounts for the blank payloads before it."""


class Change(NamedTuple):
    """One change of state. ``head`` counts for the subject's first change in a batch; later ones follow on it.
    ``payload`` is the before and after, as a mapping or as the text of ``chain.payload_text``."""

    subject: str
    head: Head
    actor: str
    verb: str
    reason: str
    payload: Mapping[str, Any] | str


class Written(NamedTuple):
    """Rows for ``audit`` (in the order of ``chain.COLUMNS``), the row for ``unsealed`` (id, leaves), and the new
    heads, which go into the subjects' own rows."""

    rows: list[Row]
    unsealed: tuple[int, bytes]
    heads: dict[str, Head]


def ticket_subject(ticket_id: int) -> str:
    return f"ticket:{ticket_id}"


def rows_for(key: Key, at: int, changes: Iterable[Change]) -> Written:
    """The entries of one transaction, made at ``at`` (UTC microseconds) while the subjects' rows are locked."""
    changes = list(changes)
    salts = os.urandom(SALT_BYTES * len(changes))
    rows: list[Row] = []
    leaves: list[bytes] = []
    heads: dict[str, Head] = {}
    for i, (subject, head, actor, verb, reason, payload) in enumerate(changes):
        text = payload if isinstance(payload, str) else chain.payload_text(payload)
        salt = salts[i * SALT_BYTES : (i + 1) * SALT_BYTES]
        known = heads.get(subject, head)
        row, heads[subject] = chain.append(key, known, subject, at, actor, verb, reason, text, mint(), salt)
        rows.append(row)
        leaves.append(chain.leaf(subject, row.seq, row.mac))
    return Written(rows, (mint(), chain.pack(leaves)), heads)


def write(road: Road, written: Written) -> None:
    """Add the entries and their unsealed row; the heads are for the caller to write with the rest of each subject."""
    if written.rows:
        road.insert(tables.audit, COLUMNS, written.rows)
        road.insert(tables.unsealed, ("id", "leaves"), [written.unsealed])


def note(
    conn: Connection, key: Key, at: int, subject: str, actor: str, verb: str, reason: str, payload: Mapping[str, Any]
) -> Row:
    """Append one entry to a subject that is not a ticket. Holds the subject's row to the end of the transaction."""
    road = Road(conn, conn.dialect.name)
    road.insert(tables.subject, ("name", "audit_seq", "audit_mac"), [(subject, *START)], ignore=True)
    seq, mac = road.rows("select audit_seq, audit_mac from subject where name = ? LOCK", subject)[0]
    written = rows_for(key, at, [Change(subject, (seq, bytes(mac)), actor, verb, reason, payload)])
    write(road, written)
    road.update(tables.subject, "name", ("audit_seq", "audit_mac"), [(*written.heads[subject], subject)])
    return written.rows[0]


def blank(road: Road, subject: str) -> int:
    """Erase what a subject's entries hold beside the chain; how many held something. The same transaction has to
    append an entry with the verb ``ERASED``: without it, blank payloads are taken for tampering."""
    return road.run("update audit set payload = '', salt = ? where subject = ? and payload <> ''", b"", subject)
