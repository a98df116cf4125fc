"""What the drains do: each name with its look (one pass) and its question whether anything is due.

An empty look is a statement or two; connections, mappings and policies are reread before work, so that a process that
has lived long works with today's.
"""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from gateway import pipeline
from gateway.config import Config
from gateway.journal import checkpoints
from gateway.providers import nightly
from gateway.runtime import Runtime
from gateway.store import leases, retention
from gateway.workers.drain import Look
from gateway.workers.schedule import Duties
from gateway.workers.wake import Bell

DELIVER_FOR = 20.0
"""Seconds after which a pass of deliveries claims no more: its drain's budget, and a stop, are looked at then."""

DELIVER_HERE = 0.05
"""Seconds in which the process drain claims deliveries itself."""

TICKS = {"tick": 10.0, "nightly": 600.0}
OWN = {"seal": 1.0, "checkpoint": 60.0, "prune": 3600.0}
"""Seconds between two turns of what no due row announces (brakes; desks that were last asked for their lists a day
ago), and of the scheduler's own: sealing the audit trail, noting the newest seal outside the database, and deleting
what is too old."""

COLLECT = (20_000, 20, 20)
"""How many new objects make the collector look at them (and at older ones): a batch makes some ten thousand, nearly all
of which end with it by themselves. What stands when a worker begins is not looked at any more."""

_DUE = {
    "process": "select 1 from arrival where state = 0 and (due_at is null or due_at <= ?) limit 1",
    "deliver": "select 1 from connection c join lane l on l.connection_id = c.id where c.state = 'active'"
    " and l.due_at is not null and l.due_at <= ? limit 1",
    "tick": "select 1 where exists (select 1 from connection where state = 'active' and poll_at <= ?)"
    " or exists (select 1 from ticket where wake_at <= ?)",
}


@dataclass(frozen=True)
class Wiring:
    """The drains of one process. ``forked`` goes first in a forked one."""

    runtime: Runtime
    keys: checkpoints.Keys
    bell: Bell

    @classmethod
    def open(cls, config: Config) -> Wiring:
        """The database must be prepared. No connection is open afterwards, so that a fork is safe."""
        bell = Bell(config.redis_url)
        runtime = Runtime.open(config, wake=bell.ring)
        runtime.store.close()
        return cls(runtime, checkpoints.Keys.of(config), bell)

    def forked(self) -> None:
        gc.freeze()
        gc.set_threshold(*COLLECT)
        self.runtime.store.after_fork()
        self.runtime.drain = secrets.token_hex(8)

    def due(self, name: str) -> bool:
        """Whether a look at ``name`` would find something."""
        rt = self.runtime
        with rt.store.road() as road:
            return bool(road.rows(_DUE[name], *[rt.now()] * _DUE[name].count("?")))

    def looks(self) -> dict[str, Look]:
        rt = self.runtime
        return {
            "process": self._process,
            "deliver": lambda: pipeline.deliver(rt, DELIVER_FOR) > 0,
            "seal": lambda: checkpoints.seal(rt.store, self.keys, rt.now()) > 0,
            "tick": lambda: pipeline.tick(rt) > 0 and self.due("tick"),
            "nightly": lambda: nightly.look(rt),
            "checkpoint": self._checkpoint,
            "prune": self._prune,
        }

    def duties(self, owner: str) -> Duties:
        """What the scheduler ``owner`` keeps going."""
        store = self.runtime.store
        return Duties(
            looks=self.looks(),
            due={name: self._asking(name) for name in _DUE},
            ticks=TICKS,
            own=OWN,
            wake=self.bell.wake,
            lease=lambda seconds: leases.take(store, "scheduler", owner, seconds),
            slot=lambda name, number: leases.take_slot(store, name, number),
        )

    def _process(self) -> bool:
        """A batch; and what it made due goes out from here, unless a drain is up that does: its fork would cost 11 to
        17 ms of the first event's time."""
        if pipeline.process(self.runtime) == 0:
            return False
        if not self.bell.alive("deliver"):
            pipeline.deliver(self.runtime, DELIVER_HERE)
        return True

    def _asking(self, name: str) -> Callable[[], bool]:
        return lambda: self.due(name)

    def _checkpoint(self) -> bool:
        rt = self.runtime
        checkpoints.checkpoint(rt.store, rt.config.home, rt.now())
        return False

    def _prune(self) -> bool:
        retention.prune(self.runtime.store, self.runtime.now())
        return False
