"""What shows that a target was saved on paper: rests and changes near or after its due time (DOMAIN.md 2.5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.decide.hours import Calendars
from gateway.decide.sla.log import TICKET, Event, Instance, State, fold, hours_of, instance, rested, terms_of
from gateway.decide.sla.targets import REASONS, RESOLVED
from gateway.decide.sla.totals import length_of

NEAR = 10
"""A pause in the last tenth of a target is listed."""


@dataclass(frozen=True, slots=True)
class Late:
    """A clock was stopped by ``party`` in the last tenth of its time: ``left`` business microseconds were left."""

    clock: str
    instance: int
    at: int
    party: str
    reasons: tuple[str, ...]
    left: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The terms of a clock changed, and with them when it is due: ``before`` and ``after``, None while it rests."""

    clock: str
    instance: int
    at: int
    party: str
    before: int | None
    after: int | None
    terms: str


@dataclass(frozen=True, slots=True)
class Guards:
    """What shows that figures were made to look good. ``pauses``: how often each party let the ticket rest;
    ``share``: of the ticket's whole time, for each reason to rest; ``late``, ``moved``: near or after the due time."""

    pauses: Mapping[str, int] = field(default_factory=dict)
    share: Mapping[str, float] = field(default_factory=dict)
    late: tuple[Late, ...] = ()
    moved: tuple[Moved, ...] = ()


def guards(events: Sequence[Event], as_of: int, calendars: Calendars) -> Guards:
    """Look through a ticket's events for pauses and changes of priority that could have saved a target."""
    state: State = {}
    pauses: dict[str, int] = defaultdict(int)
    late: list[Late] = []
    moved: list[Moved] = []
    for event in events:
        before = instance(state, event.clock, event.instance) if _of_instance(event) else None
        if event.kind == "pause" and event.clock == TICKET and RESOLVED not in event.reason.split():
            pauses[event.party] += 1
        if event.kind == "pause" and before is not None and before["due"] is not None:
            late.extend(_late(state, before, event, calendars))
        if event.kind == "retarget" and before is not None:
            moved.append(
                Moved(event.clock, event.instance, event.at, event.party, before["due"], event.due_at, event.reason)
            )
        fold(state, event)
    solved = state["off"].get(RESOLVED, [[0, 0]])[-1]
    start, end = state["at"], solved[0] if solved[1] is None else as_of
    share = {reason: length_of(rested(state, (reason,), start, end)) / max(1, end - start) for reason in REASONS}
    return Guards(dict(pauses), share, tuple(late), tuple(moved))


def _of_instance(event: Event) -> bool:
    return event.clock != TICKET and event.kind != "activate"


def _late(state: State, one: Instance, event: Event, calendars: Calendars) -> Iterator[Late]:
    terms = terms_of(one)
    if terms.within is None:
        return
    left = hours_of(calendars, terms.who).worked(event.at, one["due"])
    if 0 < left <= terms.within * NEAR // 100:
        yield Late(event.clock, event.instance, event.at, event.party, tuple(event.reason.split()), left)
