"""What may go wrong with a call to a memory desk in the same process, decided call by call by a script."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal

What = Literal["ok", "commit_then_drop", "drop_before_commit", "late", "refuse", "retry", "stale"]


@dataclass(frozen=True)
class Fault:
    """How one call ends. ``late``: carried out only ``steps`` steps of the desk later; ``after`` in seconds."""

    what: What = "ok"
    steps: int = 1
    after: float | None = None
    said: str = "the desk says no"


OK = Fault()
Script = Callable[[str], Fault]
"""Asked once per call, with the verb (``create``, ``update``, ``comment``, ``fetch`` ...)."""


def nothing(verb: str) -> Fault:
    """The script under which all goes well."""
    return OK


class Queue:
    """A script that is filled while the desk runs: each planned fault meets the next call of its verb, in order."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._planned: deque[tuple[str | None, Fault]] = deque()
        self.log: list[tuple[str, What]] = []

    def plan(self, what: What, verb: str | None = None, times: int = 1, **how: float | int | str | None) -> None:
        """``what`` for the next ``times`` calls of ``verb`` (None: of any verb)."""
        with self._lock:
            self._planned.extend([(verb, Fault(what, **how))] * times)  # type: ignore[arg-type]

    def clear(self) -> None:
        """Nothing is planned any more."""
        with self._lock:
            self._planned.clear()

    def __call__(self, verb: str) -> Fault:
        with self._lock:
            hit = next((each for each in self._planned if each[0] in (None, verb)), None)
            if hit is not None:
                self._planned.remove(hit)
            fault = hit[1] if hit else OK
            self.log.append((verb, fault.what))
        return fault
