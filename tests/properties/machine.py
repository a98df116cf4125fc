"""The road as a state machine: two sides edit, all that can go wrong does, in the end both agree.

Simulated time; the desks live in this process. ``finish`` ends all faults, lets everything drain and checks the
invariants I1-I7 and I10 of DESIGN.md section 3. A run with edits from one side only is the sharpest test of the merge.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.base import Arrival
from connectors.memory import wire
from connectors.memory.desk import Desk
from connectors.memory.faults import Queue
from connectors.memory.inprocess import MemoryConnector
from connectors.memory.rules import Quirks, fewer_statuses, trimmed
from gateway import pipeline
from gateway.clock import utc
from gateway.decide.merge import token
from gateway.inbox.webhooks import Door
from gateway.journal import checkpoints, verify
from gateway.outbox import attempt
from gateway.outbox.claiming import claim
from gateway.store.db import Store
from tests.databases import Maker, settings
from tests.worlds import World, world

HORIZON = 20.0  # seconds an unanswered write may still land
START = 1_780_000_000_000_000

LOCAL = {
    "title": ["VPN down", "VPN down again", "Mail is slow"],
    "impact": ["high", "medium", "low"],
    "urgency": ["high", "medium", "low"],
    "status": ["new", "in_progress", "pending_requester", "pending_problem", "pending_provider", "resolved"],
    "due": ["2026-12-01T10:00:00Z", "2026-12-02T10:00:00Z", None],
    "tags": [["vip"], ["a", "b"], []],
}
REMOTE = {
    "title": ["VPN down", "VPN is down here", "Slow mail "],
    "impact": ["high", "medium", "low"],
    "urgency": ["high", "medium", "low"],
    "status": ["open", "working", "waiting", "vendor", "done"],
    "due": ["2026-12-01T10:00:00Z", "2026-12-03T10:00:00Z", None],
    "tags": [["vip"], ["x"], []],
}
FAULTS = ("commit_then_drop", "drop_before_commit", "late", "retry", "stale")


class Inline:
    """A pool whose threads are the caller's own: the run is repeatable."""

    def submit(self, act: Callable[..., Any], *args: Any) -> Future[Any]:
        act(*args)
        return Future()

    def shutdown(self, wait: bool = True) -> None:
        """Nothing runs."""


class Sim:
    """One world under test. ``names``: its providers; ``lossy``, ``rewrites``: how their desks behave."""

    def __init__(
        self,
        maker: Maker,
        folder: Path,
        names: tuple[str, ...] = ("acme",),
        quirks: Callable[[], Quirks] = Quirks,
        locking: bool = True,
    ) -> None:
        database = maker.prepared(folder)
        self.clock = START
        self.scripts = {name: Queue() for name in names}
        pending = list(names)

        def make(desk: Desk) -> MemoryConnector:
            script = self.scripts[pending.pop(0)]
            return MemoryConnector(desk, script=script, locking=locking, apply_horizon=HORIZON)

        self.world: World = world(
            settings(folder, database.url), names, make, clock=lambda: utc(self.now()), quirks=quirks()
        )
        self.rt = self.world.rt
        self.rt.now = self.now
        self.rt._pool = Inline()  # type: ignore[assignment]
        self.door = Door(self.rt)
        self.hooks: list[tuple[str, str, bytes]] = []
        for name, desk in self.world.desks.items():
            desk.listeners.append(
                lambda h, t, name=name: self.hooks.append((name, f"{name}-{h.seq}", wire.webhook_body(h, t)))
            )
        self.ticket = self.world.create("VPN down", description="Error 809.", impact="high")
        self.locally: list[tuple[str, Any]] = []
        self.remotely: list[tuple[str, str, Any]] = []
        self.said: list[str] = []
        self.comments = 0
        self.crashed = 0

    def now(self) -> int:
        self.clock += 10
        return self.clock

    # -- what people do --

    def escalate(self, name: str) -> None:
        self.world.wish("escalate", self.ticket, connection=name)

    def edit(self, field: str, value: Any) -> None:
        self.world.wish("edit", self.ticket, fields={field: value})
        self.locally.append((field, value))

    def edit_there(self, name: str, field: str, value: Any) -> bool:
        desk = self.world.desks[name]
        found = self.record(name)
        if found is None:
            return False
        made = desk.update("tess", found.id, {field: value})
        self.remotely.append((name, field, made.fields[field]))
        return True

    def comment(self, audience: list[str]) -> None:
        self.comments += 1
        text = f"our comment {self.comments} for {'+'.join(audience)}"
        self.world.wish("comment", self.ticket, text=text, audience=audience)
        self.said.append(text)

    def comment_there(self, name: str, public: bool) -> None:
        found = self.record(name)
        if found is not None:
            self.comments += 1
            self.world.desks[name].comment(
                "tess", found.id, f"their comment {self.comments} {'public' if public else 'private'}", public
            )
            self.remotely.append((name, "status", found.fields["status"]))  # a desk may reopen by itself

    def record(self, name: str) -> Any:
        """The record of our ticket at a desk; None while there is none."""
        made = list(self.world.desks[name].tickets.values())
        return made[0] if made else None

    # -- what the network and the machines do --

    def plan_fault(self, name: str, what: str, verb: str | None, steps: int = 3) -> None:
        self.scripts[name].plan(what, verb, steps=steps)  # type: ignore[arg-type]

    def hook(self, index: int, keep: bool, thin: bool = False) -> None:
        """Deliver one of the webhooks that are on their way; ``keep``: it will come once more."""
        if self.hooks:
            name, delivery, body = (
                self.hooks[index % len(self.hooks)] if keep else self.hooks.pop(index % len(self.hooks))
            )
            headers = wire.webhook_headers("memory-secret", utc(self.now()), delivery, body)
            arrival = Arrival("POST", {}, {k.lower(): v for k, v in headers.items()}, body)
            assert pipeline.receive(self.door, name, arrival).status in (200, 202)

    def work(self) -> None:
        pipeline.process(self.rt)
        pipeline.deliver(self.rt)

    def process(self) -> None:
        pipeline.process(self.rt)

    def poll(self) -> None:
        self.world.poll()

    def crash(self, sent: bool) -> None:
        """A worker claims lanes and dies: before its requests left, or after they were answered."""
        from collections import Counter

        steps = claim(self.rt, 8, Counter(), set())
        if sent:
            for step in steps:
                attempt.perform(step, self.rt.desks.desk(step.link.connection_id), self.rt.tools())
        self.crashed += bool(steps)

    def pass_time(self, seconds: float) -> None:
        """Time goes on; writes that are late land within the desks' horizon."""
        for _ in range(int(seconds)):
            self.clock += 1_000_000
            for desk in self.world.desks.values():
                desk.step()

    # -- the end --

    def finish(self) -> None:
        """All faults stop, everything drains; then the invariants."""
        for script in self.scripts.values():
            script.clear()
        self.hooks.clear()
        for round_ in range(60):
            self.pass_time(15 if round_ < 20 else 400)
            if round_ % 3 == 0:
                self.poll()
            self.work()
            if round_ > 8 and not self.busy():
                break
        self.poll()
        self.work()
        self.check()

    def busy(self) -> bool:
        w = self.world
        return bool(
            any(desk.waiting for desk in w.desks.values())
            or w.value("select count(*) from delivery where state = 0")
            or w.value("select count(*) from arrival where state = 0")
            or w.value("select count(*) from lane where due_at is not null and held = ''")
        )

    def check(self) -> None:
        self.nothing_waits()
        self.nothing_doubled()
        self.sides_agree()
        self.nothing_leaked()
        self.audit_holds()
        self.in_order()

    def nothing_waits(self) -> None:
        """I1: delivered, or visible."""
        w = self.world
        assert w.rows("select id, kind, said from delivery where state = 0") == []
        assert w.rows("select id, said from arrival where state = 2") == []
        assert w.rows("select link_id, due_at, held from lane where due_at is not null and held = ''") == []
        assert w.rows("select kind, said from delivery where state = 2") == []

    def nothing_doubled(self) -> None:
        """I2: one record a link, one remote comment per comment of ours."""
        for desk in self.world.desks.values():
            effects = desk.effects()
            assert all(n == 1 for n in effects.created.values()), effects.created
            assert len(desk.tickets) <= 1
            ours = {k: n for k, n in effects.comments.items() if k[1] == "gateway"}
            assert all(n == 1 for n in ours.values()), ours
        bodies = [row[0] for row in self.world.rows("select body from comment where author like 'provider:%'")]
        assert len(bodies) == len(set(bodies)), bodies

    def sides_agree(self) -> None:
        """I3: what both sides hold corresponds, or an open conflict or notice says why not."""
        state = self.world.rows("select fields, description from ticket where id = ?", self.ticket)
        assert state
        for link_id, name, role in self.world.rows(
            "select l.id, c.name, l.role from link l join connection c on c.id = l.connection_id"
            " where l.role <> 'ended'"
        ):
            self._agrees(link_id, name, role)

    def _agrees(self, link_id: int, name: str, role: str) -> None:
        found = self.record(name)
        if found is None:
            return
        fields = self.fields()
        open_ = {
            r[0] for r in self.world.rows("select field from conflict where link_id = ? and state = 'open'", link_id)
        }
        open_ |= {
            r[0] for r in self.world.rows("select field from notice where link_id = ? and state = 'open'", link_id)
        }
        leg = self.rt.desks.named(name)
        assert leg is not None
        wires = leg.mapping.observe(dict(found.fields))
        for field in ("title", "impact", "urgency", "status", "due", "tags"):
            if field in open_ or (field == "status" and role == "helper"):
                continue
            ours = fields.get(field)
            theirs = leg.mapping.read(field, wires[field], found.fields)
            same = token(theirs.value) == token(ours) or (not theirs.value and not ours)
            written = leg.mapping.write({field: ours}, found.fields, False, fields).wires.get(field)
            assert same or token(written) == token(wires[field]), (field, ours, wires[field], self.trace(link_id))

    def fields(self) -> dict[str, Any]:
        import json

        fields, description = self.world.rows("select fields, description from ticket where id = ?", self.ticket)[0]
        return {**json.loads(fields), "description": description}

    def one_side_stands(self, side: str) -> None:
        """I10: the only editor's last edits stand on both sides."""
        fields = self.fields()
        if side == "ours":
            for field, value in dict(self.locally).items():
                assert token(fields.get(field) or None) == token(value or None), (
                    field,
                    value,
                    fields.get(field),
                    self.trace(),
                )
        else:
            for (name, field), value in {(n, f): v for n, f, v in self.remotely}.items():
                there = self.record(name).fields[field]
                assert (there or None) == (value or None), (name, field, value, there, self.trace())

    def nothing_leaked(self) -> None:
        """I5: nothing of the team alone, nothing of another provider, at any desk."""
        for name, desk in self.world.desks.items():
            texts = [c.text for t in desk.tickets.values() for c in t.comments]
            for text in texts:
                assert "for team" not in text
                if "for provider:" in text:
                    assert f"provider:{name}" in text
                if "their comment" in text and "wrote:" in text:
                    raise AssertionError(f"a provider's comment reached {name}: {text}")
            for comment in (c for t in desk.tickets.values() for c in t.comments if c.author == "gateway" and c.public):
                assert "requester" in comment.text or "everyone" in comment.text, comment.text

    def audit_holds(self) -> None:
        """I6: chains and seals verify."""
        store: Store = self.rt.store
        keys = checkpoints.Keys.of(self.rt.config)
        while checkpoints.seal(store, keys, self.now()):
            pass
        report = verify.verify(store, keys, [], self.now())
        assert report.ok, report.problems

    def in_order(self) -> None:
        """I7: our comments arrived in the order they were written."""
        for desk in self.world.desks.values():
            for ticket in desk.tickets.values():
                numbers = [
                    int(c.text.split("our comment ")[1].split()[0]) for c in ticket.comments if "our comment" in c.text
                ]
                assert numbers == sorted(numbers), numbers

    def trace(self, link: int | None = None) -> dict[str, Any]:
        w = self.world
        return {
            "pairs": w.rows("select id, role, state, remote_version, verify, pairs, seen from link"),
            "attempts": w.rows("select kind, vals, outcome, said from attempt order by id"),
            "conflicts": w.rows("select field, ours, theirs, state from conflict"),
            "notices": w.rows("select kind, field, text from notice"),
            "deliveries": w.rows("select kind, body, state, said from delivery order by id"),
            "calls": {n: s.log[-30:] for n, s in self.scripts.items()},
            "locally": self.locally, "remotely": self.remotely,
            "there": {n: [dict(t.fields) for t in d.tickets.values()] for n, d in w.desks.items()},
        }  # fmt: skip

    def linked(self, name: str) -> bool:
        """Whether the ticket ever went to that provider."""
        sql = "select 1 from link l join connection c on c.id = l.connection_id where c.name = ?"
        return bool(self.world.rows(sql, name))

    def close(self) -> None:
        self.rt.close()


QUIRKS: dict[str, Callable[[], Quirks]] = {
    "plain": Quirks,
    "trims": lambda: Quirks(rewrite={"title": trimmed}),
    "lossy": lambda: Quirks(rewrite={"status": fewer_statuses}),
    "reopens": lambda: Quirks(reopen=True),
    "ignores": lambda: Quirks(ignore={"due"}),
}


@dataclass(frozen=True)
class Setting:
    """What a run is about. ``side``: who edits (``ours``, ``theirs``, ``both``); ``quirk``: how the desks behave;
    ``locking``: whether their updates carry the version they are based on."""

    side: str = "both"
    quirk: str = "plain"
    names: tuple[str, ...] = ("acme",)
    locking: bool = True
    steps: int = 30
    editor: str = "acme"  # of the providers, the one that edits


def setting_of(seed: int) -> Setting:
    """Every combination comes up, each with its own seeds."""
    quirks, number = list(QUIRKS), seed
    number, side = divmod(number, 3)
    number, quirk = divmod(number, len(quirks))
    number, providers = divmod(number, 2)
    names = ("acme", "globex")[: 1 + providers]
    editor = names[number // 2 % len(names)]
    return Setting(("ours", "theirs", "both")[side], quirks[quirk], names, number % 2 == 0, editor=editor)


def random_run(maker: Maker, folder: Path, seed: int, setting: Setting | None = None) -> None:
    """A run decided by ``seed``; raises AssertionError where an invariant is broken."""
    chosen = setting or setting_of(seed)
    sim = Sim(maker, folder, chosen.names, QUIRKS[chosen.quirk], chosen.locking)
    try:
        rng = random.Random(seed)
        sim.escalate("acme")
        for _ in range(chosen.steps):
            step(sim, rng, chosen)
        sim.finish()
        if chosen.side != "both":
            sim.one_side_stands(chosen.side)
    finally:
        sim.close()


def step(sim: Sim, rng: random.Random, setting: Setting) -> None:
    """One thing happens."""
    act, names, side, quirk = rng.random(), setting.names, setting.side, setting.quirk
    name = setting.editor if side == "theirs" and act < 0.6 else rng.choice(names)
    if act < 0.25 and side in ("ours", "both"):
        field = rng.choice([f for f in LOCAL if f != "status" or side == "ours"])
        sim.edit(field, rng.choice(LOCAL[field]))
    elif act < 0.5 and side in ("theirs", "both"):
        field = rng.choice(list(REMOTE))
        sim.edit_there(name, field, rng.choice(REMOTE[field]))
    elif act < 0.56:
        sim.comment(
            rng.choice([["team"], [f"provider:{names[0]}"], [f"provider:{names[0]}", "requester"], ["everyone"]])
        )
    elif act < 0.6 and (side != "ours" or quirk in ("plain", "reopens")):
        # where the desk alters what we send, a technician's touch after a lost answer hides whose value it is
        sim.comment_there(name, rng.random() < 0.5)
    elif act < 0.7:
        sim.plan_fault(
            name, rng.choice(FAULTS), rng.choice([None, "update", "create", "comment", "fetch"]), rng.randint(1, 12)
        )
    elif act < 0.75:
        sim.hook(rng.randrange(100), rng.random() < 0.3)
    elif act < 0.78:
        sim.crash(rng.random() < 0.5)
    elif act < 0.82:
        sim.poll()
    elif act < 0.9:
        sim.pass_time(rng.choice([1, 3, 10, 100]))
    elif act < 0.93 and len(names) > 1 and not sim.linked(names[1]):
        sim.world.wish("escalate", sim.ticket, connection=names[1], role="helper")
    else:
        sim.work()
