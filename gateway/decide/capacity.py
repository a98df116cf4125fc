"""How busy everybody is: the open tickets of a holder, as hours of work beside the hours they are there for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.decide.hours import Calendars, Hours

HOURS_A_TICKET = 1.0
"""Hours of work that an open ticket is taken for, where nothing better is known."""

HOURS_A_WEEK = 40.0
"""Hours a week that a holder has, where nothing better is known: one person's."""

FULL = 99.0
"""The load of somebody who is not there at all in the coming week, and has work waiting."""

HOUR = 3_600_000_000
WEEK = 7 * 24 * HOUR


def load(open_tickets: int, hours_a_ticket: float = HOURS_A_TICKET, hours_a_week: float = HOURS_A_WEEK) -> float:
    """Hours of open work per hour of capacity of one week; 1: a week's work waits."""
    if hours_a_week <= 0:
        return FULL if open_tickets else 0.0
    return min(open_tickets * hours_a_ticket / hours_a_week, FULL)


def capacity(hours: Hours, at: int) -> float:
    """The hours that somebody is there in the week from ``at`` (UTC microseconds): less where it has a holiday."""
    return hours.worked(at, at + WEEK) / HOUR


def loads(
    open_tickets: Mapping[str, int], holders: Iterable[str], calendars: Calendars | None = None, at: int = 0
) -> dict[str, float]:
    """The load of everybody, those with nothing to do among them; by their own hours where calendars are in force."""
    return {
        who: load(open_tickets.get(who, 0), hours_a_week=capacity(calendars.of(who), at) if calendars else HOURS_A_WEEK)
        for who in holders
    }
