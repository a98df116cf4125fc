"""The demo's people: what they do next is read from the tickets, so a demo that was stopped goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.config import Config
from gateway.decide.routing import compile_routing
from gateway.demo import company, play, story
from gateway.demo.play import Company
from gateway.store.db import Store
from mappings.loader import load, plain
from tests.worlds import World, world

MINUTE = 60_000_000


@pytest.fixture
def w(store: Store, config: Config) -> Iterator[World]:
    """The company, with its provider's desk in the same process; ``later`` moves its clock."""
    company.seed(config)
    made = world(config)
    made.rt.desks.load()
    yield made
    made.rt.close()


def later(w: World, microseconds: int) -> None:
    now = w.rt.now()
    w.rt.now = lambda: now + microseconds


def report(w: World, count: int) -> Company:
    people = Company(w.rt, every=0.0)
    for _ in range(200):
        people._next = 0
        if people.beat() and w.value("select count(*) from ticket") == count:
            break
    assert w.value("select count(*) from ticket") == count
    return people


def test_the_company_is_founded_once(store: Store, config: Config) -> None:
    agents = company.seed(config)
    assert [email for email, _ in agents] == ["ana@tandem.example", "ben@tandem.example"]
    assert company.seed(config) == []
    with store.read() as conn:
        counts = [conn.exec_driver_sql(f"select count(*) from {name}").scalar() for name in ("contact", "team")]
    assert counts == [len(story.PEOPLE), 2]


def test_the_rules_send_some_to_the_provider_and_leave_some_to_people(w: World) -> None:
    report(w, len(story.STORIES))
    held = dict(w.rows("select title, holder from ticket"))
    assert held["VPN drops every few minutes"] == "provider:acme"
    assert held["Backup of the file server failed for three nights"] == "provider:acme"
    assert held["A new colleague starts on Monday"] == "team:workplace"
    assert held["Suspicious message that asks for my password"] == "team:service-desk"
    providers = sum(holder == "provider:acme" for holder in held.values())
    assert 5 <= providers <= len(held) // 2
    assert w.rows("select text from notice") == []
    w.run()
    assert len(w.desks["acme"].tickets) == providers


def test_every_rule_can_match_something(w: World) -> None:
    policy = compile_routing(plain(load(company.ROUTING, "routing")))
    report(w, len(story.STORIES))
    used = {rule for (rule,) in w.rows("select distinct rule from decision")}
    assert used == {rule.name for rule in policy.rules} | {"default"}


def test_the_requester_answers_what_the_provider_asks(w: World) -> None:
    people = report(w, 1)
    w.run()
    desk = w.desks["acme"]
    ((id, _),) = desk.tickets.items()
    desk.comment("robin", id, "Could you tell us since when this happens?", True)
    desk.update("robin", id, {"status": "waiting"})
    w.poll()
    w.run()
    people.every, people._next = 1000.0, w.rt.now() + 1000 * MINUTE
    assert people.beat() is False  # they think first
    later(w, play.THINKING + 1_000_000)
    assert people.beat() is True
    assert people.beat() is False  # once
    w.run()
    said = desk.tickets[id].comments[-1]
    assert said.public
    assert said.text.endswith("Since this morning, about nine. My colleague at the next desk has it too.")
    assert "Ana Ruiz" in said.text


def test_ben_takes_what_nobody_took_and_solves_it(w: World) -> None:
    people = report(w, 2)
    people._next = w.rt.now() + 1000 * MINUTE
    assert people.beat() is False
    later(w, play.UNTAKEN + 1_000_000)
    assert people.beat() is True
    waiting = "select status from ticket where holder like 'team:%'"
    assert w.rows(waiting) == [("in_progress",)]
    later(w, play.WORKING + 1_000_000)
    assert people.beat() is True
    assert w.rows(waiting) == [("resolved",)]
    later(w, play.UNTAKEN)
    assert people.beat() is False


def test_nobody_reports_more_than_a_person_can_look_at(w: World) -> None:
    people = report(w, play.ENOUGH)
    people._next = 0
    assert people.beat() is False
    assert w.value("select count(*) from ticket") == play.ENOUGH


def test_a_demo_goes_on_with_the_next_story(w: World) -> None:
    report(w, 3)
    report(w, 4)
    titles = [title for (title,) in w.rows("select title from ticket order by number")]
    assert titles == [one.title for one in story.STORIES[:4]]
