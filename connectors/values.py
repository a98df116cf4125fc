"""Wire values to normal values and back: the one place that decodes and the one that encodes a field.

A normal value is text with LF, a choice, person or ref as text, an integer or number, a boolean, a date
``YYYY-MM-DD``, a datetime in RFC 3339 UTC, a sorted list for a set, and None for null, ``""``, missing and what
``empty`` or ``unset`` list. A value that is none of what its type says arrives as itself: seen, not lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors import adf
from connectors.base import Value
from connectors.errors import Refused
from connectors.paths import ABSENT, Path, plain

SQL = "%Y-%m-%d %H:%M:%S"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {"unix": timedelta(seconds=1), "unix_ms": timedelta(milliseconds=1)}


@dataclass(frozen=True)
class Times:
    """How a desk writes moments: ``iso iso_ms sql unix unix_ms``, its zone for naive ones, what it writes for "not
    set"."""

    format: str = "iso"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    unset: tuple[Any, ...] = ()

    def read(self, raw: Any, format: str | None = None) -> datetime | None:
        """An aware UTC datetime; None for null, ``""`` and unset. Raises ValueError for anything else."""
        if raw in (None, "", ABSENT) or raw in self.unset:
            return None
        form = format or self.format
        if form in UNITS:
            return _from_unix(float(raw), UNITS[form])
        moment = datetime.fromisoformat(str(raw).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)

    def write(self, moment: datetime, format: str | None = None) -> str | int:
        """The wire form. Fractions of a second survive in ``iso``, ``iso_ms`` and ``unix_ms`` alone."""
        form = format or self.format
        if form in UNITS:
            return (moment - EPOCH) // UNITS[form]
        if form == "sql":
            return moment.astimezone(self.zone).strftime(SQL)
        if form == "iso_ms":
            return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
        return normal(moment)


def _from_unix(count: float, unit: timedelta) -> datetime:
    try:
        return EPOCH + unit * count
    except OverflowError as error:
        raise ValueError(f"{count} is no time") from error


def normal(moment: datetime) -> str:
    """RFC 3339 UTC, with a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Field:
    """One field of the catalogue, compiled. ``name`` is its catalogue name (``custom:3`` for one of a family)."""

    name: str
    type: str = "text"
    read: Path | None = None
    write: Path | None = None
    transition: bool = False
    wire: str = ""
    format: str | None = None
    max: int | None = None
    required: bool = False
    only_on: str | None = None
    values: Mapping[str, str] | None = None
    empty: tuple[Any, ...] = ()
    required_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    read_only: frozenset[str] = frozenset()
    key: Any = None
    times: Times = Times()

    def decode(self, raw: Any) -> Value:
        """The normal value of what the wire shows."""
        if raw is None or raw is ABSENT or raw == "":
            return None
        if self.empty and plain(raw) in {plain(each) for each in self.empty}:
            return None
        try:
            return _DECODE.get(self.type, _text)(self, raw)
        except (ValueError, TypeError, OverflowError):
            return plain(raw)

    def encode(self, value: Value) -> Any:
        """The wire form of a normal value. Raises ``Refused`` for what may not be sent: nothing was sent then."""
        if self.write is None and not self.transition:
            raise Refused(f"{self.name} cannot be written there", field=self.name)
        if value is None or value == "":
            return self._clear()
        try:
            sent = _ENCODE.get(self.type, _as_text)(self, value)
        except (ValueError, TypeError) as error:
            raise Refused(f"{self.name} does not take {str(value)[:60]!r}: {error}", field=self.name) from error
        self._check(value)
        return sent

    def _clear(self) -> Any:
        """What empties the field: its own word for empty, else empty text for text, else null."""
        if self.empty:
            return self.empty[0]
        if self.type == "datetime" and self.times.unset:
            moment = self.times.unset[0]
            return self.times.write(datetime.fromisoformat(moment), self.format) if moment else moment
        rich = None if self.format == "adf" else ""
        return {"text": "", "rich": rich, "set": "" if self.wire == "comma" else []}.get(self.type)

    def _check(self, value: Value) -> None:
        each = value if isinstance(value, list) else [value]
        longest = max((len(one) for one in each if isinstance(one, str)), default=0)
        if self.max is not None and longest > self.max:
            raise Refused(f"{self.name} takes {self.max} characters, not {longest}", field=self.name)
        for one in each:
            if self.values is not None and str(one) not in self.values:
                raise Refused(f"{self.name} has no value {str(one)[:60]!r}", field=self.name)
            if str(one) in self.read_only:
                raise Refused(f"{self.name} may not be set to {one!r}", field=self.name)


def _text(field: Field, raw: Any) -> Value:
    if isinstance(raw, list):
        return _set(field, raw)
    if field.type == "rich" and isinstance(raw, Mapping):
        return adf.text(raw)
    return str(raw).replace("\r\n", "\n").replace("\r", "\n") if not isinstance(raw, bool | dict) else _name(field, raw)


def _name(field: Field, raw: Any) -> Value:
    """A choice, person or ref: a scalar, or an object's ``value``, ``id`` or ``key``."""
    if isinstance(raw, Mapping):
        raw = next((raw[key] for key in ("value", "id", "key") if raw.get(key) is not None), None)
        return field.decode(raw)
    if isinstance(raw, list):
        return _set(field, raw)
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    return plain(raw)


def _set(field: Field, raw: Any) -> Value:
    parts = raw.split(",") if isinstance(raw, str) else raw if isinstance(raw, list) else [raw]
    names = (str(_name(Field(field.name, "ref"), part)).strip() for part in parts if part not in (None, ""))
    return sorted({name for name in names if name})


def _integer(field: Field, raw: Any) -> Value:
    if isinstance(raw, bool) or (isinstance(raw, float) and not raw.is_integer()):
        raise ValueError(raw)
    return int(raw)


def _number(field: Field, raw: Any) -> Value:
    number = float(raw)
    if isinstance(raw, bool) or not math.isfinite(number):
        raise ValueError(raw)
    return int(number) if number.is_integer() else number


def _boolean(field: Field, raw: Any) -> Value:
    found = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(str(raw).lower())
    if found is None:
        raise ValueError(raw)
    return found


def _date(field: Field, raw: Any) -> Value:
    return date.fromisoformat(str(raw)[:10]).isoformat()


def _datetime(field: Field, raw: Any) -> Value:
    moment = field.times.read(raw, field.format)
    return None if moment is None else normal(moment)


_DECODE = {
    "text": _text,
    "rich": _text,
    "choice": _name,
    "person": _name,
    "ref": _name,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "set": _set,
}


def _as_text(field: Field, value: Value) -> Any:
    if isinstance(value, list):
        return _as_set(field, value)
    if field.wire == "integer":
        return int(str(value))
    if field.type == "rich" and field.format == "adf":
        return adf.tree(str(value))
    return plain(value)


def _as_set(field: Field, value: Value) -> Any:
    parts = value if isinstance(value, list) else [str(value)]
    if field.wire == "comma":
        if any("," in part for part in parts):
            raise ValueError("a comma inside an element")
        return ",".join(parts)
    return [int(part) for part in parts] if field.wire == "integer" else list(parts)


def _as_number(field: Field, value: Value) -> Any:
    number = _integer(field, value) if field.type == "integer" else _number(field, value)
    return str(number) if field.wire == "string" else number


def _as_boolean(field: Field, value: Value) -> Any:
    truth = bool(_boolean(field, value))
    return {"string": "true" if truth else "false", "integer": int(truth)}.get(field.wire, truth)


def _as_date(field: Field, value: Value) -> Any:
    return date.fromisoformat(str(value)).isoformat()


def _as_datetime(field: Field, value: Value) -> Any:
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return field.times.write(moment, field.format)


_ENCODE = {
    "integer": _as_number,
    "number": _as_number,
    "boolean": _as_boolean,
    "date": _as_date,
    "datetime": _as_datetime,
    "set": _as_set,
}
