"""Redis is only a bell: wiped at any moment, killed, away for long, it takes nothing along and doubles nothing."""

from __future__ import annotations

from tests.faults.conftest import Redis
from tests.faults.parts import parts
from tests.faults.scene import Scene, eventually


def test_a_redis_that_is_wiped_killed_and_back_takes_nothing_along(scene: Scene, redis: Redis, full: bool) -> None:
    scene.server.faults.chance(1.0, "commit_then_delay", seconds=0.02, path="/api/")
    with parts(scene, redis.url) as tandem:
        for _ in range(2):
            scene.escalate()
        assert redis.redis.keys("rq:job:*"), "nobody rang"
        redis.wipe()  # the jobs are gone before anybody took them
        tandem.start("scheduler", "worker", "web")
        for _ in range(6 if full else 2):
            eventually(lambda: scene.server.desk.tickets, why=scene.trace)
            busy(scene)
            scene.answer()
            redis.wipe()
            scene.quiet()

            busy(scene)
            redis.kill()
            scene.answer()
            scene.escalate()
            scene.quiet()  # without any Redis

            redis.start()
            busy(scene)
        scene.quiet()
        assert tandem.living()
    scene.check()
    scene.judge.few_writes(scene.changes, 0)


def busy(scene: Scene) -> None:
    """Something is under way."""
    eventually(lambda: scene.escalate() and dict(scene.waiting()).get("delivery"))
