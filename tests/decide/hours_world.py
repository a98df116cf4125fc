"""Calendars for tests: the example of the docs, small ones made on the spot, and instants by the wall clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.decide.hours import Calendars, Country, Days, Hours, compile_calendars
from gateway.decide.hours.zone import EPOCH, MINUTE
from mappings.loader import load, plain
from tests.architecture.tree import ROOT

H = 60 * MINUTE
EXAMPLE = ROOT / "docs" / "examples" / "calendars.yaml"
SHIPPED = ROOT / "gateway" / "policies" / "calendars.yaml"


def document() -> dict[str, Any]:
    """The example of the docs as plain data, to be changed at will."""
    made: dict[str, Any] = plain(load(EXAMPLE.read_text(encoding="utf-8"), "calendars.yaml"))
    return made


def example() -> Calendars:
    return compile_calendars(document(), label="calendars@3")


def at(text: str, zone: str = "Europe/Madrid", fold: int = 0) -> int:
    """An instant by the wall clock of a zone, as ``datetime`` has it."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return (local - EPOCH) // timedelta(microseconds=1)


def hours(zone: str, *week: tuple[tuple[int, int], ...], country: Country | None = None) -> Hours:
    """Hours by seven tuples of windows in microseconds; one tuple: the same every day; two: workdays and weekends."""
    days = week * 7 if len(week) == 1 else (week[0],) * 5 + (week[1],) * 2 if len(week) == 2 else week
    return Hours("test", zone, Days(days, country))


def office(*windows: tuple[int, int], country: Country | None = None) -> Hours:
    """Monday to Friday in Madrid."""
    return hours("Europe/Madrid", windows or ((9 * H, 18 * H),), (), country=country)
