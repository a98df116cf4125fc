"""One batch on the road: gather, plan, lock, plan again what moved, apply (ENGINE.md 6).

Facts are read and plans made without locks; then the tickets are locked in order of id and their versions and lanes'
fences compared with what was read. What moved meanwhile is planned again under the lock, so nothing livelocks.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from gateway import apply, gather, plain
from gateway.apply import Named, Written
from gateway.decide.commands import Objection
from gateway.decide.facts import REQUESTER, Command, Legs, Link, Observed, Settled
from gateway.decide.inforce import Around, InForce
from gateway.gather import Rows, State
from gateway.planning import FORMAT, Work, fold, plan
from gateway.providers.connection import set_state
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.db import Road
from gateway.store.ids import mint
from gateway.tickets.vocabulary import FINAL


class Opened:
    """The transaction of a batch. On PostgreSQL one from the start; on SQLite a reading one until ``lock``."""

    def __init__(self, rt: Runtime, write: bool) -> None:
        self._rt, self._stack = rt, ExitStack()
        self.locked = write or rt.store.dialect != "sqlite"
        self._begin()

    def _begin(self) -> None:
        self.road = self._stack.enter_context(self._rt.store.road(write=self.locked))

    def lock(self) -> None:
        """From here on nobody else writes (SQLite), or rows are locked one by one (PostgreSQL)."""
        if not self.locked:
            self._stack.close()
            self._stack = ExitStack()
            self.locked = True
            self._begin()


@contextmanager
def opened(rt: Runtime, write: bool = False) -> Iterator[Opened]:
    """A batch's transaction, committed at the end, rolled back by an exception."""
    one = Opened(rt, write)
    try:
        yield one
    except BaseException as error:
        one._stack.__exit__(type(error), error, error.__traceback__)
        raise
    one._stack.close()


@dataclass
class Done:
    """What a batch came to. ``failed``: (arrival, why) that could not be planned; ``later``: works to look at again."""

    named: list[Named] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    later: list[Work] = field(default_factory=list)
    written: Written = field(default_factory=Written)
    waiting: set[int] = field(default_factory=set)
    links: dict[int, Link] = field(default_factory=dict)

    def works(self, link_id: int) -> bool:
        """Whether a lane has anything left to do: a delivery, a field still owed, a fetch, a doubt."""
        link = self.links.get(link_id)
        if link is None or link_id in self.waiting:
            return link_id in self.waiting
        doubts = any(a.outcome == "unknown" for a in link.attempts)
        if link.remote_id is not None and link.state != "merged" and (link.verify or (doubts and link.state != "gone")):
            return True
        if link.remote_id is None and doubts:
            return True
        return (
            link.live
            and link.state == "live"
            and link.remote_id is not None
            and any(p.speaks for p in link.pairs.values())
        )

    def after(self, rt: Runtime) -> None:
        """What follows the commit: connections that stop, drains that wake."""
        for connection, state, reason in self.written.connections:
            with rt.store.write() as conn:
                set_state(conn, rt.key, connection, state, reason)
        if self.written.due:
            rt.wake("deliver")


@dataclass
class _Planned:
    done: Done
    rows: Rows
    state: State
    versions: dict[int, int]
    fences: dict[int, int]
    as_of: int
    skipped: list[int] = field(default_factory=list)  # works, by number, that have no plan: put off, or failed


def carry_out(rt: Runtime, work: Opened, works: list[Work], strict: bool = False) -> Done:
    """Plan and apply. ``strict``: an input that cannot be planned raises; else it is named in ``failed``."""
    now = rt.now()
    alone = work.locked and rt.store.dialect == "sqlite"  # what is read while nobody else writes does not move
    planned = _plan(rt, work.road, works, strict)
    work.lock()
    locked: set[int] = set()
    while not alone and (_moved(work.road, planned, locked) or _over(work.road, planned)):
        planned = _plan(rt, work.road, works, strict)
    done = planned.done
    done.written = apply.write(work.road, done.named, now, rt.key)
    _keep_facts(rt, work.road, works, planned)
    if further := _further(done.named):
        done.written.due |= carry_out(rt, work, further, strict).written.due
    settled = [w.link for w in works if isinstance(w.what, Settled) and w.link is not None]
    if settled:
        sql = "select distinct link_id from delivery where link_id INTS(?) and state = 0"
        done.waiting = {row[0] for row in work.road.rows(sql, settled)}
        done.links = planned.state.links
    return done


def _further(named: list[Named]) -> list[Work]:
    """What plans owe to other tickets: a contact about an open one is told there, in the same transaction."""
    return [
        Work(Command("chase", plan.actor, {**one.data, **one.payload}, party=REQUESTER), ticket=int(one.data["ticket"]))
        for plan in (each.planner.plan for each in named)
        for one in plan.actions
        if one.verb == "belongs"
    ]


def _over(road: Road, planned: _Planned) -> bool:
    """Lock the tickets that are told something, before anything is written; whether one of them has ended meanwhile."""
    told = sorted({one.ticket for one in _further(planned.done.named) if one.ticket is not None})
    if not told:
        return False
    rows = road.rows("select status from ticket where id INTS(?) order by id LOCK", told)
    return any(status in FINAL for (status,) in rows)


def _moved(road: Road, planned: _Planned, locked: set[int]) -> bool:
    """Lock the tickets read, in order of id; whether any of them, or a lane, is not as it was read."""
    tickets = sorted(planned.versions)
    if not tickets:
        return False
    rows = road.rows("select id, version from ticket where id INTS(?) order by id LOCK", tickets)
    first = not locked.issuperset(tickets)
    locked.update(tickets)
    if not first:
        return False
    if dict(rows) != planned.versions:
        return True
    fences = road.rows("select link_id, fence from lane where link_id INTS(?)", sorted(planned.fences))
    return dict(fences) != planned.fences


def _plan(rt: Runtime, road: Road, works: list[Work], strict: bool) -> _Planned:
    rt.tell_time(road)
    rt.desks.refresh(road)
    broken: dict[int, str] = {}
    while True:
        planned = _gathered(rt, road, works)
        ground = _Here(rt, road, planned.as_of, gather.around(planned.rows, rt.histories.ready))
        again = False
        for number, one in enumerate(works):
            if number in broken:
                planned.skipped.append(number)
                planned.done.failed.append((one.arrival or 0, broken[number]))
                continue
            try:
                if not _one(ground, planned, one):
                    planned.skipped.append(number)
            except Objection:
                raise
            except Exception as error:
                if strict:
                    raise
                broken[number] = f"{type(error).__name__}: {error}"
                again = True  # its half-made state must not leak into the others' plans
                break
        if not again:
            return planned


def _gathered(rt: Runtime, road: Road, works: list[Work]) -> _Planned:
    """Everything the works' plans look at."""
    records = [(w.connection, w.remote) for w in works if w.connection is not None and w.remote is not None]
    tickets, loose = gather.find(road, records)
    for one in works:
        one.refers = _referred(rt, one)
    named = [w.link for w in works if w.link is not None]
    named += [w.refers for w in works if w.refers is not None]
    if named:
        more, single = gather.owners(road, named)
        tickets, loose = tickets | more, loose | single
    tickets |= {w.ticket for w in works if w.ticket is not None}
    items = any(
        isinstance(w.what, Settled) or (isinstance(w.what, Observed) and w.what.items is not None) for w in works
    )
    rows = gather.read(road, tickets, loose, items, notices=True)
    if rt.desks.policies.ids:
        wishes = [w.what for w in works if isinstance(w.what, Command)]
        asking = [_asking(wish) for wish in wishes if wish.what == "create"]
        gather.surround(road, rows, asking, any(w.what in _ROUTED for w in wishes), rt.now())
    state = gather.state(rows)
    versions = {ticket.id: ticket.version for ticket in state.tickets.values()}
    fences = {link.id: link.fence for link in state.links.values() if link.ticket_id is not None}
    return _Planned(Done(), rows, state, versions, fences, rt.now())


_ROUTED = ("create", "clock", "take_back")
"""What may have to find somebody for a ticket."""


def _asking(wish: Command) -> str:
    """The e-mail of who asks for a new ticket, "" where nobody is named."""
    person = wish.data["fields"].get("requester")
    return str(person.get("email") or "") if isinstance(person, dict) else ""


def _referred(rt: Runtime, work: Work) -> int | None:
    """The link whose reference an observed record carries."""
    seen = work.what.seen if isinstance(work.what, Settled) else work.what
    if not isinstance(seen, Observed):
        return None
    field_ = rt.desks.desk(seen.connection_id).connector.reference
    return rt.link_of(seen.fields.get(field_, "")) if field_ else None


def _one(ground: _Here, planned: _Planned, work: Work) -> bool:
    """Plan one input on the state as it is after those before it; whether there is a plan."""
    made = plan(ground, planned.state, work)
    if made is None:
        planned.done.later.append(work)
        return False
    named = apply.name(*made, isinstance(work.what, Settled))
    planned.done.named.append(named)
    fold(planned.state, named)
    return True


@dataclass(frozen=True, slots=True)
class _Here:
    """The ground of a batch: what its plans ask of the database besides the state."""

    rt: Runtime
    road: Road
    as_of: int
    around: Around

    @property
    def legs(self) -> Legs:
        return self.rt.desks

    @property
    def policies(self) -> InForce:
        return self.rt.desks.policies

    def making(self, connection: int) -> bool:
        sql = (
            "select 1 from attempt a join lane n on n.link_id = a.link_id where n.connection_id = ?"
            " and a.kind = 'create' and (a.outcome is null or a.outcome = 'unknown') limit 1"
        )
        return bool(self.road.rows(sql, connection))

    def pinned(self, connection: int) -> int:
        return self.rt.desks.row(connection).mapping_id

    def drop(self, link: Link) -> None:
        self.road.run("delete from lane where link_id = ?", link.id)
        self.road.run("delete from link where id = ?", link.id)


def _keep_facts(rt: Runtime, road: Road, works: list[Work], planned: _Planned) -> None:
    """Everything these plans were made from, so that they can be made again (ENGINE.md 10). What came in with an
    arrival is parsed from it again, but for the people who were known then."""
    if not works:
        return
    commands = any(isinstance(w.what, Command) for w in works)  # these may look for any connection
    involved = {link.connection_id for link in planned.state.links.values()}
    involved.update(w.connection for w in works if w.connection is not None)
    doc = {
        "format": FORMAT,
        "as_of": planned.as_of,
        **planned.rows.document(),
        "works": [
            {
                "kind": type(w.what).__name__, "arrival": w.arrival, "connection": w.connection, "remote": w.remote,
                "ticket": w.ticket, "link": w.link, "refers": w.refers,
                "what": None if w.arrival is not None else w.what,
                "people": _people(rt, w.what) if w.arrival is not None and isinstance(w.what, Observed) else None,
            }
            for w in works
        ],
        "skipped": planned.skipped,
        "plans": [named.planner.plan.hash() for named in planned.done.named],
        "ids": [list(named.ids.values()) for named in planned.done.named],
        "versions": rt.desks.versions(None if commands else involved),
    }  # fmt: skip
    blob = zlib.compress(plain.text(doc, _plain).encode(), 1)
    road.insert(tables.facts, ("id", "as_of", "blob"), [(mint(), planned.as_of, blob)])


def _people(rt: Runtime, seen: Observed) -> dict[str, Any]:
    names = rt.desks.desk(seen.connection_id).person_fields
    return {name: seen.fields[name] for name in names if type(seen.fields.get(name)) is dict}


def _plain(value: Any) -> Any:
    if hasattr(value, "__slots__"):
        return {name: getattr(value, name) for name in value.__slots__}
    if isinstance(value, frozenset | set | tuple):
        return sorted(value) if isinstance(value, frozenset | set) else list(value)
    return str(value)


def replaced(end: Settled, **changes: Any) -> Settled:
    return replace(end, **changes)
