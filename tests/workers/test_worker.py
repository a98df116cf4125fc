"""A real RQ worker process on a real Valkey: woken, killed, cut off and stopped."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.workers import children
from gateway.workers.wake import Bell
from tests.workers.conftest import Server

ROOT = Path(__file__).parents[2]


def eventually(true: Callable[[], object], within: float = 15.0) -> None:
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


class Desk:
    """A folder of work and the worker process that does it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.folder = server.home / "desk"
        for name in ("due", "done"):
            (self.folder / name).mkdir(parents=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        argv = [sys.executable, "-m", "tests.workers.program", "worker", self.server.url, str(self.folder)]
        self.process = children.spawn(argv, log=self.folder / "log", cwd=ROOT)

    def give(self, name: str) -> None:
        (self.folder / "due" / name).touch()
        Bell(self.server.url).wake("process")

    def done(self, name: str) -> bool:
        return (self.folder / "done" / name).exists()

    def by(self, name: str) -> int:
        path = self.folder / "done" / f"{name}.by"
        eventually(lambda: path.exists() and path.read_text())
        return int(path.read_text())


@pytest.fixture
def desk(server: Server) -> Iterator[Desk]:
    made = Desk(server)
    made.start()
    yield made
    if made.process is not None:
        children.stop(made.process, grace=5)


def test_work_is_done_on_a_ring_and_the_next_ring_costs_no_fork(desk: Desk) -> None:
    desk.give("first")
    first = desk.by("first")
    begun = time.monotonic()
    desk.give("second")
    eventually(lambda: desk.done("second"))
    assert time.monotonic() - begun < 0.5
    assert desk.by("second") == first


def test_a_killed_worker_takes_its_drain_along_and_the_next_one_goes_on(desk: Desk) -> None:
    desk.give("first")
    drain = desk.by("first")
    assert desk.process is not None
    desk.process.kill()
    desk.process.wait()
    eventually(lambda: children.started_at(drain) is None)
    desk.start()
    desk.give("second")
    eventually(lambda: desk.done("second"), within=25)
    assert desk.by("second") != drain


def test_a_worker_comes_back_after_its_redis_was_away(desk: Desk) -> None:
    desk.give("first")
    desk.by("first")
    desk.server.stop()
    time.sleep(0.5)
    desk.server.start()
    (desk.folder / "due" / "second").touch()
    bell = Bell(desk.server.url)
    eventually(lambda: bell.wake("process") and desk.done("second"), within=30)


def test_a_stop_lets_the_pass_finish_and_is_prompt(desk: Desk) -> None:
    desk.give("first")
    desk.by("first")
    desk.give("slow")
    time.sleep(0.3)
    assert desk.process is not None
    begun = time.monotonic()
    assert children.stop(desk.process, grace=8) == 0
    assert desk.done("slow")
    assert time.monotonic() - begun < 5
