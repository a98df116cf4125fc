"""Each transform keeps the law w(r(w(x))) = w(x), and says what it loses."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import normal
from mappings.transforms import Transform, TransformError, transform

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
sets = st.lists(words.filter(lambda word: word.strip() != ""), min_size=1, max_size=5).map(
    lambda parts: sorted(set(parts))
)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)).map(
    lambda when: normal.stamp(when.replace(tzinfo=UTC))
)
zones = st.sampled_from(["UTC", "Europe/Madrid", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "Africa/Cairo"])
clocks = st.times().map(lambda when: f"{when:%H:%M}")
marks = st.sampled_from([", ", ",", " | ", ";", "/ "])


def keeps(change: Transform, value: object) -> None:
    """The law, with both sides in the normal form they are stored in."""
    there = plain(change.write(value))
    assert plain(change.write(plain(change.read(there)))) == there


def plain(value: object) -> object:
    return normal.normal_of(normal.Remote("s", "set" if isinstance(value, list) else "text"))(value) or ""


@given(moments, clocks, zones)
def test_date(moment: str, clock: str, zone: str) -> None:
    keeps(transform({"date": clock, "zone": zone}, "datetime", "date"), moment)


@given(sets, marks)
def test_join(parts: list[str], mark: str) -> None:
    keeps(transform({"join": mark}, "set", "text"), parts)


@given(sets)
def test_first(parts: list[str]) -> None:
    keeps(transform("first", "set", "text"), parts)


@given(sets, words)
def test_spaces(parts: list[str], word: str) -> None:
    keeps(transform({"spaces": "_"}, "set", "set"), parts)
    keeps(transform({"spaces": "_"}, "text", "text"), word)


def test_values() -> None:
    date = transform({"date": "18:00", "zone": "Europe/Madrid"}, "datetime", "date")
    assert date.write("2026-11-22T23:30:00Z") == "2026-11-23"
    assert date.read("2026-07-01") == "2026-07-01T16:00:00Z"
    assert transform({"join": ", "}, "set", "text").write(["b", "a"]) == "a, b"
    assert transform({"join": ", "}, "set", "text").read("b ,a,,") == ["a", "b"]
    assert transform("first", "set", "text").write(["b", "a"]) == "a"
    assert transform({"spaces": "_"}, "set", "set").write(["vip user", "vip_user"]) == ["vip_user"]


@pytest.mark.parametrize(
    ("spec", "types", "told"),
    [
        ("upper", ("text", "text"), "no transform upper; there are date, join, first, spaces"),
        ("first", ("text", "text"), "first takes set to text or set to choice, not text to text"),
        ({"date": "18:00"}, ("datetime", "datetime"), "date takes datetime to date"),
        ({"date": "6 pm"}, ("datetime", "date"), "'6 pm' is no time of day"),
        ({"date": "18:00:30"}, ("datetime", "date"), "is no time of day such as 18:00"),
        ({"date": "18:00", "zone": "../etc/passwd"}, ("datetime", "date"), "no time zone"),
        ({"join": " "}, ("set", "text"), "one character that is not a blank"),
        ({"join": " and "}, ("set", "text"), "one character that is not a blank"),
        ({"spaces": "--"}, ("set", "set"), "one character that is not a blank"),
        ({"join": ",", "spaces": "_"}, ("set", "text"), "join takes no spaces"),
        ({"join": True}, ("set", "text"), "its parameters are text"),
    ],
)
def test_a_wrong_transform_is_refused(spec: object, types: tuple[str, str], told: str) -> None:
    with pytest.raises(TransformError, match=told.replace("(", r"\(")):
        transform(spec, *types)  # type: ignore[arg-type]


@pytest.mark.parametrize("day", ["2026-13-01", "tomorrow", "0001-01-01"])
def test_a_date_that_cannot_be_read_raises(day: str) -> None:
    with pytest.raises(ValueError):
        transform({"date": "00:00", "zone": "Asia/Tokyo"}, "datetime", "date").read(day)
