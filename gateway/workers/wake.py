"""Redis as a bell: who has work rings it, a drain hears it, and nothing is lost when it does not ring.

Keys, per drain name: ``wake:`` holds at most one token, ``alive:`` says that a drain is listening, ``mark:`` that one
has been asked for. Callers commit first and ring afterwards; what is due stands in the database alone. While Redis is
away ringing returns false at once, and the scheduler does the work (``schedule.py``).
"""

from __future__ import annotations

import secrets
import time

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

JOB = "gateway.workers.jobs.run"
"""The one function RQ may run; its only argument is a drain's name."""

LINGERING = ("process", "deliver")
"""Drains that wait for the next token after their work is done: each has a queue, and so a worker, of its own."""

ALIVE = 10
MARKED = 5
JOB_TIMEOUT = 300
FAILURE_KEPT = 300
ANSWER_WITHIN = 1.0
AWAY = 0.5
"""Seconds: how long ``alive`` and ``mark`` last unrefreshed, a job may run, a failed job is remembered, Redis may take
for an answer, and nobody tries again after it gave none."""


def connect(url: str) -> Redis:
    """A client that answers quickly or not at all; it opens no connection before its first command."""
    once = Retry(NoBackoff(), 0)
    return Redis.from_url(url, socket_connect_timeout=ANSWER_WITHIN, socket_timeout=ANSWER_WITHIN, retry=once)


def queue_of(name: str) -> str:
    """The RQ queue of a drain: one each for those that linger, one for all the others."""
    return name if name in LINGERING else "upkeep"


class Bell:
    """The bell at ``url`` (an empty one means that Redis is away). Thread-safe; made before a fork or after it."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url) if url else None
        self._away_until = 0.0

    def wake(self, name: str) -> bool:
        """Ask for a drain of ``name``: a token for one that is alive, else a job, once. Whether Redis took it."""
        redis = self._here()
        if redis is None:
            return False
        try:
            pipe = redis.pipeline(transaction=False)
            pipe.lpush(f"wake:{name}", 1)
            pipe.ltrim(f"wake:{name}", 0, 0)
            pipe.exists(f"alive:{name}")
            alive = pipe.execute()[-1]
            if not alive and redis.set(f"mark:{name}", 1, nx=True, ex=MARKED):
                self._enqueue(redis, name)
        except RedisError:
            return self._gone()
        return True

    def ring(self, name: str) -> None:
        """``wake`` for those who need no answer: without Redis the scheduler's sweep finds the work."""
        self.wake(name)

    def alive(self, name: str) -> bool:
        """Whether a drain of ``name`` is listening."""
        redis = self._here()
        if redis is None:
            return False
        try:
            return bool(redis.exists(f"alive:{name}"))
        except RedisError:
            return self._gone()

    def arrive(self, name: str) -> bool:
        """A drain begins: say so, then take the mark away, so that who rings from now on is heard. Whether another
        drain of that name is at it already."""
        redis = self._here()
        if redis is None:
            return False
        try:
            first = redis.set(f"alive:{name}", 1, nx=True, ex=ALIVE)
            redis.delete(f"mark:{name}")
        except RedisError:
            return self._gone()
        return not first

    def stay(self, name: str) -> None:
        """The drain is still there."""
        redis = self._here()
        if redis is None:
            return
        try:
            redis.set(f"alive:{name}", 1, ex=ALIVE)
        except RedisError:
            self._gone()

    def wait(self, name: str, seconds: float) -> bool:
        """Wait for a token, at most ``seconds`` (less than ANSWER_WITHIN). Whether one came."""
        redis = self._here()
        if redis is not None:
            try:
                return redis.blpop([f"wake:{name}"], timeout=seconds) is not None
            except RedisError:
                self._gone()
        time.sleep(seconds)
        return False

    def leave(self, name: str) -> None:
        """The drain no longer listens; it looks once more after this."""
        redis = self._here()
        if redis is None:
            return
        try:
            redis.delete(f"alive:{name}")
        except RedisError:
            self._gone()

    def _enqueue(self, redis: Redis, name: str) -> None:
        queue = Queue(queue_of(name), connection=redis, serializer=JSONSerializer)
        queue.enqueue(
            JOB,
            name,
            job_id=f"{name}-{secrets.token_hex(8)}",
            job_timeout=JOB_TIMEOUT,
            result_ttl=0,
            failure_ttl=FAILURE_KEPT,
        )

    def _here(self) -> Redis | None:
        return None if time.monotonic() < self._away_until else self._redis

    def _gone(self) -> bool:
        self._away_until = time.monotonic() + AWAY
        return False
