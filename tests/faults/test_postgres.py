"""A PostgreSQL that is killed and comes back: nobody needs to be restarted, senders are told to come again."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from bench.postgres import Postgres
from connectors.memory import wire
from gateway import batch, pipeline
from gateway.clock import now_us, utc
from gateway.workers.embedded import serves
from tests.faults.conftest import Redis
from tests.faults.parts import parts
from tests.faults.scene import SECRET, Scene, eventually


def test_a_database_that_is_killed_and_comes_back_loses_and_doubles_nothing(
    own_postgres: Postgres, scene_apart: Scene, redis: Redis, full: bool
) -> None:
    scene = scene_apart
    scene.server.faults.chance(1.0, "commit_then_delay", seconds=0.02, path="/api/")
    with parts(scene, redis.url) as tandem:
        tandem.start("scheduler", "worker", "web")
        for number in range(6 if full else 2):
            scene.escalate()
            eventually(lambda: scene.server.desk.tickets, why=scene.trace)
            eventually(lambda: scene.escalate() and dict(scene.waiting()).get("delivery"))
            own_postgres.kill()
            scene.answer()
            eventually(lambda: knock(scene) == (503, True))
            assert serves("127.0.0.1", scene.port)
            if number % 2:  # away for longer than anybody can overlook
                eventually(lambda: "a sweep failed" in tandem.said("scheduler"))
                tandem.again("web")  # a door that has never seen its database
                assert knock(scene) == (503, True)
            own_postgres.start()
            eventually(lambda: knock(scene)[0] == 202)
            scene.quiet(alone=False)
        assert tandem.living()
    scene.check()


def knock(scene: Scene) -> tuple[int, bool]:
    """A signed webhook at the door: its answer, and whether it says when to come again."""
    body = json.dumps({"event": "comment.created", "ticket_id": min(scene.server.desk.tickets)}).encode()
    headers = wire.webhook_headers(SECRET, utc(now_us()), f"knock-{now_us()}", body)
    connection = http.client.HTTPConnection("127.0.0.1", scene.port, timeout=30)
    try:
        connection.request("POST", "/hooks/acme", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After") is not None
    finally:
        connection.close()


class Dying:
    """A PostgreSQL that is killed whenever it is told to, so many times. It is back at once, or, where a thread killed
    it that may end before it does, when it is missed."""

    def __init__(self, server: Postgres, times: int = 1, how: str = "immediate") -> None:
        self.server = server
        self.times = times
        self.how = how
        self._lock = threading.Lock()

    def die(self) -> None:
        with self._lock:
            if self.times:
                self.times -= 1
                self.server.stop(self.how)
                if threading.current_thread() is threading.main_thread():
                    self.server.start()

    def back(self) -> None:
        with self._lock:
            if self.server.process is None:
                self.server.start()


@pytest.mark.parametrize("point", ("K1", "K2", "K3", "K4", "K5", "K6", "K8"))
def test_a_database_that_dies_at_a_crash_point_only_delays(
    own_postgres: Postgres, scene_apart: Scene, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """The worker lives on with connections that are dead, in the middle of whatever it was doing."""
    scene, dying = scene_apart, Dying(own_postgres)
    both_have_work(scene)
    monkeypatch.setattr(scene.world.rt, "crash", lambda at: dying.die() if at == point else None)
    work_until_quiet(scene, dying)
    assert dying.times == 0, f"{point} was never met"
    scene.check()


@pytest.mark.parametrize("how", ("immediate", "fast"))
def test_arrivals_are_not_blamed_for_a_database_that_dies_over_them(
    own_postgres: Postgres, scene_apart: Scene, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Killed, or shut down as its packages do it at an upgrade."""
    scene, dying = scene_apart, Dying(own_postgres, 3, how)
    both_have_work(scene)

    def carry_out(*args: Any, real: Callable[..., batch.Done] = batch.carry_out, **more: Any) -> batch.Done:
        dying.die()
        return real(*args, **more)

    monkeypatch.setattr(batch, "carry_out", carry_out)
    work_until_quiet(scene, dying)
    assert dying.times == 0
    scene.check()


def both_have_work(scene: Scene) -> None:
    """A ticket both sides know and have changed, and one that only we know. The desk tells nothing unasked."""
    assert scene.server.sender is not None
    scene.server.sender.mood.never = True
    scene.escalate()
    scene.world.run()
    scene.answer()
    scene.speak(min(scene.tickets))
    scene.escalate()
    scene.poll_soon()


def work_until_quiet(scene: Scene, dying: Dying) -> None:
    """A worker in this process, which begins anew whenever the database fails it."""
    rt = scene.world.rt

    def works() -> bool:
        try:
            busy = pipeline.tick(rt) + pipeline.process(rt) + pipeline.deliver(rt, 5)
        except Exception as error:
            assert rt.store.broken(error), repr(error)
            dying.back()
            rt.pool.shutdown()
            rt._pool = None
            scene.bury()
            scene.poll_soon()
            return False
        scene.hurry()
        return not busy and not scene.waiting()

    eventually(works, why=scene.trace)
