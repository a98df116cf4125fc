"""The sealer and the checkpoints: one global chain of seals over all subjects' chains, and its end kept elsewhere.

``seal`` runs every second in one process at a time (a lease) and turns queue rows into one signed seal; entries
themselves are never touched. ``checkpoint`` notes the last seal in a file outside the database, so that a cut tail
shows. ``gateway.journal.verify`` checks it all.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.config import Config
from gateway.journal import chain
from gateway.journal.chain import Key
from gateway.store import tables
from gateway.store.db import Road, Store
from gateway.store.ids import mint

BATCH = 1000
"""Entries of one seal, at most one transaction's more."""
ROWS = 64
"""Rows of the queue that are read at a time: one of them may hold a whole batch's entries."""
LEASE = 5_000_000
"""Microseconds. Short, because entries unsealed for 10 s raise an alarm."""
FILE = "checkpoints.jsonl"
_OWNER = f"{os.uname().nodename}:{{pid}}"
_LAST = "select id, at, prev, root, n, sig from seal order by id desc limit 1"
_NEXT = "select id, at, prev, root, n, leaves, sig from seal where id > ? order by id limit ?"


@dataclass(frozen=True)
class Keys:
    """The audit keys: MAC keys and the seals' public keys by id, the current ones to write with. An old secret key
    stays good for reading what was written with it."""

    mac: Key
    macs: Mapping[str, Key]
    publics: Mapping[str, Ed25519PublicKey]
    private: Ed25519PrivateKey = field(repr=False)
    seal_id: str = ""

    @classmethod
    def of(cls, config: Config, *older: Config) -> Keys:
        macs = [Key.of(one.key("audit")) for one in (config, *older)]
        seals = [Ed25519PrivateKey.from_private_bytes(one.key("seal")) for one in (config, *older)]
        publics = {public_id(one.public_key()): one.public_key() for one in seals}
        return cls(macs[0], {key.id: key for key in macs}, publics, seals[0], public_id(seals[0].public_key()))


@dataclass(frozen=True)
class Seal:
    """One row of table ``seal``; ``lines`` are its leaves, ``signature`` begins with the key's id (8 bytes)."""

    id: int
    at: int
    prev: bytes
    root: bytes
    n: int
    lines: tuple[bytes, ...]
    signature: bytes

    @property
    def signed(self) -> bytes:
        return chain.seal_bytes(self.id, self.at, self.prev, self.root, self.n)

    @property
    def hash(self) -> bytes:
        return chain.seal_hash(self.signed, self.signature)


def public_id(key: Ed25519PublicKey) -> str:
    return Key.of(key.public_bytes_raw()).id


def seal(store: Store, keys: Keys, now: int, owner: str = "") -> int:
    """Seal up to about ``BATCH`` waiting entries; how many were sealed (0: none waiting, or another process's turn)."""
    with store.read() as conn:  # an idle second costs no commit
        if not Road(conn, store.dialect).rows("select id from unsealed limit 1"):
            return 0
    with store.write() as conn:
        road = Road(conn, store.dialect)
        if not _lease(road, owner or _OWNER.format(pid=os.getpid()), road.lease_now()):
            return 0
        waiting = _waiting(road)
        if not waiting:
            return 0
        lines = chain.in_order([line for _, blob in waiting for line in chain.unpack(blob)])
        _append(road, keys, now, lines)
        road.run("delete from unsealed where id INTS(?)", [id for id, _ in waiting])
        return len(lines)


def checkpoint(store: Store, folder: Path, now: int) -> int:
    """Note the last seal in ``folder/checkpoints.jsonl``, durably, unless it stands there already. Returns the seal's
    id, 0 when there is none."""
    last = last_seal(store)
    if last is None:
        return 0
    path = folder / FILE
    noted = read_checkpoints(path)
    if noted and noted[-1]["seal"] >= last.id:
        return last.id
    line = {"seal": last.id, "at": now, "root": last.root.hex(), "sig": last.signature.hex()}
    folder.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and not path.read_bytes().endswith(b"\n")  # by a crash, in the middle of a line
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="ascii") as file:
        file.write("\n" * torn + json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
    with store.write() as conn:
        row = (mint(), last.id, now, str(path))
        Road(conn, store.dialect).insert(tables.checkpoint, ("id", "seal_id", "at", "target"), [row])
    return last.id


def read_checkpoints(path: Path) -> list[dict[str, Any]]:
    """The lines of a checkpoint file; none when there is no file. A line torn by a crash is left out."""
    if not path.exists():
        return []
    lines = path.read_text("ascii", errors="replace").split("\n")
    return [json.loads(line) for line in lines[:-1] if line.startswith("{") and line.endswith("}")]


def last_seal(store: Store) -> Seal | None:
    """The last seal, without its leaves."""
    with store.read() as conn:
        return _last(Road(conn, store.dialect))


def _last(road: Road) -> Seal | None:
    rows = road.rows(_LAST)
    if not rows:
        return None
    id, at, prev, root, n, signature = rows[0]
    return Seal(id, at, raw(prev), raw(root), n, (), raw(signature))


def seals_after(road: Road, id: int, limit: int) -> list[Seal]:
    """Seals in order, those of a higher id than ``id``. Leaves that cannot be unpacked come as none."""
    return [_seal(row) for row in road.rows(_NEXT, id, limit)]


def signed_well(keys: Keys, one: Seal) -> bool:
    key = keys.publics.get(one.signature[:8].decode("ascii", "replace"))
    if key is None:
        return False
    try:
        key.verify(one.signature[8:], one.signed)
    except InvalidSignature:
        return False
    return True


def _seal(row: tuple[Any, ...]) -> Seal:
    id, at, prev, root, n, leaves, signature = row
    try:
        lines = tuple(chain.unpack(zlib.decompress(raw(leaves))))
    except zlib.error:
        lines = ()
    return Seal(id, at, raw(prev), raw(root), n, lines, raw(signature))


def raw(value: Any) -> bytes:
    """A stored value as bytes, also where someone wrote text into a SQLite column."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)


def _lease(road: Road, owner: str, now: int) -> bool:
    """Whether this process is the sealer now. The lease's row stays locked to the end of the transaction."""
    road.insert(tables.lease, ("name", "owner", "until"), [("sealer", owner, now)], ignore=True)
    until = now + LEASE
    sql = "update lease set owner = ?, until = ? where name = 'sealer' and (owner = ? or until <= ?)"
    return road.run(sql, owner, until, owner, now) == 1


def _waiting(road: Road) -> list[tuple[int, bytes]]:
    """The oldest rows of the queue, until they hold ``BATCH`` entries."""
    taken: list[tuple[int, bytes]] = []
    count = 0
    while count < BATCH:
        after = taken[-1][0] if taken else 0
        found = road.rows("select id, leaves from unsealed where id > ? order by id limit ?", after, ROWS)
        for id, blob in found:
            taken.append((id, bytes(blob)))
            count += bytes(blob).count(b"\n") + 1
            if count >= BATCH:
                break
        if len(found) < ROWS:
            break
    return taken


def _append(road: Road, keys: Keys, now: int, lines: list[bytes]) -> None:
    before = _last(road)
    id, prev = (before.id + 1, before.hash) if before else (1, b"")
    root = chain.merkle_root(lines)
    signature = keys.seal_id.encode() + keys.private.sign(chain.seal_bytes(id, now, prev, root, len(lines)))
    row = (id, now, prev, root, len(lines), zlib.compress(chain.pack(lines), 1), signature)
    road.insert(tables.seal, ("id", "at", "prev", "root", "n", "leaves", "sig"), [row])
