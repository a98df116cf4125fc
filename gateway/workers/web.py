"""The web process: granian with threads, serving ``wsgi:application``.

With SQLite there is one process, since two would only take turns at the one lock; with PostgreSQL there may be more.
"""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces

from gateway.config import Config

THREADS = 16


def serve(config: Config, processes: int, threads: int = THREADS) -> None:
    """Serve until SIGTERM or SIGINT; connections are opened by the processes that use them."""
    host, port = config.bind
    Granian(
        "wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1 if config.database_path else processes,
        blocking_threads=threads,
        backlog=2048,
        respawn_failed_workers=True,
        websockets=False,
        log_level="warning",  # type: ignore[arg-type]  # its own constants are strings
    ).serve()
