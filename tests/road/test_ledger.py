"""The clocks of tickets as the road keeps them: what the database's events come to is what a ticket remembers (I8)."""

from __future__ import annotations

import json
from random import Random

import pytest
from sqlalchemy import select

from gateway import pipeline
from gateway.decide.objection import Objection
from gateway.decide.sla import Event, recompute, totals
from gateway.people.users import By
from gateway.providers import policies
from gateway.store.tables import clock_event, holding
from tests.road.conftest import Make
from tests.road.scene import Scene

MIN = 60_000_000
STATUSES = ("in_progress", "pending_requester", "pending_problem", "resolved")


def begun(scene: Make) -> Scene:
    """Two providers, and the policies that come with Tandem."""
    made = scene(names=("acme", "globex"))
    with made.rt.store.write() as conn:
        policies.adopt(conn, By("user:1", made.rt.key, made.now()), "they come with Tandem")
    made.rt.desks.load()
    return made


def log(s: Scene, ticket: int) -> list[Event]:
    c = clock_event.c
    wanted = [c[name] for name in Event.__dataclass_fields__]
    with s.rt.store.read() as conn:
        return [Event(*row) for row in conn.execute(select(*wanted).where(c.ticket_id == ticket).order_by(c.id))]


def balances(s: Scene, ticket: int) -> None:
    """The log gives the ledger, and everybody's time adds up to the ticket's."""
    events, remembered = log(s, ticket), json.loads(s.value("select ledger from ticket where id = ?", ticket))
    assert recompute(events) == remembered["clocks"]
    c = holding.c
    with s.rt.store.read() as conn:
        rows = conn.execute(select(c.started_at, c.holder).where(c.ticket_id == ticket).order_by(c.id))
        held = [(at, holder) for at, holder in rows]
    calendars = s.rt.desks.policies.calendars
    assert calendars is not None
    sums = totals(events, held, s.now(), calendars)
    assert sum(had.wall for had in sums.parties.values()) == sums.end - sums.start > 0
    assert all(clock.wall == clock.business + clock.out_of_hours + clock.rested for clock in sums.clocks)


def happens(s: Scene, random: Random, ticket: int) -> None:
    """One thing that people do, here or at a provider's desk; what is refused was no good idea."""
    name, what = random.choice(("acme", "globex")), random.randrange(8)
    try:
        if what == 0:
            s.wish("escalate", ticket, connection=name, role=random.choice(("holder", "helper")))
        elif what == 1:
            s.wish("take_back", ticket, reason="we do it ourselves")
        elif what in (2, 3):
            s.edit(ticket, status=random.choice(STATUSES))
        elif what == 4:
            s.wish("comment", ticket, text="We look into it.", audience=["everyone"])
        elif what == 5:
            s.edit(ticket, impact=random.choice(("high", "low")))
        elif s.record(name) is not None and what == 6:
            s.edit_there(name, status=random.choice(("working", "waiting", "done")))
        elif s.record(name) is not None:
            s.desks[name].comment("tess", s.record(name).id, "news", True)
    except Objection:
        return


@pytest.mark.parametrize("seed", range(3))
def test_the_books_of_the_road_balance(scene: Make, seed: int) -> None:
    s, random = begun(scene), Random(seed)
    ticket = s.world.create("VPN down", category="network", assets=["vpn-1"])
    for _ in range(25):
        happens(s, random, ticket)
        s.clock += random.choice((1, 20, 90, 600, 3000)) * MIN
        pipeline.tick(s.rt)
        s.sync()
    balances(s, ticket)
    kinds = {event.kind for event in log(s, ticket)}
    assert {"activate", "pause", "fulfil", "breach"} <= kinds


def test_a_worker_that_was_frozen_says_each_thing_once_with_its_own_date(scene: Make) -> None:
    s = begun(scene)
    ticket = s.world.create("VPN down", impact="high", urgency="high")
    s.clock += 3 * 24 * 60 * MIN
    for _ in range(3):
        pipeline.tick(s.rt)
    began, *_ = log(s, ticket)
    late = [(e.clock, (e.at - began.at) // MIN) for e in log(s, ticket) if e.kind == "breach"]
    assert late == [
        ("acknowledge", 15), ("reply", 30), ("requester_wait", 480), ("agent_work", 240), ("update_cadence", 60),
    ]  # fmt: skip
    assert len({e.received_at for e in log(s, ticket) if e.kind == "breach"}) == 1
    balances(s, ticket)
