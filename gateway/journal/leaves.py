"""What the seals and the sealer's queue say there is, while the trail is verified: in a temporary file, not in memory.

A leaf's source is the number of its seal, or minus the id of its row in the queue until a seal takes it over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.journal import chain


class Leaf(NamedTuple):
    """``met``: whether its entry was found in its subject's chain."""

    subject: str
    seq: int
    mac: bytes
    source: int
    met: int


class Leaves:
    """All leaves seen so far. The file is gone when closed."""

    def __init__(self) -> None:
        self._seen = sqlite3.connect("", isolation_level=None)
        self._seen.execute("begin")
        self._seen.execute(
            "create table leaf (subject text, seq int, mac blob, source int, met int default 0,"
            " primary key (subject, seq)) without rowid"
        )

    def close(self) -> None:
        self._seen.close()

    def add(self, lines: Sequence[bytes], source: int) -> Iterator[tuple[str, str, int]]:
        """Take over leaves; what is wrong with them as (what, subject, seq). Raises ValueError on bytes that are no
        leaves."""
        try:
            read = [chain.read_leaf(line) for line in lines]
        except TypeError as error:
            raise ValueError(f"not a leaf: {error}") from None
        for subject, seq, mac in read:
            try:
                row = (subject, seq, mac, source)
                self._seen.execute("insert into leaf (subject, seq, mac, source) values (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                if wrong := self._again(subject, seq, mac, source):
                    yield wrong, subject, seq

    def meet(self, subject: str, seq: int, mac: bytes) -> str:
        """Mark the leaf of an entry that is there; what is wrong with it, or ""."""
        found = self._seen.execute("select mac from leaf where subject = ? and seq = ?", (subject, seq)).fetchone()
        if found is None:
            return "it is in no seal and not in the sealer's queue"
        self._seen.execute("update leaf set met = 1 where subject = ? and seq = ?", (subject, seq))
        return "" if found[0] == mac else "its seal has another MAC"

    def open(self, size: int) -> Iterator[list[Leaf]]:
        """Leaves that were not met, or that no seal took over, in slices."""
        rows = self._seen.execute("select subject, seq, mac, source, met from leaf where met = 0 or source < 0")
        while found := rows.fetchmany(size):
            yield [Leaf(*row) for row in found]

    def _again(self, subject: str, seq: int, mac: bytes, source: int) -> str:
        """A second leaf of an entry: right only as the seal that takes it over from the queue."""
        where = (subject, seq)
        before = self._seen.execute("select mac, source from leaf where subject = ? and seq = ?", where).fetchone()
        self._seen.execute("update leaf set source = ? where subject = ? and seq = ?", (source, *where))
        if before[1] > 0 or source < 0:
            return f"it is sealed twice, in {abs(before[1])} and {abs(source)}"
        return "" if before[0] == mac else "its seal has another MAC than the queue had"
