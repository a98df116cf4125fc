"""The normal form in which theirs is compared: two wires are equal exactly when nothing changed at the remote.

Text is NFC with LF and no trailing space, numbers canonical decimals, times UTC at the field's resolution, choices and
people their ids, sets sorted and unique; what the catalogue calls empty is None (a set: the empty list).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from unicodedata import is_normalized, normalize

from mappings.catalogue import Remote
from mappings.model import Wire

Normal = Callable[[Any], Wire]

plain_time = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").fullmatch
_PLAIN_DATE = re.compile(r"\d{4}-\d\d-\d\d").match
_ENDS = ("", " ")
PERSON_KEYS = ("id", "login", "email", "name")


def text(value: str) -> str:
    """NFC, LF, no white space at the end of a line or of the text. Idempotent."""
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if "\n" in value or value[-1:].isspace():
        value = "\n".join(map(str.rstrip, value.split("\n"))).rstrip()
    return value if value.isascii() or is_normalized("NFC", value) else normalize("NFC", value)


def tidy(value: str) -> bool:
    """Whether this is one line of text that is its own normal form."""
    if "\n" in value or "\r" in value or not value or value[-1].isspace():
        return False
    return value.isascii() or is_normalized("NFC", value)


def number(value: Any) -> str:
    """The shortest plain decimal: ``80``, ``-0.5``; text that is no number stays as it is."""
    if type(value) is int:
        return str(value)
    try:
        exact = Decimal(str(value).strip())
        if not exact.is_finite() or abs(exact.adjusted()) > 40:
            return str(value)
    except InvalidOperation:
        return str(value)
    plain = f"{exact:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def time(value: str, resolution: int = 1) -> str:
    """RFC 3339 UTC at whole seconds, cut down to ``resolution`` seconds; text that is no time stays as it is."""
    if resolution <= 1 and plain_time(value):
        return value
    moment = instant(value)
    if moment is None:
        return value
    if resolution > 1:
        whole = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) // resolution * resolution
        moment = datetime.fromtimestamp(whole, UTC)
    return stamp(moment)


def instant(value: str) -> datetime | None:
    """The moment a text names, in UTC (no zone said means UTC), or None."""
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=0)


def stamp(moment: datetime) -> str:
    """``YYYY-MM-DDTHH:MM:SSZ`` of a moment in UTC."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment.year > 999 else moment.isoformat()[:19] + "Z"


def person(value: Any, keys: tuple[str, ...]) -> str | None:
    """What names a person: the first of ``keys`` that is there."""
    if type(value) is not dict:
        return str(value)
    for key in keys:
        if value.get(key):
            return str(value[key])
    return None


def normal_of(remote: Remote) -> Normal:
    """The normal form of this field's values."""
    if remote.type == "set":
        return _set
    return _with_empty(_scalar(remote), remote.empty)


def _scalar(remote: Remote) -> Callable[[Any], str | None]:
    if remote.type == "number":
        return number
    if remote.type == "datetime":
        resolution = remote.resolution
        return (lambda value: time(str(value), resolution)) if resolution > 1 else _second
    if remote.type == "user":
        keys = remote.gives + PERSON_KEYS if len(remote.gives) == 1 else PERSON_KEYS
        return lambda value: person(value, keys)
    return _SCALARS.get(remote.type, _plain_text)


def _with_empty(scalar: Callable[[Any], str | None], empty: frozenset[str]) -> Normal:
    nothing = empty | {""}
    if scalar is _plain_text and not empty:

        def words(value: Any) -> Wire:
            if value is None:
                return None
            return text(value if type(value) is str else str(value)) or None

        return words

    def one(value: Any) -> Wire:
        if value is None:
            return None
        wire = scalar(value)
        return None if wire in nothing else wire

    return one


def _plain_text(value: Any) -> str:
    return text(value if type(value) is str else str(value))


def _second(value: Any) -> str:
    return time(value if type(value) is str else str(value))


def _id(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    return value if type(value) is str else str(value)


def _date(value: Any) -> str:
    told = str(value)
    return told[:10] if _PLAIN_DATE(told) else told


def _set(value: Any) -> Wire:
    if not value:
        return []
    if type(value) is list:
        for part in value:
            if type(part) is not str or not part.isascii() or not part.isprintable() or part[-1:] in _ENDS:
                break
        else:
            return sorted(set(value))
    parts = value if isinstance(value, list | tuple | set | frozenset) else [value]
    return sorted({text(str(part)) for part in parts if part is not None} - {""})


_SCALARS: dict[str, Callable[[Any], str | None]] = {"choice": _id, "bool": _id, "date": _date}
