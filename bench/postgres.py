"""A PostgreSQL server on loopback for a measurement or a test: in a folder of its own, ended with its process.

Its durability is chosen by whoever starts it: a measurement keeps ``fsync``, a test does without.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

SETTINGS = {
    "shared_buffers": "64MB",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}
VOLATILE = {"fsync": "off", "full_page_writes": "off"}
"""A killed server keeps what it wrote; only a power cut would not."""


def postgres_binaries() -> Path | None:
    """The folder with ``initdb``, or None when this machine has no PostgreSQL."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda folder: int(folder.parent.name))


@dataclass
class Postgres:
    """A server on loopback in a folder of its own. ``stop`` and ``start`` again keep the data, ``kill`` is kill -9."""

    folder: Path
    binaries: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def make(self) -> None:
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        self.port = self.port or _free_port()
        options = [part for name, value in {**SETTINGS, **self.settings}.items() for part in ("-c", f"{name}={value}")]
        words = ["postgres", "-D", str(self.folder / "data"), "-p", str(self.port), *options]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(self._words(*words), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        self._wait()

    def stop(self, how: str = "fast") -> None:
        if self.process is not None:
            self.process.send_signal({"fast": 2, "immediate": 3}[how])
            self.process.wait(30)
            self.process = None

    def kill(self) -> None:
        """The machine's power button, as far as a test may go: no process of the server gets to say a word."""
        self.stop("immediate")

    def create(self, name: str, template: str = "template1") -> str:
        """A new database's URL."""
        self.execute(f'create database "{name}" template "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        self.execute(f'drop database if exists "{name}" with (force)')

    def execute(self, sql: str) -> None:
        with psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", autocommit=True) as conn:
            conn.execute(sql)

    def _words(self, name: str, *args: str) -> list[str]:
        words = [str(self.binaries / name), *args]
        drop = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        return ["setpriv", *drop, "--pdeathsig=INT", *words]

    def _run(self, *words: str) -> None:
        done = subprocess.run(self._words(*words), capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            raise RuntimeError(f"{words[0]} failed: {done.stderr.strip()}")

    def _wait(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.execute("select 1")
                return
            except psycopg.OperationalError:
                ended = self.process is None or self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}") from None
                time.sleep(0.05)


@contextmanager
def postgres(**settings: str) -> Iterator[Postgres]:
    """A running server, gone with its folder at the end. ``settings`` as in postgresql.conf."""
    binaries = postgres_binaries()
    if binaries is None:
        raise RuntimeError("no PostgreSQL on this machine: initdb was not found")
    folder = Path(tempfile.mkdtemp(prefix="tandem-pg-"))
    if os.geteuid() == 0:  # initdb refuses root
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    server = Postgres(folder, binaries, settings)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
