"""The calendars of the ``calendars`` policy, read: hours, holidays, days of their own, and who keeps which."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from gateway.decide.hours import reading as read
from gateway.decide.hours.days import Country, Days, Windows, categories, countries
from gateway.decide.hours.open import Hours
from gateway.decide.hours.zone import year_begins
from gateway.decide.language import Reader, join, nearest

_KEYS = ("zone", "hours", "holidays", "closed", "open", "kept_by", "text")
_SOME_YEAR = 2026
"""From here on a calendar has to open within thirty years. Any year would do: every one has each weekday."""


def calendars(
    r: Reader, value: Any, path: str, texts: Collection[str], label: str
) -> tuple[dict[str, Hours | None], dict[str, str]]:
    """The calendars by name, None for one with a fault; and who keeps which, in lower case."""
    made: dict[str, Hours | None] = {}
    keepers: dict[str, str] = {}
    for name, one in r.table(value, path, ()).items():
        place = join(path, name)
        table = r.table(one, place, _KEYS, ("zone", "hours"))
        _kept_by(r, table.get("kept_by"), join(place, "kept_by"), name, keepers)
        made[name] = _calendar(r, table, place, texts, f"{label}/{name}")
    return made, keepers


def _calendar(r: Reader, table: Mapping[str, Any], path: str, texts: Collection[str], version: str) -> Hours | None:
    before = len(r.faults)
    zone = read.zone(r, table["zone"], join(path, "zone")) if "zone" in table else ""
    text = read.named(r, table.get("text"), join(path, "text"), texts, "text")
    week = read.week(r, table.get("hours", {}), join(path, "hours"))
    closed, yearly = _closed(r, table.get("closed"), join(path, "closed"))
    extra = _extra(r, table.get("open"), join(path, "open"), closed)
    country = _country(r, table["holidays"], join(path, "holidays")) if "holidays" in table else None
    if len(r.faults) > before or not zone:
        return None
    hours = Hours(version, zone, Days(week, country, closed, yearly, extra), text)
    if not any(week) or hours.opens(year_begins(_SOME_YEAR)) is None:
        r.fault(join(path, "hours"), "this calendar never opens", None, "Write monday to friday: 09:00-18:00.")
        return None
    return hours


def _kept_by(r: Reader, value: Any, path: str, name: str, keepers: dict[str, str]) -> None:
    for place, who in r.items(value, path):
        keeper = read.keeper(r, who, place)
        if keeper in keepers:
            title = "two calendars are kept by the same" if keepers[keeper] != name else "is named already"
            r.fault(place, title, who, f"It keeps {keepers[keeper]}: leave it out at one of them.")
        elif keeper:
            keepers[keeper] = name


def _closed(r: Reader, value: Any, path: str) -> tuple[dict[date, str], dict[tuple[int, int], str]]:
    dates: dict[date, str] = {}
    yearly: dict[tuple[int, int], str] = {}
    for place, one in r.items(value, path):
        table = r.table(one, place, ("date", "from", "to", "reason"), ("reason",))
        reason = r.text(table["reason"], join(place, "reason"), 200) if "reason" in table else ""
        every = read.yearly(table.get("date"))
        if every:
            yearly[every] = reason
        elif table:
            dates.update(dict.fromkeys(read.days(r, table, place), reason))
    return dates, yearly


def _extra(r: Reader, value: Any, path: str, closed: Collection[date]) -> dict[date, tuple[Windows, str]]:
    extra: dict[date, tuple[Windows, str]] = {}
    for place, one in r.items(value, path):
        table = r.table(one, place, ("date", "from", "to", "hours", "reason"), ("hours", "reason"))
        reason = r.text(table["reason"], join(place, "reason"), 200) if "reason" in table else ""
        hours = read.windows(r, table["hours"], join(place, "hours")) if "hours" in table else ()
        for day in read.days(r, table, place) if table else ():
            if day in closed or day in extra:
                title = "this day is closed as well" if day in closed else "this day has hours already"
                r.fault(place, title, day, "Name each day once.")
            extra[day] = hours, reason
    return extra


def _country(r: Reader, value: Any, path: str) -> Country | None:
    table = r.table(value, path, ("country", "subdivision", "categories"), ("country",))
    if "country" not in table:
        return None
    there = countries()
    code = str(table["country"])
    if code not in there:
        r.fault(join(path, "country"), "no such country", code, "Write its ISO code: ES, RU, US.")
        return None
    subdivision = str(table.get("subdivision") or "")
    if subdivision and subdivision not in there[code]:
        fix = nearest(subdivision, there[code]) if there[code] else f"{code} has none: leave it out."
        r.fault(join(path, "subdivision"), f"no such part of {code}", subdivision, fix)
        return None
    named = r.items(table.get("categories"), join(path, "categories"))
    wanted = tuple(r.one_of(one, place, categories(code), "kind of holiday") for place, one in named)
    return Country(code, subdivision, wanted)
