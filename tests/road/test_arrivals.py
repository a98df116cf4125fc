"""Arrivals: what nobody can read is parked alone, what belongs together is folded, nothing is lost (ENGINE.md 6)."""

from __future__ import annotations

import pytest

from connectors.base import Arrival, Event
from gateway import batch, pipeline, planning
from gateway.decide.facts import Command
from gateway.desk import attention
from gateway.people.users import By
from gateway.store.tables import DEAD
from tests.road.conftest import Make
from tests.road.scene import Scene


def arrive(s: Scene, title: str, name: str = "acme") -> None:
    s.hooks.clear()
    s.edit_there(name, title=title)
    assert s.hook() == 202


def test_an_arrival_that_cannot_be_read_is_parked_alone(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene()
    s.escalated()
    desk = s.world.connectors["acme"]
    parse = desk.parse

    def fails(arrival: Arrival) -> list[Event]:
        return parse(arrival) if b"poison" not in arrival.body else [][1]

    monkeypatch.setattr(desk, "parse", fails)
    s.knock("acme", "poison", b'{"poison": 1}')
    arrive(s, "VPN is down")
    s.work()
    assert s.fields()["title"] == "VPN is down"
    ((id, said),) = s.rows("select id, said from arrival where state = ?", DEAD)
    assert "IndexError" in said
    assert s.rows("select 1 from arrival where state = 0") == []
    with s.rt.store.write() as conn:
        attention.replay_arrival(conn, By("user:1", s.rt.key, s.now()), id, "try again")
    s.work()
    assert s.rows("select id from arrival where state = ?", DEAD) == [(id,)]


def test_an_arrival_whose_plan_fails_is_parked_alone(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene(names=("acme", "globex"))
    first, second = s.escalated("acme"), s.escalated("globex")
    decide = planning.decide

    def fails(facts: object, what: object, link: object = None) -> object:
        if getattr(what, "fields", {}).get("title") == "poison":
            raise KeyError("poison")
        return decide(facts, what, link)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "decide", fails)
    arrive(s, "poison", "acme")
    arrive(s, "fine", "globex")
    pipeline.process(s.rt)
    assert (s.fields(first)["title"], s.fields(second)["title"]) == ("VPN down", "fine")
    ((said,),) = s.rows("select said from arrival where state = ?", DEAD)
    assert "poison" in said
    monkeypatch.undo()
    with s.rt.store.write() as conn:
        id = s.value("select id from arrival where state = ?", DEAD)
        attention.replay_arrival(conn, By("user:1", s.rt.key, s.now()), id, "repaired")
    s.work()
    assert s.fields(first)["title"] == "poison"


def test_an_arrival_that_cannot_be_written_is_parked_alone(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene(names=("acme", "globex"))
    first, second = s.escalated("acme"), s.escalated("globex")
    write = batch.apply.write

    def fails(road: object, named: list[batch.Named], now: int, key: object) -> object:
        if any(one.ticket is not None and one.ticket.fields["title"] == "poison" for one in named):
            raise ValueError("the database takes no poison")
        return write(road, named, now, key)  # type: ignore[arg-type]

    monkeypatch.setattr(batch.apply, "write", fails)
    arrive(s, "poison", "acme")
    arrive(s, "fine", "globex")
    pipeline.process(s.rt)
    assert (s.fields(first)["title"], s.fields(second)["title"]) == ("VPN down", "fine")
    assert s.value("select count(*) from arrival where state = ?", DEAD) == 1
    assert s.audit_problems() == ()


def test_several_arrivals_of_one_ticket_fold_in_order_in_one_batch(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    ticket = s.escalated()
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.world.run()
    s.hooks.clear()
    for number in range(5):
        s.edit_there("acme", title=f"title {number}")
        s.edit_there("globex", urgency=("low", "high")[number % 2])
    while s.hooks:
        assert s.hook() == 202
    assert pipeline.process(s.rt) == 10
    assert (s.fields()["title"], s.fields()["urgency"]) == ("title 4", "low")
    s.calm()
    assert s.record("globex").fields["title"] == "title 4"
    assert s.record("acme").fields["urgency"] == "low"
    assert s.audit_problems() == ()


def test_a_change_between_gathering_and_writing_is_planned_again(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody edits while a batch has its facts but not yet its locks."""
    s = scene()
    ticket = s.escalated()
    arrive(s, "theirs")
    lock, once = batch.Opened.lock, iter([True])

    def edited_first(self: batch.Opened) -> None:
        if next(once, False):
            pipeline.change(s.another(), Command("edit", "user:2", {"fields": {"urgency": "high"}}), ticket)
        lock(self)

    monkeypatch.setattr(batch.Opened, "lock", edited_first)
    pipeline.process(s.rt)
    assert (s.fields()["title"], s.fields()["urgency"]) == ("theirs", "high")
    assert s.audit_problems() == ()


def test_a_forged_webhook_and_an_unknown_connection_get_the_same_answer(scene: Make) -> None:
    s = scene()
    assert s.knock("nobody", "1", b"{}") == 401
    arrival = Arrival("POST", {}, {"x-tandem-signature": "00", "x-tandem-timestamp": "garbage"}, b"\xff\xfe")
    assert pipeline.receive(s.door, "acme", arrival).status == 401
    assert s.rows("select 1 from arrival") == []


def test_beyond_its_backlog_a_connection_is_asked_to_come_later(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene(names=("acme", "globex"))
    monkeypatch.setattr("gateway.inbox.webhooks.BACKLOG", 3)
    answers = []
    for number in range(5):
        s.wait(2)
        answers.append(s.knock("acme", str(number), b'{"event": "x", "ticket_id": "7"}'))
    assert answers == [202, 202, 202, 429, 429]
    assert s.knock("globex", "1", b'{"event": "x", "ticket_id": "7"}') == 202
    assert s.value("select count(*) from arrival") == 4, "nothing accepted is lost, nothing more is accepted"


def test_a_poll_and_a_webhook_of_one_change_apply_it_once(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    arrive(s, "VPN is down")
    s.poll()
    s.world.run()
    sets = [
        row
        for row in s.rows("select payload from audit where subject = ?", f"ticket:{ticket}")
        if "VPN is down" in row[0]
    ]
    assert len(sets) == 1


def test_a_change_that_no_webhook_told_is_found_by_polling(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.edit_there(title="VPN is down")
    s.desks["acme"].comment("tess", s.record().id, "hello", True)
    s.hooks.clear()
    s.wait(61)
    pipeline.tick(s.rt)
    s.world.run()
    assert s.fields()["title"] == "VPN is down"
    assert s.rows("select body from comment") == [("hello",)]
