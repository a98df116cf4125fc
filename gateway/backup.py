"""The whole state in one file, and back: database, attachments and the audit trail's checkpoints, but never the key.

A backup is taken while everything runs: SQLite's own copy of one moment, and attachments, which are only ever added.
PostgreSQL has its own tools for this. What comes back is another installation than the one that was lost: see
``begin_again``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import secrets
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, delete, select, update

from gateway.clock import iso
from gateway.config import Config
from gateway.errors import Conflict, Invalid
from gateway.journal.audit import note
from gateway.journal.chain import Key
from gateway.journal.checkpoints import FILE, Keys, seal
from gateway.providers.connection import set_state
from gateway.store import schema, tables
from gateway.store.db import Store
from gateway.store.tables import HELD, WAITING

FORMAT = 1
ABOUT, DATABASE = "about.json", "tandem.db"
BLOB = re.compile(r"files/[0-9a-f]{2}/[0-9a-z]{32}")
CHUNK = 1 << 20
DUMP = "Use pg_dump and pg_restore, copy TANDEM_HOME/files with it, and then run: tandem restore --adopt"


@dataclass(frozen=True)
class About:
    """What a backup says of itself. ``at``: RFC 3339; ``sha256`` of the database, in hex; ``files``: attachments."""

    format: int
    at: str
    installation: str
    key_check: str
    sha256: str
    files: int


def backup(config: Config, path: Path, now: int) -> About:
    """Write everything to the new file ``path``. Raises Conflict, ConfigError."""
    database = config.database_path
    if database is None:
        raise Conflict("a PostgreSQL database is not backed up by Tandem", "TANDEM_DATABASE_URL", fix=DUMP)
    if path.exists():
        raise Conflict("the file is there already", "FILE", str(path), "Name another one.")
    draft, copy = (path.with_name(f"{path.name}.{secrets.token_hex(4)}{end}") for end in (".part", ".db"))
    try:
        _copy(database, copy)
        store = Store(config.database_url, pool=1)
        code = schema.installation(store, config).code
        store.close()
        blobs = list(_blobs(config.home))
        about = About(FORMAT, iso(now), code, config.key_check(), _hash(copy), len(blobs))
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _pack(file, about, copy, [config.home / FILE, *blobs], config.home)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        for left in (draft, copy):
            left.unlink(missing_ok=True)
    return about


def _copy(source: Path, target: Path) -> None:
    """One moment of a database that is being written to, as a file without a log beside it."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)
        there.execute("pragma journal_mode = delete")


def _blobs(home: Path) -> Iterator[Path]:
    """The attachments that are whole; one that is still being written is not part of the database's moment."""
    for path in sorted((home / "files").glob("*/*")):
        if BLOB.fullmatch(path.relative_to(home).as_posix()):
            yield path


def _pack(file: IO[bytes], about: About, database: Path, others: list[Path], home: Path) -> None:
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
        text = json.dumps(asdict(about)).encode()
        entry = tarfile.TarInfo(ABOUT)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
        tar.add(database, DATABASE)
        for path in others:
            if path.exists():
                tar.add(path, path.relative_to(home).as_posix())


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def restore(config: Config, path: Path, now: int) -> About:
    """Put a backup back into an empty state folder, and let it begin again. Raises Conflict, Invalid, ConfigError."""
    database = config.database_path
    if database is None:
        raise Conflict("a PostgreSQL database is not restored by Tandem", "TANDEM_DATABASE_URL", fix=DUMP)
    if database.exists():
        raise Conflict("there is a database already", "TANDEM_HOME", str(database), "Move it away first.")
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = database.with_name(f"{database.name}.{secrets.token_hex(4)}.part")
    try:
        with tarfile.open(path, "r:gz") as tar:
            about = _about(tar, config)
            _unpack(tar, config.home, draft)
        if _hash(draft) != about.sha256:
            raise Invalid("the backup is damaged: its database is not the one it says", "FILE", str(path))
        _start(config, draft, now, f"restored from a backup of {about.at}")
        draft.replace(database)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Invalid(f"the backup cannot be read: {error}", "FILE", str(path)) from error
    finally:
        for left in ("", ".write.lock", "-wal", "-shm"):
            draft.with_name(draft.name + left).unlink(missing_ok=True)
    return about


def _start(config: Config, database: Path, now: int, why: str) -> None:
    """Bring the unpacked database to this version and to a state in which it may be started."""
    store = Store(f"sqlite:///{database}")
    try:
        schema.upgrade(store)
        schema.prepare(store, config)
        begin_again(store, Key.of(config.key("audit")), now, why)
        seal(store, Keys.of(config), now)
    finally:
        store.close()


def _about(tar: tarfile.TarFile, config: Config) -> About:
    first = tar.next()
    file = tar.extractfile(first) if first is not None and first.name == ABOUT else None
    if file is None:
        raise Invalid("not a backup of Tandem", "FILE", fix="Name a file that 'tandem backup' wrote.")
    try:
        about = About(**json.loads(file.read(CHUNK)))
    except (ValueError, TypeError):
        raise Invalid("not a backup of this version of Tandem", "FILE", fix="Restore it with a newer one.") from None
    if about.format != FORMAT:
        raise Invalid("not a backup of this version of Tandem", "FILE", about.format, "Restore it with a newer one.")
    if about.key_check != config.key_check():
        fix = "Start with the key it was made with; another one cannot open its secrets."
        raise Invalid("the backup belongs to another secret key", "TANDEM_SECRET_KEY", fix=fix)
    return about


def _unpack(tar: tarfile.TarFile, home: Path, database: Path) -> None:
    """Write what belongs to a backup, under names of our own; anything else in the archive is refused."""
    for entry in tar:
        if entry.name == ABOUT:
            continue
        known = entry.name in (DATABASE, FILE) or BLOB.fullmatch(entry.name)
        source = tar.extractfile(entry) if known and entry.isreg() else None
        if source is None:
            raise Invalid("there is something in the backup that does not belong there", "FILE", entry.name)
        target = database if entry.name == DATABASE else home / entry.name
        if entry.name == FILE and target.exists():
            continue  # this machine's own, which may know of a later end of the trail
        target.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            while chunk := source.read(CHUNK):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())


def begin_again(store: Store, key: Key, now: int, why: str) -> str:
    """Make a restored database safe to start: a code of its own for references (what the lost one wrote later must not
    be taken for ours), every connection paused, every record looked at before it is written to, everyone signed out,
    and what may have been sent since held for a person. Returns the new code."""
    code = base64.b32encode(secrets.token_bytes(5)).decode()
    with store.write() as conn:
        before = conn.scalar(select(tables.installation.c.code))
        conn.execute(update(tables.installation).values(code=code))
        c = tables.connection.c
        for id, name in conn.execute(select(c.id, c.name)).all():
            reason = f"{why}: compare with 'tandem drift {name}' after you resume it"
            set_state(conn, key, id, "paused", reason, "cli")
        held = _hold(conn)
        k = tables.link.c
        live = k.remote_id.is_not(None) & k.role.in_(("holder", "helper"))
        conn.execute(update(tables.link).where(live).values(verify=1))
        for table in (tables.lease, tables.slot, tables.permit, tables.session):
            conn.execute(delete(table))
        did = {"code": [before, code], "held": held, "why": why}
        note(conn, key, now, "installation", "cli", "restored", why, did)
    return code


def _hold(conn: Connection) -> int:
    """Whatever adds something at a remote waits for a person: it may have been sent after the backup was made."""
    said = "it may have been sent after the backup was made: look there, then replay or leave it"
    d, n = tables.delivery.c, tables.lane.c
    creates = select(d.link_id).where(d.state == WAITING, d.kind == "create")
    conn.execute(update(tables.lane).where(n.link_id.in_(creates)).values(held=said))
    adding = (d.state == WAITING) & d.kind.in_(("create", "comment", "attachment", "worklog"))
    return conn.execute(update(tables.delivery).where(adding).values(state=HELD, said=said)).rowcount
