"""What must hold at the end of any run, judged on what stands at the desks and in the database (DESIGN.md 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.memory.desk import Desk
from gateway.decide.merge import token
from gateway.journal import checkpoints, verify
from gateway.runtime import Runtime
from gateway.store.db import Road
from gateway.store.tables import DEAD, DONE, HELD

FIELDS = ("title", "impact", "urgency", "status", "due", "tags")


@dataclass
class Judge:
    """Ours are the comments "our comment 7 for provider:acme+requester" and files named so, theirs "their comment 8
    public"; each text is said once. ``desks`` by the names of their connections."""

    rt: Runtime
    desks: Mapping[str, Desk]
    repeats: tuple[str, ...] = ()
    """What Tandem itself may say again, in the same words."""

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with self.rt.store.read() as conn:
            return Road(conn, self.rt.store.dialect).rows(sql, *params)

    def everything(self) -> None:
        """I1-I3 and I5-I7. How many writes there may be (I4) depends on what happened."""
        self.nothing_waits()
        self.everything_arrived_once()
        self.sides_agree()
        self.nothing_leaked()
        self.in_order()
        self.audit_holds()

    def nothing_waits(self) -> None:
        """I1: delivered, or visible. Nothing was refused, so only time spent may be held for a person."""
        assert self.rows("select id, kind, said from delivery where state = 0") == []
        assert self.rows("select id, said from arrival where state in (0, 2)") == []
        assert self.rows("select link_id, due_at, held from lane where due_at is not null or held <> ''") == []
        assert self.rows("select kind, said from delivery where state = ?", DEAD) == []
        held = self.rows("select kind from delivery where state = ?", HELD)
        assert all(kind == "worklog" for (kind,) in held), held

    def everything_arrived_once(self) -> None:
        """I1 and I2: one record a link; each thing said stands there, and here, exactly once."""
        for name, desk in self.desks.items():
            doubled = desk.effects().doubled("gateway")
            assert [one for one in doubled if not any(text in one for text in self.repeats)] == [], self.trace()
            joined = "link l join connection c on c.id = l.connection_id where c.name = ? and l.remote_id is not null"
            links = self.rows(f"select l.id, l.remote_id from {joined}", name)
            assert sorted(desk.tickets) == sorted(remote for _, remote in links), (desk.tickets, links, self.trace())
            for link, remote in links:
                self._counts(link, desk.tickets[remote])
        for table, column in (("comment", "body"), ("attachment", "name"), ("worklog", "text")):
            texts = [row[0] for row in self.rows(f"select {column} from {table}")]
            theirs = [text for text in texts if text.startswith("their")]
            assert len(theirs) == len(set(theirs)), theirs
        for name, state, key in self.rows("select name, state, key from attachment"):
            assert state == "stored", (name, state)
            with self.rt.files.open(key) as stream:
                assert stream.read() == name.encode()

    def _counts(self, link: int, record: Any) -> None:
        """What was delivered stands at the desk, and nothing else of ours."""
        sql = "select kind, state, count(*) from delivery where link_id = ? group by kind, state"
        counts = {(kind, state): n for kind, state, n in self.rows(sql, link)}
        there = (("comment", record.comments), ("attachment", record.uploads), ("worklog", record.worklogs))
        for kind, items in there:
            ours = sum(item.author == "gateway" for item in items)
            done, held = counts.get((kind, DONE), 0), counts.get((kind, HELD), 0)
            assert done <= ours <= done + held, (kind, ours, counts, self.trace())

    def sides_agree(self) -> None:
        """I3: what both sides hold corresponds, or an open conflict or notice says why not."""
        joined = "link l join connection c on c.id = l.connection_id where l.role in ('holder', 'helper')"
        for link, name, role, ticket, remote in self.rows(
            f"select l.id, c.name, l.role, l.ticket_id, l.remote_id from {joined}"
        ):
            if remote is not None:
                self._agrees(link, name, role, self.fields(ticket), self.desks[name].tickets[remote])

    def _agrees(self, link: int, name: str, role: str, ours: dict[str, Any], record: Any) -> None:
        told = "select field from {} where link_id = ? and state = 'open'"
        open_ = {row[0] for table in ("conflict", "notice") for row in self.rows(told.format(table), link)}
        leg = self.rt.desks.named(name)
        assert leg is not None
        wires = leg.mapping.observe(dict(record.fields))
        for field in FIELDS:
            if field in open_ or (field == "status" and role == "helper"):
                continue
            value = ours.get(field)
            theirs = leg.mapping.read(field, wires[field], record.fields)
            written = leg.mapping.write({field: value}, record.fields, False, ours).wires.get(field)
            agree = token(theirs.value) == token(value) or token(written) == token(wires[field])
            assert agree, (field, value, wires[field], self.trace())

    def fields(self, ticket: int) -> dict[str, Any]:
        """The canonical fields of a ticket."""
        fields, description = self.rows("select fields, description from ticket where id = ?", ticket)[0]
        return {**json.loads(fields), "description": description}

    def nothing_leaked(self) -> None:
        """I5: nothing of the team alone, nothing of another provider, at any desk; and who reads it may."""
        for name, desk in self.desks.items():
            for ticket in desk.tickets.values():
                said = [(c.author, c.text, c.public) for c in ticket.comments]
                said += [(u.author, u.name, u.public) for u in ticket.uploads]
                for author, text, public in said:
                    if author == "gateway":
                        self._may_read(name, text, public)

    def _may_read(self, name: str, text: str, public: bool) -> None:
        assert "for team" not in text, text
        assert "for provider:" not in text or f"provider:{name}" in text, text
        assert "their" not in text, f"a provider's words reached {name}: {text}"
        assert not public or "requester" in text or "everyone" in text, text

    def in_order(self) -> None:
        """I7: our comments arrived in the order they were written."""
        for desk in self.desks.values():
            for ticket in desk.tickets.values():
                ours = [c.text.split("our comment ") for c in ticket.comments if "our comment" in c.text]
                numbers = [int(text[1].split()[0]) for text in ours]
                assert numbers == sorted(numbers), numbers

    def audit_holds(self) -> None:
        """I6: chains and seals verify."""
        keys = checkpoints.Keys.of(self.rt.config)
        while checkpoints.seal(self.rt.store, keys, self.rt.now()):
            pass
        report = verify.verify(self.rt.store, keys, [], self.rt.now())
        assert report.problems == (), report.problems

    def few_writes(self, changes: int, troubles: int) -> None:
        """I4: at most two writes per real change and link, and one more for each answer that was lost."""
        for name, desk in self.desks.items():
            writes = sum(n for (_, actor), n in desk.effects().writes.items() if actor == "gateway")
            assert writes <= 2 * changes + troubles, (name, writes, changes, troubles)

    def trace(self) -> dict[str, Any]:
        """Everything one wants to see of a run that failed."""
        return {
            "pairs": self.rows("select id, role, state, remote_version, verify, pairs, seen from link"),
            "attempts": self.rows("select kind, vals, outcome, said from attempt order by id"),
            "conflicts": self.rows("select field, ours, theirs, state from conflict"),
            "notices": self.rows("select kind, field, text from notice"),
            "deliveries": self.rows("select kind, body, state, said from delivery order by id"),
            "there": {n: [dict(t.fields) for t in d.tickets.values()] for n, d in self.desks.items()},
        }
