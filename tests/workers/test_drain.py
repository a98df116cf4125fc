"""The drain: it works until nothing is due, looks again for every reason to, and never leaves work unannounced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from gateway.workers import drain as module
from gateway.workers.drain import drain


class Bell:
    """A bell in memory; ``on_wait`` and ``on_leave`` are what happens meanwhile elsewhere."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.other = False
        self.on_wait: Callable[[], object] = lambda: None
        self.on_leave: Callable[[], object] = lambda: None

    def wake(self, name: str) -> bool:
        self.calls.append("wake")
        return True

    def arrive(self, name: str) -> bool:
        self.calls.append("arrive")
        return self.other

    def stay(self, name: str) -> None:
        self.calls.append("stay")

    def wait(self, name: str, seconds: float) -> bool:
        self.calls.append("wait")
        self.on_wait()
        time.sleep(0.001)
        return False

    def leave(self, name: str) -> None:
        self.calls.append("leave")
        self.on_leave()


class Work:
    """So many passes' worth of due work."""

    def __init__(self, due: int) -> None:
        self.due = due
        self.done = 0
        self.looks = 0

    def look(self) -> bool:
        self.looks += 1
        if not self.due:
            return False
        self.due -= 1
        self.done += 1
        return True


@pytest.fixture
def bell() -> Iterator[Bell]:
    yield Bell()


def test_a_drain_works_until_nothing_is_due_and_says_goodbye(bell: Bell) -> None:
    work = Work(5)
    drain("deliver", work.look, bell, linger=0)
    assert work.done == 5
    assert bell.calls == ["arrive", "leave"]


def test_what_a_look_leaves_due_is_looked_at_again_without_waiting(bell: Bell) -> None:
    """Falling to the sweep's rhythm here once cut 1,200 a second to 99 with nothing wrong in the data."""
    work = Work(1000)
    begun = time.monotonic()
    drain("deliver", work.look, bell, linger=0)
    assert work.done == 1000
    assert bell.calls.count("wait") == 0
    assert time.monotonic() - begun < module.SWEEP


def test_a_lingering_drain_takes_work_that_comes_meanwhile(bell: Bell) -> None:
    work = Work(0)
    feed = iter([1, 1, 1])
    bell.on_wait = lambda: setattr(work, "due", next(feed, 0))
    drain("process", work.look, bell, linger=0.05)
    assert work.done == 3
    assert bell.calls[-1] == "leave"


def test_a_second_drain_of_the_same_name_does_not_linger(bell: Bell) -> None:
    bell.other = True
    work = Work(2)
    drain("process", work.look, bell, linger=20)
    assert work.done == 2
    assert "wait" not in bell.calls


def test_work_that_came_while_leaving_wakes_a_successor(bell: Bell) -> None:
    work = Work(0)
    bell.on_leave = lambda: setattr(work, "due", 3)
    drain("process", work.look, bell, linger=0)
    assert bell.calls == ["arrive", "leave", "wake"]


def test_a_drain_out_of_budget_hands_over(bell: Bell) -> None:
    work = Work(10**9)
    drain("process", work.look, bell, budget=0.05)
    assert bell.calls[-2:] == ["leave", "wake"]


def test_a_long_drain_keeps_saying_that_it_is_there(bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(ticks) * 0.6)
    drain("process", Work(10).look, bell, linger=0)
    assert bell.calls.count("stay") >= 4


def test_a_stop_ends_the_drain_after_the_look_it_is_at(bell: Bell) -> None:
    work = Work(10**9)
    drain("process", work.look, bell, stopping=lambda: work.looks >= 3)
    assert work.looks == 3
    assert bell.calls == ["arrive", "leave"]


def test_a_look_that_fails_is_not_swallowed(bell: Bell) -> None:
    def look() -> bool:
        raise RuntimeError("poisoned")

    with pytest.raises(RuntimeError, match="poisoned"):
        drain("process", look, bell, linger=0)
