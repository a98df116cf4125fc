"""Drafts made of the shipped mapping by a change of its text, previews of them, and a world put back as it was."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from connectors.session import Session
from gateway import pipeline, plain
from gateway.decide.facts import Command
from gateway.preview import Draft, Span, preview, read
from gateway.preview.replay import Item, Replay
from gateway.preview.stored import Batch, batches
from gateway.preview.worlds import DRAFT
from gateway.runtime import Runtime
from gateway.store import tables
from tests.road.scene import Scene

SHIPPED = "memory"
VERBS = {"check", "describe", "fetch", "changed", "find", "person", "create", "update", "comment", "attach", "file"}


def changed(**parts: str) -> str:
    """A mapping that differs from the shipped one in these fields' rules, written as YAML; ``comments``, ``worklogs``
    and the like are the mapping's own keys."""
    own = {"comments", "attachments", "worklogs", "unsupported"}
    rules = "".join(f"  {name}: {rule}\n" for name, rule in parts.items() if name not in own)
    rest = "".join(f"{name}: {rule}\n" for name, rule in parts.items() if name in own)
    return f"mapping: 1\nname: acme\nextends: {SHIPPED}\n" + (f"fields:\n{rules}" if rules else "") + rest


def draft(rt: Runtime, text: str, connection: str = "acme") -> Draft:
    id = rt.desks.id_of(connection)
    assert id is not None
    with rt.store.read() as conn:
        return read(conn, rt.desks, id, text)


def previewed(s: Scene, text: str, connection: str = "acme", **span: Any) -> dict[str, Any]:
    return preview(s.rt, draft(s.rt, text, connection), Span(**{"days": 30, **span}))


def items(rt: Runtime, one: Draft) -> Iterator[Item]:
    """Every stored item of the draft's connection, newest batch first."""
    row = rt.desks.row(one.connection)
    published = rt.desks.of(row.id, row.mapping_id)
    replay = Replay(rt.desks, published, rt.desks.under(row.id, DRAFT, one.mapping, one.label))
    for batch in batches(rt.store, rt.desks, 0, row.id, None):
        if isinstance(batch, Batch):
            yield from replay.items(batch)


class Past:
    """All rows of a database at one moment; ``back`` puts them in place again."""

    def __init__(self, rt: Runtime) -> None:
        with rt.store.read() as conn:
            self.rows = {
                table: [dict(row._mapping) for row in conn.execute(select(table))]
                for table in tables.metadata.sorted_tables
            }

    def back(self, rt: Runtime) -> None:
        with rt.store.write() as conn:
            if rt.store.dialect == "sqlite":  # no trigger may keep what is only ever added to
                for (name,) in conn.exec_driver_sql("select name from sqlite_master where type = 'trigger'").all():
                    conn.exec_driver_sql(f"drop trigger {name}")
                conn.exec_driver_sql("pragma defer_foreign_keys = on")
            else:
                conn.exec_driver_sql("set local session_replication_role = replica")
            for table in reversed(tables.metadata.sorted_tables):
                conn.execute(delete(table))
            for table, rows in self.rows.items():
                if rows:
                    conn.execute(insert(table), rows)
        rt.desks.load()


def publish(s: Scene, text: str, name: str = "acme") -> None:
    """Give a connection another mapping and move its live links to it, each by a plan, as publishing does."""
    s.remap(text.partition(f"extends: {SHIPPED}\n")[2])
    sql = (
        "select l.id, l.ticket_id, c.mapping_id from link l join connection c on c.id = l.connection_id"
        " where c.name = ? and l.ticket_id is not null and l.role in ('holder', 'helper') order by l.id"
    )
    for link, ticket, to in s.rows(sql, name):
        pipeline.change(s.rt, Command("remap", "test", {"link": link, "to": to}), ticket)
    loose = "update link set mapping_id = (select mapping_id from connection c where c.id = link.connection_id)"
    with s.rt.store.write() as conn:
        conn.exec_driver_sql(f"{loose} where ticket_id is null")


class Silence:
    """While it lasts nobody can be called: not a socket is opened, no verb of a connector is used."""

    def __init__(self, rt: Runtime, patch: pytest.MonkeyPatch) -> None:
        self._rt, self._patch = rt, patch

    def __enter__(self) -> None:
        def called(*args: Any, **named: Any) -> Any:
            raise AssertionError(f"a preview called somebody: {args[1:]}")

        self._patch.setattr(socket.socket, "connect", called)
        self._patch.setattr(Session, "send", called)
        for row in self._rt.desks.rows():
            connector = self._rt.desks.desk(row.id).connector
            for verb in {*connector.verbs, *VERBS} - {"parse", "verify", "challenge"}:  # these call nobody
                if hasattr(connector, verb):
                    self._patch.setattr(connector, verb, called)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


class Facts:
    """The stored facts changed, and put back at the end."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    def __enter__(self) -> Facts:
        with self._rt.store.road() as road:
            self._kept = road.rows("select blob, id from facts")
        return self

    def __exit__(self, *_: object) -> None:
        self._write(self._kept)

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        rows = []
        for blob, id in self._kept:
            doc = plain.read(zlib.decompress(blob))
            change(doc)
            rows.append((zlib.compress(plain.text(doc).encode()), id))
        self._write(rows)

    def _write(self, rows: list[tuple[Any, ...]]) -> None:
        with self._rt.store.road(write=True) as road:
            road.update(tables.facts, "id", ("blob",), rows)
