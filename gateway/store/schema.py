"""The database before its first use and after an update: tables of this version, and the rows everything counts on.

``upgrade`` and ``prepare`` change nothing when nothing is missing, and several processes may start at once: the first
does the work while the others wait for the database's lock.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.clock import now_us
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.journal.audit import note
from gateway.journal.chain import Key
from gateway.store import tables
from gateway.store.db import Store
from gateway.store.ids import mint

FIRST_TICKET = 1001
TEAM = ("service-desk", "Service desk")
_MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = 0x74616E64656D  # "tandem": PostgreSQL's advisory lock of whoever changes the schema or prepares


@dataclass(frozen=True)
class Installation:
    """``code`` is part of every reference we write at a remote; ``id_salt`` makes public ids (``store.ids.Ids``)."""

    code: str
    id_salt: bytes = field(repr=False)


def upgrade(store: Store) -> None:
    """Bring the tables to this version's, in one transaction. Raises ConfigError on a database of a newer Tandem."""
    with _alone(store) as conn:
        wanted, found = _wanted(), _found(conn)
        if found == wanted:
            return
        if found is not None and found not in _known():
            raise ConfigError(
                "the database was made by a newer Tandem", value=found, fix="Run that version, or a newer one."
            )
        config = AlembicConfig()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = conn
        command.upgrade(config, "head")


def current(store: Store) -> bool:
    """Whether the tables are this version's. Raises the driver's error when there is no database to ask."""
    with store.read() as conn:
        return _found(conn) == _wanted()


def check(store: Store) -> None:
    """Refuse to work on other tables than this version's. Raises ConfigError."""
    if not current(store):
        raise ConfigError("the database has the tables of another version", fix="Run: tandem db upgrade")


def prepare(store: Store, config: Config) -> Installation:
    """Make the rows that everything counts on, where they are missing: the installation, the first team, the ticket
    numbers, the shipped mappings. Raises ConfigError when the database belongs to another secret key."""
    with _alone(store) as conn:
        made = _installation(conn, config)
        key = Key.of(config.key("audit"))
        _insert(conn, "sequence", name="ticket", value=FIRST_TICKET - 1)
        _insert(conn, "team", id=mint(), slug=TEAM[0], name=TEAM[1], created_at=now_us())
        for name, body in _shipped():
            _publish(conn, key, name, body)
    return made


def installation(store: Store, config: Config) -> Installation:
    """The installation of a prepared database. Raises ConfigError when it is not prepared or not of this key."""
    with store.read() as conn:
        row = conn.execute(select(tables.installation)).one_or_none()
    if row is None:
        raise ConfigError("the database was never prepared", fix="Run: tandem db upgrade")
    _same_key(bytes(row.key_check), config)
    return Installation(row.code, bytes(row.id_salt))


@contextmanager
def _alone(store: Store) -> Iterator[Connection]:
    """A write transaction that no other process's upgrade or prepare overlaps."""
    with store.write() as conn:  # on SQLite this is the lock
        if store.dialect == "postgresql":
            conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        yield conn


def _found(conn: Connection) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_MIGRATIONS))


def _wanted() -> str | None:
    return _scripts().get_current_head()


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _installation(conn: Connection, config: Config) -> Installation:
    row = conn.execute(select(tables.installation)).one_or_none()
    if row is not None:
        _same_key(bytes(row.key_check), config)
        return Installation(row.code, bytes(row.id_salt))
    made = Installation(base64.b32encode(secrets.token_bytes(5)).decode(), secrets.token_bytes(32))
    check = config.key_check().encode()
    row_values = {"id": 1, "code": made.code, "id_salt": made.id_salt, "key_check": check, "created_at": now_us()}
    conn.execute(insert(tables.installation).values(row_values))
    return made


def _same_key(stored: bytes, config: Config) -> None:
    if not hmac.compare_digest(stored, config.key_check().encode()):
        fix = "Start with the key that this database was made with; another one cannot open its secrets."
        raise ConfigError("the database belongs to another secret key", "TANDEM_SECRET_KEY", fix=fix)


def _insert(conn: Connection, table: str, **values: object) -> None:
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    conn.execute(dialect.insert(tables.metadata.tables[table]).values(values).on_conflict_do_nothing())


def _shipped() -> list[tuple[str, str]]:
    """Name and text of every mapping document in the package."""
    found = [entry for entry in files("mappings").iterdir() if entry.name.endswith(".yaml")]
    return sorted((entry.name.removesuffix(".yaml"), entry.read_text("utf-8")) for entry in found)


def _publish(conn: Connection, key: Key, name: str, body: str) -> None:
    """Store a shipped mapping as its name's next version, unless these very bytes were a version before."""
    document = tables.document
    digest = hashlib.sha256(body.encode()).hexdigest()
    named = (document.c.kind == "mapping") & (document.c.name == name)
    if conn.execute(select(document.c.id).where(named, document.c.hash == digest)).first():
        return
    version = (conn.scalar(select(func.max(document.c.version)).where(named)) or 0) + 1
    at = now_us()
    conn.execute(
        insert(document).values(
            id=mint(), kind="mapping", name=name, version=version, text=body, hash=digest, author="tandem",
            reason="shipped with Tandem", created_at=at,
        )
    )  # fmt: skip
    note(conn, key, at, f"mapping:{name}", "tandem", "published", f"{name}@{version}", {"hash": digest})
