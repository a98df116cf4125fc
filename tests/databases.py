"""Databases for tests: a SQLite file or a database on a PostgreSQL that this process starts on loopback.

A prepared template is made once per process and copied for each test. Everything lies in temporary folders and ends
with the process that asked for it, even when that is killed.
"""

from __future__ import annotations

import base64
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from gateway.clock import now_us
from gateway.config import Config
from gateway.journal.checkpoints import Keys, seal
from gateway.store import schema
from gateway.store.db import Store

SECRET_KEY = base64.b64encode(bytes(range(32))).decode()
SETTINGS = {
    "fsync": "off",  # a killed server keeps what it wrote; only a power cut would not
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}
_numbers = itertools.count(1)


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
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def make(self) -> None:
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        self.port = self.port or _free_port()
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
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
def postgres() -> Iterator[Postgres]:
    """A running server, gone with its folder at the end."""
    binaries = postgres_binaries()
    if binaries is None:
        raise RuntimeError("no PostgreSQL on this machine: initdb was not found")
    folder = Path(tempfile.mkdtemp(prefix="tandem-pg-"))
    if os.geteuid() == 0:  # initdb refuses root
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    server = Postgres(folder, binaries)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Database:
    """``dialect`` is ``sqlite`` or ``postgresql``."""

    dialect: str
    url: str

    def store(self, pool: int = 8) -> Store:
        return Store(self.url, pool)


class Maker:
    """Makes databases of one dialect: empty ones, and copies of a migrated or a prepared template."""

    def __init__(self, dialect: str, folder: Path, server: Postgres | None) -> None:
        self.dialect = dialect
        self.folder = folder
        self.server = server
        self._templates: dict[bool, str] = {}

    def empty(self, folder: Path) -> Database:
        if self.server is None:
            return Database("sqlite", f"sqlite:///{folder / f'empty{next(_numbers)}.db'}")
        return Database("postgresql", self.server.create(f"t{next(_numbers)}"))

    def prepared(self, folder: Path) -> Database:
        """All tables and the rows that everything counts on; its audit trail is sealed."""
        return self._copy(True, folder)

    def migrated(self, folder: Path) -> Database:
        """All tables, and nothing in them."""
        return self._copy(False, folder)

    def drop(self, database: Database) -> None:
        if self.server is not None:
            self.server.drop(database.url.rpartition("/")[2])

    def _copy(self, prepared: bool, folder: Path) -> Database:
        if prepared not in self._templates:
            self._templates[prepared] = self._template(prepared)
        template = self._templates[prepared]
        if self.server is None:
            path = folder / "tandem.db"
            shutil.copyfile(template, path)
            return Database("sqlite", f"sqlite:///{path}")
        return Database("postgresql", self.server.create(f"t{next(_numbers)}", template))

    def _template(self, prepared: bool) -> str:
        database = self.empty(self.folder)
        store = database.store()
        schema.upgrade(store)
        if prepared:
            config = settings(self.folder, database.url)
            schema.prepare(store, config)
            seal(store, Keys.of(config), now_us())
        store.close()
        return database.url.removeprefix("sqlite:///") if self.server is None else database.url.rpartition("/")[2]


def settings(home: Path, url: str = "", **more: str) -> Config:
    """Settings of a test: state in ``home``, always the same secret key. ``more`` are further variables."""
    env = {"TANDEM_HOME": str(home), "TANDEM_SECRET_KEY": SECRET_KEY, "TANDEM_DATABASE_URL": url}
    return Config.load({**env, **more})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
