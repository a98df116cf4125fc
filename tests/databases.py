"""Databases for tests: a SQLite file, or a database on this process's own PostgreSQL (``bench.postgres``).

A prepared template is made once per process and copied for each test.
"""

from __future__ import annotations

import base64
import itertools
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.postgres import Postgres
from gateway.clock import now_us
from gateway.config import Config
from gateway.journal.checkpoints import Keys, seal
from gateway.store import schema
from gateway.store.db import Store

SECRET_KEY = base64.b64encode(bytes(range(32))).decode()
_numbers = itertools.count(1)


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
