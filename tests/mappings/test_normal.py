"""Normal forms are idempotent, and equal exactly for what counts as the same."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import normal
from mappings.catalogue import Remote

anything = st.none() | st.text() | st.integers() | st.floats() | st.booleans() | st.lists(st.text(), max_size=4)
types = st.sampled_from(["text", "choice", "number", "date", "datetime", "bool", "user", "set"])


@given(types, anything, st.sampled_from([1, 60, 3600]))
def test_a_normal_form_is_its_own(kind: str, value: object, resolution: int) -> None:
    form = normal.normal_of(Remote("f", kind, resolution=resolution, empty=frozenset({"Nobody"})))
    assert form(form(value)) == form(value)
    assert form(value) != ""


@given(st.text(st.sampled_from("a b\t\r\n\u0301e\u00a0\u2028"), max_size=30))
def test_text_has_no_carriage_return_and_no_trailing_space(value: str) -> None:
    plain = normal.text(value)
    assert "\r" not in plain
    assert all(line == line.rstrip() for line in plain.split("\n"))
    assert normal.text(plain.replace("\n", "\r\n") + " \n") == plain


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (80, "80"),
        ("80.0", "80"),
        (" 080 ", "80"),
        (-0.0, "0"),
        ("1e3", "1000"),
        (0.5, "0.5"),
        ("x", "x"),
        ("100", "100"),
    ],
)
def test_numbers_are_plain_decimals(value: object, plain: str) -> None:
    assert normal.number(value) == plain


def test_a_number_of_a_billion_digits_stays_text() -> None:
    began = time.perf_counter()
    assert normal.number("1e999999999") == "1e999999999"
    assert normal.text(" " * 200_000 + "x") == " " * 200_000 + "x"
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("value", "resolution", "form"),
    [
        ("2026-11-22T10:00:59Z", 1, "2026-11-22T10:00:59Z"),
        ("2026-11-22T10:00:59.999+02:00", 1, "2026-11-22T08:00:59Z"),
        ("2026-11-22T10:00:59Z", 60, "2026-11-22T10:00:00Z"),
        ("2026-11-22 10:00:59", 1, "2026-11-22T10:00:59Z"),
        ("never", 60, "never"),
    ],
)
def test_times_are_utc_at_the_resolution(value: str, resolution: int, form: str) -> None:
    assert normal.time(value, resolution) == form


def test_what_the_catalogue_calls_empty_is_none() -> None:
    assert (
        normal.normal_of(Remote("Due", "datetime", empty=frozenset({"1970-01-01T00:00:00Z"})))("1970-01-01T00:00:00Z")
        is None
    )
    assert (
        normal.normal_of(Remote("Owner", "user", gives=("login",), empty=frozenset({"Nobody"})))({"login": "Nobody"})
        is None
    )
    assert normal.normal_of(Remote("tags", "set"))(None) == []


def test_a_person_is_named_by_the_one_attribute_the_field_carries_else_by_id() -> None:
    whole = {"id": "7", "login": "paula", "email": "p@x.example"}
    assert normal.normal_of(Remote("r", "user", gives=("email",)))(whole) == "p@x.example"
    assert normal.normal_of(Remote("r", "user", gives=("email", "login")))(whole) == "7"
    assert normal.normal_of(Remote("r", "user", gives=("email",)))("7") == "7"
