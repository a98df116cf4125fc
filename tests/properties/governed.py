"""The state machine with all five policies in force: requesters ask, hours pass, clocks and timers act by themselves.

The policies are small and their times short, so that much becomes due in one run. ``sound`` is what must hold besides
the invariants of the road: the books of the clocks balance (I8), each step acts once, whoever is told hears it once,
no ticket waits for a moment that is over, and every stored plan and decision is made again as it was (I9).
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from gateway import gather, pipeline, planning
from gateway.apply import name as named
from gateway.decide import escalation, routing, sla, triage
from gateway.decide.carrying import SILENT
from gateway.decide.decision import Decision
from gateway.decide.facts import Command, Settled
from gateway.decide.honesty import REMINDER
from gateway.decide.hours.decision import replay as replay_hours
from gateway.decide.inforce import POLICIES
from gateway.preview.stored import Batch, batches
from gateway.preview.worlds import Ground, Then
from gateway.providers import policies
from gateway.store import tables
from gateway.store.ids import mint
from tests.databases import Maker
from tests.properties.machine import LOCAL, Setting, Sim, setting_of, step
from tests.road.scene import Scene

MIN = 60_000_000
ANA, BO = "ana@company.example", "bo@company.example"
TITLES = ("VPN down", "VPN down: any news?", "The printer prints blank pages", "Please install the new client")

TEXTS: dict[str, str] = {
    "calendars": """
policy: 1
name: calendars
default: office
calendars:
  office: {zone: Europe/Madrid, hours: {monday to sunday: "02:00-22:00"}, kept_by: [desk]}
  night: {zone: America/New_York, hours: {monday to friday: "20:00-06:00 next day"}, kept_by: ["provider:globex"]}
texts:
  closed: {en: "Closed for everyone until {opens}.", es: "Cerrado para everyone hasta {opens}.", ru: "До {opens}."}
out_of_hours:
  text: closed
  rules:
    - {name: urgent, priorities: [P1], do: hand over, to: "provider:acme", because: it cannot wait}
    - {name: others, do: wait, because: it can wait}
""",
    "triage": policies.shipped()["triage"],
    "routing": """
policy: 1
name: routing
rules:
  - {name: printers, when: 'category == "printing"', to: "provider:acme", how: warm, because: they have them}
  - {name: bounced, when: size(bounced) > 0, to: "team:service-desk", because: it came back}
  - {name: often, when: repeats > 1, to: "provider:acme", because: it comes again}
default: team:service-desk
""",
    "targets": """
policy: 1
name: targets
clocks:
  acknowledge: {calendar: always, warn: 80 %}
  reply: {calendar: desk, warn: 80 %}
  requester_wait: {calendar: desk, warn: [50 %, 80 %], paused_by: [requester]}
  agent_work: {calendar: holder, warn: 80 %, paused_by: [requester, provider, problem]}
  provider_ack: {calendar: provider, warn: 80 %}
  provider_resolve: {calendar: provider, warn: 80 %, paused_by: [requester]}
  update_cadence: {calendar: desk, warn: 80 %, paused_by: [requester]}
rules:
  - name: P1
    when: {priority: P1}
    targets: {acknowledge: 5 min, reply: 10 min, requester_wait: 2 h, agent_work: 1 h, provider_ack: 10 min,
              provider_resolve: 1 h, update_cadence: 30 min}
default:
  targets: {acknowledge: 20 min, reply: 40 min, requester_wait: 8 h, agent_work: 4 h, provider_ack: 30 min,
            provider_resolve: 4 h, update_cadence: 3 h}
""",
    "escalation": """
policy: 1
name: escalation
roles: {lead: {email: [lead@company.example]}}
acknowledge: {after: 20 min, clock: wall}
fallback: {to: team:service-desk, unassigned: 3 h, inform: [lead]}
deadlock: {returns: 2, messages: 6, inform: [lead]}
matrix:
  - name: all
    steps:
      - {name: acme, after: 15 min, clock: wall, do: functional, to: "provider:acme"}
      - {name: unseen, after: 40 min, since: unacknowledged, do: hierarchical, inform: [lead]}
      - {name: lasting, after: 6 h, do: hierarchical, inform: [lead], text: It lasts}
SECOND""",
}
SECOND = '      - {name: globex, after: 5 h, clock: wall, do: functional, to: "provider:globex"}\n'


class Governed(Sim):
    """A run under policies; ``tickets``: all that anybody made."""

    def __init__(self, maker: Maker, folder: Path, names: tuple[str, ...], quirk: str, locking: bool) -> None:
        super().__init__(maker, folder, names, quirk, locking)
        govern(self, len(names) > 1)
        self.tickets = [self.ticket]
        self.judge.repeats = (SILENT, REMINDER)
        self.started = self.clock

    def edit_field(self, field: str, value: Any) -> None:
        if self.want("edit", fields={field: value}):
            self.locally.append((field, value))

    def ask(self, rng: random.Random) -> None:
        """A requester asks for something."""
        who = rng.choice((ANA, BO, "nobody@elsewhere.example"))
        fields = {
            "title": rng.choice(TITLES), "requester": {"email": who, "name": who},
            "impact": rng.choice(LOCAL["impact"]), "urgency": rng.choice(LOCAL["urgency"]),
            "category": rng.choice(("printing", "network")),
        }  # fmt: skip
        wish = Command("create", f"requester:{who}", {"fields": fields, "channel": "portal"}, party="requester")
        made = pipeline.change(self.rt, wish).named[-1].ticket
        assert made is not None
        self.tickets.append(made.id)
        self.changes += 1

    def speaks(self, rng: random.Random) -> None:
        """A requester presses "this is stuck", or somebody of ours says something to them."""
        ticket = rng.choice(self.tickets)
        if rng.random() < 0.3:
            self.on(ticket, "stuck")
        else:
            self.on(ticket, "comment", text=self.said("comment", ["everyone"]), audience=["everyone"])

    def on(self, ticket: int, what: str, **data: Any) -> None:
        first, self.ticket = self.ticket, ticket
        self.want(what, **data)
        self.ticket = first

    def passes(self, minutes: int) -> None:
        """Time passes with nobody awake; then the clock is looked at."""
        self.wait(25)  # what is late lands
        self.clock += minutes * MIN
        for desk in self.desks.values():
            desk.step()
        self.look()

    def look(self) -> None:
        """Everything that is due is done; no second look finds anything."""
        while pipeline.tick(self.rt):
            pass
        before = self.said_so_far()
        pipeline.tick(self.rt)
        assert self.said_so_far() == before
        late = self.rows("select id, wake_at from ticket where wake_at <= ?", self.clock)
        assert late == [], (late, self.rows("select kind, text from notice where kind = 'clock'"))

    def said_so_far(self) -> list[int]:
        told = ("notice", "decision", "comment", "clock_event", "delivery")
        return [self.value(f"select count(*) from {table}") for table in told]

    def finish(self) -> None:
        self.hooks.clear()
        self.calm()
        self.look()
        self.calm()
        self.judge.everything()
        moved = self.value("select count(*) from decision where kind in ('escalation', 'take_back', 'routing')")
        spoke = self.value("select count(*) from comment where author = 'tandem'")
        self.judge.few_writes(self.changes + moved + spoke, self.troubles)
        self.sound()

    def one_side_stands(self, side: str) -> None:
        if side == "ours":  # a desk that lost the ticket meanwhile is no editor any more
            super().one_side_stands(side)

    # -- what must hold --

    def sound(self) -> None:
        assert self.rows("select text from notice where kind = 'clock'") == []
        for ticket, text in self.rows("select id, ledger from ticket"):
            self.books(ticket, json.loads(text))
            self.once(ticket)
        replayed(self)
        planned_again(self)

    def books(self, ticket: int, ledger: dict[str, Any]) -> None:
        """I8: the log gives the ledger; everybody's time adds up to the ticket's."""
        c, h = tables.clock_event.c, tables.holding.c
        columns = [c[name] for name in sla.Event.__dataclass_fields__]
        with self.rt.store.read() as conn:
            log = conn.execute(select(*columns).where(c.ticket_id == ticket).order_by(c.id))
            events = [sla.Event(*row) for row in log]
            held = conn.execute(select(h.started_at, h.holder).where(h.ticket_id == ticket).order_by(h.id)).all()
        if not events:
            assert not ledger.get("clocks")
            return
        assert sla.recompute(events) == ledger["clocks"]
        calendars = self.rt.desks.policies.calendars
        assert calendars is not None
        sums = sla.totals(events, [(at, who) for at, who in held], self.now(), calendars)
        assert sum(one.wall for one in sums.parties.values()) == sums.end - sums.start
        assert all(one.wall == one.business + one.out_of_hours + one.rested for one in sums.clocks)

    def once(self, ticket: int) -> None:
        """Each step acts once in the life of a ticket; nobody drowns in notices."""
        sql = "select rule from decision where ticket_id = ? and rule like 'all/%' and kind = 'escalation'"
        rules = Counter(rule for (rule,) in self.rows(sql, ticket))
        lives = 1 + self.value(
            "select count(*) from clock_event where ticket_id = ? and clock = 'requester_wait' and kind = 'activate'",
            ticket,
        )
        assert all(count <= lives for count in rules.values()), (rules, lives)
        hours = (self.clock - self.started) / (60 * MIN)
        notices = self.rows("select kind, text from notice where ticket_id = ?", ticket)
        assert len(notices) <= 40 + 4 * hours + self.changes + 2 * self.troubles, Counter(notices).most_common(5)


def govern(s: Scene, second: bool) -> None:
    """Put the policies in force, and the people they speak of in place."""
    with s.rt.store.write() as conn:
        for name in POLICIES:
            text = TEXTS[name].replace("SECOND", SECOND if second else "")
            row = {"id": mint(), "kind": "policy", "name": name, "version": 1, "text": text}
            conn.execute(insert(tables.document).values(**row, created_at=s.now()))
        for email, language in ((ANA, "es"), (BO, "ru")):
            who = {"clientele": "employee", "site": "", "language": language, "created_at": s.now()}
            conn.execute(insert(tables.contact).values(id=mint(), email=email, name=email, **who))
    s.rt.desks.load()


REPLAYS = {
    "routing": lambda force, inputs: routing.replay(force.routing, inputs),
    "triage": lambda force, inputs: triage.replay(force.triage, inputs),
    "escalation": lambda force, inputs: escalation.replay(force.escalation, inputs),
    "calendars": lambda force, inputs: replay_hours(force.calendars, inputs),
}


def replayed(s: Scene) -> None:
    """Every decision that a policy made is made again of what is stored of it, to the byte."""
    columns = "kind, outcome, rule, policy, inputs, lost, reason, otherwise"
    found = 0
    for kind, outcome, rule, policy, inputs, lost, because, otherwise in s.rows(f"select {columns} from decision"):
        if policy:
            made = Decision(kind, outcome, rule, policy, json.loads(inputs), json.loads(lost), because, otherwise)
            if kind == "override" and policy.startswith("triage"):
                continue
            assert REPLAYS[policy.partition("@")[0]](s.rt.desks.policies, made.inputs) == made.text()
            found += 1
    assert found


def planned_again(s: Scene) -> int:
    """I9: every stored batch gives the same plans once more, by their hashes; how many there were."""
    count = 0
    with s.rt.store.road() as road:
        ids = [row[0] for row in road.rows("select id from connection order by id")]
    seen: dict[int, Batch] = {}
    for connection in ids:
        for batch in batches(s.rt.store, s.rt.desks, 0, connection, None):
            if isinstance(batch, Batch):
                seen[batch.as_of] = batch
    for batch in seen.values():
        then = Then(s.rt.desks, batch.versions)
        pins = {int(id): told[0] for id, told in batch.versions["desks"].items()}
        force = s.rt.desks.policies_of(batch.versions["policies"])
        ground = Ground(batch.as_of, then, force, pins, gather.around(batch.rows))
        state, minted = gather.state(batch.rows), iter(batch.ids)
        for work, known in zip(batch.works, batch.plans, strict=True):
            if known is None:
                continue
            assert work is not None, batch.gone
            made = planning.plan(ground, state, work)
            assert made is not None, work
            planner, link = made
            assert planner.plan.hash() == known, (work, planner.plan.intent())
            new = iter(next(minted))
            planning.fold(state, named(planner, link, isinstance(work.what, Settled), lambda: next(new)))  # noqa: B023
            count += 1
    return count


def governed_run(maker: Maker, folder: Path, seed: int, setting: Setting | None = None) -> Counter[str]:
    """A run decided by ``seed``; what was decided in it, by kind. Raises AssertionError where something is broken."""
    chosen = setting or setting_of(seed)
    if chosen.quirk == "asks":
        chosen = replace(chosen, quirk="plain")
    sim = Governed(maker, folder, chosen.names, chosen.quirk, chosen.locking)
    try:
        rng = random.Random(seed)
        for _ in range(chosen.steps):
            act = rng.random()
            if act < 0.1:
                sim.ask(rng)
            elif act < 0.2:
                sim.speaks(rng)
            elif act < 0.4:
                sim.passes(rng.choice((2, 11, 25, 50, 130, 700)))
            else:
                step(sim, rng, chosen)
        sim.finish()
        if chosen.side != "both":
            sim.one_side_stands(chosen.side)
        return Counter(kind for (kind,) in sim.rows("select kind from decision"))
    finally:
        sim.close()
