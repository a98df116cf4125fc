"""The road as a state machine: two sides edit, everything that can go wrong does, and in the end both agree.

Simulated time; the desks live in this process. ``finish`` ends all faults, lets everything drain and checks the
invariants I1-I7 of DESIGN.md section 3; ``one_side_stands`` is I10. A run with edits from one side only is the sharpest
test of the merge.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.memory.rules import Quirks, fewer_statuses, trimmed
from connectors.memory.tickets import Happening, Ticket
from gateway.clock import utc
from gateway.decide.commands import Objection
from gateway.decide.facts import LIVING
from gateway.decide.merge import token
from gateway.outbox import attempt
from gateway.outbox.claiming import claim
from tests.databases import Maker
from tests.properties.invariants import Judge
from tests.road.scene import Scene

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
    "status": ["open", "working", "waiting", "vendor", "done", "rejected"],
    "due": ["2026-12-01T10:00:00Z", "2026-12-03T10:00:00Z", None],
    "tags": [["vip"], ["x"], []],
}
FAULTS = ("commit_then_drop", "drop_before_commit", "late", "retry", "stale")
LOST = ("commit_then_drop", "drop_before_commit", "late")
VERBS = (None, "update", "create", "comment", "attach", "worklog", "fetch", "find")

QUIRKS: dict[str, Callable[[], Quirks]] = {
    "plain": Quirks,
    "trims": lambda: Quirks(rewrite={"title": trimmed}),
    "lossy": lambda: Quirks(rewrite={"status": fewer_statuses}),
    "reopens": lambda: Quirks(reopen=True),
    "ignores": lambda: Quirks(ignore={"due"}),
    "asks": Quirks,
    "slow index": lambda: Quirks(index_lag=timedelta(seconds=8)),
}
"""How the desks behave; ``asks``: they behave well, and a person decides whose title stands."""

ASK = """fields:
  title: {conflict: ask}
"""


class Sim(Scene):
    """A scene with one ticket, which knows what everybody did and what must be true in the end."""

    def __init__(self, maker: Maker, folder: Path, names: tuple[str, ...], quirk: str, locking: bool) -> None:
        super().__init__(maker, folder, names, QUIRKS[quirk], locking, ASK if quirk == "asks" else "")
        self.ticket = self.world.create("VPN down", description="Error 809.", impact="high")
        self.judge = Judge(self.rt, self.desks)
        self.locally: list[tuple[str, Any]] = []
        self.remotely: list[tuple[str, str, Any]] = []
        self.items = 0
        self.changes = 0
        self.troubles = 0
        self.hidden = False  # a worker died before it saw what its comment did to the status

    def told(self, name: str, happening: Happening, ticket: Ticket) -> None:
        """What a desk does by itself is nobody's edit. It stands all the same where we did not yet know that the record
        was over, and at a helper, whose status is its own."""
        super().told(name, happening, ticket)
        if happening.actor == "system":
            sql = "select l.leg_status, l.role from link l join connection c on c.id = l.connection_id where c.name = ?"
            status, role = self.rows(sql, name)[-1]
            if status in LIVING or role == "helper":
                self.remotely.append((name, "status", ticket.fields["status"]))

    # -- what people do --

    def want(self, what: str, **data: Any) -> bool:
        """A person's wish; False when it is not possible now."""
        try:
            self.wish(what, self.ticket, **data)
        except Objection:
            return False
        self.changes += 1
        return True

    def escalate(self, name: str, role: str = "holder") -> None:
        self.want("escalate", connection=name, role=role)

    def take_back(self, name: str) -> None:
        self.items += 1
        self.want("take_back", connection=name, reason=f"reason {self.items}")

    def edit_field(self, field: str, value: Any) -> None:
        self.want("edit", fields={field: value})
        self.locally.append((field, value))

    def edit_field_there(self, name: str, field: str, value: Any) -> None:
        found = self.record(name)
        if found is not None:
            made = self.desks[name].update("tess", found.id, {field: value})
            self.remotely.append((name, field, made.fields[field]))
            self.changes += 1

    def said(self, what: str, audience: list[str]) -> str:
        self.items += 1
        return f"our {what} {self.items} for {'+'.join(audience)}"

    def comment(self, audience: list[str]) -> None:
        self.want("comment", text=self.said("comment", audience), audience=audience)

    def attach(self, audience: list[str]) -> None:
        name = self.said("file", audience)
        self.want("attach", files=[self.file(name, name.encode())], audience=audience)

    def worklog(self) -> None:
        self.want("worklog", minutes=5, text=self.said("worklog", ["providers"]))

    def resolve(self, keep: str) -> None:
        for link, field in self.rows("select link_id, field from conflict where state = 'open'"):
            self.want("resolve", link=link, field=field, keep=keep)

    def speak_there(self, name: str, what: str, public: bool) -> None:
        found = self.record(name)
        if found is None:
            return
        self.items, self.changes = self.items + 1, self.changes + 1
        desk, before = self.desks[name], found.fields["status"]
        text = f"their {what} {self.items} {'public' if public else 'private'}"
        if what == "file":
            desk.upload("tess", found.id, text, "text/plain", text.encode(), public)
        elif what == "worklog":
            desk.log("tess", found.id, 5, text, utc(self.now()))
        else:
            desk.comment("tess", found.id, text, public)
        if found.fields["status"] != before:  # the desk has reopened it by itself
            self.remotely.append((name, "status", found.fields["status"]))

    # -- what the network and the machines do --

    def trouble(self, name: str, what: Any, verb: str | None, steps: int) -> None:
        self.fault(what, verb, name, steps=steps)
        self.troubles += 1

    def crash(self, sent: bool) -> None:
        """A worker claims lanes and dies: before its requests left, or after they were answered."""
        for step in claim(self.rt, 8, Counter(), set()):
            self.troubles += 1
            if sent:
                attempt.perform(step, self.rt.desks.desk(step.link.connection_id), self.rt.tools())
                self.hidden |= step.kind in ("comment", "attachment")

    # -- the end --

    def finish(self) -> None:
        """All faults stop, webhooks on their way are lost, everything drains; then the invariants."""
        self.hooks.clear()
        self.calm()
        self.judge.everything()
        self.judge.few_writes(self.changes, self.troubles)

    def one_side_stands(self, side: str) -> None:
        """I10: the only editor's last edits stand on both sides."""
        if side == "theirs":
            log = [call for script in self.scripts.values() for call in script.log]
            lost = any(verb in ("comment", "attach") and what in LOST for verb, what in log)
            for (name, field), value in {(n, f): v for n, f, v in self.remotely}.items():
                if field == "status" and (lost or self.hidden):
                    continue  # whether our comment moved it or they did cannot be told
                there = self.record(name).fields[field]
                assert token(there) == token(value), (name, field, value, there, self.trace())
            return
        fields = self.fields(self.ticket)
        theirs = {field for _, field, _ in self.remotely}
        for field, value in dict(self.locally).items():
            stands = token(fields.get(field)) == token(value)
            assert stands or field in theirs, (field, value, fields.get(field), self.trace())

    def linked(self, name: str) -> bool:
        """Whether the ticket is with that provider."""
        sql = "select 1 from link l join connection c on c.id = l.connection_id where c.name = ? and l.role <> 'ended'"
        return bool(self.rows(sql, name))

    def trace(self) -> dict[str, Any]:
        """Everything one wants to see of a run that failed."""
        calls = {n: s.log[-30:] for n, s in self.scripts.items()}
        return {**self.judge.trace(), "calls": calls, "locally": self.locally, "remotely": self.remotely}


@dataclass(frozen=True)
class Setting:
    """What a run is about. ``side``: who edits (``ours``, ``theirs``, ``both``); ``quirk``: how the desks behave;
    ``locking``: whether their updates carry the version they are based on; ``editor``: who edits of the providers."""

    side: str = "both"
    quirk: str = "plain"
    names: tuple[str, ...] = ("acme",)
    locking: bool = True
    steps: int = 30
    editor: str = "acme"
    faults: tuple[str, ...] = FAULTS
    verbs: tuple[str | None, ...] = VERBS
    waits: tuple[int, ...] = (1, 3, 10, 100)
    eager: bool = False  # a worker looks after everything that happens


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
    sim = Sim(maker, folder, chosen.names, chosen.quirk, chosen.locking)
    try:
        rng = random.Random(seed)
        sim.escalate("acme")
        for _ in range(chosen.steps):
            step(sim, rng, chosen)
            if chosen.eager:
                sim.work()
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
        field = rng.choice(list(LOCAL))
        sim.edit_field(field, rng.choice(LOCAL[field]))
    elif act < 0.5 and side in ("theirs", "both"):
        field = rng.choice(list(REMOTE))
        sim.edit_field_there(name, field, rng.choice(REMOTE[field]))
    elif act < 0.55:
        say(sim, rng, names)
    elif act < 0.6 and (side != "ours" or quirk not in ("trims", "lossy", "ignores")):
        # where the desk alters what we send, a technician's touch after a lost answer hides whose value it is
        sim.speak_there(name, rng.choice(["comment", "comment", "file", "worklog"]), rng.random() < 0.5)
    elif act < 0.7:
        sim.trouble(name, rng.choice(setting.faults), rng.choice(setting.verbs), rng.randint(1, 12))
    elif act < 0.75 and sim.hooks:
        sim.hook(rng.randrange(100), rng.random() < 0.3)
    elif act < 0.78:
        sim.crash(rng.random() < 0.5)
    elif act < 0.82:
        sim.poll()
    elif act < 0.9:
        sim.wait(rng.choice(setting.waits))
    elif act < 0.94:
        pass_on(sim, rng, setting)
    else:
        sim.work()


def say(sim: Sim, rng: random.Random, names: tuple[str, ...]) -> None:
    """We say something: words, a file, time spent."""
    audience = rng.choice([["team"], [f"provider:{names[0]}"], [f"provider:{names[0]}", "requester"], ["everyone"]])
    what = rng.random()
    if what < 0.6:
        sim.comment(audience)
    elif what < 0.8:
        sim.attach(audience)
    else:
        sim.worklog()


def pass_on(sim: Sim, rng: random.Random, setting: Setting) -> None:
    """The ticket changes hands, or a person decides a conflict."""
    other = setting.names[-1]
    if setting.quirk == "asks" and rng.random() < 0.5:
        sim.resolve(rng.choice(["ours", "theirs"]))
    elif other != "acme" and not sim.linked(other):
        sim.escalate(other, "helper")
    elif setting.side == "both" and rng.random() < 0.3:
        sim.take_back(rng.choice(setting.names))
    elif setting.side == "both":
        sim.escalate("acme")
    else:
        sim.work()
