"""A draft tried on the past: history made again to the byte, what would have gone otherwise, and not a row written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import insert

from gateway import pipeline
from gateway.decide.decision import Decision
from gateway.decide.facts import Command
from gateway.errors import Invalid
from gateway.insight.shares import Share
from gateway.insight.whatif import Facts, Past, compare
from gateway.people.users import By
from gateway.providers import policies, whatif
from gateway.store import tables
from gateway.store.ids import mint
from tests.road.conftest import Make, scene
from tests.road.scene import Scene

__all__ = ["scene"]

ROUTING = """\
policy: 1
name: routing
rules:
  - name: network
    when: 'category == "network"'
    to: provider:acme
    because: Acme runs the network
default: team:service-desk
"""
TITLES = ("VPN down", "Printer jams", "Mail bounces", "Screen stays dark")


@pytest.fixture
def past(scene: Make) -> Scene:
    """Eight tickets under a policy that gives networks to Acme, and two under the one before it."""
    made = scene()
    publish(made, ROUTING.replace("network", "hardware"))
    for title in TITLES[:2]:
        ask(made, title, "hardware" if "Printer" in title else "network")
    publish(made, ROUTING)
    for number in range(8):
        ask(made, f"{TITLES[number % 4]} {number}", "network" if number % 2 else "software")
    return made


def publish(s: Scene, text: str) -> None:
    with s.rt.store.write() as conn:
        policies.publish(conn, By("user:1", s.rt.key, s.now()), policies.read(conn, text), "tried")
    s.rt.desks.load()


def ask(s: Scene, title: str, category: str) -> None:
    fields = {"title": title, "category": category}
    pipeline.change(s.rt, Command("create", "user:1", {"fields": fields, "channel": "api"}))


def tried(s: Scene, text: str, **more: Any) -> Any:
    with s.rt.store.read() as conn:
        draft = policies.read(conn, text)
    return whatif.preview(s.rt, draft, 90, **more)


def everything(s: Scene) -> dict[str, list[tuple[Any, ...]]]:
    names = [table.name for table in tables.metadata.sorted_tables]
    return {name: s.world.rows(f'select * from "{name}" order by 1') for name in names}


def test_the_same_policy_makes_history_again_to_the_byte(past: Scene) -> None:
    found = tried(past, ROUTING)
    assert (found.decisions, found.exact, found.other, found.unknown) == (10, 10, (), 0)
    assert [one.title for one in found.changed] == list(TITLES[1::-1])  # those the policy before decided otherwise


def test_what_would_have_gone_otherwise_is_told_with_its_rule(past: Scene) -> None:
    found = tried(past, ROUTING.replace('"network"', '"software"'))
    assert found.hand_overs == (5, 4)
    assert found.outcomes == {"provider:acme": (5, 4), "team:service-desk": (5, 6)}
    one = next(one for one in found.changed if one.title == "VPN down 0")
    assert (one.before, one.after, one.rule_after) == ("team:service-desk", "provider:acme", "network")
    assert one.because == "Acme runs the network"


def test_trying_writes_nothing(past: Scene) -> None:
    before = everything(past)
    tried(past, ROUTING.replace('"network"', '"software"'), agents={"internal": 2}, rates={"internal": 4000})
    assert everything(past) == before


def test_history_that_was_touched_is_not_called_the_same(past: Scene) -> None:
    with past.rt.store.road(write=True) as road:
        road.run("update decision set outcome = 'team:other' where id = (select max(id) from decision)")
    found = tried(past, ROUTING)
    assert (found.exact, len(found.other)) == (9, 1)


def test_a_policy_that_decides_as_time_goes_by_is_not_tried(past: Scene) -> None:
    with pytest.raises(Invalid, match="cannot be tried"):
        tried(past, policies.shipped()["escalation"])


def test_a_triage_draft_is_tried_too(scene: Make) -> None:
    s = scene()
    text = policies.shipped()["triage"]
    publish(s, text)
    for title in ("I forgot my password, please reset it", "The mail server is down"):
        ask(s, title, "software")
    assert tried(s, text).exact == 2
    other = tried(s, text.replace("default: incident", "default: request"))
    assert other.decisions == 2


def test_each_side_is_told_by_what_it_has_shown(past: Scene) -> None:
    """Hours by the worklogs there are, cost by what an hour costs, the wait by the simulator; the rest is not told."""
    with past.rt.store.write() as conn:
        ids = [row[0] for row in past.world.rows("select id from ticket where holder like 'team:%'")]
        for number in range(24):
            row = {
                "author": "user:1",
                "minutes": 30 + number,
                "started_at": 1,
                "created_at": 1,
                "ticket_id": ids[number % 5],
            }
            conn.execute(insert(tables.worklog).values(id=mint(), **row))
    report = tried(past, ROUTING)
    internal = next(side for side in report.sides if side.name == "internal")
    assert internal.hours is None and "5 of 20 tickets" in internal.unknown[0]


def test_the_figures_of_a_side() -> None:
    known = Facts(worked=[60] * 20, kept=Share(90, 100), agents=1, rate=5000)
    hour = 3_600_000_000
    made = [Past(n, "t", 10 * hour, decision("team:x", "a")) for n in range(3)]
    then = {"p@1": lambda inputs: decision("team:x", "a")}
    sides = {"internal": known, "provider:acme": Facts()}
    found = compare(made, then, lambda inputs: decision("provider:acme", "b"), sides)
    theirs, ours = sorted(found.sides, key=lambda side: side.name, reverse=True)
    assert (ours.tickets, ours.hours, ours.cost) == ((3, 0), (3.0, 0.0), (15000, 0))
    assert ours.late == (pytest.approx(0.3), 0.0)
    assert ours.wait is not None and (ours.wait[0].mean, ours.wait[1].mean) == (1.0, 0.0)  # 0, 1 and 2 hours
    assert (theirs.tickets, theirs.hours, theirs.cost, theirs.wait) == ((0, 3), None, None, None)
    assert found.exact == 3 and len(found.changed) == 3


def decision(outcome: str, rule: str) -> Any:

    return Decision("routing", outcome, rule, "p@1", json.loads("{}"), [], "because")
