"""Two processes at the same moment: what is due is done once, and what one ticket owes another is neither lost nor
doubled, whatever happens to that one meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway import apply, batch, pipeline
from gateway.decide.facts import Command
from gateway.people.users import By
from gateway.planning import Work
from gateway.providers import policies
from gateway.runtime import Runtime
from tests.road.conftest import Make
from tests.road.scene import Scene

HOUR = 3_600_000_000
ANA = {"email": "ana@company.example", "name": "Ana"}
PRINTER = "The printer on the second floor prints blank pages"


@pytest.fixture
def desk(scene: Make) -> Scene:
    made = scene()
    with made.rt.store.write() as conn:
        policies.adopt(conn, By("user:1", made.rt.key, made.now()), "they come with Tandem")
    made.rt.desks.load()
    return made


def asks(title: str = PRINTER, **fields: Any) -> Command:
    given = {"title": title, "requester": ANA, **fields}
    return Command("create", f"requester:{ANA['email']}", {"fields": given, "channel": "portal"}, party="requester")


def made(rt: Runtime, wish: Command) -> int:
    ticket = pipeline.change(rt, wish).named[-1].ticket
    assert ticket is not None
    return ticket.id


def together(*acts: Callable[[], object]) -> None:
    """Each in a thread of its own, begun at the same moment; raises what one of them raised."""
    gate, failed = threading.Barrier(len(acts)), []

    def one(act: Callable[[], object]) -> None:
        gate.wait()
        try:
            act()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if failed:
        raise failed[0]


def test_what_is_due_acts_once_though_two_processes_tick(desk: Scene) -> None:
    people = [{"email": f"p{number}@company.example"} for number in range(20)]
    tickets = [made(desk.rt, asks(impact="high", urgency="high", requester=one)) for one in people]
    other = desk.another()
    for _ in range(3):
        desk.clock += 5 * HOUR
        together(lambda: pipeline.tick(desk.rt), lambda: pipeline.tick(other))
    sql = "select ticket_id, clock, instance, kind, reason, count(*) from clock_event where kind in ('breach', 'warn')"
    events = desk.rows(f"{sql} group by ticket_id, clock, instance, kind, reason")
    assert {row[0] for row in events} == set(tickets)
    assert all(row[-1] == 1 for row in events)
    rules = desk.rows("select ticket_id, rule, count(*) from decision where kind = 'escalation' group by 1, 2")
    assert len(rules) == 2 * len(tickets) and all(row[-1] == 1 for row in rules)
    assert desk.rows("select id from ticket where wake_at <= ?", desk.clock) == []
    assert desk.audit_problems() == ()


def test_a_ticket_that_cannot_be_told_the_time_is_said_once_by_two_processes(desk: Scene) -> None:
    ticket = made(desk.rt, asks())
    other = desk.another()
    with desk.rt.store.road(write=True) as road:
        road.run("update ticket set ledger = '{\"clocks\": 7}' where id = ?", ticket)
    for _ in range(3):
        desk.clock += 30 * HOUR
        together(lambda: pipeline.tick(desk.rt), lambda: pipeline.tick(other))
    assert desk.value("select count(*) from notice where kind = 'clock'") == 1
    assert desk.value("select wake_at from ticket") > desk.clock


@pytest.mark.parametrize("ends", [False, True])
def test_a_contact_about_a_ticket_that_changes_at_that_moment(desk: Scene, ends: bool) -> None:
    first, other, holds = made(desk.rt, asks()), desk.another(), threading.Event()
    fields = {"status": "cancelled"} if ends else {"impact": "high"}

    def slowly(road: object, done: object) -> None:
        holds.set()
        time.sleep(0.4)

    def edits() -> None:
        pipeline.change(desk.rt, Command("edit", "user:1", {"fields": fields}, "so it is"), first, also=slowly)

    def comes() -> None:
        assert holds.wait(10)
        made(other, asks(f"{PRINTER}: any news?"))

    together(edits, comes)
    second = desk.value("select max(id) from ticket")
    said = desk.rows("select body from comment where ticket_id = ? and author like 'requester:%'", first)
    if ends:  # it is not lost in a ticket that nobody looks at any more
        assert (desk.value("select status from ticket where id = ?", second), said) == ("new", [])
    else:
        assert desk.value("select status from ticket where id = ?", second) == "closed"
        assert said == [(f"{PRINTER}: any news?",)]
        ledger = json.loads(desk.value("select ledger from ticket where id = ?", first))
        assert ledger["triage"]["contacts"] == 1 and desk.fields(first)["impact"] == "high"
    assert desk.audit_problems() == ()


def test_a_contact_waits_for_its_ticket_before_it_holds_up_others(desk: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who has the ticket makes another one: each would wait for what the other has."""
    first, other, holds, write = made(desk.rt, asks()), desk.another(), threading.Event(), apply.write

    def paused(*given: Any) -> Any:
        if threading.current_thread() in slow:
            slow.clear()
            holds.set()
            time.sleep(0.4)
        return write(*given)

    slow: list[threading.Thread] = []
    monkeypatch.setattr(batch.apply, "write", paused)

    def both() -> None:
        slow.append(threading.current_thread())
        edit = Command("edit", "user:1", {"fields": {"impact": "high"}})
        new = Command("create", "user:1", {"fields": {"title": "Another matter"}})
        with batch.opened(desk.rt, write=True) as work:
            batch.carry_out(desk.rt, work, [Work(edit, ticket=first), Work(new)], strict=True)

    def comes() -> None:
        assert holds.wait(10)
        made(other, asks(f"{PRINTER}: any news?"))

    together(both, comes)
    assert desk.value("select count(*) from ticket") == 3
    assert desk.fields(first)["impact"] == "high"
    assert desk.value("select count(*) from comment where ticket_id = ? and author like 'requester:%'", first) == 1
    assert desk.audit_problems() == ()
