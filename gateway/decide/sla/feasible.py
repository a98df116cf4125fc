"""Whether targets can be met at all: each held against how long such tickets really took (REQUIREMENTS D2-11).

Targets are business time and history is time on the wall, so a target is first put into the week: how long it lasts on
the wall for tickets that come at any hour of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from gateway.decide.hours import Calendars, NeverOpens
from gateway.decide.language import spelled
from gateway.decide.sla.log import hours_of
from gateway.decide.sla.stand import lasting
from gateway.decide.sla.targets import About, Rule, Targets, Terms

HOUR = 3_600_000_000
WEEK = 168
ASKED = ("priority", "service", "kind")
"""The fields of a rule that history can be asked for."""


class Estimate(Protocol):
    """How long such tickets took: within ``p80`` microseconds 8 of 10 were solved, of ``finished`` that are. ``basis``:
    what they have in common, ``(("priority", "P1"),)``; it may be less than was asked for."""

    @property
    def p80(self) -> int | None: ...
    @property
    def finished(self) -> int: ...
    @property
    def basis(self) -> tuple[tuple[str, str], ...]: ...


@dataclass(frozen=True, slots=True)
class Note:
    """A target that history says will be missed more often than one time in five, or that others leave no time for.
    ``within`` and ``wall``: the target in business time, and on the wall as the middle of a week; microseconds."""

    rule: str
    clock: str
    within: int
    wall: int
    p80: int | None
    n: int
    text: str


def feasible(
    targets: Targets, estimate: Callable[[Mapping[str, str]], Estimate | None], calendars: Calendars, at: int
) -> list[Note]:
    """The targets for a solution that 8 of 10 such tickets did not keep so far, and provider's targets that leave no
    time of what the requester was promised. ``estimate``: asked for canonical fields, None where too little is known;
    ``at``: the week that counts, UTC microseconds."""
    notes = []
    for rule in targets.rules:
        notes += list(_too_short(targets, rule, estimate, calendars, at))
        notes += list(_too_long(targets, rule, calendars, at))
    return notes


def _too_short(
    targets: Targets,
    rule: Rule,
    estimate: Callable[[Mapping[str, str]], Estimate | None],
    calendars: Calendars,
    at: int,
) -> Iterator[Note]:
    if "requester_wait" not in rule.targets:
        return
    for fields in _fields(rule):
        terms = targets.terms("requester_wait", About(**fields, clientele=_any(rule, "clientele")))
        wall, told = _wall(terms, calendars, at), estimate(fields)
        if terms.rule != rule.name or wall is None or told is None or told.p80 is None or told.p80 <= wall:
            continue
        about = ", ".join(f"{name} {value}" for name, value in told.basis) or "all tickets"
        text = (
            f"{rule.name} promises a solution within {spelled(terms.within or 0)}, on the calendar about "
            f"{lasting(wall)}; for {about} 8 of 10 took up to {lasting(told.p80)} (n = {told.finished})"
        )
        yield Note(rule.name, "requester_wait", terms.within or 0, wall, told.p80, told.finished, text)


def _too_long(targets: Targets, rule: Rule, calendars: Calendars, at: int) -> Iterator[Note]:
    """What a provider may take must be less than what the requester was promised, for the rule's own tickets."""
    if "provider_resolve" not in rule.targets:
        return
    for fields in _fields(rule):
        clientele = _any(rule, "clientele")
        promised = targets.terms("requester_wait", About(**fields, clientele=clientele))
        given = targets.terms("provider_resolve", About(**fields, clientele=clientele, provider=_any(rule, "provider")))
        wall, whole = _wall(given, calendars, at), _wall(promised, calendars, at)
        if given.rule != rule.name or wall is None or whole is None or wall < whole:
            continue
        text = (
            f"{rule.name} gives a provider {spelled(given.within or 0)}, on the calendar about {lasting(wall)}; "
            f"{promised.rule} promises the requester a solution within {spelled(promised.within or 0)}, about "
            f"{lasting(whole)}"
        )
        yield Note(rule.name, "provider_resolve", given.within or 0, wall, None, 0, text)


def _fields(rule: Rule) -> Iterator[dict[str, str]]:
    """The fields of the tickets that a rule is about, one combination after another."""
    names = [name for name in ASKED if name in rule.when]
    for words in product(*(sorted(rule.when[name]) for name in names)):
        yield dict(zip(names, words, strict=True))


def _any(rule: Rule, name: str) -> str:
    return min(rule.when.get(name, {""}))


def _wall(terms: Terms, calendars: Calendars, at: int) -> int | None:
    """How long a target lasts on the wall: the median over the hours of a week at which a ticket may come."""
    if terms.within is None:
        return None
    hours = hours_of(calendars, terms.who)
    try:
        return sorted(hours.after(start, terms.within) - start for start in range(at, at + WEEK * HOUR, HOUR))[
            WEEK // 2
        ]
    except NeverOpens:
        return None
