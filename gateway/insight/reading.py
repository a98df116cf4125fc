"""The one door between the database and what is made of it here: histories of tickets, read with set-based queries.

When a ticket was solved its clock knows: ``requester_wait`` is fulfilled at each solution and begins again when it is
reopened, so the last one is the one that held. A ticket without this clock (it was written down as ended, or no targets
were in force) is left out: nobody knows how long its requester waited. So is one that got its clock late, because it
was still open when targets came: its like that were solved before are not known, and it would make all look slow.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from gateway import plain
from gateway.decide.capacity import HOURS_A_WEEK, load
from gateway.decide.decision import Decision
from gateway.insight.calibration import Forecast, replayed
from gateway.insight.cases import Case, Kind
from gateway.insight.estimates import Estimate, Known
from gateway.insight.expected import Row, by_complexity
from gateway.insight.promise import Promise, kept
from gateway.insight.recommend import INTERNAL, History, Mark, Stay, side_of, stays_of
from gateway.insight.saying import DAY, MINUTE, day_start
from gateway.insight.shares import Share
from gateway.insight.whatif import Facts, Past
from gateway.store.db import Road, Store

YEAR = 365 * DAY
"""How far back a history goes: what took long years ago says little of today."""

QUARTER = 91 * DAY
"""How far back it is looked whether what was told came true."""

REOPENED_WITHIN = 7 * DAY
"""A solution that is taken back within this time did not hold."""

LATE = DAY
"""How long after a ticket its clock may begin to be known."""

COMPLEXITY = "custom.complexity"
"""The field in which people say how complex a ticket is, where an installation has one."""

Turns = Sequence[tuple[str, int]]
_SOLVED = ("resolved", "closed")

_CASES = """
select t.id, t.created_at, t.status, t.priority, t.fields, t.ledger, waited.until
from ticket t join (
  select ticket_id, min(received_at) as began, max(case when kind = 'fulfil' then at end) as until
  from clock_event where clock = 'requester_wait' group by ticket_id
) waited on waited.ticket_id = t.id
where t.created_at >= ? and waited.began - t.created_at <= ? and t.status <> 'cancelled' and t.kind <> 'problem'
"""
_HOLDINGS = "select ticket_id, holder, started_at from holding where ticket_id INTS(?) order by ticket_id, id"
_TURNS = """
select ticket_id, kind, at from clock_event
where ticket_id INTS(?) and clock = 'requester_wait' and kind in ('activate', 'fulfil') order by ticket_id, id
"""
_PROMISES = "select ticket_id, inputs from decision where kind = 'promise' and ticket_id INTS(?) order by id"
_HANDLED = "select ticket_id, sum(minutes) from worklog where ticket_id INTS(?) group by ticket_id order by ticket_id"
_OPEN = "select holder, count(*) from ticket where status not in ('resolved', 'closed', 'cancelled') group by holder"


def cases(road: Road, since: int) -> dict[int, Case]:
    """The tickets made since then, by inner id: incidents and requests that were not cancelled."""
    found = {}
    for id, created, status, priority, fields, ledger, solved in road.rows(_CASES, since, LATE):
        over = status in _SOLVED
        if over and solved is None:
            continue
        known = plain.read(fields)
        kind = Kind.of({**known, "priority": priority})
        service, complexity = str(known.get("service") or ""), str(known.get(COMPLEXITY) or kind.category)
        found[id] = Case(created, solved if over else None, kind, service, _told(ledger), complexity)
    return found


def _told(ledger: str) -> tuple[int | None, ...] | None:
    """What the requester was told when the ticket was made."""
    kept = plain.read(ledger).get("estimate") if '"estimate"' in ledger else None
    if kept is None:
        return None
    return tuple(None if span is None else span.length for span in Estimate.read(kept).spans().values())


def history(road: Road, known: Mapping[int, Case], as_of: int) -> History:
    """What our own teams and the providers did with these tickets, as it stood then; their load is today's."""
    before = {id: case for id, case in known.items() if case.created < as_of}
    held, turns = _of_tickets(road, _HOLDINGS, before, as_of), _of_tickets(road, _TURNS, before, as_of)
    stays: list[Stay] = []
    solutions: list[Mark] = []
    for id, case in before.items():
        over = case.resolved is not None and case.resolved < as_of
        stays += stays_of(case.kind, held[id], case.resolved if over else None)
        solutions += _solutions(case.kind, held[id], turns[id], as_of)
    return History(stays, solutions, load=loads(road), as_of=as_of)


def _of_tickets(road: Road, sql: str, known: Collection[int], as_of: int) -> dict[int, list[tuple[str, int]]]:
    """(word, time) of each ticket, in order, of what was before ``as_of``."""
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for id, word, at in road.rows(sql, list(known)):
        if at < as_of:
            found[id].append((word, at))
    return found


def _solutions(kind: Kind, held: Turns, turns: Turns, now: int) -> Iterator[Mark]:
    """Each solution that is old enough to be told, by who had the ticket, and whether it was taken back."""
    for (word, at), after in zip_longest(turns, turns[1:]):
        if word == "fulfil" and at + REOPENED_WITHIN <= now:
            holder = next((holder for holder, start in reversed(held) if start <= at), "")
            reopened = after is not None and after[0] == "activate" and after[1] - at <= REOPENED_WITHIN
            yield Mark(side_of(holder), kind, reopened)


def promises(road: Road, known: Mapping[int, Case]) -> list[Promise]:
    """Every promise that was made of these tickets; one that was made again is two."""
    rows = road.rows(_PROMISES, list(known))
    return [Promise(known[id].created + plain.read(text)["promised"], known[id].resolved) for id, text in rows]


def loads(road: Road) -> dict[str, float]:
    """Hours of open work for each hour there is in a week, by side."""
    open_tickets: dict[str, int] = defaultdict(int)
    for holder, count in road.rows(_OPEN):
        open_tickets[side_of(holder)] += count
    teams = road.rows("select count(*) from team")[0][0]
    hours = {INTERNAL: HOURS_A_WEEK * max(teams, 1)}
    return {side: load(count, hours_a_week=hours.get(side, HOURS_A_WEEK)) for side, count in open_tickets.items()}


@dataclass(frozen=True)
class Day:
    """What was read for one day."""

    start: int
    cases: Mapping[int, Case]
    known: Known


_DECIDED = """
select d.kind, d.outcome, d.rule, d.policy, d.inputs, d.lost, d.reason, d.otherwise, d.at, t.number, t.title
from decision d join ticket t on t.id = d.ticket_id where d.kind = ? and d.at >= ? and d.policy <> '' order by d.id
"""
_WORKED = """
select t.holder, sum(w.minutes) from worklog w join ticket t on t.id = w.ticket_id where t.created_at >= ?
group by t.id, t.holder
"""
_KEPT = """
select t.holder, e.late, count(*) from ticket t join (
  select ticket_id, max(case when kind = 'breach' then 1 else 0 end) as late from clock_event
  where clock = 'requester_wait' and kind in ('fulfil', 'breach') group by ticket_id
) e on e.ticket_id = t.id where t.created_at >= ? group by t.holder, e.late
"""


def decided(road: Road, kind: str, since: int) -> list[Past]:
    """The decisions of a kind that a policy made since then, oldest first."""
    found = []
    for kind_, outcome, rule, policy, inputs, lost, because, otherwise, at, number, title in road.rows(
        _DECIDED, kind, since
    ):
        looked, others = plain.read(inputs), plain.read(lost)
        made = Decision(kind_, outcome, rule, policy, looked, others, because, otherwise)
        found.append(Past(number, title, at, made))
    return found


def shown(road: Road, since: int) -> dict[str, Facts]:
    """What each side has shown since then: minutes of work by ticket, and how often its requesters' times were kept."""
    worked: dict[str, list[int]] = defaultdict(list)
    for holder, minutes in road.rows(_WORKED, since):
        worked[side_of(holder)].append(int(minutes))
    kept: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for holder, late, count in road.rows(_KEPT, since):
        kept[side_of(holder)][1 if late else 0] += count
    return {side: Facts(sorted(worked[side]), Share(kept[side][0], sum(kept[side]))) for side in {*worked, *kept}}


class Histories:
    """What is told in one process: a history read once a UTC day, as it stood when the day began. Safe to share between
    threads."""

    def __init__(self, store: Store, length: int = YEAR) -> None:
        self._store, self._length = store, length
        self._lock = threading.Lock()
        self._read: Day | None = None
        self._forecasts: tuple[int, list[Forecast]] = (-1, [])

    def known(self, now: int) -> Known:
        """The history as it stood when the day of ``now`` began; UTC microseconds."""
        return self._day(now).known

    def estimate(self, fields: Mapping[str, Any], now: int) -> Estimate:
        """What a ticket with these canonical fields may take."""
        return self.known(now).estimate(Kind.of(fields))

    def ready(self, fields: Mapping[str, Any]) -> Estimate | None:
        """The same from what this process has read already, without waiting for anything: for whoever holds a lock.
        None before the first look."""
        read = self._read
        return None if read is None else read.known.estimate(Kind.of(fields))

    def history(self, category: str, now: int) -> History:
        """What each side did with the tickets of a category, as it stood when the day of ``now`` began."""
        read = self._day(now)
        found = {id: case for id, case in read.cases.items() if case.kind.category == category}
        with self._store.road() as road:
            return history(road, found, read.start)

    def kept(self, now: int) -> Share:
        """How many promises of people were kept, of those whose time was over when the day of ``now`` began."""
        read = self._day(now)
        with self._store.road() as road:
            return kept(promises(road, read.cases), read.start)

    def by_complexity(self, now: int) -> tuple[list[Row], list[Row]]:
        """How long the tickets of each complexity took to be solved, and how long people worked on the solved ones, in
        minutes."""
        read = self._day(now)
        solved = {
            id: (case.complexity, (case.resolved - case.created) / MINUTE)
            for id, case in read.cases.items()
            if case.complexity and case.resolved is not None and case.resolved < read.start
        }
        with self._store.road() as road:
            handled = [(solved[id][0], float(minutes)) for id, minutes in road.rows(_HANDLED, list(solved))]
        return by_complexity(solved.values()), by_complexity(handled)

    def forecasts(self, now: int) -> list[Forecast]:
        """What was told of each ticket of the last ``QUARTER``, or would have been, and what came of it."""
        read, (start, found) = self._day(now), self._forecasts
        if start != read.start:
            found = replayed(list(read.cases.values()), read.start - QUARTER, read.start)
            self._forecasts = read.start, found
        return found

    def _day(self, now: int) -> Day:
        start, read = day_start(now), self._read
        if read is not None and read.start == start:
            return read
        with self._lock:
            read = self._read
            if read is None or read.start != start:
                with self._store.road() as road:
                    found = cases(road, start - self._length)
                read = self._read = Day(start, found, Known(found.values(), start))
            return read
