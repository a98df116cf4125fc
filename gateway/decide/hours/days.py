"""Which hours a calendar means on a date: its week, the holidays of its country, and the days it names itself.

A window belongs to the day on which it begins: a day that is closed closes the windows that begin on it, and a night
that began the day before ends as it would have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from gateway.decide.hours.zone import DAY

Windows = tuple[tuple[int, int], ...]
"""From, to in microseconds after the midnight at which the day begins (``to`` left out); past 24 h: the next day."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WHOLE: Windows = ((0, DAY),)


@dataclass(frozen=True, slots=True)
class Country:
    """Whose holidays are kept, by the codes and categories of the ``holidays`` library."""

    code: str
    subdivision: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Days:
    """``week``: Monday first; ``closed``: date -> reason; ``yearly``: (month, day) -> reason; ``extra``: date ->
    windows and reason. An extra day goes before a closed one, both before the week."""

    week: tuple[Windows, ...]
    country: Country | None = None
    closed: Mapping[date, str] = field(default_factory=dict)
    yearly: Mapping[tuple[int, int], str] = field(default_factory=dict)
    extra: Mapping[date, tuple[Windows, str]] = field(default_factory=dict)

    def windows(self, day: date) -> Windows:
        """The windows that begin on a day, in order."""
        if day in self.extra:
            return self.extra[day][0]
        return () if self.reason(day) else self.week[day.weekday()]

    def reason(self, day: date) -> str:
        """Why a day is not like others of its week; "" where it is."""
        if day in self.extra:
            return self.extra[day][1]
        named = self.closed.get(day) or self.yearly.get((day.month, day.day))
        return named or (kept(self.country, day.year).get(day, "") if self.country else "")


@lru_cache(maxsize=1024)
def kept(country: Country, year: int) -> Mapping[date, str]:
    """The holidays of a year, each with its name. Raises ``NotImplementedError`` for a country or subdivision, and
    ``ValueError`` for a category, that the library does not know."""
    import holidays  # it takes a fifth of a second to load: only for those who keep a country's holidays

    return dict(
        holidays.country_holidays(
            country.code,
            subdiv=country.subdivision or None,
            years=year,
            categories=country.categories or None,
            language="en_US",  # without it the names depend on the language of the process
        )
    )


def countries() -> Mapping[str, list[str]]:
    """Country code -> its subdivisions, as far as their holidays are known."""
    import holidays  # as above

    return holidays.list_supported_countries()


def categories(code: str) -> tuple[str, ...]:
    """The kinds of holidays that are known of a country: ``public``, and maybe ``half_day``, ``bank`` and others."""
    import holidays  # as above

    return tuple(holidays.country_holidays(code).supported_categories)
