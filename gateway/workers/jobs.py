"""Every function RQ may run: one. A job carries a drain's name; what is due stands in the database."""

from __future__ import annotations

import signal
from types import FrameType

from gateway.workers.drain import LINGER, Look, drain
from gateway.workers.wake import LINGERING, Bell

LOOKS: dict[str, Look] = {}
"""The looks by name; a worker process fills it before it takes its first job."""

_bell: list[Bell] = []
_stop: list[int] = []


def ready(looks: dict[str, Look], bell: Bell) -> None:
    """What this process's jobs run, and the bell they listen to."""
    LOOKS.clear()
    LOOKS.update(looks)
    _bell[:] = [bell]


def run(name: str) -> None:
    """Drain ``name``. Raises KeyError for a name nobody knows, and whatever its look raises."""
    linger = LINGER if name in LINGERING else 0.0
    drain(name, LOOKS[name], _bell[0], stopping=lambda: bool(_stop), linger=linger)


def stop_gently() -> None:
    """Let SIGTERM end this process's drain after the look it is at (called in the forked job)."""

    def stop(number: int, _frame: FrameType | None) -> None:
        _stop.append(number)

    signal.signal(signal.SIGTERM, stop)
