"""Between the clock on a desk's wall and UTC, to the microsecond: the first step of all business time.

Wall time is counted as UTC is, in microseconds since 1970-01-01 00:00, of the local clock. A zone is read as spans in
which its offset stays the same; inside one of them wall and UTC differ by a constant, so hours that are skipped or come
twice need no case of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 1440 * MINUTE
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()

_STEP = DAY // 4  # no zone changes its offset twice within six hours

Span = tuple[int, int, int]
"""From, to (UTC, ``to`` left out), and what the wall is ahead of UTC meanwhile."""


def zone_named(name: str) -> ZoneInfo:
    """A zone by its IANA name; raises ``ValueError`` where there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"no such time zone: {name}") from error


def moment(at: int) -> datetime:
    """An instant as ``datetime``; raises ``OverflowError`` outside the years 1 to 9999."""
    return EPOCH + timedelta(microseconds=at)


def offset(zone: ZoneInfo, at: int) -> int:
    """What the wall is ahead of UTC at an instant."""
    ahead = moment(at).astimezone(zone).utcoffset() or timedelta()
    return (ahead.days * 86_400 + ahead.seconds) * SECOND + ahead.microseconds


def wall(zone: ZoneInfo, at: int) -> int:
    """What the wall shows at an instant."""
    return at + offset(zone, at)


def instant(zone: ZoneInfo, shown: int) -> int:
    """The first instant at which the wall shows this; where that hour is skipped, the instant of the jump."""
    for year in range(year_of(shown - 2 * DAY), year_of(shown + 2 * DAY) + 1):
        for start, end, ahead in spans_of(zone, year):
            if shown - ahead < end:
                return max(shown - ahead, start)
    raise ValueError(f"no clock shows {shown}")  # two days hold every offset there is


def spans(zone: ZoneInfo, start: int, end: int) -> Iterator[Span]:
    """The offsets in [start, end), in order, without a gap."""
    since, ahead = start, offset(zone, start)
    at = start
    while at < end:
        later = min(at + _STEP, end)
        changed = offset(zone, later)
        if changed != ahead:
            jump = _jump(zone, at, later, ahead)
            yield since, jump, ahead
            since, ahead = jump, changed
        at = later
    if since < end:
        yield since, end, ahead


def _jump(zone: ZoneInfo, before: int, after: int, ahead: int) -> int:
    """The first instant after ``before`` at which the offset is not ``ahead`` any more."""
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if offset(zone, middle) == ahead else (before, middle)
    return after


@lru_cache(maxsize=4096)
def spans_of(zone: ZoneInfo, year: int) -> tuple[Span, ...]:
    """The offsets of one UTC year."""
    return tuple(spans(zone, year_begins(year), year_begins(year + 1)))


@lru_cache(maxsize=4096)
def year_begins(year: int) -> int:
    """The first instant of a UTC year."""
    return (datetime(year, 1, 1, tzinfo=UTC).toordinal() - EPOCH_DAY) * DAY


def year_of(at: int) -> int:
    """The UTC year of an instant."""
    return moment(at).year
