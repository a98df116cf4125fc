"""A world on simulated time: memory desks with scripted faults in this process, and nothing that happens by itself.

``work`` processes and delivers what is due at this moment, ``wait`` lets time go by (late writes land meanwhile), and
``calm`` ends all faults and goes on until nothing is left to do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

from connectors.base import Arrival
from connectors.memory import wire
from connectors.memory.desk import Desk
from connectors.memory.faults import Queue, What
from connectors.memory.inprocess import MemoryConnector
from connectors.memory.rules import Quirks
from connectors.memory.tickets import Happening, Ticket
from gateway import pipeline
from gateway.clock import utc
from gateway.decide.merge import Pair
from gateway.inbox.webhooks import Door
from gateway.journal import checkpoints, verify
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.ids import mint
from tests.databases import Maker, settings
from tests.worlds import World, world

START = 1_780_000_000_000_000
HORIZON = 20.0  # seconds an unanswered write may still land


class Inline:
    """A pool whose threads are the caller's own: a run is repeatable."""

    def submit(self, act: Callable[..., Any], *args: Any) -> Future[Any]:
        act(*args)
        return Future()

    def shutdown(self, wait: bool = True) -> None:
        """Nothing runs."""


class Scene:
    """One installation with a desk for each of ``names``. ``mapping``: fields' rules that replace the shipped ones."""

    def __init__(
        self,
        maker: Maker,
        folder: Path,
        names: tuple[str, ...] = ("acme",),
        quirks: Callable[[], Quirks] = Quirks,
        locking: bool = True,
        mapping: str = "",
    ) -> None:
        self._maker, self._database = maker, maker.prepared(folder)
        self.clock = START
        self._others: list[Runtime] = []
        self.scripts = {name: Queue() for name in names}
        pending = list(names)

        def make(desk: Desk) -> MemoryConnector:
            script = self.scripts[pending.pop(0)]
            lag = quirks().index_lag.total_seconds()
            return MemoryConnector(desk, script=script, locking=locking, apply_horizon=HORIZON, visible_after=lag)

        self.config = settings(folder, self._database.url)
        self.world: World = world(self.config, names, make, clock=lambda: utc(self.now()))
        self.rt = self.world.rt
        self.rt.now = self.now
        self.rt._told_at = math.inf  # nobody sets this clock by the database's
        self.rt._pool = Inline()  # type: ignore[assignment]
        self.door = Door(self.rt)
        self.desks = self.world.desks
        self.hooks: list[tuple[str, str, bytes]] = []
        for name, desk in self.desks.items():
            desk.quirks = quirks()
            desk.listeners.append(lambda h, t, name=name: self.told(name, h, t))
        with self.rt.store.write() as conn:
            conn.execute(update(tables.connection).values(poll_at=START))
        if mapping:
            self.remap(mapping)

    def close(self) -> None:
        for one in (*self._others, self.rt):
            one.close()
        self._maker.drop(self._database)

    def another(self) -> Runtime:
        """A second process's tools on the same database and the same desks."""
        made = Runtime.open(self.config, builder=lambda row, secrets: self.world.connectors[row.name])
        made.now, made._told_at = self.now, math.inf
        made._pool = Inline()  # type: ignore[assignment]
        self._others.append(made)
        return made

    # -- time and work --

    def now(self) -> int:
        self.clock += 10
        return self.clock

    def wait(self, seconds: float) -> None:
        """Time goes on; writes that are late land."""
        for _ in range(int(seconds)):
            self.clock += 1_000_000
            for desk in self.desks.values():
                desk.step()

    def work(self) -> None:
        pipeline.process(self.rt)
        pipeline.deliver(self.rt)

    def poll(self) -> None:
        self.world.poll()

    def sync(self) -> None:
        """Poll, then work until nothing more is due at this moment."""
        self.poll()
        self.world.run()

    def calm(self) -> None:
        """All faults stop and everything drains."""
        for script in self.scripts.values():
            script.clear()
        for round_ in range(60):
            self.wait(15 if round_ < 20 else 400)
            if round_ % 3 == 0:
                self.poll()
            self.work()
            if round_ > 8 and not self.busy():
                break
        self.sync()

    def busy(self) -> bool:
        return bool(
            any(desk.waiting for desk in self.desks.values())
            or self.value("select count(*) from delivery where state = 0")
            or self.value("select count(*) from arrival where state = 0")
            or self.value("select count(*) from lane where due_at is not null and held = ''")
        )

    # -- what is there --

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return self.world.rows(sql, *params)

    def value(self, sql: str, *params: Any) -> Any:
        return self.world.value(sql, *params)

    def record(self, name: str = "acme") -> Any:
        """The first record of a desk; None while there is none."""
        return next(iter(self.desks[name].tickets.values()), None)

    def fields(self, ticket: int | None = None) -> dict[str, Any]:
        """The canonical fields of a ticket, of the first one where none is named."""
        which = ticket if ticket is not None else self.value("select min(id) from ticket")
        fields, description = self.rows("select fields, description from ticket where id = ?", which)[0]
        return {**json.loads(fields), "description": description}

    def link(self, name: str = "acme") -> int:
        """The newest link to a provider."""
        sql = "select max(l.id) from link l join connection c on c.id = l.connection_id where c.name = ?"
        return int(self.value(sql, name))

    def pair(self, field: str, name: str = "acme") -> Pair:
        """The agreed pair of a field, as it is stored."""
        pairs = json.loads(self.value("select pairs from link where id = ?", self.link(name)))
        return Pair(*pairs[field])

    def notices(self) -> list[tuple[str, str]]:
        """Open notices as (kind, field), in order of their appearance."""
        return [tuple(row) for row in self.rows("select kind, field from notice where state = 'open' order by id")]  # type: ignore[misc]

    def calls(self, name: str = "acme") -> list[str]:
        """The verbs a desk was asked, in order."""
        return [verb for verb, _ in self.scripts[name].log]

    def audit_problems(self) -> tuple[Any, ...]:
        """Everything that is wrong with the audit trail, all of it sealed."""
        keys = checkpoints.Keys.of(self.config)
        while checkpoints.seal(self.rt.store, keys, self.now()):
            pass
        return verify.verify(self.rt.store, keys, [], self.now()).problems

    # -- what people do --

    def escalated(self, name: str = "acme", **fields: Any) -> int:
        """A ticket that a provider has, with a record there."""
        ticket = self.world.create("VPN down", **fields)
        self.wish("escalate", ticket, connection=name)
        self.world.run()
        return ticket

    def wish(self, what: str, ticket: int, **data: Any) -> int:
        return self.world.wish(what, ticket, **data)

    def edit(self, ticket: int, **fields: Any) -> None:
        self.wish("edit", ticket, fields=fields)

    def edit_there(self, name: str = "acme", **fields: Any) -> None:
        self.desks[name].update("tess", self.record(name).id, fields)

    def file(self, name: str, data: bytes, mime: str = "text/plain") -> dict[str, Any]:
        """A file as the API hands it to a command: its bytes are stored already."""
        return {"name": name, "mime": mime, **self.rt.files.put([data])}

    # -- what happens to messages and calls --

    def fault(self, what: What, verb: str | None = None, name: str = "acme", **how: Any) -> None:
        """The next call (of that verb) at a desk ends like this."""
        self.scripts[name].plan(what, verb, **how)

    def told(self, name: str, happening: Happening, ticket: Ticket) -> None:
        """Something happened at a desk: its webhook is on its way."""
        self.hooks.append((name, f"{name}-{happening.seq}", wire.webhook_body(happening, ticket)))

    def hook(self, index: int = 0, keep: bool = False) -> int:
        """Deliver one of the webhooks that are on their way; ``keep``: it will come once more. The door's answer."""
        at = index % len(self.hooks)
        name, delivery, body = self.hooks[at] if keep else self.hooks.pop(at)
        return self.knock(name, delivery, body)

    def knock(self, name: str, delivery: str, body: bytes) -> int:
        """A signed webhook at the door; its answer."""
        headers = wire.webhook_headers("memory-secret", utc(self.now()), delivery, body)
        arrival = Arrival("POST", {}, {k.lower(): v for k, v in headers.items()}, body)
        return pipeline.receive(self.door, name, arrival).status

    # -- documents --

    def remap(self, rules: str, links: bool = False) -> None:
        """Give the connections a mapping of their own: the shipped one with these ``rules`` (YAML), or only these where
        they are a whole mapping. ``links``: those that are there move to it, too."""
        id, head = mint(), "mapping: 1\nname: town\nconnector: memory\nextends: memory@1\n"
        text = rules if rules.startswith("mapping: 1") else head + rules
        with self.rt.store.write() as conn:
            version = self.value("select count(*) from document where name = 'town'") + 1
            row = {"id": id, "kind": "mapping", "name": "town", "version": version, "text": text}
            row["parent"] = "memory@1" if text.startswith(head) else ""
            conn.execute(insert(tables.document).values(**row, created_at=self.now()))
            c = tables.connection.c
            conn.execute(update(tables.connection).values(mapping_id=id, version=c.version + 1))
            if links:
                conn.execute(update(tables.link).values(mapping_id=id, verify=1))
                conn.execute(update(tables.lane).values(due_at=self.now()))
        self.rt.desks.load()

    def share(self, provider: str, text: Mapping[str, Any]) -> None:
        """Publish a provider's share policy."""
        doc = {"share": 1, "provider": provider, **text}
        with self.rt.store.write() as conn:
            sql = "select count(*) from document where kind = 'share' and name = ?"
            row = {"id": mint(), "kind": "share", "name": provider, "version": self.value(sql, provider) + 1}
            conn.execute(insert(tables.document).values(**row, text=json.dumps(doc), created_at=self.now()))
        self.rt.desks.load()
