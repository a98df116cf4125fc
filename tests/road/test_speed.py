"""What was once slow with nothing wrong in the data (ROAD.md 6): a drain that forgets why it should look again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway import pipeline
from tests.road.conftest import Make
from tests.road.scene import Scene

GROWS = frozenset(
    [
        "arrival",
        "attachment",
        "attempt",
        "audience",
        "audit",
        "binding",
        "comment",
        "decision",
        "delivery",
        "facts",
        "holding",
        "lane",
        "link",
        "notice",
        "ticket",
        "worklog",
        "a",
        "c",
        "d",
        "l",
        "n",
        "t",
    ]
)
"""Tables that grow with the tickets, and what statements call them."""

READING = ("select", "update", "delete", "with")


def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many steps each claim of a drain found."""
    found: list[int] = []
    real = pipeline.claim

    def counted(*args: Any) -> Any:
        steps = real(*args)
        found.append(len(steps))
        return steps

    monkeypatch.setattr(pipeline, "claim", counted)
    return found


def test_one_drain_works_off_what_settling_left_due(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these steps makes the lane due again; waiting for the next sweep would take seconds instead."""
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    for number in range(10):
        s.wish("comment", ticket, text=str(number), audience=["provider:acme"])
        s.edit(ticket, title=f"title {number}")
    found = looks(monkeypatch)
    assert pipeline.deliver(s.rt) > 10
    assert len(s.record().comments) == 10
    assert s.rows("select 1 from delivery where state = 0") == []
    assert found.count(0) == 1, "an empty look is what an idle system costs: one, at the end"


def test_a_drain_whose_cap_is_full_goes_on_as_soon_as_there_is_room(
    scene: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = scene()
    for number in range(100):
        s.wish("escalate", s.world.create(f"ticket {number}"), connection="acme")
    found = looks(monkeypatch)
    assert pipeline.deliver(s.rt) == 100
    assert len(s.desks["acme"].tickets) == 100
    assert max(found) <= s.world.connectors["acme"].limits.in_flight
    assert len(found) <= 100


def test_a_field_still_owed_makes_the_lane_due_without_a_delivery(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit while its own older value is under way: the answer to the old one leaves the new one owed."""
    s = scene()
    ticket = s.escalated()
    s.edit(ticket, title="one")
    perform, once = pipeline.attempt.perform, iter([True])

    def edited_meanwhile(*args: Any) -> Any:
        end = perform(*args)
        if next(once, False):
            s.edit(ticket, title="two")
            with s.rt.store.write() as conn:  # its delivery is joined with one that is done already
                conn.exec_driver_sql("update delivery set state = 1 where kind = 'update' and state = 0")
        return end

    monkeypatch.setattr(pipeline.attempt, "perform", edited_meanwhile)
    pipeline.deliver(s.rt)
    assert s.record().fields["title"] == "two"


def test_an_idle_drain_asks_once(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene()
    s.escalated()
    found = looks(monkeypatch)
    assert pipeline.deliver(s.rt) == 0
    assert found == [0]


def scans(s: Scene, act: Callable[[], object]) -> list[str]:
    """What SQLite would read from end to end in the statements of ``act``."""
    said: set[str] = set()
    with s.rt.store.read() as conn:
        raw = conn.connection.driver_connection
        made = type(raw)
    execute, executemany = made.execute, made.executemany
    try:
        made.execute = lambda self, sql, *given: (said.add(sql), execute(self, sql, *given))[1]  # type: ignore[misc]
        made.executemany = lambda self, sql, *given: (said.add(sql), executemany(self, sql, *given))[1]  # type: ignore[misc]
        act()
    finally:
        del made.execute, made.executemany
    found = []
    with s.rt.store.read() as conn:
        for sql in sorted(one for one in said if one.lstrip().lower().startswith(READING)):
            for *_, step in conn.exec_driver_sql(f"explain query plan {sql}", ("1",) * sql.count("?")):
                if step.startswith("SCAN") and " USING " not in step and step.split()[1] in GROWS:
                    found.append(f"{step}: {sql}")
    return found


def test_no_statement_of_the_road_reads_a_whole_table(scene: Make) -> None:
    s = scene()
    if s.rt.store.dialect != "sqlite":
        pytest.skip("PostgreSQL reads small tables whole, whatever indexes there are")
    ticket = s.escalated()

    def act() -> None:
        s.wish("comment", ticket, text="one", audience=["provider:acme"])
        s.edit(ticket, title="two")
        s.work()
        s.desks["acme"].update("tess", s.record().id, {"title": "three", "status": "working"})
        s.desks["acme"].comment("tess", s.record().id, "theirs", True)
        s.sync()
        s.work()

    assert scans(s, act) == []
