"""The calendars as people read them: the written policy of support hours, for a page of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.decide.hours.calendars import Calendars
from gateway.decide.hours.open import Hours
from gateway.decide.hours.words import filled, language_of, week, windows_said

AHEAD = 90
"""Days ahead of which the special ones are shown."""


@dataclass(frozen=True, slots=True)
class Special:
    """A day that is not like others of its week. ``hours``: "" where it is closed."""

    day: date
    reason: str
    hours: str


@dataclass(frozen=True, slots=True)
class Page:
    """One calendar in words. ``keepers``: ``desk``, ``site:madrid``; with ``others`` all who are named nowhere keep it,
    too. ``opens``: the next opening in UTC microseconds, the instant itself when open; ``text``: what requesters are
    told where no rule has a text of its own."""

    name: str
    keepers: tuple[str, ...]
    others: bool
    week: str
    special: tuple[Special, ...]
    open: bool
    opens: int | None
    text: str


def pages(calendars: Calendars, at: int, language: str) -> list[Page]:
    """Every calendar as it is in force, in the nearest language there is; the special days of the next 90 days."""
    return [_page(calendars, name, hours, at, language_of(language)) for name, hours in calendars.named.items()]


def _page(calendars: Calendars, name: str, hours: Hours, at: int, language: str) -> Page:
    text = calendars.texts[hours.text or calendars.text][language]
    return Page(
        name=name,
        keepers=tuple(who for who, kept in calendars.keepers.items() if kept == name),
        others=name == calendars.default,
        week=week(hours, language),
        special=tuple(_special(hours, hours.wall(at).date())),
        open=hours.is_open(at),
        opens=hours.opens(at),
        text=filled(text, hours, at, language),
    )


def _special(hours: Hours, first: date) -> Iterator[Special]:
    for day in (first + timedelta(days=n) for n in range(AHEAD)):
        if reason := hours.days.reason(day):
            yield Special(day, reason, windows_said(hours.days.windows(day)))
