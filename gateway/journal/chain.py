"""The audit chains, as pure functions: canonical bytes, MACs, Merkle roots, and what is wrong with an entry or a seal.

Each subject (``ticket:<id>``, ``connection:<name>``, ``user:<id>`` ...) has a chain of its own: an entry carries the
subject's next number and the MAC of the entry before it, and the subject's row keeps the head. The payload lies beside
the chain, which holds only its salted hash: erasure blanks payload and salt, and the chain still verifies. Actor, verb
and reason are in the chain for ever, so they name ids, rules and versions; what a person wrote belongs in the payload.

Hashed bytes are stored and never made again from parts, so no later library can make old entries look false.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from gateway import plain

Head = tuple[int, bytes]
"""A subject's last (seq, mac); a new subject's is ``START``."""

START: Head = (0, b"")
VERSION = 1
COLUMNS = ("id", "subject", "seq", "at", "canon", "mac", "salt", "payload")
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Key:
    """A MAC key and the id that entries made with it carry."""

    id: str
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> Key:
        return cls(hmac.digest(secret, b"tandem key id", "sha256").hex()[:8], secret)


class Row(NamedTuple):
    """One row of table ``audit``, in the order of ``COLUMNS``. ``at`` in UTC microseconds."""

    id: int
    subject: str
    seq: int
    at: int
    canon: bytes
    mac: bytes
    salt: bytes
    payload: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What the canonical bytes of an entry say. ``prev`` and ``hash`` are hex."""

    subject: str
    seq: int
    at: int
    actor: str
    verb: str
    reason: str
    prev: str
    hash: str
    key: str


def payload_text(payload: Mapping[str, Any]) -> str:
    """The payload as it is stored and hashed: compact JSON with sorted keys."""
    return plain.canonical(payload)


def append(
    key: Key, head: Head, subject: str, at: int, actor: str, verb: str, reason: str, payload: str, id: int, salt: bytes
) -> tuple[Row, Head]:
    """The next entry of a chain, and the chain's new head."""
    seq = head[0] + 1
    digest = hashlib.sha256(salt + payload.encode()).hexdigest()
    canon = (
        f'{{"actor":{quoted(actor)},"at":{at},"hash":"{digest}","key":"{key.id}","prev":"{head[1].hex()}",'
        f'"reason":{quoted(reason)},"seq":{seq},"subject":{quoted(subject)},"v":1,"verb":{quoted(verb)}}}'
    ).encode()
    mac = hmac.digest(key.secret, canon, "sha256")
    return Row(id, subject, seq, at, canon, mac, salt, payload), (seq, mac)


def read(canon: bytes) -> Entry:
    """What an entry says. Raises ValueError on bytes that are not an entry of a version known here."""
    said = json.loads(canon)
    if not isinstance(said, dict) or said.pop("v", None) != VERSION:
        raise ValueError("not an audit entry of version 1")
    try:
        return Entry(**said)
    except TypeError as error:
        raise ValueError(f"not an audit entry: {error}") from None


def erased(row: Row) -> bool:
    return row.payload == "" and row.salt == b""


def fault(keys: Mapping[str, Key], head: Head, row: Row) -> str:
    """What is wrong with ``row`` as the successor of ``head``: one sentence, or "" when nothing is."""
    try:
        entry = read(row.canon)
    except ValueError:
        return "its bytes cannot be read"
    key = keys.get(entry.key)
    if key is None:
        return f"it was made with key {entry.key}, which is not here"
    if not hmac.compare_digest(hmac.digest(key.secret, row.canon, "sha256"), row.mac):
        return "its MAC does not fit its bytes"
    if (entry.subject, entry.seq, entry.at) != (row.subject, row.seq, row.at):
        return "its row says something else than its bytes"
    if row.seq != head[0] + 1:
        return f"the entry before it is missing: {head[0]} is followed by {row.seq}"
    if entry.prev != head[1].hex():
        return "it does not continue the entry before it"
    if not erased(row) and hashlib.sha256(row.salt + row.payload.encode()).hexdigest() != entry.hash:
        return "its payload was changed"
    return ""


# --- seals -----------------------------------------------------------------------------------------------------------


def leaf(subject: str, seq: int, mac: bytes) -> bytes:
    return f'[{quoted(subject)},{seq},"{mac.hex()}"]'.encode()


def read_leaf(line: bytes) -> tuple[str, int, bytes]:
    subject, seq, mac = json.loads(line)
    return subject, seq, bytes.fromhex(mac)


def in_order(lines: Sequence[bytes]) -> list[bytes]:
    """Leaves as a seal holds them: by subject and seq."""
    read = json.loads(b"[" + b",".join(lines) + b"]")
    return [line for _, line in sorted(zip(read, lines, strict=True))]


def pack(leaves: Sequence[bytes]) -> bytes:
    """Leaves as one value: a line each."""
    return b"\n".join(leaves)


def unpack(blob: bytes) -> list[bytes]:
    return blob.split(b"\n") if blob else []


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves in their order, as RFC 6962 hashes them: a lone node moves up as it is."""
    level = [hashlib.sha256(b"\0" + one).digest() for one in leaves]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        paired = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[-1:] if len(level) % 2 else paired
    return level[0]


def seal_bytes(id: int, at: int, prev: bytes, root: bytes, n: int) -> bytes:
    """What a seal's signature covers."""
    return plain.canonical({"v": VERSION, "id": id, "at": at, "prev": prev.hex(), "root": root.hex(), "n": n}).encode()


def seal_hash(signed: bytes, signature: bytes) -> bytes:
    """What the next seal carries as ``prev``."""
    return hashlib.sha256(signed + signature).digest()
