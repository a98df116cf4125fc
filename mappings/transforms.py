"""The closed list of transforms, each with its inverse and its loss. The law each keeps is ``w(r(w(x))) = w(x)``.

``write`` takes our value to theirs, ``read`` the other way; both take only non-empty values, and ``read`` raises
``ValueError`` for text that cannot be one of theirs. ``date`` puts a fixed time of day on a day, ``join`` writes a set
as one text, ``first`` keeps a set's first element, ``spaces`` replaces blanks in a text or in each element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mappings import normal

Convert = Callable[[Any], Any]

_COMPOSING = "<=>"
"""Marks that could become one character with what follows them, under NFC."""

_BLANK = re.compile(r"\s")


class Transform(NamedTuple):
    """``write``: ours to theirs; ``read``: theirs (normal form) to ours; ``loses``: what does not come back."""

    name: str
    write: Convert
    read: Convert
    loses: str


class TransformError(ValueError):
    """A transform that is unknown, of other types or has a wrong parameter; the message says which."""


def transform(spec: str | Mapping[str, Any], ours: str, theirs: str) -> Transform:
    """Build one from ``first``, ``{join: ", "}``, ``{spaces: _}`` or ``{date: "18:00", zone: Europe/Madrid}``.

    ``ours`` and ``theirs`` are the canonical and the catalogue type; raises ``TransformError``.
    """
    options = {spec: ""} if isinstance(spec, str) else dict(spec)
    name = next((word for word in _MAKERS if word in options), "")
    if not name:
        raise TransformError(f"no transform {', '.join(options) or 'given'}; there are {', '.join(_MAKERS)}")
    unknown = set(options) - {name} - ({"zone"} if name == "date" else set())
    if unknown:
        raise TransformError(f"{name} takes no {', '.join(sorted(unknown))}")
    if any(not isinstance(value, str) for value in options.values()):
        raise TransformError(f"{name}: its parameters are text")
    pairs, make = _MAKERS[name]
    if (ours, theirs) not in pairs:
        raise TransformError(f"{name} takes {' or '.join(f'{a} to {b}' for a, b in pairs)}, not {ours} to {theirs}")
    return make(options, ours)


def _date(options: Mapping[str, str], _: str) -> Transform:
    try:
        clock = time.fromisoformat(options["date"])
    except ValueError as error:
        raise TransformError(f"date: {options['date']!r} is no time of day") from error
    if clock.tzinfo is not None or clock.second or clock.microsecond:
        raise TransformError(f"date: {options['date']!r} is no time of day such as 18:00")
    try:
        zone = ZoneInfo(options.get("zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TransformError(f"date: no time zone {options.get('zone')!r}") from error

    def write(value: str) -> str:
        moment = normal.instant(value)
        if moment is None:
            raise ValueError(f"{value!r} is no time")
        return _guarded(lambda: moment.astimezone(zone).date().isoformat())

    def read(value: str) -> str:
        day = date.fromisoformat(value)
        return _guarded(lambda: normal.stamp(datetime.combine(day, clock, zone).astimezone(UTC)))

    return Transform("date", write, read, "the time of day")


def _guarded(convert: Callable[[], str]) -> str:
    try:
        return convert()
    except OverflowError as error:
        raise ValueError("a time at the end of the calendar") from error


def _join(options: Mapping[str, str], _: str) -> Transform:
    separator = options["join"]
    mark = separator.strip()
    if len(mark) != 1 or mark in _COMPOSING:
        raise TransformError("join: one character that is not a blank, with or without blanks around it")

    def read(value: str) -> list[str]:
        return sorted({part.strip() for part in value.split(mark)} - {""})

    def write(value: list[str]) -> str:
        whole = mark.join(value)
        if whole.isascii() and " " not in whole and whole.isprintable() and whole.count(mark) == len(value) - 1:
            return separator.join(sorted(set(value) - {""}))  # nothing to split, nothing to strip
        return separator.join(read(whole))

    return Transform("join", write, read, f"which {mark!r} stood inside an element")


def _first(_: Mapping[str, str], __: str) -> Transform:
    return Transform("first", lambda value: min(value), lambda value: [value], "all but the first")


def _spaces(options: Mapping[str, str], ours: str) -> Transform:
    mark = options["spaces"]
    if len(mark) != 1 or mark.isspace():
        raise TransformError("spaces: one character that is not a blank")

    def write(value: str) -> str:
        return _BLANK.sub(mark, value)

    def read(value: str) -> str:
        body = value.rstrip(mark)  # a mark at the end stays: a blank there would not last
        return body.replace(mark, " ") + value[len(body) :]

    loses = f"which of {mark!r} and a blank it was"
    if ours != "set":
        return Transform("spaces", write, read, loses)
    return Transform(
        "spaces", lambda parts: sorted(set(map(write, parts))), lambda parts: sorted(map(read, parts)), loses
    )


_MAKERS: dict[str, tuple[tuple[tuple[str, str], ...], Callable[[Mapping[str, str], str], Transform]]] = {
    "date": ((("datetime", "date"),), _date),
    "join": ((("set", "text"),), _join),
    "first": ((("set", "text"), ("set", "choice")), _first),
    "spaces": ((("text", "text"), ("set", "set")), _spaces),
}
