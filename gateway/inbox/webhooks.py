"""The webhook door: verify on the raw bytes, store, answer. It needs the database and nothing else.

Requests that arrive together are committed together: the first one waiting becomes the leader and writes for all.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from connectors.base import Arrival, Reply
from gateway.clock import utc
from gateway.journal import arrivals
from gateway.runtime import Runtime
from gateway.store.ids import mint

MOST_AT_ONCE = 256
BACKLOG = 50_000  # waiting arrivals of one connection beyond which it is asked to come later
LOOK_EVERY = 1_000_000  # microseconds between two counts of the backlog
LATER = 30  # seconds, in Retry-After


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door says: an HTTP status, and when to come again (seconds) with a 429."""

    status: int
    retry_after: int | None = None
    reply: Reply | None = None


class _Waiting:
    """One request's row, and the lock it waits at: a plain one, as it is taken once per request."""

    __slots__ = ("error", "new", "ready", "row")

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.row = row
        self.new = False
        self.error: BaseException | None = None
        self.ready = threading.Lock()
        self.ready.acquire()


class Door:
    """The door of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._rt = runtime
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._leading = False
        self._looked_at = 0
        self._backlog: dict[int, int] = {}

    def knock(self, name: str, hook: Arrival) -> Answer:
        """Let a webhook in: 202 stored, 200 was stored before, 401 not proved, 429 come later, 503 not stored."""
        connection = self._connection(name)
        if connection is None:
            return Answer(401)
        try:
            desk = self._rt.desks.desk(connection)
            verified = desk.connector.verify(hook, utc(self._rt.now()))
        except Exception:  # noqa: BLE001 - whatever a forged request makes a verifier do, the answer is the same
            return Answer(401)
        if self._full(connection):
            return Answer(429, LATER)
        row = arrivals.of_webhook(mint(), connection, hook, verified.delivery, self._rt.now())
        new = self._commit(row)
        self._rt.crash("K7")
        return Answer(202 if new else 200)

    def challenge(self, name: str, hook: Arrival) -> Answer:
        """The answer to a remote that asks whether anybody is here (GET)."""
        connection = self._connection(name)
        reply = self._rt.desks.desk(connection).connector.challenge(hook) if connection is not None else None
        return Answer(404) if reply is None else Answer(reply.status, reply=reply)

    def _connection(self, name: str) -> int | None:
        """The connection of that name; the rows are read again when it is not known or a second has passed."""
        now = self._rt.now()
        if self._rt.desks.id_of(name) is None or now - self._looked_at > LOOK_EVERY:
            self._look(now)
        return self._rt.desks.id_of(name)

    def _look(self, now: int) -> None:
        self._looked_at = now
        with self._rt.store.road() as road:
            self._rt.desks.refresh(road)
            counts = road.rows("select connection_id, count(*) from arrival where state = 0 group by connection_id")
        self._backlog = dict(counts)

    def _full(self, connection: int) -> bool:
        return self._backlog.get(connection, 0) >= BACKLOG

    def _commit(self, row: tuple[Any, ...]) -> bool:
        """Store one arrival, durably, together with whoever waits; whether it was new."""
        mine = _Waiting(row)
        with self._lock:
            self._waiting.append(mine)
            leads = not self._leading
            self._leading = True
        if leads:
            self._lead()
        else:
            mine.ready.acquire()
        if mine.error is not None:
            raise mine.error
        return mine.new

    def _lead(self) -> None:
        while True:
            with self._lock:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                if not batch:
                    self._leading = False
                    return
            try:
                self._write(batch)
            except BaseException as error:  # noqa: BLE001 - each of them has to hear of it; nobody may wait for ever
                for one in batch:
                    one.error = error
            for one in batch:
                one.ready.release()
            if any(one.new for one in batch):
                self._rt.wake("process")

    def _write(self, batch: list[_Waiting]) -> None:
        now = self._rt.now()
        alive = [c for c in {one.row[1] for one in batch} if self._rt.desks.worth_telling("arrival", c, now)]
        with self._rt.store.road(write=True) as road:
            if alive:
                road.run("update health set last_arrival_at = ? where connection_id INTS(?)", now, alive)
            if arrivals.store(road, [one.row for one in batch]) == len(batch):
                kept = {one.row[0] for one in batch}
            else:
                ids = [one.row[0] for one in batch]
                kept = {row[0] for row in road.rows("select id from arrival where id INTS(?)", ids)}
        for one in batch:
            one.new = one.row[0] in kept
