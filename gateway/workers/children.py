"""Child processes that end with their parent, in sessions of their own: what ``tandem up`` is made of.

A session of its own keeps a Ctrl-C from reaching a child before its parent has decided on the order; the parent-death
signal ends a child whose parent was killed; whatever a child left behind is ended by its process group.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def spawn(
    argv: Sequence[str], environ: Mapping[str, str] | None = None, log: Path | None = None, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start ``argv``; its output goes to ``log`` (appended) or to ours. Call it from the main thread: the kernel sends
    the parent-death signal when the thread that forked ends."""
    output = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            argv,
            env=environ,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(end_with_parent, os.getpid()),
        )
    finally:
        if output is not None:
            os.close(output)


class Forked:
    """A child that shares what its parent has loaded; with the manners of ``Popen``. The parent must have no threads
    and no open connections."""

    def __init__(self, target: Callable[[], None]) -> None:
        parent = os.getpid()
        self._status: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _run(target, parent)

    def poll(self) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"pid {self.pid}", timeout or 0.0)
            time.sleep(0.02)
        return status


Process = subprocess.Popen[bytes] | Forked


def stop(child: Process, grace: float) -> int:
    """SIGTERM, ``grace`` seconds to finish, then SIGKILL to whatever is left of its group. Its exit status."""
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        pass
    kill(child)
    return child.wait()


def kill(child: Process) -> None:
    """SIGKILL to the child's whole group, its own children included; nothing when none is left."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def started_at(pid: int) -> int | None:
    """The kernel's start time of a process (clock ticks since boot), or None when it has ended: with the pid it names
    one process for ever. From proc(5), fields 3 and 22."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def end_with_parent(parent: int) -> None:
    """From now on the kernel sends this process SIGTERM when ``parent``, its parent, ends; at once if it has."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _run(target: Callable[[], None], parent: int) -> NoReturn:
    """The life of a forked child: it ends here, whatever happens, and never returns to its parent's code."""
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.setpgrp()
        end_with_parent(parent)
        target()
        status = 0
    except Exception:  # noqa: BLE001 - the process ends with it, and says so
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
