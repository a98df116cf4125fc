"""An installation, its provider's desk on the loopback, and processes that may be killed: what the fault tests share.

Every wait is for a condition; what only takes time (a retry's wait, a dead worker's lease, the next poll) is hurried in
the database. In the end ``Judge`` says whether all stands, once, on both sides.
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from multiprocessing.process import BaseProcess
from typing import Any

from sqlalchemy import select

from connectors.memory.server import DeskServer
from gateway.clock import now_us, utc
from gateway.config import Config
from gateway.outbox.lanes import LEASE
from gateway.providers import connection
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.db import Road
from tests.faults import worker
from tests.properties.invariants import Judge
from tests.worlds import World

SECRET = "hook-secret"
HORIZON = 1  # seconds within which a request that had no answer may still land at this desk
ABANDONED = 5_000_000  # microseconds after which nobody is at a claimed lane any more: desk and network are quick here
OURS = {"audience": ["provider:acme"]}


def eventually(true: Callable[[], object], within: float = 120.0, why: Callable[[], object] = lambda: "") -> None:
    """Wait until something is so."""
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until, f"it never came: {why()}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Scene:
    """``tickets``: those that were escalated, with the titles they must have in the end; ``theirs``: what was said at
    the desk; ``changes``: how much people have done."""

    world: World
    server: DeskServer
    config: Config
    port: int
    tickets: dict[int, str] = field(default_factory=dict)
    theirs: list[str] = field(default_factory=list)
    items: int = 0
    changes: int = 0
    running: list[BaseProcess] = field(default_factory=list)

    # -- what people do --

    def escalate(self) -> int:
        """A ticket goes to the provider with something said to the team, words, a file, more words, another title."""
        w, number = self.world, len(self.tickets)
        ticket = w.create(f"VPN down {number}", description="Error 809.", impact="high")
        w.wish("comment", ticket, text=self._said("comment", "team"), audience=["team"])
        w.wish("escalate", ticket, connection="acme")
        self.speak(ticket)
        name = self._said("file", "provider:acme")
        stored = {"name": name, "mime": "text/plain", **w.rt.files.put([name.encode()])}
        w.wish("attach", ticket, files=[stored], **OURS)
        self.speak(ticket)
        self.tickets[ticket] = f"VPN still down {number}"
        w.wish("edit", ticket, fields={"title": self.tickets[ticket]})
        self.changes += 6
        return ticket

    def speak(self, ticket: int) -> None:
        """Words for the provider."""
        self.world.wish("comment", ticket, text=self._said("comment", "provider:acme"), **OURS)
        self.changes += 1

    def _said(self, what: str, audience: str) -> str:
        self.items += 1
        return f"our {what} {self.items} for {audience}"

    def answer(self) -> None:
        """A technician at the desk takes every record up and says so."""
        desk = self.server.desk
        for record in list(desk.tickets.values()):
            self.items += 1
            desk.update("tess", record.id, {"status": "working"})
            self.theirs.append(f"their comment {self.items} private")
            desk.comment("tess", record.id, self.theirs[-1], False)
            self.changes += 2

    # -- what happens to machines and networks --

    @contextmanager
    def process(self, part: str, crash: str = "", blind: bool = False) -> Iterator[BaseProcess]:
        """``work`` or ``web``, killed at the end at the latest."""
        before = self._calls()
        made = worker.start(part, self.config, self.port, crash, blind)
        self.running.append(made)
        try:
            yield made
        finally:
            self.running.remove(made)
            made.kill()
            made.join(30)
            self._landed(before)

    def _calls(self) -> int:
        """How many connections the desk serves."""
        return len(self.server._loopback._server.open)

    def _landed(self, before: int) -> None:
        """Wait until the desk has done all that those who no longer live have asked of it."""
        socket.create_connection(("127.0.0.1", self.server.port), 30).close()  # behind all of theirs
        eventually(lambda: self._calls() <= before)

    def dies(self, process: BaseProcess) -> None:
        """Wait until a process has met its crash point."""
        self.until(lambda: not process.is_alive())
        assert process.exitcode == -signal.SIGKILL, self.trace()

    def trouble(self) -> None:
        """Four of ten requests are lost, half of them after they took effect."""
        self.server.faults.chance(0.2, "commit_then_drop", path="/api/")
        self.server.faults.chance(0.2, "drop_before_commit", path="/api/")

    def fall_silent(self) -> None:
        """The desk tells nothing any more, and nobody asks it."""
        assert self.server.sender is not None
        self.server.sender.mood.never = True

        self._run("update connection set poll_at = null")

    def poll_now(self) -> None:
        """Somebody asks it again."""
        self._run("update connection set poll_at = ?", now_us())

    # -- time --

    def hurry(self) -> None:
        """Waits before another try are over, and the breaker tries again. Leases are left alone."""
        now = now_us()
        self._run(
            "update lane set due_at = ? where due_at > ? and due_at not between ? and ? and not exists"
            " (select 1 from attempt a where a.link_id = lane.link_id and a.outcome is null)",
            now, now, now + LEASE - ABANDONED, now + LEASE + ABANDONED,
        )  # fmt: skip
        self._run("update health set breaker = 'closed', fails = 0, until = null where breaker <> 'closed'")

    def poll_soon(self) -> None:
        """Polls that would come are due."""
        self._run("update connection set poll_at = ? where poll_at > ?", now_us(), now_us())

    def bury(self) -> None:
        """No worker lives: their leases and permits run out."""
        self._run("update lane set due_at = ? where due_at is not null", now_us())
        self._run("update permit set until = 0")

    def give_up(self) -> None:
        """The leases and permits of those who have long not been at their lanes run out, though others live."""
        now = now_us()
        self._run("update lane set due_at = ? where due_at > ? and due_at < ?", now, now, now + LEASE - ABANDONED)
        self._run("update permit set until = 0 where until < ?", now + LEASE - ABANDONED)

    def _run(self, sql: str, *params: object) -> None:
        with self.world.rt.store.write() as conn:
            Road(conn, self.world.rt.store.dialect).run(sql, *params)

    def until(self, true: Callable[[], object], within: float = 120.0) -> None:
        """Hurry until something is so."""

        def so() -> bool:
            self.hurry()
            self.poll_soon()
            return bool(true())

        eventually(so, within, self.trace)

    def quiet(self, alone: bool = True) -> None:
        """Wait until neither side has anything to say or to ask any more, after one more poll. ``alone``: nobody else
        holds lanes that will not come back for them."""
        for _ in range(2):
            self.poll_soon()
            eventually(lambda: self._still(alone), why=self.trace)

    def _still(self, alone: bool) -> bool:
        assert all(process.is_alive() for process in self.running), self.trace()
        sender = self.server.sender
        offered = sender.tally.offered if sender is not None else 0
        if self.waiting():
            self.hurry()
            if not alone:
                self.give_up()
            return False
        return sender is None or (sender.flush(0.1) and not self.waiting() and sender.tally.offered == offered)

    def waiting(self) -> list[tuple[str, int]]:
        """What is due or will be, by kind, as it is at one moment."""
        rows = self.world.rows(
            "select 'delivery', count(*) from delivery where state = 0"
            " union all select 'arrival', count(*) from arrival where state = 0"
            " union all select 'lane', count(*) from lane where due_at is not null"
            " union all select 'poll', count(*) from connection where poll_at <= ?",
            now_us(),
        )
        return [(kind, count) for kind, count in rows if count]

    def trace(self) -> dict[str, Any]:
        """What one wants to see when it does not end."""
        lanes = self.world.rows("select due_at - ?, tries, held from lane where due_at is not null", now_us())
        said = self.world.rows("select kind, state, said from delivery where state <> 1")
        logs = {path.name: path.read_text()[-2000:] for path in sorted(self.config.home.glob("*.log"))}
        return {"waiting": self.waiting(), "lanes": lanes, "said": said, "logs": logs}

    # -- the end --

    @property
    def judge(self) -> Judge:
        return Judge(self.world.rt, {"acme": self.server.desk})

    def check(self) -> None:
        """The invariants, and that everything which was said or changed on either side is on the other."""
        self.judge.everything()
        w, desk = self.world, self.server.desk
        assert len(desk.tickets) == len(self.tickets)
        assert dict(w.rows("select id, title from ticket")) == self.tickets
        assert sorted(str(record.fields["title"]) for record in desk.tickets.values()) == sorted(self.tickets.values())
        heard = w.rows("select body from comment where body like 'their%'")
        assert sorted(text for (text,) in heard) == sorted(self.theirs)


@contextmanager
def opened(config: Config) -> Iterator[Scene]:
    """A scene on the prepared database of ``config``."""
    port = free_port()
    hook = f"http://127.0.0.1:{port}/hooks/acme"
    with DeskServer(lambda: utc(now_us()), "token", webhook=hook, secret=SECRET) as server:
        allowed = config.allowing(f"127.0.0.1:{server.port}").bound_to("127.0.0.1", port)
        made = Scene(World(Runtime.open(allowed)), server, allowed, port)
        _connect(made)
        yield made
        made.world.rt.close()


def _connect(scene: Scene) -> None:
    rt, d = scene.world.rt, tables.document.c
    manifest = files("connectors.memory").joinpath("manifest.yaml").read_text("utf-8")
    manifest += f"apply_horizon: {HORIZON}s\n"
    doc = {"name": "acme", "kind": "memory", "provider": "acme", "settings": {"url": scene.server.url}}
    doc["secrets"] = {"token": "token", "webhook": SECRET}
    with rt.store.write() as conn:
        mapping = conn.execute(select(d.id).where(d.kind == "mapping", d.name == "memory")).scalar_one()
        connection.add(conn, rt.key, rt.vault, doc, manifest, mapping, "test")
        conn.execute(tables.connection.update().values(me='["gateway"]'))
    rt.desks.load()
