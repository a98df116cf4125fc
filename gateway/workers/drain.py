"""The loop every job is: look at what is due until nothing is, wait for a token, look again, and stop in time.

A look is one pass over what is due. It is taken on a token, after a look that did something (it may have left more),
and on a quarter-second sweep; an empty look is what an idle system costs, so a drain that finds nothing for a while
ends. Several drains of one name at once are harmless.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

Look = Callable[[], bool]
"""One pass over what is due; true when it did something."""

SWEEP = 0.25
LINGER = 20.0
BUDGET = 60.0
"""Seconds: between two looks of an idle drain, from the last work to its end, and from its start to its successor.
The budget stays far below the job's timeout: a look may take half a minute."""


class Listener(Protocol):
    """The drain's side of the bell (``wake.Bell``)."""

    def wake(self, name: str) -> bool: ...
    def arrive(self, name: str) -> bool: ...
    def stay(self, name: str) -> None: ...
    def wait(self, name: str, seconds: float) -> bool: ...
    def leave(self, name: str) -> None: ...


def drain(
    name: str,
    look: Look,
    bell: Listener,
    *,
    stopping: Callable[[], bool] = lambda: False,
    linger: float = LINGER,
    budget: float = BUDGET,
) -> None:
    """Run ``look`` until nothing is due and ``linger`` seconds have brought no more. A second drain of the same name
    does not linger. Work that is left at the end wakes a successor, except when ``stopping``."""
    if bell.arrive(name):
        linger = 0.0
    begun = worked = refreshed = time.monotonic()
    while not stopping():
        did = look()
        now = time.monotonic()
        if did:
            worked = now
        if now - begun > budget or (not did and now - worked >= linger):
            break
        if now - refreshed > 1.0:
            bell.stay(name)
            refreshed = now
        if not did:
            bell.wait(name, SWEEP)
    bell.leave(name)
    if not stopping() and look():
        bell.wake(name)
