"""The drains over the real road: what is due is seen, one look does it, and an idle system is idle."""

from __future__ import annotations

import pytest

from gateway.config import Config
from gateway.journal.checkpoints import Keys
from gateway.store.db import Store
from gateway.workers import wiring as wiring_module
from gateway.workers.schedule import Scheduler
from gateway.workers.wake import Bell
from gateway.workers.wiring import Wiring
from tests.worlds import World, world

NAMES = ("process", "deliver", "tick")


@pytest.fixture
def small(store: Store, config: Config) -> World:
    return world(config)


def wired(small: World) -> Wiring:
    return Wiring(small.rt, Keys.of(small.rt.config), Bell(""))


def escalated(small: World) -> int:
    ticket = small.create("VPN down")
    small.wish("escalate", ticket, connection="acme", reason="they run the VPN")
    return ticket


def test_an_escalated_ticket_is_due_and_one_look_delivers_it(small: World) -> None:
    wiring = wired(small)
    looks = wiring.looks()
    assert not wiring.due("deliver")
    assert not looks["deliver"]()
    escalated(small)
    assert wiring.due("deliver")
    assert looks["deliver"]()
    link = small.value("select id from link")
    assert len(small.desks["acme"].find(small.rt.reference(link))) == 1
    assert not wiring.due("deliver")


def test_a_paused_connection_owes_nothing_now(small: World) -> None:
    wiring = wired(small)
    escalated(small)
    with small.rt.store.write() as conn:
        conn.exec_driver_sql("update connection set state = 'paused', version = version + 1")
    assert not wiring.due("deliver")


def test_what_a_poll_brings_is_due_and_one_look_applies_it(small: World) -> None:
    wiring = wired(small)
    looks = wiring.looks()
    ticket = escalated(small)
    looks["deliver"]()
    (record,) = small.desks["acme"].find(small.rt.reference(small.value("select id from link")))
    small.desks["acme"].update("tess", record.id, {"status": "working"})
    assert not looks["process"]()
    small.poll()
    assert wiring.due("process")
    while looks["process"]() or looks["deliver"]():
        pass
    assert small.value("select status from ticket where id = ?", ticket) == "in_progress"
    assert not wiring.due("process")


class Deaf(Bell):
    """A bell behind which a drain of deliveries is, or is not."""

    def __init__(self, listening: bool) -> None:
        super().__init__("")
        self.listening = listening

    def alive(self, name: str) -> bool:
        return self.listening


@pytest.mark.parametrize("listening", [False, True])
def test_what_processing_made_due_goes_out_at_once_unless_a_drain_is_up_for_it(
    store: Store, config: Config, listening: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring_module, "DELIVER_HERE", 20.0)
    small = world(config, ("acme", "globex"))
    wiring = Wiring(small.rt, Keys.of(small.rt.config), Deaf(listening))
    ticket = escalated(small)
    small.wish("escalate", ticket, connection="globex", reason="they may know", helper=True)
    small.run()
    (record,) = small.desks["acme"].find(small.rt.reference(small.value("select id from link order by id limit 1")))
    small.desks["acme"].update("tess", record.id, {"title": "VPN down again"})
    small.poll()
    assert wiring.looks()["process"]()
    assert wiring.due("deliver") == listening


def test_entries_are_sealed_and_the_seals_noted_outside(small: World) -> None:
    wiring = wired(small)
    looks = wiring.looks()
    escalated(small)
    assert looks["seal"]()
    assert not looks["seal"]()
    looks["checkpoint"]()
    noted = (small.rt.config.home / "checkpoints.jsonl").read_text()
    assert noted.count("\n") == 1


def test_without_redis_the_scheduler_alone_brings_it_all_there(small: World) -> None:
    wiring = wired(small)
    escalated(small)
    clock = Scheduler(wiring.duties("test"))
    for _ in range(5):
        clock.sweep()
    assert [name for name in NAMES if wiring.due(name)] == []
    assert len(small.desks["acme"].find(small.rt.reference(small.value("select id from link")))) == 1
