"""The scheduler: one holder, each tick once, due work woken, and done here while Redis is away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from gateway.store import leases
from gateway.store.db import Store
from gateway.workers import schedule
from gateway.workers.schedule import Duties, Scheduler


@dataclass
class World:
    """The database and the bell as the scheduler sees them."""

    free: bool = True
    ringing: bool = True
    due: int = 0
    micros: int = 0
    woken: list[str] = field(default_factory=list)
    slots: set[tuple[str, int]] = field(default_factory=set)

    def wake(self, name: str) -> bool:
        if self.ringing:
            self.woken.append(name)
        return self.ringing

    def slot(self, name: str, number: int) -> bool:
        new = (name, number) not in self.slots
        self.slots.add((name, number))
        return new

    def look(self) -> bool:
        self.due -= 1
        return self.due >= 0

    def scheduler(self) -> Scheduler:
        looks = {"process": self.look, "poll": self.look}
        due = {"process": lambda: self.due > 0}
        duties = Duties(looks, due, {"poll": 60.0}, {}, self.wake, lambda _seconds: self.free, self.slot)
        return Scheduler(duties, now=lambda: self.micros)


@pytest.fixture
def world() -> Iterator[World]:
    yield World()


def test_due_work_is_woken_every_sweep_and_no_other(world: World) -> None:
    clock = world.scheduler()
    clock.sweep()
    assert world.woken == ["poll"]
    world.due = 1
    clock.sweep()
    clock.sweep()
    assert world.woken == ["poll", "process", "process"]


def test_a_tick_comes_once_per_slot_whoever_holds_the_lease(world: World) -> None:
    first, second = world.scheduler(), world.scheduler()
    first.sweep()
    first.sweep()
    second.sweep()
    assert world.woken == ["poll"]
    world.micros += 60_000_000
    second.sweep()
    first.sweep()
    assert world.woken == ["poll", "poll"]


def test_without_the_lease_nothing_happens(world: World) -> None:
    world.free = False
    world.due = 5
    world.scheduler().sweep()
    assert world.woken == []
    assert world.due == 5


def test_while_redis_is_away_the_scheduler_does_the_work(world: World) -> None:
    world.ringing = False
    world.due = 7
    world.scheduler().sweep()
    assert world.due < 0
    assert world.woken == []


def test_a_database_that_is_away_does_not_end_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    tries: list[int] = []

    def lease(_seconds: float) -> bool:
        tries.append(1)
        if len(tries) >= 3:
            stopping.set()
        raise OSError("the database is away")

    monkeypatch.setattr(schedule, "SWEEP", 0.001)
    duties = Duties({}, {}, {}, {}, world.wake, lease, world.slot)
    Scheduler(duties).run(stopping)
    assert len(tries) == 3


def test_a_failing_pass_leaves_the_other_names_their_turn(world: World) -> None:
    def fail() -> bool:
        raise RuntimeError("poisoned")

    world.ringing = False
    world.due = 2
    due = {"bad": lambda: True, "good": lambda: world.due > 0}
    duties = Duties({"bad": fail, "good": world.look}, due, {}, {}, world.wake, lambda _s: True, world.slot)
    Scheduler(duties).sweep()
    assert world.due < 0


def test_its_own_looks_are_taken_at_their_pace_and_wake_nobody(world: World) -> None:
    world.due = 3
    duties = Duties({"seal": world.look}, {}, {}, {"seal": 60.0}, world.wake, lambda _s: True, world.slot)
    clock = Scheduler(duties)
    clock.sweep()
    assert world.due < 0
    world.due = 3
    clock.sweep()
    assert world.due == 3
    assert world.woken == []


def test_a_lease_has_one_owner_until_it_runs_out_or_is_given_back(store: Store) -> None:
    assert leases.take(store, "scheduler", "a", 60)
    assert leases.take(store, "scheduler", "a", 60)
    assert not leases.take(store, "scheduler", "b", 60)
    leases.give_back(store, "scheduler", "b")
    assert not leases.take(store, "scheduler", "b", 60)
    leases.give_back(store, "scheduler", "a")
    assert leases.take(store, "scheduler", "b", 0)
    assert leases.take(store, "scheduler", "a", 60)


def test_a_slot_is_taken_once_and_old_ones_are_forgotten(store: Store) -> None:
    assert leases.take_slot(store, "poll", 1)
    assert not leases.take_slot(store, "poll", 1)
    assert leases.take_slot(store, "seal", 1)
    assert leases.take_slot(store, "poll", 500)
    assert leases.take_slot(store, "poll", 1)
