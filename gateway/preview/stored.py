"""Stored facts read back: batches newest first, their rows, and their works as they were (ENGINE.md 10).

What came in with an arrival is parsed again from the journal; a work whose payload is gone is said, never left out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway import plain, planning
from gateway.decide.facts import Command, Hint, Input, ItemSeen, Observed, Settled
from gateway.gather import Rows
from gateway.journal.arrivals import Stored
from gateway.planning import Work
from gateway.providers.desks import Desks
from gateway.store.db import Road, Store

SLICE = 16
"""Batches read at a time, so that no look at the database is long and none of it stays in memory."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch as it was. ``works``: None where the payload is gone, ``gone`` then says why, by number; ``plans``: the
    hash of each work's plan, None where there was none; ``ids``: what its new things were called."""

    as_of: int
    rows: Rows
    works: list[Work | None]
    plans: list[str | None]
    ids: list[list[int]]
    versions: Mapping[str, Any]
    gone: Mapping[int, str] = field(default_factory=dict)
    about: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A batch that another version of Tandem has written down. ``items``: how many of it may be the connection's."""

    items: int


def batches(
    store: Store, desks: Desks, since: int, connection: int, ticket: int | None
) -> Iterator[Batch | Foreign | None]:
    """The batches since a moment (UTC microseconds) that have to do with a connection (and ticket), newest first;
    None for each of the others, so that a caller can count what it costs to look."""
    last = (1 << 63) - 1
    while True:
        with store.road() as road:
            slice_ = road.rows("select id, as_of, blob from facts where id < ? order by id desc limit ?", last, SLICE)
            docs = [plain.read(zlib.decompress(blob)) for _, as_of, blob in slice_ if as_of >= since]
            old = [doc for doc in docs if doc.get("format") != planning.FORMAT]
            docs = [doc for doc in docs if doc.get("format") == planning.FORMAT]
            wanted = [doc if _concerns(doc, connection, ticket) else None for doc in docs]
            journal = _arrivals(road, [doc for doc in wanted if doc is not None])
        for doc in old:
            yield Foreign(sum(work.get("connection") in (None, connection) for work in doc.get("works", ())))
        for doc in wanted:
            yield _batch(doc, journal, desks) if doc is not None else None
        if len(docs) + len(old) < SLICE:
            return
        last = slice_[-1][0]


def _concerns(doc: Mapping[str, Any], connection: int, ticket: int | None) -> bool:
    if ticket is not None and ticket not in {row[0] for row in doc["tickets"]}:
        return any(ticket in ids for ids in doc["ids"])  # it began here
    return str(connection) in doc["versions"]["desks"]


def _arrivals(road: Road, docs: list[Mapping[str, Any]]) -> dict[int, Stored]:
    wanted = sorted({work["arrival"] for doc in docs for work in doc["works"] if work["arrival"] is not None})
    sql = "select id, connection_id, kind, head, body, read_began, tries from arrival where id INTS(?)"
    rows = road.rows(sql, wanted) if wanted else []
    return {a: Stored(a, b, c, plain.read(d), bytes(e), f, g) for a, b, c, d, e, f, g in rows}


def _batch(doc: Mapping[str, Any], journal: Mapping[int, Stored], desks: Desks) -> Batch:
    rows = Rows(
        [(*row, 0, b"") for row in doc["tickets"]], doc["links"], doc["attempts"], doc["conflicts"], doc["notices"],
        doc["stuck"], doc["contacts"], doc["load"], doc["others"], doc["holders"], doc["bindings"],
        doc.get("estimates", []),
    )  # fmt: skip
    parsed: dict[int, list[Work] | str] = {}
    used: dict[int, int] = {}
    works: list[Work | None] = []
    gone: dict[int, str] = {}
    for number, about in enumerate(doc["works"]):
        arrival = about["arrival"]
        if arrival is None:
            what = _input(about["kind"], about["what"])
            works.append(Work(what, about["connection"], about["remote"], about["ticket"], about["link"]))
        else:
            if arrival not in parsed:
                parsed[arrival] = _parsed(journal.get(arrival), desks)
            found, place = parsed[arrival], used.get(arrival, 0)
            used[arrival] = place + 1
            if isinstance(found, str) or place >= len(found):
                works.append(None)
                gone[number] = found if isinstance(found, str) else "its payload is read differently now"
                continue
            works.append(_with_people(found[place], about["people"]))
        work = works[-1]
        assert work is not None
        work.refers = about["refers"]
    hashes = iter(doc["plans"])
    plans = [None if number in doc["skipped"] else next(hashes) for number in range(len(works))]
    return Batch(doc["as_of"], rows, works, plans, doc["ids"], doc["versions"], gone, doc["works"])


def _parsed(one: Stored | None, desks: Desks) -> list[Work] | str:
    """The works of an arrival, or why there are none."""
    if one is None:
        return "its payload is no longer kept"
    try:
        return planning.meant(one, desks.desk(one.connection_id), {})
    except Exception as error:  # noqa: BLE001 - one payload that nobody can read now is said, the others go on
        return f"its payload cannot be read: {type(error).__name__}: {error}"


def _with_people(work: Work, people: Mapping[str, Any] | None) -> Work:
    what = work.what
    if isinstance(what, Observed) and people:
        work.what = _observed({**_slots(what), "fields": {**what.fields, **people}}, items=what.items)
    return work


def _slots(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _input(kind: str, doc: Mapping[str, Any]) -> Input:
    if kind == "Command":
        return Command(**doc)
    if kind == "Hint":
        return Hint(**doc)
    if kind == "Observed":
        return _observed(doc)
    data = dict(doc["data"])
    if data.get("before") is not None:
        data["before"] = _observed(data["before"])
    changed: dict[str, Any] = {
        "deliveries": tuple(doc["deliveries"]),
        "item": tuple(doc["item"]) if doc["item"] is not None else None,
        "seen": _observed(doc["seen"]) if doc["seen"] is not None else None,
        "data": data,
    }
    return Settled(**{**doc, **changed})


def _observed(doc: Mapping[str, Any], items: tuple[ItemSeen, ...] | None = None) -> Observed:
    if items is None and doc["items"] is not None:
        items = tuple(ItemSeen(**one) for one in doc["items"])
    return Observed(**{**doc, "items": items})
