"""Fields on the wire and back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Refused
from connectors.paths import ABSENT
from connectors.paths import parse as path
from connectors.values import Field, Times, normal

MADRID = ZoneInfo("Europe/Madrid")


def field(type: str = "text", **more: Any) -> Field:
    return Field("f", type, path("f"), path("f"), **more)


@pytest.mark.parametrize(
    ("made", "raw", "value"),
    [
        (field(), "a\r\nb\rc\n", "a\nb\nc\n"),
        (field(), None, None),
        (field(), "", None),
        (field(), ABSENT, None),
        (field(), 0, "0"),
        (field(), 7, "7"),
        (field(), {"link": "https://x", "value": "abc"}, "abc"),
        (field("choice"), 3, "3"),
        (field("choice"), "3", "3"),
        (field("choice"), 3.0, "3"),
        (field("choice"), True, "true"),
        (field("choice"), {"id": 3, "name": "High"}, "3"),
        (field("choice"), {"key": "K"}, "K"),
        (field("choice"), {"value": "", "id": 4}, None),
        (field("choice"), "never heard of", "never heard of"),
        (field("person", empty=("Nobody",)), "Nobody", None),
        (field("person", empty=("1",)), 1, None),
        (field("person"), {"id": "paula"}, "paula"),
        (field("integer", wire="string"), "80", 80),
        (field("integer"), 0, 0),
        (field("integer"), "many", "many"),
        (field("integer"), 1.5, "1.5"),
        (field("number"), "2.50", 2.5),
        (field("number"), "2.0", 2),
        (field("number"), "NaN", "NaN"),
        (field("boolean"), False, False),
        (field("boolean"), "1", True),
        (field("boolean"), "maybe", "maybe"),
        (field("date"), "2026-11-23T10:00:00Z", "2026-11-23"),
        (field("date"), "soon", "soon"),
        (field("datetime"), "2026-11-23T10:00:00+02:00", "2026-11-23T08:00:00Z"),
        (field("datetime"), "2026-11-23T10:00:00.000+0000", "2026-11-23T10:00:00Z"),
        (field("datetime"), "2026-11-23T10:00:00.123456Z", "2026-11-23T10:00:00.123456Z"),
        (field("datetime", times=Times(unset=("1970-01-01T00:00:00Z",))), "1970-01-01T00:00:00Z", None),
        (field("datetime", times=Times("sql")), "2015-11-11 22:04:15", "2015-11-11T22:04:15Z"),
        (field("datetime", times=Times("unix_ms")), 1447279455123, "2015-11-11T22:04:15.123000Z"),
        (field("datetime", times=Times("unix")), "9" * 30, "9" * 30),
        (field("set"), ["b", "a", "b", None, ""], ["a", "b"]),
        (field("set"), [], []),
        (field("set", wire="comma"), "b, a,,b", ["a", "b"]),
        (field("set"), [{"id": 2}, {"id": 1}], ["1", "2"]),
        (field(), ["b", "a"], ["a", "b"]),
    ],
)
def test_decoding(made: Field, raw: Any, value: Any) -> None:
    decoded = made.decode(raw)
    assert decoded == value and type(decoded) is type(value)


@pytest.mark.parametrize(
    ("made", "value", "wire"),
    [
        (field(), "a\nb", "a\nb"),
        (field(), None, ""),
        (field("rich"), "", ""),
        (field("choice"), None, None),
        (field("choice", wire="integer"), "3", 3),
        (field("person", empty=("Nobody",)), None, "Nobody"),
        (field("ref", empty=("",)), None, ""),
        (field("integer", wire="string"), 80, "80"),
        (field("integer"), "80", 80),
        (field("number"), 2.5, 2.5),
        (field("boolean", wire="integer"), True, 1),
        (field("boolean", wire="string"), False, "false"),
        (field("date"), "2026-11-23", "2026-11-23"),
        (field("datetime", format="sql"), "2026-11-23T10:00:00+02:00", "2026-11-23 08:00:00"),
        (field("datetime", times=Times("sql", MADRID)), "2026-11-23T10:00:00Z", "2026-11-23 11:00:00"),
        (field("datetime", times=Times("unix")), "2015-11-11T22:04:15Z", 1447279455),
        (field("datetime", format="sql", times=Times(unset=("1970-01-01T00:00:00Z",))), None, "1970-01-01 00:00:00"),
        (field("datetime", times=Times("sql", unset=("",))), None, ""),
        (field("set"), ["a", "b"], ["a", "b"]),
        (field("set"), None, []),
        (field("set", wire="comma"), ["a", "b"], "a,b"),
        (field("set", wire="integer"), ["1", "2"], [1, 2]),
    ],
)
def test_encoding(made: Field, value: Any, wire: Any) -> None:
    sent = made.encode(value)
    assert sent == wire and type(sent) is type(wire)


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (field(max=3), "abcd"),
        (field("set", max=3), ["a", "abcd"]),
        (field("choice", values={"1": "High"}), "2"),
        (field("choice", values={"1": "High"}, read_only=frozenset({"1"})), "1"),
        (field("choice", wire="integer"), "High"),
        (field("integer"), "many"),
        (field("date"), "soon"),
        (field("datetime"), "2026-11-23T10:00:00"),
        (field("datetime"), "soon"),
        (field("set", wire="comma"), ["a,b"]),
        (Field("f", read=path("f")), "x"),
    ],
)
def test_what_may_not_be_sent(made: Field, value: Any) -> None:
    with pytest.raises(Refused) as caught:
        made.encode(value)
    assert caught.value.field == "f"


def test_max_counts_characters_and_cuts_nothing() -> None:
    assert field(max=3).encode("€🚀x") == "€🚀x"


def test_a_naive_time_in_the_hour_that_comes_twice() -> None:
    times = Times("sql", MADRID)
    assert normal(times.read("2026-10-25 02:30:00") or datetime.max) == "2026-10-25T00:30:00Z", "the first of the two"
    assert times.write(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)) == "2026-10-25 02:30:00"
    assert normal(times.read("2026-03-29 02:30:00") or datetime.max) == "2026-03-29T01:30:00Z", "an hour that is not"


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))


@given(texts)
def test_text_comes_back(value: str) -> None:
    assert field().decode(field().encode(value)) == value


@given(st.integers())
def test_integers_come_back(value: int) -> None:
    for made in (field("integer"), field("integer", wire="string")):
        assert made.decode(made.encode(value)) == value


@given(st.booleans(), st.sampled_from(["", "string", "integer"]))
def test_booleans_come_back(value: bool, wire: str) -> None:
    made = field("boolean", wire=wire)
    assert made.decode(made.encode(value)) is value


@given(st.dates(date(1971, 1, 1)))
def test_dates_come_back(value: date) -> None:
    assert field("date").decode(field("date").encode(value.isoformat())) == value.isoformat()


@given(moments, st.sampled_from(["iso", "sql", "unix", "unix_ms"]))
def test_moments_come_back_at_their_resolution(moment: datetime, format: str) -> None:
    moment = moment.replace(
        microsecond={"iso": moment.microsecond, "unix_ms": 1000 * (moment.microsecond // 1000)}.get(format, 0)
    )
    made = field("datetime", times=Times(format))
    assert made.decode(made.encode(normal(moment))) == normal(moment)


@given(st.lists(texts.map(str.strip).filter(bool)), st.sampled_from(["", "comma"]))
def test_sets_come_back_sorted(values: list[str], wire: str) -> None:
    values = sorted({value.replace(",", "").strip() for value in values} - {""})
    made = field("set", wire=wire)
    assert (made.decode(made.encode(values)) or []) == values
