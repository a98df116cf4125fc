"""``tandem up``: everything on one machine in one process tree, on the embedded database and Valkey.

Valkey, the scheduler, the workers, the web process: started in that order, stopped in the opposite one. Nothing needs
to be installed or configured before.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gateway.config import Config, embedded_redis_url
from gateway.errors import Conflict, TandemError
from gateway.workers import supervisor, valkey
from gateway.workers.supervisor import GRACE, Child, Supervisor

TRIES = 50
"""Ports that are tried after the one asked for."""


def tandem(*arguments: str) -> list[str]:
    """The command line of a part of Tandem, with the Python that runs this."""
    return [sys.executable, "-m", "gateway", *arguments]


def free_address(host: str, port: int) -> tuple[str, int]:
    """``port`` at ``host``, or the next one that nobody listens on. Raises TandemError when there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in [port] if port == 0 else range(port, min(port + TRIES, 65535) + 1):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if error.errno in (98, 13):  # taken, or not ours to take
                    continue
                raise TandemError("cannot listen there", "TANDEM_BIND", host, f"{error.strerror}.") from None
            return host, int(probe.getsockname()[1])
    raise TandemError("no free port", "TANDEM_BIND", port, "Name another one with --port.")


def url(host: str, port: int) -> str:
    """Where a person on this machine finds the console."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"


def serves(host: str, port: int) -> bool:
    """Whether the web process answers there."""
    connection = http.client.HTTPConnection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port, timeout=2)  # noqa: S104
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def parts(config: Config, more: Sequence[Child] = ()) -> list[Child]:
    """The children of ``tandem up`` in the order of their start; ``more`` come last."""
    host, port = config.bind
    first = []
    if config.embedded_redis:
        first = [
            Child(
                "valkey", valkey.command(config.home), lambda: valkey.answers(embedded_redis_url(config.home)), rank=0
            )
        ]
    web = Child("web", tandem("web"), lambda: serves(host, port), within=60, rank=2)
    return [*first, Child("scheduler", tandem("scheduler")), Child("worker", tandem("worker")), web, *more]


@contextmanager
def only_one(config: Config) -> Iterator[None]:
    """Hold the state folder for this process tree, and end what a killed one left in it. Raises Conflict."""
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    run_file = config.home / "run.json"
    descriptor = os.open(config.home / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        pid = supervisor.running(run_file)
        raise Conflict("Tandem already runs here", "pid", pid, "Stop it, or set another TANDEM_HOME.") from None
    try:
        supervisor.clear(run_file)
        yield
    finally:
        os.close(descriptor)


def up(config: Config, more: Sequence[Child], started: Callable[[Config], None]) -> None:
    """Start everything, call ``started`` once the console answers, and keep it going until SIGTERM or SIGINT. The
    state folder must be held (``only_one``) and its database prepared."""
    run_file, logs = config.home / "run.json", config.home / "logs"
    tree = Supervisor(parts(config, more), config.child_environment(), run_file, logs, grace=GRACE + 5)
    tree.start()
    if not tree.stopping.is_set():
        started(config)
    tree.watch()
