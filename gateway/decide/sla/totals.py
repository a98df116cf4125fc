"""Who had a ticket and for how long, and what each of its clocks came to: from its events alone (DOMAIN.md 2.2, 2.4).

At every instant a ticket is with exactly one party, so the segments of all parties add up to its whole time. Each
clock's time is what it ran within hours, what it ran out of hours, and what it rested: these add up, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.decide.hours import Calendars
from gateway.decide.sla.log import (
    TICKET,
    Event,
    Instance,
    State,
    fold,
    hours_of,
    instance,
    missed,
    ran,
    rested,
    terms_of,
    used,
)
from gateway.decide.sla.targets import RESOLVED

NOBODY, REQUESTER = "nobody", "requester"


@dataclass(frozen=True, slots=True)
class Segment:
    """Within [``start``, ``end``) the ticket was with ``party``: ``team:<slug>``, ``provider:<slug>``, ``requester``
    (it waited for an answer) or ``nobody`` (it was solved)."""

    party: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Had:
    """Microseconds that a party had the ticket: on the wall, and within its own hours (0 for who has none)."""

    wall: int
    business: int


@dataclass(frozen=True, slots=True)
class Clock:
    """One instance of a clock. ``wall`` = ``business`` + ``out_of_hours`` + ``rested``, in microseconds from ``start``,
    from when its time counts, to ``end``; ``rested``: when any reason held for which it does not run; ``paused``: by
    reason, which may overlap. ``outcome``: running, fulfilled, cancelled; ``missed``: its time ran out before."""

    clock: str
    instance: int
    party: str
    start: int
    end: int
    wall: int
    business: int
    out_of_hours: int
    rested: int
    paused: Mapping[str, int]
    due_at: int | None
    outcome: str
    missed: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """``start`` to ``end``: from the ticket's beginning until now, or until it was solved, if it still is. ``parties``:
    everybody that had it; ``reasons``: microseconds for which each reason to rest held."""

    start: int
    end: int
    segments: tuple[Segment, ...]
    parties: Mapping[str, Had]
    clocks: tuple[Clock, ...]
    reasons: Mapping[str, int]


def totals(events: Iterable[Event], holdings: Sequence[tuple[int, str]], as_of: int, calendars: Calendars) -> Totals:
    """Add up a ticket's time until ``as_of`` (not before its last event). ``holdings``: (since when, holder), in the
    order in which they became known; "" is nobody. Raises KeyError for a log that does not begin with the ticket."""
    state, ever = _all(events)
    start = int(state["at"])
    solved = state["off"].get(RESOLVED, [[0, 0]])[-1]
    end = max(start, solved[0] if solved[1] is None else as_of)
    segments = tuple(_segments(state, holdings, start, end))
    spans: dict[str, list[Segment]] = defaultdict(list)
    for one in segments:
        spans[one.party].append(one)
    parties = {party: Had(_wall(own), _business(party, own, calendars)) for party, own in spans.items()}
    clocks = tuple(_clock(state, clock, party, one, as_of, calendars) for (clock, _), (party, one) in ever.items())
    reasons = {reason: length_of(rested(state, (reason,), start, end)) for reason in state["off"]}
    return Totals(start, end, segments, parties, clocks, reasons)


def _all(events: Iterable[Event]) -> tuple[State, dict[tuple[str, int], tuple[str, Instance]]]:
    """The state, and every instance there ever was, with whose doing its beginning was."""
    state: State = {}
    ever: dict[tuple[str, int], tuple[str, Instance]] = {}
    for event in events:
        fold(state, event)
        if event.kind == "activate" and event.clock != TICKET:
            ever[event.clock, event.instance] = event.party, instance(state, event.clock, event.instance)
    return state, ever


def _segments(state: State, holdings: Sequence[tuple[int, str]], start: int, end: int) -> Iterator[Segment]:
    solved, waiting = rested(state, (RESOLVED,), start, end), rested(state, (REQUESTER,), start, end)
    held = list(_held(holdings, start, end))
    edges = sorted({start, end, *(at for spans in (solved, waiting) for span in spans for at in span), *_starts(held)})
    last: Segment | None = None
    for since, until in pairwise(edges):
        holder = next((one.party for one in held if one.start <= since < one.end), NOBODY)
        party = NOBODY if _within(since, solved) else REQUESTER if _within(since, waiting) else holder
        if last is not None and last.party == party:
            last = Segment(party, last.start, until)
            continue
        if last is not None:
            yield last
        last = Segment(party, since, until)
    if last is not None:
        yield last


def _held(holdings: Sequence[tuple[int, str]], start: int, end: int) -> Iterator[Segment]:
    """Who held it when; what was known later, but had happened before, cannot begin before what it follows."""
    since: list[int] = []
    for at, _ in holdings:
        since.append(min(end, max(at, start, *since[-1:])))
    for (_, holder), at, until in zip(holdings, since, [*since[1:], end], strict=True):
        if at < until:
            yield Segment(holder or NOBODY, at, until)


def _starts(held: Iterable[Segment]) -> Iterator[int]:
    for one in held:
        yield one.start


def _within(at: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in spans)


def _wall(segments: Iterable[Segment]) -> int:
    return sum(one.end - one.start for one in segments)


def _business(party: str, segments: Iterable[Segment], calendars: Calendars) -> int:
    if party in (NOBODY, REQUESTER):
        return 0
    hours = calendars.of(party)
    return sum(hours.worked(one.start, one.end) for one in segments)


def length_of(spans: Iterable[tuple[int, int]]) -> int:
    """Microseconds of spans that do not overlap."""
    return sum(end - start for start, end in spans)


def _clock(state: State, clock: str, party: str, one: Instance, as_of: int, calendars: Calendars) -> Clock:
    terms, start = terms_of(one), one["from"]
    end = max(start, one["end"][1] if "end" in one else as_of)
    business = used(state, one, hours_of(calendars, terms.who), end)
    going = length_of(ran(state, one, end))
    paused = {reason: length_of(rested(state, (reason,), start, end)) for reason in terms.pauses}
    outcome = {"fulfil": "fulfilled", "cancel": "cancelled"}[one["end"][0]] if "end" in one else "running"
    return Clock(
        clock, one["n"], party, start, end, end - start, business, going - business, end - start - going,
        {reason: time for reason, time in paused.items() if time}, one["due"], outcome, missed(one, as_of),
    )  # fmt: skip
