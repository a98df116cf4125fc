"""``tandem audit verify``: everything that the audit trail promises, checked against the keys and the checkpoints.

Each subject's chain is gapless and its MACs are right; its head is the one in the ticket's (or subject's) row; each
entry is in exactly one seal or in the sealer's queue; seals are chained and signed; no seal of a checkpoint is missing
or another one. The trail may grow meanwhile: every slice is one consistent look, and slices are small. What has been
seen of the seals lies in a temporary file, not in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gateway.journal import chain
from gateway.journal.chain import START, Head, Row
from gateway.journal.checkpoints import Keys, Seal, raw, seals_after, signed_well
from gateway.journal.leaves import Leaf, Leaves
from gateway.store.db import Road, Store
from gateway.store.ids import minted_at

SLICE = 1000
_ENTRIES = (
    "select id, subject, seq, at, canon, mac, salt, payload from audit "
    "where (subject, seq) > (?, ?) order by subject, seq limit ?"
)
_SUBJECTS: tuple[tuple[str, Any, str], ...] = (
    ("ticket:", -1, "select id, audit_seq from ticket where id > ? order by id limit ?"),
    ("", "", "select name, audit_seq from subject where name > ? order by name limit ?"),
)
SEALS = 20
MOST = 100
"""Problems told, at most: after that many a report says more only by its length."""
OVERDUE = 10_000_000
"""Microseconds an entry may wait for its seal."""


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: a subject with a seq, or (``subject`` empty) the seal of that number."""

    what: str
    subject: str = ""
    seq: int = 0

    def __str__(self) -> str:
        place = f"{self.subject} #{self.seq}" if self.subject else f"seal {self.seq}"
        return f"{place}: {self.what}"


@dataclass(frozen=True)
class Report:
    """``problems`` in the order found, the first bad entry first; ``warnings`` are oddities that prove nothing."""

    entries: int
    subjects: int
    seals: int
    unsealed: int
    erased: int
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(store: Store, keys: Keys, checkpoints: Sequence[Mapping[str, Any]], now: int) -> Report:
    """Check the whole trail as it is at ``now`` (UTC microseconds). ``checkpoints`` as ``read_checkpoints`` gives
    them. Reads only."""
    with _Run(store, keys, checkpoints) as run:
        run.seals()
        run.chains()
        run.silent_subjects()
        run.leftovers()
        return run.report(now)


class _Run:
    """One verification; its methods are its steps, in order."""

    def __init__(self, store: Store, keys: Keys, checkpoints: Sequence[Mapping[str, Any]]) -> None:
        self.store, self.keys = store, keys
        self.noted: dict[int, set[tuple[str, str]]] = {}
        for one in checkpoints:
            self.noted.setdefault(int(one["seal"]), set()).add((one["root"], one["sig"]))
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.entries = self.subjects = self.blank = 0
        self.last: Seal | None = None
        self.sealed = 0
        self.queue: dict[int, int] = {}  # unsealed id -> its entries
        self.leaves = Leaves()

    def __enter__(self) -> _Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.leaves.close()

    def bad(self, what: str, subject: str = "", seq: int = 0) -> None:
        if len(self.problems) < MOST:
            self.problems.append(Problem(what, subject, seq))

    @contextmanager
    def look(self) -> Iterator[Road]:
        """One consistent look at the database."""
        with self.store.read() as conn:
            if self.store.dialect == "postgresql":
                conn.exec_driver_sql("set transaction isolation level repeatable read, read only")
            yield Road(conn, self.store.dialect)

    # --- seals and queue: what entries there ought to be

    def seals(self) -> None:
        while True:
            with self.look() as road:
                if self.newer_seals(road) < SEALS:
                    self.queued(road)
                    break
        for id in sorted(self.noted):
            if self.last is None or id > self.last.id:
                self.bad("a checkpoint has it, the database does not: the end was cut off", seq=id)

    def newer_seals(self, road: Road) -> int:
        found = seals_after(road, self.last.id if self.last else 0, SEALS)
        for one in found:
            self.seal(one)
            self.last = one
        return len(found)

    def catch_up(self, road: Road) -> None:
        while self.newer_seals(road):
            pass
        self.queued(road)

    def seal(self, one: Seal) -> None:
        expected, prev = (self.last.id + 1, self.last.hash) if self.last else (1, b"")
        if one.id != expected:
            self.bad("missing", seq=expected)
        elif one.prev != prev:
            self.bad("it does not continue the seal before it", seq=one.id)
        if not signed_well(self.keys, one):
            self.bad("its signature is not ours", seq=one.id)
        if chain.merkle_root(one.lines) != one.root or len(one.lines) != one.n:
            self.bad("its leaves are not the ones that were signed", seq=one.id)
        if self.noted.get(one.id, set()) - {(one.root.hex(), one.signature.hex())}:
            self.bad("a checkpoint has another one of this number", seq=one.id)
        self.sealed += 1
        self.take(one.lines, one.id)

    def queued(self, road: Road) -> None:
        """Entries that wait for their seal. Their source is negative, until a seal takes them over."""
        waiting = [id for (id,) in road.rows("select id from unsealed")]
        self.queue = {id: self.queue[id] for id in waiting if id in self.queue}
        new = [id for id in waiting if id not in self.queue]
        for id, blob in road.rows("select id, leaves from unsealed where id INTS(?)", new):
            lines = chain.unpack(bytes(blob))
            self.queue[id] = len(lines)
            self.take(lines, -id)

    def take(self, lines: Sequence[bytes], source: int) -> None:
        try:
            for what, subject, seq in self.leaves.add(lines, source):
                self.bad(what, subject, seq)
        except ValueError:
            self.bad("its leaves cannot be read", seq=abs(source))

    # --- entries

    def chains(self) -> None:
        subject, head, at, blank, accounted = "", START, 0, 0, 0
        while True:
            ended: list[tuple[str, Head, int, int]] = []
            with self.look() as road:
                rows = entries_after(road, subject, head[0])
                self.catch_up(road)
                for row in rows:
                    if row.subject != subject:
                        ended.append((subject, head, blank, accounted))
                        subject, head, at, blank, accounted = row.subject, START, 0, 0, 0
                        self.subjects += 1
                    if chain.erased(row):
                        blank = row.seq
                    elif _accounts(row):
                        accounted = row.seq
                    at = self.entry(row, head, at)
                    head = (row.seq, row.mac)
                if len(rows) < SLICE:
                    ended.append((subject, head, blank, accounted))
                self.ends(road, [one for one in ended if one[0]])
            if len(rows) < SLICE:
                return

    def entry(self, row: Row, head: Head, at: int) -> int:
        self.entries += 1
        self.blank += chain.erased(row)
        if wrong := chain.fault(self.keys.macs, head, row):
            self.bad(wrong, row.subject, row.seq)
        if row.at < at and len(self.warnings) < MOST:
            self.warnings.append(f"{row.subject} #{row.seq}: the clock stood {(at - row.at) / 1e6:.3f} s earlier")
        if wrong := self.leaves.meet(row.subject, row.seq, row.mac):
            self.bad(wrong, row.subject, row.seq)
        return max(at, row.at)

    def ends(self, road: Road, ended: Sequence[tuple[str, Head, int, int]]) -> None:
        heads = _heads(road, [subject for subject, *_ in ended])
        for subject, head, blank, accounted in ended:
            if blank > accounted:
                self.bad("its payload was blanked, and no erasure tells of it", subject, blank)
            stored = heads.get(subject)
            if stored is None:
                self.bad("its subject is gone", subject, head[0])
            elif stored != head:
                what = f"the subject's row says that its last entry is #{stored[0]}, and the chain ends here"
                self.bad(what if stored[0] != head[0] else "the subject's row has another MAC", subject, head[0])

    def silent_subjects(self) -> None:
        """Subjects that say they have entries and have none."""
        for prefix, after, sql in _SUBJECTS:
            while True:
                with self.look() as road:
                    rows = road.rows(sql, after, SLICE)
                    named = {f"{prefix}{key}": seq for key, seq in rows if seq}
                    found = road.rows("select distinct subject from audit where subject TEXTS(?)", list(named))
                for subject in sorted(named.keys() - {row[0] for row in found}):
                    self.bad("all its entries are missing", subject, named[subject])
                if len(rows) < SLICE:
                    break
                after = rows[-1][0]

    # --- entries that ought to be there and were not met

    def leftovers(self) -> None:
        with self.look() as road:
            self.catch_up(road)
            kept = set(self.queue)
        for left in self.leaves.open(SLICE):
            with self.look() as road:
                there = _present(road, [leaf for leaf in left if not leaf.met])
            for leaf in left:
                if not leaf.met and (leaf.subject, leaf.seq, leaf.mac) not in there:
                    self.bad("it was sealed, and is missing", leaf.subject, leaf.seq)
                elif leaf.source < 0 and -leaf.source not in kept:
                    self.bad("it left the sealer's queue without a seal", leaf.subject, leaf.seq)

    def report(self, now: int) -> Report:
        if self.queue and now - minted_at(min(self.queue)) > OVERDUE:
            seconds = (now - minted_at(min(self.queue))) // 1_000_000
            self.bad(f"the next one is overdue: entries wait for it since {seconds} s", seq=self.sealed + 1)
        told = tuple(self.problems)
        waiting = sum(self.queue.values())
        return Report(self.entries, self.subjects, self.sealed, waiting, self.blank, told, tuple(self.warnings))


def entries_after(road: Road, subject: str, seq: int) -> list[Row]:
    """The next ``SLICE`` entries in the order of (subject, seq)."""
    return [
        Row(id, name, number, at, raw(canon), raw(mac), raw(salt), payload)
        for id, name, number, at, canon, mac, salt, payload in road.rows(_ENTRIES, subject, seq, SLICE)
    ]


def _accounts(row: Row) -> bool:
    """Whether this entry tells of an erasure; what it says is trusted, for its MAC is checked like any other's."""
    return row.canon.endswith(b'"verb":"erased"}')


def _heads(road: Road, subjects: list[str]) -> dict[str, Head]:
    tickets = [int(s.removeprefix("ticket:")) for s in subjects if s.startswith("ticket:") and s[7:].isdecimal()]
    found = road.rows("select id, audit_seq, audit_mac from ticket where id INTS(?)", tickets)
    heads = {f"ticket:{id}": (seq, raw(mac)) for id, seq, mac in found}
    rows = road.rows("select name, audit_seq, audit_mac from subject where name TEXTS(?)", subjects)
    return heads | {name: (seq, raw(mac)) for name, seq, mac in rows}


def _present(road: Road, leaves: Sequence[Leaf]) -> set[tuple[str, int, bytes]]:
    found: set[tuple[str, int, bytes]] = set()
    for leaf in leaves:
        rows = road.rows("select subject, seq, mac from audit where subject = ? and seq = ?", leaf.subject, leaf.seq)
        found.update((name, number, raw(mac)) for name, number, mac in rows)
    return found
