"""A handful of child processes that are started in order, restarted when they die, and stopped in the opposite order.

``tandem up`` and ``tandem worker`` are this with different children. What a killed supervisor left behind is named in
its run file, with each process's start time, and ended by the next one.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import TandemError
from gateway.workers import children

LOOK = 0.2
STEADY = 10.0
SLOWEST = 10.0
GRACE = 10.0
"""Seconds: between two looks at the children, after which a child counts as steady again, the longest wait before a
restart, and what a child has for its end."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Child:
    """A program, or a function for a fork of this process. ``ready`` is waited for after the start, at most ``within``
    seconds, before the next child is started. Those of one ``rank`` are stopped together, the highest first."""

    name: str
    what: Sequence[str] | Callable[[], None]
    ready: Callable[[], bool] = lambda: True
    within: float = 20.0
    rank: int = 1


class Supervisor:
    """Runs ``wanted`` with ``environ``. ``run_file`` keeps what runs; outputs go to ``logs/NAME.log`` or, without
    ``logs``, to our own."""

    def __init__(
        self,
        wanted: Sequence[Child],
        environ: Mapping[str, str],
        run_file: Path | None = None,
        logs: Path | None = None,
        grace: float = GRACE,
    ) -> None:
        self.wanted = wanted
        self.environ = environ
        self.run_file = run_file
        self.logs = logs
        self.grace = grace
        self.stopping = threading.Event()
        self._running: dict[str, children.Process] = {}
        self._since: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    def start(self) -> None:
        """Start every child in order and wait until each is ready; SIGTERM and SIGINT end the wait. Raises TandemError
        when one ends or is not ready in time; then none is left running."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        if self.logs is not None:
            self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            for child in self.wanted:
                self._start(child)
                self._await(child)
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Restart what dies until SIGTERM or SIGINT, then stop everything."""
        try:
            while not self.stopping.wait(LOOK):
                for child in self.wanted:
                    self._keep(child)
        finally:
            self.stop()

    def stop(self) -> None:
        """End the children, rank by rank, and forget the run file."""
        for rank in sorted({child.rank for child in self.wanted}, reverse=True):
            names = [child.name for child in self.wanted if child.rank == rank and child.name in self._running]
            ending = [self._running.pop(name) for name in names]
            until = time.monotonic() + self.grace
            for process in ending:
                if process.poll() is None:
                    process.terminate()
            for process in ending:
                children.stop(process, max(0.0, until - time.monotonic()))
        if self.run_file is not None:
            self.run_file.unlink(missing_ok=True)

    def _start(self, child: Child) -> None:
        if callable(child.what):
            self._running[child.name] = children.Forked(child.what)
        else:
            output = None if self.logs is None else self.logs / f"{child.name}.log"
            self._running[child.name] = children.spawn(child.what, self.environ, log=output)
        self._since[child.name] = time.monotonic()
        self._note()

    def _await(self, child: Child) -> None:
        until = time.monotonic() + child.within
        while not child.ready() and not self.stopping.is_set():
            status = self._running[child.name].poll()
            if status is not None or time.monotonic() > until:
                what = "did not answer in time" if status is None else f"ended at once with status {status}"
                raise TandemError(f"{child.name} {what}", fix=self._where(child.name))
            self.stopping.wait(0.02)

    def _keep(self, child: Child) -> None:
        process = self._running[child.name]
        status = process.poll()
        if status is None:
            return
        lived = time.monotonic() - self._since[child.name]
        failures = 0 if lived > STEADY else self._failures.get(child.name, 0)
        if lived < min(SLOWEST, 0.25 * 2**failures):
            return
        self._failures[child.name] = failures + 1
        log.warning("%s ended with status %s, starting it again", child.name, status)
        children.kill(process)
        self._start(child)

    def _where(self, name: str) -> str | None:
        return None if self.logs is None else f"See {self.logs / name}.log."

    def _note(self) -> None:
        """Write down who runs, whole or not at all."""
        if self.run_file is None:
            return
        processes = [os.getpid(), *(process.pid for process in self._running.values())]
        draft = self.run_file.with_suffix(".new")
        draft.write_text(json.dumps({"processes": [[pid, children.started_at(pid)] for pid in processes]}))
        draft.replace(self.run_file)


def running(run_file: Path) -> int | None:
    """The pid of the supervisor that the run file names, or None when it no longer runs."""
    processes = _noted(run_file)
    return processes[0][0] if processes and _same(*processes[0]) else None


def clear(run_file: Path) -> None:
    """End what a killed supervisor left behind and wait for its end."""
    left = [pid for pid, started in _noted(run_file)[1:] if _same(pid, started)]
    for number, within in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        for pid in left:
            _signal(pid, number)
        until = time.monotonic() + within
        while left and time.monotonic() < until:
            left = [pid for pid in left if children.started_at(pid) is not None]
            time.sleep(0.02)
    run_file.unlink(missing_ok=True)


def _noted(run_file: Path) -> list[tuple[int, int]]:
    try:
        return [(pid, started) for pid, started in json.loads(run_file.read_text())["processes"]]
    except (FileNotFoundError, ValueError, KeyError):
        return []


def _same(pid: int, started: int | None) -> bool:
    return started is not None and children.started_at(pid) == started


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
