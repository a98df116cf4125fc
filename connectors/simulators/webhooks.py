"""Sends a loopback desk's webhooks, signed, from one thread, and misbehaves by script: twice, shuffled, dropped."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

Sign = Callable[[bytes, str], Mapping[str, str]]
"""(body, delivery id) -> all headers of the request; called anew for each try."""

BACKOFF = (0.2, 1.0, 3.0, 10.0, 30.0)
"""Seconds between the tries of one delivery that was not answered 2xx."""

DEADLINE = 10.0


@dataclass
class Mood:
    """How webhooks are sent from now on.

    ``first``: they arrive before the reply to the call that caused them. ``twice`` (both at once) and ``drop``: shares,
    0..1. ``shuffle``: so many are held back and leave in any order; 0: in order. ``never``: none leaves.
    """

    first: bool = False
    twice: float = 0.0
    shuffle: int = 0
    drop: float = 0.0
    never: bool = False


@dataclass(frozen=True)
class Job:
    """One delivery that waits for its next try, from ``due`` (monotonic) on."""

    delivery: str
    body: bytes
    twice: bool
    tries: int = 0
    due: float = 0.0


@dataclass
class Tally:
    """What became of the webhooks."""

    offered: int = 0
    sent: int = 0
    doubled: int = 0
    dropped: int = 0
    failed: int = 0


class Sender:
    """Posts bodies to ``url``. ``prefix`` begins every delivery id, which stays the same over all tries."""

    def __init__(self, url: str, sign: Sign, prefix: str, mood: Mood | None = None, seed: int = 0) -> None:
        self.mood = mood or Mood()
        self.tally = Tally()
        self._target = urlsplit(url)
        self._sign = sign
        self._prefix = prefix
        self._random = random.Random(seed)  # noqa: S311  chance for tests, repeatable
        self._waiting: deque[Job] = deque()
        self._held: list[tuple[str, bytes]] = []
        self._change = threading.Condition()
        self._busy = False
        self._stopped = False
        self._connection: http.client.HTTPConnection | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="webhooks")
        self._thread.start()

    def offer(self, body: bytes) -> None:
        """Something happened: its webhook leaves soon, unless the mood says otherwise."""
        with self._change:
            self.tally.offered += 1
            if self.mood.never or self._random.random() < self.mood.drop:
                self.tally.dropped += 1
                return
            self._held.append((f"{self._prefix}-{self.tally.offered}", body))
            if len(self._held) > self.mood.shuffle:
                self._let_go()

    def flush(self, seconds: float = 10.0) -> bool:
        """Lets go of what is held back and waits until nothing is under way; False when time ran out."""
        until = time.monotonic() + seconds
        with self._change:
            self._let_go()
            while self._waiting or self._busy:
                if not self._change.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    return False
        return True

    def close(self) -> None:
        """Stops sending; what still waits is lost."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
        self._thread.join(DEADLINE)

    def _let_go(self) -> None:
        self._random.shuffle(self._held)
        for delivery, body in self._held:
            again = self._random.random() < self.mood.twice
            self.tally.doubled += again
            self._waiting.append(Job(delivery, body, again))
        self._held.clear()
        self._change.notify_all()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            done = self._posted_twice(job) if job.twice else self._post(job)
            with self._change:
                self._busy = False
                if done:
                    self.tally.sent += 1 + job.twice
                elif job.tries < len(BACKOFF):
                    due = time.monotonic() + BACKOFF[job.tries]
                    self._waiting.append(replace(job, tries=job.tries + 1, due=due))
                else:
                    self.tally.failed += 1
                self._change.notify_all()

    def _next(self) -> Job | None:
        with self._change:
            while not self._stopped:
                now = time.monotonic()
                for at, job in enumerate(self._waiting):
                    if job.due <= now:
                        del self._waiting[at]
                        self._busy = True
                        return job
                self._change.wait(min((each.due for each in self._waiting), default=now + 60) - now)
            return None

    def _posted_twice(self, job: Job) -> bool:
        """Both at once, over two connections."""
        other: list[bool] = []
        thread = threading.Thread(target=lambda: other.append(self._posted(self._connect(), job)), daemon=True)
        thread.start()
        done = self._post(job)
        thread.join()
        return done and other == [True]

    def _post(self, job: Job) -> bool:
        connection, self._connection = self._connection or self._connect(), None
        done = self._posted(connection, job)
        if done:
            self._connection = connection
        else:
            connection.close()
        return done

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=DEADLINE)

    def _posted(self, connection: http.client.HTTPConnection, job: Job) -> bool:
        try:
            connection.request("POST", self._target.path, job.body, dict(self._sign(job.body, job.delivery)))
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        return 200 <= reply.status < 300
