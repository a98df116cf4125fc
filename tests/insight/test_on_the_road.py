"""A ticket's own story, as the road writes it, is what histories read: with the policies that come with Tandem."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from gateway.clock import utc
from gateway.config import Config
from gateway.insight.cases import Case, Kind
from gateway.insight.reading import Histories, cases, history
from gateway.insight.recommend import INTERNAL, Mark, Stay
from gateway.insight.saying import DAY, HOUR
from gateway.people.users import By
from gateway.providers import policies, whatif
from gateway.providers.policies import Draft
from gateway.runtime import Runtime
from gateway.store.db import Store
from tests.insight.world import Past, remember
from tests.worlds import World, world


class Clock:
    """The time of the world, set by hand."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def w(store: Store, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = world(config)
    monkeypatch.setattr(Runtime, "tell_time", lambda rt, road: None)  # else by the clock of the database
    made.rt.now = Clock(made.rt.now() // DAY * DAY)
    with made.rt.store.write() as conn:
        policies.adopt(conn, By("user:1", made.rt.key, made.rt.now()), "the first start")
    made.rt.desks.load()
    yield made
    made.rt.close()


def test_solved_reopened_handed_over_and_solved_so_that_it_holds(w: World) -> None:
    start = w.rt.now()

    def at(hours: int) -> None:
        w.rt.now = Clock(start + hours * HOUR)

    ticket = w.create("VPN down", category="network", subcategory="vpn", impact="medium", urgency="medium")
    still = w.create("Printer", category="hardware")
    kind = Kind("network", "vpn", "P3")
    at(5)
    w.wish("edit", ticket, fields={"status": "resolved", "resolution_code": "solved"})
    at(20)
    w.wish("edit", ticket, fields={"status": "in_progress"})
    at(30)
    w.wish("escalate", ticket, connection="acme")
    w.run()
    at(50)
    w.wish("edit", ticket, fields={"status": "resolved", "resolution_code": "solved"})
    at(60)
    w.wish("edit", ticket, fields={"status": "closed"})
    with w.rt.store.road() as road:
        known = cases(road, 0)
        found = history(road, {ticket: known[ticket]}, start + 30 * DAY)
    assert known[ticket] == Case(start, start + 50 * HOUR, kind, service="network", complexity="network")
    assert known[still].resolved is None
    assert list(found.stays) == [
        Stay(INTERNAL, kind, start, start + 50 * HOUR, start + 30 * HOUR),
        Stay("provider:acme", kind, start + 30 * HOUR, start + 50 * HOUR),
    ]
    assert list(found.solutions) == [Mark(INTERNAL, kind, True), Mark("provider:acme", kind, False)]


def test_promises_are_held_to_what_came(w: World) -> None:
    """One kept, one broken, one not due yet."""
    start = w.rt.now()
    for hours in (10, 2, 100):
        ticket = w.create("VPN", category="network")
        due = utc(start + hours * HOUR).isoformat()
        w.wish("edit", ticket, fields={"due": due})
        w.rt.now = Clock(start + 5 * HOUR)
        w.wish("edit", ticket, fields={"status": "resolved", "resolution_code": "solved"})
        w.rt.now = Clock(start)
    found = Histories(w.rt.store).kept(start + DAY)
    assert (found.hits, found.n) == (1, 2)


def test_a_draft_of_targets_is_held_against_its_own_tickets_alone(w: World) -> None:
    """Where tickets took up to 160 hours, 8 of 10, one hour is doubted; of priorities without a history nothing is."""
    long_ago = w.rt.now() - 60 * DAY
    remember(w.rt.store, [Past(long_ago, solved=[hour * 5 * HOUR]) for hour in range(1, 40)])
    text = policies.shipped()["targets"]
    at = text.index("  - name: P3")
    hasty = text[:at] + re.sub("requester_wait: .*", "requester_wait: 1 h", text[at:], count=1)
    draft = Draft("policy", "targets", hasty)
    doubts = [one for one in whatif.doubts(w.rt, draft) if "8 of 10 took" in one]
    assert "for priority P3 8 of 10 took up to 160 h (n = 39)" in doubts[0]
    assert [one for one in doubts if one.startswith(("P1", "P2"))] == []


def test_the_next_ticket_is_told_what_the_others_took(w: World) -> None:
    """25 tickets of an hour each; a day later a requester is told so, and it is kept to be held against what comes."""
    start = w.rt.now()
    made = [w.create(f"VPN {n}", category="network", impact="medium", urgency="medium") for n in range(25)]
    w.rt.now = Clock(start + HOUR)
    for ticket in made:
        w.wish("edit", ticket, fields={"status": "resolved", "resolution_code": "solved"})
    w.rt.now = Clock(start + DAY + HOUR)
    person = {"email": "bob@example.org", "name": "Bob"}
    ticket = w.create("VPN again", category="network", impact="medium", urgency="medium", requester=person)
    told = w.value("select body from comment where ticket_id = ? and author = 'tandem'", ticket)
    assert "60 min" in told
    with w.rt.store.road() as road:
        assert cases(road, 0)[ticket].told == (HOUR, HOUR, HOUR)
