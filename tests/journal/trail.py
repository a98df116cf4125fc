"""A small audit trail for tests, made by the road's own functions, and an attacker with rights on the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, insert, text

from gateway.clock import now_us
from gateway.config import Config
from gateway.journal import audit, chain
from gateway.journal.audit import Change, ticket_subject
from gateway.journal.checkpoints import Keys, seal
from gateway.journal.verify import Report, verify
from gateway.store import tables
from gateway.store.db import Road, Store
from gateway.store.ids import mint

AT = 1_763_768_000_000_000
SECOND = 1_000_000


class Trail:
    """Tickets with entries, on one store."""

    def __init__(self, store: Store, config: Config) -> None:
        self.store = store
        self.keys = Keys.of(config)
        self.key = self.keys.mac
        self.at = AT

    def tickets(self, count: int) -> list[int]:
        ids = [mint() for _ in range(count)]
        with self.store.write() as conn:
            for id in ids:
                words = dict.fromkeys(("kind", "status", "priority", "holder", "title", "fields"), "")
                row = {"id": id, "number": id, "created_at": AT, "updated_at": AT, "audit_mac": b"", **words}
                conn.execute(insert(tables.ticket).values(row))
        return ids

    def change(self, ids: Sequence[int], verb: str = "changed") -> None:
        """One entry per ticket, as the road writes a batch."""
        self.at += SECOND
        with self.store.write() as conn:
            self.batch(conn, ids, verb)

    def batch(self, conn: Connection, ids: Sequence[int], verb: str = "changed") -> None:
        road = Road(conn, self.store.dialect)
        sql = "select id, audit_seq, audit_mac from ticket where id INTS(?) order by id LOCK"
        heads = {id: (seq, bytes(mac)) for id, seq, mac in road.rows(sql, sorted(set(ids)))}
        changes = [
            Change(ticket_subject(id), heads[id], "provider:acme", verb, "rt@3", {"title": ["a", f"ä {i}"]})
            for i, id in enumerate(ids)
        ]
        written = audit.rows_for(self.key, self.at, changes)
        audit.write(road, written)
        rows = [(*written.heads[ticket_subject(id)], id) for id in sorted(set(ids))]
        road.update(tables.ticket, "id", ("audit_seq", "audit_mac"), rows)

    def note(self, subject: str, verb: str = "changed") -> chain.Row:
        self.at += SECOND
        with self.store.write() as conn:
            return audit.note(conn, self.key, self.at, subject, "user:1", verb, "", {"n": 1})

    def seal(self) -> int:
        return seal(self.store, self.keys, self.at)

    def verify(self, checkpoints: Sequence[dict[str, Any]] = ()) -> Report:
        return verify(self.store, self.keys, checkpoints, now_us())

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with self.store.read() as conn:
            return Road(conn, self.store.dialect).rows(sql, *params)

    @contextmanager
    def attacker(self) -> Iterator[Road]:
        """Someone with all rights on the database: the triggers are off."""
        with self.store.write() as conn:
            names = ["audit", "seal"]
            if self.store.dialect == "sqlite":
                for name in names:
                    conn.execute(text(f"drop trigger if exists {name}_update"))
                    conn.execute(text(f"drop trigger if exists {name}_delete"))
            else:
                conn.execute(text("set local session_replication_role = replica"))
            yield Road(conn, self.store.dialect)
