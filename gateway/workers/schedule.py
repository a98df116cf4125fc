"""The scheduler: wakes what is due, ticks what is regular, and does the work itself while Redis is away.

One process at a time holds the lease; each tick is taken once by (job, slot), so a change of holder repeats none. It
needs the database alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.clock import now_us
from gateway.workers.drain import Look

SWEEP = 0.5
LEASE = 15.0
RENEW = 5.0
TURN = 2.0
"""Seconds: between two sweeps, a lease, its renewal, and the longest turn at one name while Redis is away."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Duties:
    """What the scheduler keeps going: ``looks`` by name; ``due`` tells what to wake, ``ticks`` the seconds between two
    wakes of a name, ``own`` the seconds between two looks that are too short for a job and are taken right here.
    ``lease(seconds)`` and ``slot(name, number)`` ask the database."""

    looks: Mapping[str, Look]
    due: Mapping[str, Callable[[], bool]]
    ticks: Mapping[str, float]
    own: Mapping[str, float]
    wake: Callable[[str], bool]
    lease: Callable[[float], bool]
    slot: Callable[[str, int], bool]


@dataclass
class Scheduler:
    """``run`` until stopped. ``now`` gives UTC microseconds (the ticks' scale)."""

    duties: Duties
    now: Callable[[], int] = now_us
    _renew_at: float = 0.0
    _held: bool = False
    _seen: dict[str, int] = field(default_factory=dict)
    _own_at: dict[str, float] = field(default_factory=dict)

    def run(self, stopping: threading.Event) -> None:
        """Sweep until ``stopping``. A database that is away, or a pass that fails, is logged and tried again: this
        process is what brings all the others back to work."""
        while not stopping.is_set():
            try:
                self.sweep()
            except Exception:
                log.exception("a sweep failed")
            stopping.wait(SWEEP)

    def sweep(self) -> None:
        """One round: nothing without the lease, else its own looks, the ticks whose slot began, whatever is due."""
        if not self._holds():
            return
        for name, every in self.duties.own.items():
            if time.monotonic() >= self._own_at.get(name, 0.0):
                self._own_at[name] = time.monotonic() + every
                self._work(name)
        for name, every in self.duties.ticks.items():
            if self._ticks(name, every):
                self._go(name)
        for name, due in self.duties.due.items():
            if due():
                self._go(name)

    def _holds(self) -> bool:
        if time.monotonic() >= self._renew_at:
            self._held = self.duties.lease(LEASE)
            self._renew_at = time.monotonic() + (RENEW if self._held else SWEEP)
        return self._held

    def _ticks(self, name: str, every: float) -> bool:
        slot = self.now() // int(every * 1_000_000)
        if self._seen.get(name) == slot:
            return False
        self._seen[name] = slot
        return self.duties.slot(name, slot)

    def _go(self, name: str) -> None:
        """Wake a drain; without Redis be one, for a turn."""
        if not self.duties.wake(name):
            self._work(name)

    def _work(self, name: str) -> None:
        """Look until nothing is done any more, at most for a turn. What fails leaves the others theirs."""
        until = time.monotonic() + TURN
        try:
            while self.duties.looks[name]() and time.monotonic() < until:
                pass
        except Exception:
            log.exception("%s failed", name)
