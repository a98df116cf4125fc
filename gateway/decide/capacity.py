"""How busy everybody is: the open tickets of a holder, as hours of work beside the hours there are for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

HOURS_A_TICKET = 1.0
"""Hours of work that an open ticket is taken for, where nothing better is known."""

HOURS_A_WEEK = 40.0
"""Hours a week that a holder has, where nothing better is known: one person's."""


def load(open_tickets: int, hours_a_ticket: float = HOURS_A_TICKET, hours_a_week: float = HOURS_A_WEEK) -> float:
    """Hours of open work per hour of capacity of one week; 1: a week's work waits."""
    return open_tickets * hours_a_ticket / hours_a_week


def loads(open_tickets: Mapping[str, int], holders: Iterable[str]) -> dict[str, float]:
    """The load of everybody, those with nothing to do among them."""
    return {who: load(open_tickets.get(who, 0)) for who in holders}
