"""A small world for tests of the road: an installation, and memory desks in the same process, connected to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from connectors.base import Connector
from connectors.memory.desk import Desk
from connectors.memory.inprocess import MemoryConnector
from gateway import pipeline
from gateway.clock import utc
from gateway.config import Config
from gateway.decide.facts import Command
from gateway.providers import connection
from gateway.providers.desks import Row
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.db import Road

ANA = "user:1"


@dataclass
class World:
    """An installation with the desks of its providers."""

    rt: Runtime
    desks: dict[str, Desk] = field(default_factory=dict)
    connectors: dict[str, MemoryConnector] = field(default_factory=dict)

    def run(self, rounds: int = 50) -> int:
        """Process and deliver until nothing is due."""
        total = 0
        for _ in range(rounds):
            did = pipeline.process(self.rt) + pipeline.deliver(self.rt)
            total += did
            if not did:
                break
        return total

    def poll(self) -> None:
        for row in self.rt.desks.rows():
            pipeline.poll(self.rt, row.id)

    def wish(self, what: str, ticket: int | None = None, reason: str = "because", **data: Any) -> int:
        """A person's command; the id of the ticket it was about."""
        done = pipeline.change(self.rt, Command(what, ANA, data, reason, "Ana"), ticket)
        found = done.named[-1].ticket
        assert found is not None
        return found.id

    def create(self, title: str = "VPN down", **fields: Any) -> int:
        return self.wish("create", fields={"title": title, **fields})

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with self.rt.store.read() as conn:
            return Road(conn, self.rt.store.dialect).rows(sql, *params)

    def value(self, sql: str, *params: Any) -> Any:
        return self.rows(sql, *params)[0][0]


def world(
    config: Config,
    names: tuple[str, ...] = ("acme",),
    make: Callable[[Desk], MemoryConnector] = MemoryConnector,
    **options: Any,
) -> World:
    """A world on the prepared database of ``config``, with a memory desk per provider."""
    connectors: dict[str, MemoryConnector] = {}

    def build(row: Row, secrets: object) -> Connector:
        return connectors[row.name]

    made = World(Runtime.open(config, builder=build), {}, connectors)
    for name in names:
        made.desks[name] = Desk(**{"clock": lambda: utc(made.rt.now()), **options})
        connectors[name] = make(made.desks[name])
        with made.rt.store.write() as conn:
            d = tables.document.c
            mapping = conn.execute(select(d.id).where(d.kind == "mapping", d.name == "memory")).scalar_one()
            doc = {"name": name, "kind": "memory", "provider": name}
            id = connection.add(conn, made.rt.key, made.rt.vault, doc, "", mapping, "test")
            conn.execute(tables.connection.update().where(tables.connection.c.id == id).values(me='["gateway"]'))
    made.rt.desks.load()
    return made
