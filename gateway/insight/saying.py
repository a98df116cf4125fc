"""Times as people say them, and sentences with their parts apart, so that whoever shows them can translate them.

What is told to a requester is rounded *up*: "within 3 days" has to be at least as true as the number it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MINUTE = 60_000_000
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LADDER = (
    (2 * HOUR, 15 * MINUTE, MINUTE, "minute"),
    (2 * DAY, HOUR, HOUR, "hour"),
    (28 * DAY, DAY, DAY, "day"),
    (84 * DAY, 7 * DAY, 7 * DAY, "week"),
)
"""(up to, in steps of, unit, its word); beyond: months of 30 days."""

_WORDS = {
    "minute": ("%(num)d minute", "%(num)d minutes"),
    "hour": ("%(num)d hour", "%(num)d hours"),
    "day": ("%(num)d day", "%(num)d days"),
    "week": ("%(num)d week", "%(num)d weeks"),
    "month": ("%(num)d month", "%(num)d months"),
}


def _same(text: str) -> str:
    return text


def _english(one: str, many: str, n: int) -> str:
    return one if n == 1 else many


@dataclass(frozen=True, slots=True)
class Span:
    """``count`` of a ``unit``: minute, hour, day, week or month (of 30 days). ``length`` in microseconds."""

    count: int
    unit: str
    length: int

    def said(self, ngettext: Callable[[str, str, int], str] = _english) -> str:
        one, many = _WORDS[self.unit]
        return ngettext(one, many, self.count) % {"num": self.count}

    def __str__(self) -> str:
        return self.said()


def rounded_up(duration: int) -> Span:
    """The shortest span in human units that is not below a duration of microseconds, and never nothing."""
    for most, step, unit, word in _LADDER:
        length = max(-(-duration // step), 1) * step
        if length <= most:
            return Span(length // unit, word, length)
    months = -(-duration // (30 * DAY))
    return Span(months, "month", months * 30 * DAY)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence in English with named places, and what belongs there: text, numbers, spans."""

    text: str
    data: Mapping[str, object] = field(default_factory=dict)

    def told(
        self,
        gettext: Callable[[str], str] = _same,
        ngettext: Callable[[str, str, int], str] = _english,
    ) -> str:
        """The whole sentence in the language of the two functions."""
        parts = {name: one.said(ngettext) if isinstance(one, Span) else one for name, one in self.data.items()}
        return gettext(self.text) % parts

    def __str__(self) -> str:
        return self.told()


def day(at: int) -> str:
    """The UTC day of a moment: ``2026-11-22``."""
    return (_EPOCH + timedelta(microseconds=at)).date().isoformat()


def day_start(at: int) -> int:
    """When that day began."""
    return at - at % DAY
