"""Business time: how much of an interval a desk was open, and when so much will have passed (DOMAIN.md 2.1).

A desk is open exactly when the clock on its wall shows a time within its hours. So on the day on which an hour comes
twice, hours that hold it hold it twice; on the day on which it is skipped there is one less. Windows are expanded to
UTC once for each UTC year that is asked for, and then found by bisection.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate
from zoneinfo import ZoneInfo

from gateway.decide.hours.days import WHOLE, Days
from gateway.decide.hours.zone import DAY, EPOCH_DAY, spans_of, wall, year_of, zone_named

HORIZON = 30
"""Years after which a calendar that has not opened, or not long enough, is said never to."""


class NeverOpens(ValueError):
    """So much business time does not come within 30 years."""


@dataclass(frozen=True, slots=True)
class _Year:
    """The windows of a UTC year, apart from each other. ``passed``: what was worked in it by the end of each."""

    starts: list[int]
    ends: list[int]
    passed: list[int]

    @property
    def total(self) -> int:
        return self.passed[-1] if self.passed else 0

    def worked(self, at: int) -> int:
        """What was worked in this year before ``at``."""
        n = bisect_right(self.starts, at) - 1
        if n < 0:
            return 0
        return self.passed[n] - max(0, self.ends[n] - at)

    def reached(self, worked: int) -> int:
        """When so much was worked in this year, first: 0 < ``worked`` <= ``total``."""
        n = bisect_left(self.passed, worked)
        return self.ends[n] - (self.passed[n] - worked)


class Hours:
    """When somebody works. ``version``: ``calendars@3/madrid``; ``zone``: its IANA name. Instants and durations are
    integers, UTC microseconds; a window holds its first instant and not its last. Instants outside the years 2 to 9998
    raise ``OverflowError`` or ``ValueError``."""

    def __init__(self, version: str, zone: str, days: Days, text: str = "") -> None:
        self.version = version
        self.zone = zone
        self.days = days
        self.text = text
        """The name of the text that requesters are told when it is closed; "" for the one of all."""
        self._zone: ZoneInfo = zone_named(zone)
        self._years: dict[int, _Year] = {}

    def __repr__(self) -> str:
        return f"Hours({self.version!r}, {self.zone!r})"

    def worked(self, start: int, end: int) -> int:
        """Business time in [start, end); 0 where ``end`` is not after ``start``."""
        if end <= start:
            return 0
        first, last = year_of(start), year_of(end)
        if first == last:
            year = self._year(first)
            return year.worked(end) - year.worked(start)
        between = sum(self._year(n).total for n in range(first, last))
        return between - self._year(first).worked(start) + self._year(last).worked(end)

    def after(self, start: int, worked: int) -> int:
        """The first instant by which ``worked`` has passed since ``start``; for 0 ``start`` itself when open, else the
        next opening. Raises ``NeverOpens``, and ``ValueError`` for a negative duration."""
        if worked < 0:
            raise ValueError(f"a duration is not negative: {worked}")
        if worked == 0:
            return self._opening(start)
        first = year_of(start)
        owed = worked + self._year(first).worked(start)
        for n in range(first, first + HORIZON):
            year = self._year(n)
            if owed <= year.total:
                return year.reached(owed)
            owed -= year.total
        raise NeverOpens(f"{self.version} does not work that long within {HORIZON} years")

    def is_open(self, at: int) -> bool:
        year = self._year(year_of(at))
        n = bisect_right(year.starts, at) - 1
        return n >= 0 and at < year.ends[n]

    def opens(self, at: int) -> int | None:
        """``at`` when open, else the next opening; None where none comes within 30 years."""
        try:
            return self._opening(at)
        except NeverOpens:
            return None

    def wall(self, at: int) -> datetime:
        """What the clock on its wall shows; without a zone."""
        shown = wall(self._zone, at)
        return datetime.fromtimestamp(shown // 1_000_000, UTC).replace(microsecond=shown % 1_000_000, tzinfo=None)

    def reason(self, at: int) -> str:
        """Why the day at an instant is not like others of its week: a holiday, or a day the calendar names; or ""."""
        return self.days.reason(self.wall(at).date())

    def _opening(self, at: int) -> int:
        first = year_of(at)
        for n in range(first, first + HORIZON):
            year = self._year(n)
            window = bisect_right(year.ends, at)
            if window < len(year.ends):
                return max(at, year.starts[window])
        raise NeverOpens(f"{self.version} does not open within {HORIZON} years")

    def _year(self, number: int) -> _Year:
        year = self._years.get(number)
        if year is None:
            year = self._years[number] = self._expanded(number)
        return year

    def _expanded(self, number: int) -> _Year:
        starts: list[int] = []
        ends: list[int] = []
        for start, end in sorted(self._windows(number)):
            if ends and start <= ends[-1]:
                ends[-1] = max(ends[-1], end)
            else:
                starts.append(start)
                ends.append(end)
        lengths = (end - start for start, end in zip(starts, ends, strict=True))
        return _Year(starts, ends, list(accumulate(lengths)))

    def _windows(self, number: int) -> Iterator[tuple[int, int]]:
        """In UTC, cut at the ends of the year and wherever the offset changes."""
        for since, until, ahead in spans_of(self._zone, number):
            first, last = (since + ahead) // DAY - 1, (until + ahead) // DAY
            for day in range(first, last + 1):
                midnight = day * DAY - ahead
                for start, end in self.days.windows(date.fromordinal(EPOCH_DAY + day)):
                    begins, stops = max(midnight + start, since), min(midnight + end, until)
                    if begins < stops:
                        yield begins, stops


ALWAYS = Hours("always", "UTC", Days((WHOLE,) * 7))
"""Round the clock, every day."""
