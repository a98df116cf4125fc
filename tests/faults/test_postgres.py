"""A PostgreSQL that is killed and comes back: nobody needs to be restarted, senders are told to come again."""

from __future__ import annotations

import http.client
import json

from bench.postgres import Postgres
from connectors.memory import wire
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
