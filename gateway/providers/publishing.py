"""How a mapping comes into force: proved against every desk that uses it, published, and its links moved to it.

A mapping version belongs to links. Publishing (and rolling back, which publishes an older text again) makes a version,
gives it to the connections for links made from now on, and moves the links that are there; a canary moves a share of
them and leaves the connections as they are. Every move is a plan of its own under its ticket's guard (``decide.remap``)
and writes nothing at any remote; one that fails is named, and doing the same again finishes it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select, update

from connectors import registry
from gateway import pipeline
from gateway.clock import monotonic
from gateway.decide.facts import Command
from gateway.errors import Conflict, Invalid, NotFound
from gateway.journal.audit import note
from gateway.people.users import By
from gateway.providers import meanings, versions
from gateway.providers.desks import Row
from gateway.providers.documents import Mistakes
from gateway.providers.versions import New, Version
from gateway.runtime import Runtime
from gateway.store import tables
from mappings.model import Complaint, MappingError

BATCH = 64
"""Links moved in one transaction."""

SLICE = 512
"""Links looked at in one statement."""

LIVE = ("holder", "helper")
_C, _D, _L = tables.connection.c, tables.document.c, tables.link.c


@dataclass(frozen=True)
class Proof:
    """What the prover says of a text, by connection (by kind, where none uses it yet). ``warnings``: by the name they
    are accepted by; ``assumed``: custom fields taken as they are written, for no desk was there to tell."""

    name: str
    text: str
    parent: Version | None
    told: Mapping[str, list[Complaint]]
    warnings: Mapping[str, list[Complaint]]
    effective: str = ""
    hash: str = ""
    catalogue: str = ""
    connections: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.errors

    @property
    def errors(self) -> list[Complaint]:
        return [one for told in self.told.values() for one in told if one.severity == "E"]

    @property
    def complaints(self) -> list[Complaint]:
        """Each once, though several desks may give rise to it."""
        return list(dict.fromkeys(one for told in self.told.values() for one in told))


@dataclass(frozen=True)
class Failure:
    """A link that could not be moved, and why."""

    ticket_id: int
    ticket: int
    link_id: int
    connection: str
    why: str


@dataclass(frozen=True)
class Moved:
    """What became of the live links: ``moved`` now, ``there`` already, ``left`` outside the share."""

    version: Version
    percent: int
    connections: tuple[str, ...]
    moved: int = 0
    there: int = 0
    left: int = 0
    failed: list[Failure] = field(default_factory=list)


# --- proved ---


def using(rt: Runtime, conn: Connection, name: str, also: Collection[str] = ()) -> list[Row]:
    """The connections that a mapping is in force at, and those named besides. Raises NotFound."""
    query = select(_C.id).join_from(tables.connection, tables.document, _D.id == _C.mapping_id)
    ids = set(conn.scalars(query.where(_D.kind == "mapping", _D.name == name)))
    for one in also:
        id = rt.desks.id_of(one)
        if id is None:
            raise NotFound("no such connection", "connection", one, "See: tandem connection list")
        ids.add(id)
    return sorted((row for row in rt.desks.rows() if row.id in ids), key=lambda row: row.name)


def _tried(rt: Runtime, conn: Connection, version: Version) -> list[Row]:
    """The connections where live links have a version by canary, though it is in force at none."""
    query = select(_L.connection_id).distinct().where(_L.mapping_id == version.id, _L.role != "ended")
    ids = set(conn.scalars(query))
    return sorted((row for row in rt.desks.rows() if row.id in ids), key=lambda row: row.name)


def proof(rt: Runtime, conn: Connection, text: str, file: str, also: Collection[str] = ()) -> Proof:
    """Prove a text against every desk that uses it. Raises NotFound for a parent or a connection there is not."""
    try:
        parent = meanings.parent_of(conn, text, file)
        above = parent.text if parent is not None else None
        name = str(meanings.whole(text, above, file).get("name") or "")
        kind = meanings.connector_of(text, above, file)
        users = using(rt, conn, name, also)
        catalogues, assumed = _catalogues(rt, users, kind, text, above, file)
    except MappingError as error:  # it cannot even be read
        return Proof("", text, None, {file: error.complaints}, {})
    told, compiled = {}, []
    for one, catalogue in catalogues.items():
        provider = next((row.provider for row in users if row.name == one), "")
        made, told[one] = meanings.prove(text, catalogue, above, file, rt.desks.share(provider) if provider else None)
        if made is not None:
            compiled.append(made)
    texts = {file: text, **({parent.name: parent.text, parent.label: parent.text} if parent is not None else {})}
    warnings = meanings.warnings(texts, list(dict.fromkeys(one for each in told.values() for one in each)))
    whole = meanings.resolved(text, above, file, compiled) if len(compiled) == len(catalogues) else ""
    seen = hashlib.sha256(meanings.canonical(catalogues).encode()).hexdigest()
    hash = compiled[0].hash if len({one.hash for one in compiled}) == 1 else versions.digest(whole) if whole else ""
    return Proof(name, text, parent, told, warnings, whole, hash, seen, tuple(row.name for row in users), assumed)


def _catalogues(
    rt: Runtime, users: Sequence[Row], kind: str, text: str, above: str | None, file: str
) -> tuple[dict[str, Mapping[str, object]], tuple[str, ...]]:
    """What each desk has, as it told it; where nobody uses the mapping, what its kind is known to have."""
    if users:
        found = {row.name: rt.desks.desk(row.id).connector for row in users}
        rows = {row.name: row for row in users}
        return {n: c.catalogue(rows[n].found.get("lists"), rows[n].declared).doc for n, c in found.items()}, ()
    if kind not in registry.kinds():
        others = ", ".join(registry.kinds())
        fix = f"Name a connection, name the folder of your own kind in TANDEM_CONNECTORS, or write one of: {others}."
        raise NotFound("no such kind of system", "connector", kind, fix)
    catalogue, assumed = meanings.assumed(registry.manifest(kind), text, above, file)
    return {kind: catalogue}, tuple(assumed)


def compared(conn: Connection, text: str, parent: Version | None, against: Version | None) -> tuple[str, list[str]]:
    """The diff of a text against a version, and in short which rules changed. Raises MappingError."""
    name = "draft"
    now = meanings.whole(text, parent.text if parent is not None else None, name)
    if against is None:
        return versions.diff("", text, ("nothing", name)), meanings.changes(None, now)
    was = meanings.whole(against.text, pinned(conn, against), against.label)
    return versions.diff(against.text, text, (against.label, name)), meanings.changes(was, now)


def pinned(conn: Connection, one: Version) -> str | None:
    """The text of what a version extends."""
    name, _, number = one.parent.partition("@")
    return versions.find(conn, "mapping", name, int(number)).text if name else None


# --- published ---


@dataclass(frozen=True)
class Wish:
    """What is to be published. ``accept``: warnings by name, by code, or ``all``; ``percent`` of the live links;
    ``connections``: those that are to use it besides those that do; ``expect``: the number it was compared with."""

    text: str
    reason: str
    accept: Collection[str] = ()
    percent: int = 100
    connections: Collection[str] = ()
    expect: int | None = None
    file: str = "mapping"
    name: str = ""


def publish(rt: Runtime, by: By, wish: Wish, patience: float = 0.0) -> tuple[Proof, Moved]:
    """Prove, store as the next version, move links. Raises Mistakes (errors, warnings not accepted), Conflict."""
    _percent(wish.percent)
    with rt.store.read() as conn:
        proved = proof(rt, conn, wish.text, wish.file, wish.connections)
        found = versions.history(conn, "mapping", proved.name)
        users = using(rt, conn, proved.name, wish.connections)
    if proved.errors:
        raise Mistakes(wish.file, meanings.mistakes(proved.errors))
    if wish.name and proved.name != wish.name:
        raise Invalid("the text has another name", "name", proved.name, f"Write name: {wish.name}.")
    own(found, proved.name)
    accepted = meanings.accepted(proved.warnings, wish.accept, wish.file)
    extends = proved.parent.label if proved.parent is not None else ""
    new = New("mapping", proved.name, wish.text, wish.reason, extends, proved.effective, proved.catalogue, accepted)
    expect = wish.expect if wish.expect is not None else (found[0].number if found else 0)
    with rt.store.write() as conn:
        made = versions.publish(conn, by, new, expect)
        _give(conn, by, made, wish.percent, users)
    return proved, _move(rt, by, made, wish.percent, users, wish.reason, patience)


def own(found: Sequence[Version], name: str) -> None:
    """Raises Conflict on the name of a shipped mapping, which others use as it is."""
    if any(one.author == "tandem" for one in found):
        raise Conflict("a mapping of this name is shipped with Tandem", "mapping", name, "Give yours another name.")


def canary(
    rt: Runtime, by: By, name: str, percent: int, reason: str, also: Collection[str] = (), patience: float = 0.0
) -> Moved:
    """Let the newest version have this share of the live links of the connections that use the mapping: 100 gives it to
    the connections, too; less than before takes links back to the version in force there. Raises NotFound, Conflict."""
    _percent(percent)
    with rt.store.write() as conn:
        target = versions.find(conn, "mapping", name)
        users = using(rt, conn, name, also) or _tried(rt, conn, target)
        if not users:
            raise Conflict("no connection uses this mapping", "mapping", name, "Name one that shall.")
        if percent < 100 and all(row.mapping_id == target.id for row in users):
            fix = "Publish another with a canary, or roll back."
            raise Conflict("this version is in force for all already", "mapping", target.label, fix)
        _give(conn, by, target, percent, users)
        said = {"percent": percent, "reason": reason, "connections": [row.name for row in users]}
        note(conn, by.key, by.at, f"mapping:{name}", by.actor, "canary", target.label, said)
    return _move(rt, by, target, percent, users, reason, patience)


def rollback(rt: Runtime, by: By, name: str, number: int, reason: str, patience: float = 0.0) -> Moved:
    """Publish the text of an earlier version again, as it was proved then, and move all links to it. Raises NotFound,
    Conflict, and Mistakes where a desk does not have any more what that version needs."""
    with rt.store.read() as conn:
        before = versions.find(conn, "mapping", name, number)
        found = versions.history(conn, "mapping", name)
        users = using(rt, conn, name)
    own(found, name)
    for row in users:
        try:
            rt.desks.mapping(row.id, before.id)
        except MappingError as error:
            raise Mistakes(before.label, meanings.mistakes(error.complaints)) from None
    new = New("mapping", name, before.text, reason, before.parent, before.effective, before.catalogue, before.accepted)
    with rt.store.write() as conn:
        made = versions.publish(conn, by, new, found[0].number)
        _give(conn, by, made, 100, users)
    return _move(rt, by, made, 100, users, reason, patience)


def _percent(percent: int) -> None:
    if not 0 <= percent <= 100:
        raise Invalid("a share of the links, in percent", "percent", percent, "From 0 to 100.")


def _give(conn: Connection, by: By, target: Version, percent: int, users: Sequence[Row]) -> None:
    """Let connections make their links with this version from now on, when all shall have it."""
    for row in users if percent == 100 else ():
        if row.mapping_id == target.id:
            continue
        before = versions.by_id(conn, row.mapping_id)
        changed = {"mapping_id": target.id, "version": _C.version + 1}
        conn.execute(update(tables.connection).where(_C.id == row.id).values(changed))
        loose = (_L.connection_id == row.id) & _L.ticket_id.is_(None)
        conn.execute(update(tables.link).where(loose).values(mapping_id=target.id))
        said = {"before": {"mapping": before.label}, "after": {"mapping": target.label}}
        note(conn, by.key, by.at, f"connection:{row.name}", by.actor, "changed", "", said)


# --- moved ---


def chosen(link_id: int, percent: int) -> bool:
    """Whether a link is of a share: by a hash of its id, so that a wider share holds the narrower one."""
    return int.from_bytes(hashlib.sha256(str(link_id).encode()).digest()[:4]) % 100 < percent


def standing(conn: Connection, name: str) -> dict[int, int]:
    """How many live links each version of a mapping has, by the version's id."""
    query = (
        select(_L.mapping_id, func.count())
        .join_from(tables.link, tables.document, _D.id == _L.mapping_id)
        .where(_D.kind == "mapping", _D.name == name, _L.role.in_(LIVE), _L.ticket_id.is_not(None))
        .group_by(_L.mapping_id)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


@dataclass(frozen=True)
class _Move:
    link: int
    ticket: int
    number: int
    connection: int
    to: int


def _move(
    rt: Runtime, by: By, target: Version, percent: int, users: Sequence[Row], reason: str, patience: float
) -> Moved:
    """Move the live links of these connections; what is under way there is waited for, at most ``patience`` seconds."""
    rt.desks.load()
    counts = {"there": 0, "left": 0}
    wanted = list(_wanted(rt, target, percent, users, counts))
    until = monotonic() + patience
    failed = _carry(rt, by, wanted, reason)
    while failed and monotonic() < until:
        time.sleep(0.5)
        failed = _carry(rt, by, [one for one, _ in failed], reason)
    names = {row.id: row.name for row in users}
    told = [Failure(one.ticket, one.number, one.link, names[one.connection], why) for one, why in failed]
    return Moved(target, percent, tuple(names.values()), len(wanted) - len(failed), **counts, failed=told)


def _wanted(
    rt: Runtime, target: Version, percent: int, users: Sequence[Row], counts: dict[str, int]
) -> Iterator[_Move]:
    """The moves that are to be made, in order of the links."""
    inforce = {row.id: target.id if percent == 100 else row.mapping_id for row in users}
    last = 0
    while inforce:
        live = _L.role.in_(LIVE) & _L.ticket_id.is_not(None) & _L.connection_id.in_(inforce)
        query = select(_L.id, _L.ticket_id, _L.connection_id, _L.mapping_id, tables.ticket.c.number)
        query = query.join_from(tables.link, tables.ticket, tables.ticket.c.id == _L.ticket_id)
        with rt.store.read() as conn:
            rows = list(conn.execute(query.where(live, _L.id > last).order_by(_L.id).limit(SLICE)))
        for row in rows:
            share = chosen(row.id, percent)
            if share == (row.mapping_id == target.id) or (not share and inforce[row.connection_id] == target.id):
                counts["there" if share else "left"] += 1
                continue
            to = target.id if share else inforce[row.connection_id]
            yield _Move(row.id, row.ticket_id, row.number, row.connection_id, to)
        if len(rows) < SLICE:
            return
        last = rows[-1].id


def _carry(rt: Runtime, by: By, moves: Sequence[_Move], reason: str) -> list[tuple[_Move, str]]:
    failed: list[tuple[_Move, str]] = []
    for start in range(0, len(moves), BATCH):
        part = moves[start : start + BATCH]
        wishes = [(Command("remap", by.actor, {"link": one.link, "to": one.to}, reason), one.ticket) for one in part]
        failed += [(part[number], why) for number, why in pipeline.each(rt, wishes).items()]
    return failed
