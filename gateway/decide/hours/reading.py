"""How times of the wall clock are written in a policy: hours of a week, dates, moments, zones."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from gateway.decide.hours.calendars import same
from gateway.decide.hours.days import WEEKDAYS, WHOLE, Windows
from gateway.decide.hours.zone import DAY, EPOCH_DAY, MINUTE, zone_named
from gateway.decide.language import Reader, join, nearest

_TIME = r"([01]?\d|2[0-3]):([0-5]\d)"
_WINDOW = re.compile(rf"\s*{_TIME}\s*-\s*(?:{_TIME}|24:00)(\s+next\s+day)?\s*")
_MOMENT = re.compile(rf"(\d{{4}}-\d\d-\d\d)(?:[ T]{_TIME})?")
_HANDOVER = re.compile(rf"(every day|{'|'.join(WEEKDAYS)})\s+{_TIME}")
_YEARLY = re.compile(r"(\d\d)-(\d\d)")
_LONGEST = 400

Week = tuple[Windows, ...]


def zone(r: Reader, value: Any, path: str) -> str:
    """The name of a time zone; "" with a fault."""
    try:
        return zone_named(value).key if isinstance(value, str) else _no_zone(r, value, path)
    except ValueError:
        return _no_zone(r, value, path)


def _no_zone(r: Reader, value: Any, path: str) -> str:
    names = sorted(available_timezones())
    same_city = [name for name in names if name.lower().endswith(f"/{str(value).strip().lower().replace(' ', '_')}")]
    close = nearest(str(value), names)
    guess = f"Did you mean {same_city[0]}?" if same_city else close if close.startswith("Did") else ""
    r.fault(path, "no such time zone", value, guess or "Write an IANA name: Europe/Madrid.")
    return ""


def week(r: Reader, value: Any, path: str) -> Week:
    """The windows of each weekday, Monday first: ``always``, or ``monday to friday: 09:00-14:00, 15:00-18:00``."""
    if value == "always":
        return (WHOLE,) * 7
    days: dict[int, tuple[str, Windows]] = {}
    for key, text in r.table(value, path, ()).items():
        place = join(path, key)
        said = windows(r, text, place)
        for day in _weekdays(r, key, place):
            if day in days:
                title = f"{WEEKDAYS[day]} has hours already"
                r.fault(place, title, text, f"They are at {days[day][0]}: name each day once.")
            days.setdefault(day, (place, said))
    _apart(r, days)
    return tuple(days[day][1] if day in days else () for day in range(7))


def _weekdays(r: Reader, key: str, path: str) -> Iterator[int]:
    """``monday``, ``monday to friday`` or ``every day`` as numbers, Monday 0."""
    first, _, last = ("monday", "", "sunday") if key == "every day" else key.partition(" to ")
    if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
        r.fault(path, "not days of the week", key, "Write monday, monday to friday, or every day.")
        return
    a, b = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    for n in range((b - a) % 7 + 1):
        yield (a + n) % 7


def _apart(r: Reader, days: dict[int, tuple[str, Windows]]) -> None:
    """Windows may not overlap, not those of a night with the next day's either; Sunday's night is before Monday."""
    said = sorted((day * DAY + s, day * DAY + e, path) for day, (path, of) in days.items() for s, e in of)
    told: set[str] = set()
    for (_, end, _), (start, _, path) in zip(
        said, [*said[1:], *((s + 7 * DAY, e, p) for s, e, p in said[:1])], strict=False
    ):
        if start < end and path not in told:
            told.add(path)
            r.fault(path, "these hours overlap with others", None, "Let one window end before the next begins.")


def windows(r: Reader, value: Any, path: str) -> Windows:
    """``09:00-14:00, 15:00-18:00``, or ``22:00-06:00 next day``; in order, none with a fault."""
    if not isinstance(value, str):
        r.fault(path, "hours are expected", value, "Write 09:00-14:00, 15:00-18:00.")
        return ()
    found = sorted(one for text in value.split(",") if (one := _window(r, text, value, path)) is not None)
    return tuple(found)


def _window(r: Reader, text: str, value: str, path: str) -> tuple[int, int] | None:
    found = _WINDOW.fullmatch(text)
    if found is None:
        r.fault(path, "hours are expected", value, "Write 09:00-14:00, 15:00-18:00.")
        return None
    start = _of_day(found[1], found[2])
    end = _of_day(found[3], found[4]) if found[3] else DAY
    if found[5]:
        if end > start:
            r.fault(path, "these hours are longer than a day", value, "Leave out next day.")
            return None
        return start, end + DAY
    if end <= start:
        fix = f"For a window over midnight write {text.strip()} next day; for a whole day 00:00-24:00."
        r.fault(path, "these hours end before they begin", value, fix)
        return None
    return start, end


def _of_day(hours: str, minutes: str) -> int:
    return (int(hours) * 60 + int(minutes)) * MINUTE


def day(r: Reader, value: Any, path: str) -> date | None:
    """A date: ``2026-12-24``."""
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass  # a date that does not exist is told like one that is none
    r.fault(path, "a date is expected", value, "Write 2026-12-24.")
    return None


def days(r: Reader, one: Any, path: str) -> list[date]:
    """The dates of an entry with ``date``, or with ``from`` and ``to``, both held."""
    if "date" in one:
        if "from" in one or "to" in one:
            r.fault(path, "one date, or from and to", None, "Leave out the other.")
        only = day(r, one["date"], join(path, "date"))
        return [only] if only else []
    first, last = day(r, one.get("from"), join(path, "from")), day(r, one.get("to"), join(path, "to"))
    if first is None or last is None:
        return []
    if not 0 <= (last - first).days < _LONGEST:
        r.fault(join(path, "to"), f"not within {_LONGEST} days after {first}", last, "Write the last of the days.")
        return []
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def yearly(value: Any) -> tuple[int, int] | None:
    """A day of every year, ``12-24``, as month and day; None where it is not one."""
    found = _YEARLY.fullmatch(value) if isinstance(value, str) else None
    try:
        return (date(2024, int(found[1]), int(found[2])).timetuple()[1:3]) if found else None
    except ValueError:
        return None


def shown(r: Reader, value: Any, path: str) -> int | None:
    """A moment of the wall clock: ``2026-12-24 09:00``, or a date for its beginning; in microseconds of the wall."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        r.fault(path, "a date and a time are expected", value, "Write 2026-12-24 09:00.")
        return None
    on = day(r, found[1], path)
    of_day = _of_day(found[2], found[3]) if found[2] else 0
    return None if on is None else (on.toordinal() - EPOCH_DAY) * DAY + of_day


def handover(r: Reader, value: Any, path: str) -> tuple[int | None, int] | None:
    """``monday 09:00`` as weekday (Monday 0) and microseconds of the day; ``every day 09:00``: None for the weekday."""
    found = _HANDOVER.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        r.fault(path, "a weekday and a time are expected", value, "Write monday 09:00, or every day 09:00.")
        return None
    return (None if found[1] == "every day" else WEEKDAYS.index(found[1])), _of_day(found[2], found[3])


def zone_info(name: str) -> ZoneInfo:
    """A zone whose name was read; UTC where that was a fault."""
    return ZoneInfo(name or "UTC")


def keeper(r: Reader, value: Any, path: str) -> str:
    """Who has hours, as ``same`` names them: ``desk``, ``team:<slug>``, ``provider:<slug>`` or ``site:<name>``."""
    kind, _, rest = value.partition(":") if isinstance(value, str) else ("", "", "")
    if value == "desk" or (kind == "site" and rest.strip()):
        return same(value)
    if kind in ("team", "provider"):
        return same(r.holder(value, path))
    r.fault(path, "nobody who keeps hours", value, "Write desk, team:<slug>, provider:<slug> or site:<name>.")
    return ""


def named(r: Reader, value: Any, path: str, there: Collection[str], what: str) -> str:
    """The name of something that the document has."""
    if there or value is None:
        return r.one_of(value, path, there, what) if value is not None else ""
    r.fault(path, f"no such {what}", value, "There is none: add it.")
    return ""
