"""What requesters are told of hours, in their language: the next opening, and when there is support at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_day_names, get_timezone_location

from gateway.decide.hours.days import WHOLE, Windows
from gateway.decide.hours.open import Hours
from gateway.decide.hours.zone import DAY, MINUTE, moment

LANGUAGES = ("en", "es", "ru")
"""The languages of which every text has to have its own."""

PLACES = ("opens", "hours")
"""What a text may have put in: ``{opens}``, the next opening; ``{hours}``, when there is support."""

_PATTERN = {
    "en": "EEEE d MMMM y, HH:mm",
    "es": "EEEE d 'de' MMMM 'de' y, HH:mm",
    "ru": "EEEE, d MMMM y 'г.', HH:mm",
}
_ALWAYS = {
    "en": "round the clock, every day",
    "es": "las 24 horas, todos los días",
    "ru": "круглосуточно, без выходных",
}


def language_of(wanted: str) -> str:
    """The nearest language there is: ``es-MX`` is read as ``es``, what nobody wrote as ``en``."""
    short = re.split(r"[-_]", wanted.lower())[0]
    return short if short in LANGUAGES else "en"


def places(text: str) -> list[str]:
    """What a text wants put in."""
    return re.findall(r"\{(\w*)\}", text)


def filled(text: str, hours: Hours, at: int, language: str, zone: str = "") -> str:
    """A text with the next opening after ``at`` and the hours put in. ``zone``: of who reads it; "": the desk's."""
    opens = hours.opens(at)
    said = "–" if opens is None else when(opens, language, zone or hours.zone)
    return text.replace("{opens}", said).replace("{hours}", week(hours, language))


def when(at: int, language: str, zone: str) -> str:
    """An instant as people say it: ``Monday 23 November 2026, 09:00 (Madrid)``."""
    local = moment(at).astimezone(ZoneInfo(zone))
    return (
        f"{format_datetime(local, _PATTERN[language], tzinfo=local.tzinfo, locale=language)} ({city(zone, language)})"
    )


@cache
def city(zone: str, language: str) -> str:
    """What people call a zone: ``Madrid``, ``Мадрид``."""
    return get_timezone_location(ZoneInfo(zone), locale=language, return_city=True)


def week(hours: Hours, language: str) -> str:
    """The hours of a usual week: ``Monday–Friday 09:00–14:00, 15:00–18:00 (Madrid)``."""
    days = hours.days.week
    if set(days) == {WHOLE}:
        return _ALWAYS[language]
    names = get_day_names("wide", "stand-alone", language)
    runs: list[tuple[int, int]] = []
    for day in range(7):
        if runs and days[day] == days[runs[-1][1]]:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    said = [f"{_days(names, a, b)} {windows_said(days[a])}" for a, b in runs if days[a]]
    return f"{'; '.join(said)} ({city(hours.zone, language)})"


def _days(names: Mapping[int, str], first: int, last: int) -> str:
    return names[first] if first == last else f"{names[first]}–{names[last]}"


def windows_said(windows: Windows) -> str:
    """The windows of a day: ``09:00–14:00, 15:00–18:00``."""
    return ", ".join(f"{_time(start)}–{_time(end)}" for start, end in windows)


def _time(of_day: int) -> str:
    minutes = (of_day if of_day <= DAY else of_day - DAY) // MINUTE
    return f"{minutes // 60:02}:{minutes % 60:02}"
