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
from gateway import pipeline
from gateway.clock import utc
from gateway.decide.commands import Objection
from gateway.decide.facts import LIVING
from gateway.decide.merge import token
from gateway.outbox import attempt
from gateway.outbox.claiming import claim
from gateway.store.tables import DEAD, DONE, HELD
from tests.databases import Maker
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
    "status": ["open", "working", "waiting", "vendor", "done"],
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

    def lose(self) -> None:
        """A worker dies before its batch is committed: nothing has happened."""
        with self.rt.store.read() as conn:
            conn.exec_driver_sql("select 1")
        self.rt.desks.load()

    def process(self) -> None:
        pipeline.process(self.rt)

    # -- the end --

    def finish(self) -> None:
        """All faults stop, webhooks on their way are lost, everything drains; then the invariants."""
        self.hooks.clear()
        self.calm()
        self.nothing_waits()
        self.everything_arrived_once()
        self.sides_agree()
        self.nothing_leaked()
        self.few_writes()
        self.in_order()
        assert self.audit_problems() == ()

    def nothing_waits(self) -> None:
        """I1: delivered, or visible."""
        assert self.rows("select id, kind, said from delivery where state = 0") == []
        assert self.rows("select id, said from arrival where state in (0, 2)") == []
        assert self.rows("select link_id, due_at, held from lane where due_at is not null or held <> ''") == []
        assert self.rows("select kind, said from delivery where state = ?", DEAD) == []
        held = self.rows("select kind from delivery where state = ?", HELD)
        assert all(kind == "worklog" for (kind,) in held), held

    def everything_arrived_once(self) -> None:
        """I1 and I2: one record a link; each thing said stands there, and here, exactly once."""
        for name, desk in self.desks.items():
            effects = desk.effects()
            assert effects.doubled("gateway") == [], self.trace()
            joined = "link l join connection c on c.id = l.connection_id where c.name = ?"
            links = self.rows(f"select l.id, l.remote_id from {joined}", name)
            made = [link for link, remote in links if remote is not None]
            assert list(desk.tickets) == [remote for _, remote in links if remote is not None], (desk.tickets, links)
            assert len(made) <= 1
            for link in made:
                self._counts(link, effects)
        for table, column in (("comment", "body"), ("attachment", "name"), ("worklog", "text")):
            texts = [row[0] for row in self.rows(f"select {column} from {table}")]
            theirs = [text for text in texts if text.startswith("their")]
            assert len(theirs) == len(set(theirs)), theirs
        self._files()

    def _counts(self, link: int, effects: Any) -> None:
        """What was delivered stands at the desk, and nothing else of ours."""
        sql = "select kind, state, count(*) from delivery where link_id = ? group by kind, state"
        counts = {(kind, state): n for kind, state, n in self.rows(sql, link)}
        for kind, there in (
            ("comment", effects.comments), ("attachment", effects.uploads), ("worklog", effects.worklogs),
        ):  # fmt: skip
            ours = sum(n for key, n in there.items() if key[1] == "gateway")
            done, held = counts.get((kind, DONE), 0), counts.get((kind, HELD), 0)
            assert done <= ours <= done + held, (kind, ours, counts, self.trace())

    def _files(self) -> None:
        """Every file that came in has its bytes."""
        for name, state, key in self.rows("select name, state, key from attachment"):
            assert state == "stored", (name, state)
            assert self.rt.files.open(key).read() == name.encode()

    def sides_agree(self) -> None:
        """I3: what both sides hold corresponds, or an open conflict or notice says why not."""
        joined = "link l join connection c on c.id = l.connection_id where l.role <> 'ended'"
        for link, name, role in self.rows(f"select l.id, c.name, l.role from {joined}"):
            if (found := self.record(name)) is not None:
                self._agrees(link, name, role, found)

    def _agrees(self, link: int, name: str, role: str, found: Any) -> None:
        ours = self.fields(self.ticket)
        told = "select field from {} where link_id = ? and state = 'open'"
        open_ = {row[0] for table in ("conflict", "notice") for row in self.rows(told.format(table), link)}
        leg = self.rt.desks.named(name)
        assert leg is not None
        wires = leg.mapping.observe(dict(found.fields))
        for field in LOCAL:
            if field in open_ or (field == "status" and role == "helper"):
                continue
            value = ours.get(field)
            theirs = leg.mapping.read(field, wires[field], found.fields)
            written = leg.mapping.write({field: value}, found.fields, False, ours).wires.get(field)
            agree = token(theirs.value) == token(value) or token(written) == token(wires[field])
            assert agree, (field, value, wires[field], self.trace())

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

    def few_writes(self) -> None:
        """I4: at most two writes per real change and link, and one more for each answer that was lost."""
        for name, desk in self.desks.items():
            writes = sum(n for (_, actor), n in desk.effects().writes.items() if actor == "gateway")
            assert writes <= 2 * self.changes + self.troubles, (name, writes, self.changes, self.troubles)

    def in_order(self) -> None:
        """I7: our comments arrived in the order they were written."""
        for desk in self.desks.values():
            for ticket in desk.tickets.values():
                ours = [c.text.split("our comment ") for c in ticket.comments if "our comment" in c.text]
                numbers = [int(text[1].split()[0]) for text in ours]
                assert numbers == sorted(numbers), numbers

    def linked(self, name: str) -> bool:
        """Whether the ticket is with that provider."""
        sql = "select 1 from link l join connection c on c.id = l.connection_id where c.name = ? and l.role <> 'ended'"
        return bool(self.rows(sql, name))

    def trace(self, link: int | None = None) -> dict[str, Any]:
        """Everything one wants to see of a run that failed."""
        return {
            "pairs": self.rows("select id, role, state, remote_version, verify, pairs, seen from link"),
            "attempts": self.rows("select kind, vals, outcome, said from attempt order by id"),
            "conflicts": self.rows("select field, ours, theirs, state from conflict"),
            "notices": self.rows("select kind, field, text from notice"),
            "deliveries": self.rows("select kind, body, state, said from delivery order by id"),
            "calls": {n: s.log[-30:] for n, s in self.scripts.items()},
            "locally": self.locally, "remotely": self.remotely,
            "there": {n: [dict(t.fields) for t in d.tickets.values()] for n, d in self.desks.items()},
        }  # fmt: skip


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
