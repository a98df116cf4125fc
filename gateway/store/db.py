"""Connections and bulk statements of the two databases, SQLite and PostgreSQL, behind one small class.

The quiet parts use SQLAlchemy Core through ``Store.read()`` and ``Store.write()``. The road uses ``Road``: driver
statements over whole lists, one text for both databases (``?`` is a parameter, ``INTS(?)`` and ``TEXTS(?)`` are lists,
``LOCK`` locks the rows read on PostgreSQL). Errors are the drivers' own; ``Store.broken`` tells those worth a retry.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, BigInteger, Connection, Engine, Integer, LargeBinary, Table, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from gateway import plain
from gateway.clock import now_us

BUSY_TIMEOUT = 30.0  # seconds


class Store:
    """One database. ``sqlite`` or ``postgresql`` in ``dialect``; safe to share between threads, not across a fork."""

    def __init__(self, url: str, pool: int = 16) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        if self.dialect == "sqlite":
            self.engine = _sqlite(url, pool)
        else:
            self.engine = _postgres(self.url, pool)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction; on SQLite it never waits for a writer."""
        with self.engine.connect() as conn, conn.begin():
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction, committed at the end. On SQLite writers take turns on ``write.lock`` beside the file."""
        with self.engine.connect() as conn:
            if self.dialect != "sqlite":
                with conn.begin():
                    yield conn
                return
            turn = conn.connection.dbapi_connection.tandem_turn  # type: ignore[union-attr]
            fcntl.flock(turn, fcntl.LOCK_EX)
            try:
                conn = conn.execution_options(tandem_write=True)
                with conn.begin():
                    yield conn
            finally:
                fcntl.flock(turn, fcntl.LOCK_UN)

    @contextmanager
    def road(self, write: bool = False) -> Iterator[Road]:
        """``read`` or ``write`` for driver statements alone, at a third of what Core needs around a transaction."""
        held = self.engine.raw_connection()
        try:
            with _transaction(held.driver_connection, self.dialect, write):
                yield Road(held, self.dialect)
        finally:
            held.close()

    def broken(self, error: BaseException) -> bool:
        """Whether a fresh connection may do better: the server went away, or a lock was not had in time."""
        if isinstance(error, DBAPIError):
            return error.connection_invalidated or "locked" in str(error.orig) or "OperationalError" in repr(error.orig)
        return type(error).__name__ in {"OperationalError", "SerializationFailure", "DeadlockDetected", "AdminShutdown"}

    def doubled(self, error: BaseException) -> bool:
        """Whether somebody else has just written what may be there once."""
        origin = error.orig if isinstance(error, DBAPIError) else error
        return type(origin).__name__ in {"IntegrityError", "UniqueViolation"} and "unique" in str(origin).lower()

    def after_fork(self) -> None:
        """Forget the parent's connections, without closing them: they are still the parent's."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _transaction(raw: Any, dialect: str, write: bool) -> Iterator[None]:
    if dialect != "sqlite":
        with raw.transaction():
            yield
        return
    if write:
        fcntl.flock(raw.tandem_turn, fcntl.LOCK_EX)
    try:
        raw.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        yield
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise
    finally:
        if write:
            fcntl.flock(raw.tandem_turn, fcntl.LOCK_UN)


def _postgres(url: URL, pool: int) -> Engine:
    """A connection is asked whether it lives only where something waits to be read: the end of a server that went away,
    or a word that nobody asked for."""
    engine = create_engine(url.set(drivername="postgresql+psycopg"), pool_size=pool, max_overflow=pool)

    @event.listens_for(engine, "checkout")
    def checkout(dbapi: Any, _record: Any, _held: Any) -> None:
        waiting = select.poll()
        try:
            waiting.register(dbapi.fileno(), select.POLLIN)
            if waiting.poll(0):
                engine.dialect.do_ping(dbapi)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    return engine


class _TurnConnection(sqlite3.Connection):
    """A SQLite connection with its own descriptor of the writers' lock file."""

    tandem_turn: int = -1

    def close(self) -> None:
        if self.tandem_turn >= 0:
            os.close(self.tandem_turn)
            self.tandem_turn = -1
        super().close()


def _sqlite(url: str, pool: int) -> Engine:
    path = make_url(url).database
    if not path or path == ":memory:":
        raise ValueError(
            f"database {url!r}: Tandem's processes share the file, so it needs a path; e.g. sqlite:///var/tandem.db"
        )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool,
        max_overflow=pool,
        connect_args={"factory": _TurnConnection, "timeout": BUSY_TIMEOUT, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def connect(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None
        dbapi.tandem_turn = os.open(f"{path}.write.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            "temp_store=MEMORY",
            "cache_size=-65536",
        ):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("tandem_write") else "BEGIN")

    return engine


_LISTS = {
    "INTS(?)": ("in (select value from json_each(?))", "= any(%b::int8[])"),
    "TEXTS(?)": ("in (select value from json_each(?))", "= any(%b::text[])"),
}
_TOKEN = re.compile(r"INTS\(\?\)|TEXTS\(\?\)|\?|\bLOCK\b|\bSKIP_LOCKED\b|%")


@lru_cache(maxsize=512)
def _statement(sql: str, dialect: str) -> str:
    postgres = dialect == "postgresql"

    def one(match: re.Match[str]) -> str:
        word = match.group()
        if word in _LISTS:
            return _LISTS[word][postgres]
        if word == "?":
            return "%b" if postgres else "?"
        if word == "LOCK":
            return "for no key update" if postgres else ""
        if word == "SKIP_LOCKED":
            return "for no key update skip locked" if postgres else ""
        return "%%" if postgres else "%"

    return _TOKEN.sub(one, sql)


_TYPES: dict[type, str] = {BigInteger: "int8", Integer: "int4", LargeBinary: "bytea"}


@lru_cache(maxsize=256)
def _insert_text(table: Table, columns: tuple[str, ...], dialect: str, ignore: bool) -> str:
    names = ", ".join(f'"{c}"' for c in columns)
    tail = " on conflict do nothing" if ignore else ""
    if dialect == "sqlite":
        return f'insert into "{table.name}" ({names}) values ({", ".join("?" * len(columns))}){tail}'
    lists = ", ".join(f"%b::{_type(table, c)}[]" for c in columns)
    return f'insert into "{table.name}" ({names}) select * from unnest({lists}){tail}'


@lru_cache(maxsize=256)
def _update_text(table: Table, key: tuple[str, ...], columns: tuple[str, ...], dialect: str, only: str) -> str:
    also = f" and {only}" if only else ""
    if dialect == "sqlite":
        sets = ", ".join(f'"{c}" = ?' for c in columns)
        keys = " and ".join(f'"{k}" = ?' for k in key)
        return f'update "{table.name}" set {sets} where {keys}{also}'
    sets = ", ".join(f'"{c}" = v."{c}"' for c in columns)
    names = ", ".join(f'"{c}"' for c in (*columns, *key))
    lists = ", ".join(f"%b::{_type(table, c)}[]" for c in (*columns, *key))
    keys = " and ".join(f'"{table.name}"."{k}" = v."{k}"' for k in key)
    return f'update "{table.name}" set {sets} from unnest({lists}) v({names}) where {keys}{also}'


def _type(table: Table, column: str) -> str:
    return next((name for kind, name in _TYPES.items() if type(table.c[column].type) is kind), "text")


class Road:
    """Driver statements over lists, inside the transaction of ``conn``."""

    def __init__(self, conn: Connection | PoolProxiedConnection, dialect: str) -> None:
        self.raw: Any = (conn.connection if isinstance(conn, Connection) else conn).driver_connection
        self.dialect = dialect

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """All rows of a query. Lists are parameters of ``INTS(?)``/``TEXTS(?)``."""
        if self.dialect == "sqlite":
            params = tuple(plain.text(p) if isinstance(p, list) else p for p in params)
        found: list[tuple[Any, ...]] = self.raw.execute(_statement(sql, self.dialect), params).fetchall()
        return found

    def run(self, sql: str, *params: Any) -> int:
        """Run a statement; the number of rows it touched."""
        if self.dialect == "sqlite":
            params = tuple(plain.text(p) if isinstance(p, list) else p for p in params)
        count: int = self.raw.execute(_statement(sql, self.dialect), params).rowcount
        return count

    def insert(
        self, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], ignore: bool = False
    ) -> int:
        """Insert rows in one statement; with ``ignore`` those that break a unique constraint are left out."""
        if not rows:
            return 0
        text = _insert_text(table, tuple(columns), self.dialect, ignore)
        if self.dialect == "sqlite":
            return int(self.raw.executemany(text, rows).rowcount)
        return int(self.raw.execute(text, [list(column) for column in zip(*rows, strict=True)]).rowcount)

    def upsert(self, table: Table, key: Sequence[str], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, or set the other columns of those whose key is there; a key at most once in ``rows``."""
        if not rows:
            return
        others = ", ".join(f'"{c}" = excluded."{c}"' for c in columns if c not in key)
        names = ", ".join(f'"{c}"' for c in key)
        text = (
            f"{_insert_text(table, tuple(columns), self.dialect, False)} on conflict ({names}) do update set {others}"
        )
        if self.dialect == "sqlite":
            self.raw.executemany(text, rows)
        else:
            self.raw.execute(text, [list(column) for column in zip(*rows, strict=True)])

    def update(
        self,
        table: Table,
        key: str | tuple[str, ...],
        columns: Sequence[str],
        rows: Sequence[tuple[Any, ...]],
        only: str = "",
    ) -> None:
        """Update by key; each row is the columns' values in order, the key's last. ``only``: a condition besides."""
        if not rows:
            return
        keys = (key,) if isinstance(key, str) else key
        text = _update_text(table, keys, tuple(columns), self.dialect, only)
        if self.dialect == "sqlite":
            self.raw.executemany(text, rows)
        else:
            self.raw.execute(text, [list(column) for column in zip(*rows, strict=True)])

    def lease_now(self) -> int:
        """The database's own time in UTC microseconds: the one clock that leases of several machines share."""
        if self.dialect == "sqlite":  # one machine: its clock is the database's
            return now_us()
        return int(self.rows("select (extract(epoch from clock_timestamp()) * 1000000)::int8")[0][0])
