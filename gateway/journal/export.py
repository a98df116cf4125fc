"""The audit trail as plain data, for someone who checks it with tools of their own.

With the public keys, seals can be verified by anyone; that an entry is the sealed one shows by its MAC among the
seal's leaves. Making MACs takes the audit key, which stays here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.journal import chain
from gateway.journal.checkpoints import Keys, seals_after
from gateway.journal.verify import SLICE, entries_after
from gateway.store.db import Road, Store

SEALS = 20


def export(store: Store, keys: Keys, subject: str = "") -> Iterator[dict[str, Any]]:
    """Entries by subject and seq, then seals, then public keys, each as a JSON object with its ``type``; of one
    subject alone, its entries. Bytes are hex. Reads in slices; what is added meanwhile may be missing."""
    after = (subject, 0)
    while True:
        with store.read() as conn:
            rows = entries_after(Road(conn, store.dialect), *after)
        for row in rows:
            if subject and row.subject != subject:
                return
            yield _entry(row)
        if len(rows) < SLICE:
            break
        after = (rows[-1].subject, rows[-1].seq)
    if not subject:
        yield from _seals(store)
        for id, key in keys.publics.items():
            yield {"type": "key", "id": id, "ed25519": key.public_bytes_raw().hex()}


def _entry(row: chain.Row) -> dict[str, Any]:
    hexes = {"mac": row.mac.hex(), "salt": row.salt.hex()}
    return {"type": "entry", "canon": row.canon.decode("ascii", "replace"), **hexes, "payload": row.payload}


def _seals(store: Store) -> Iterator[dict[str, Any]]:
    last = 0
    while True:
        with store.read() as conn:
            found = seals_after(Road(conn, store.dialect), last, SEALS)
        for one in found:
            leaves = [line.decode("ascii", "replace") for line in one.lines]
            signed = one.signed.decode()
            yield {"type": "seal", "signed": signed, "signature": one.signature.hex(), "leaves": leaves}
            last = one.id
        if len(found) < SEALS:
            return
