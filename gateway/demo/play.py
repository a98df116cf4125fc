"""What happens at the demo's company while one watches: people report trouble and answer when the provider asks back;
Ben, one of our agents, works off what nobody has taken for a while.

What comes next is read from the tickets themselves, so a demo that was stopped goes on where it was.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select

from gateway import pipeline
from gateway.decide.commands import Objection
from gateway.decide.facts import Command
from gateway.demo.company import BEN
from gateway.demo.story import SOLVED, answer, tickets
from gateway.people import users
from gateway.runtime import Runtime
from gateway.store import tables

AT_ONCE = 6
"""Tickets that are there at the first look."""

ENOUGH = 40
"""Open tickets beyond which nobody reports more."""

SECOND = 1_000_000
THINKING = 12 * SECOND
UNTAKEN = 240 * SECOND
WORKING = 90 * SECOND
"""Microseconds: until somebody answers a question, Ben takes what waits, and Ben has solved it."""

FINAL = ("resolved", "closed", "cancelled")
OURS = ("team:service-desk", "team:workplace")


@dataclass
class Company:
    """The people of the demo. ``every``: seconds between two tickets, on average."""

    rt: Runtime
    every: float = 30.0
    chance: random.Random = field(default_factory=random.Random)
    _next: int = 0
    _stories: Iterator[tuple[str, dict[str, Any]]] = field(default_factory=tickets)
    _told: int | None = None

    def beat(self) -> bool:
        """One look around; whether anybody did anything."""
        try:
            return self._answer() or self._work() or self._report()
        except Objection:
            return False  # somebody who watches was quicker

    def _report(self) -> bool:
        if self._told is None:
            self._told = int(self._one(select(func.count()).select_from(tables.ticket)) or 0)
            self._stories = itertools.islice(self._stories, self._told, None)
        now = self.rt.now()
        if now < self._next or self._open() >= ENOUGH:
            return False
        channel, fields = next(self._stories)
        who = fields["requester"]
        self._wish("create", f"requester:{who['email']}", who["name"], {"fields": fields, "channel": channel})
        self._told += 1
        wait = self.every * self.chance.uniform(0.5, 1.5) if self._told >= AT_ONCE else 0.3
        self._next = now + int(wait * SECOND)
        return True

    def _answer(self) -> bool:
        """The requester answers the provider's question."""
        t = tables.ticket.c
        query = select(t.id, t.requester).where(
            t.status == "pending_requester", t.holder.like("provider:%"), t.updated_at < self.rt.now() - THINKING
        )
        for row in self._all(query):
            m = tables.comment.c
            last = self._all(select(m.author, m.body).where(m.ticket_id == row.id).order_by(m.id.desc()).limit(1))
            if last and last[0].author.startswith("provider:"):
                name = self._one(select(tables.contact.c.name).where(tables.contact.c.email == row.requester))
                said = {"text": answer(last[0].body), "audience": ["everyone"]}
                self._wish("comment", f"requester:{row.requester}", str(name or row.requester), said, row.id)
                return True
        return False

    def _work(self) -> bool:
        """Ben takes the oldest ticket that waits too long, or ends the one he has worked on for a while."""
        t, now = tables.ticket.c, self.rt.now()
        ours = t.holder.in_(OURS)
        taken = select(t.id, t.number).where(ours, t.status == "in_progress", t.updated_at < now - WORKING)
        for row in self._all(taken.order_by(t.id).limit(1)):
            text = SOLVED[row.number % len(SOLVED)]
            fields = {"status": "resolved", "resolution_code": "solved", "resolution_text": text}
            return self._ben("edit", {"fields": fields}, row.id)
        if self._one(select(func.count()).where(ours, t.status == "in_progress")):
            return False
        waits = select(t.id).where(ours, t.status == "new", t.created_at < now - UNTAKEN)
        for row in self._all(waits.order_by(t.id).limit(1)):
            return self._ben("edit", {"fields": {"status": "in_progress"}}, row.id)
        return False

    def _ben(self, what: str, data: dict[str, Any], ticket: int) -> bool:
        with self.rt.store.read() as conn:
            ben = users.by_email(conn, BEN[1])
        if ben is None or ben.state != "active":
            return False
        self._wish(what, f"user:{ben.id}", ben.name, data, ticket)
        return True

    def _wish(self, what: str, actor: str, name: str, data: dict[str, Any], ticket: int | None = None) -> None:
        party = "requester" if actor.startswith("requester:") else ""
        pipeline.change(self.rt, Command(what, actor, data, "", name, party), ticket)

    def _open(self) -> int:
        return int(self._one(select(func.count()).where(tables.ticket.c.status.not_in(FINAL))) or 0)

    def _one(self, query: Select[Any]) -> Any:
        with self.rt.store.read() as conn:
            return conn.scalar(query)

    def _all(self, query: Select[Any]) -> list[Any]:
        with self.rt.store.read() as conn:
            return list(conn.execute(query))
