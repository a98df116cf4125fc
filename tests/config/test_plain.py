"""Plain documents as text: what orjson has no words for is written all the same, and read back."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from gateway import plain


@pytest.mark.parametrize(
    "value", [{"b": [1, None, True, 2.5], "a": "é\x00"}, {"half": "\ud800"}, {"huge": 2**80}, [], "text", {"1": {}}]
)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert plain.read(plain.text(value)) == value
    assert plain.read(plain.canonical(value)) == value


def test_canonical_text_is_the_same_whatever_the_order_of_keys() -> None:
    one, other = {"b": 1, "a": {"d": "\ud800", "c": 2}}, {"a": {"c": 2, "d": "\ud800"}, "b": 1}
    assert plain.canonical(one) == plain.canonical(other)
    assert plain.canonical({"b": 1, "a": 2}) == '{"a":2,"b":1}'
    assert plain.text({"b": 1, "a": 2}) == '{"b":1,"a":2}'


def test_what_json_does_not_know_is_made_a_value() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    assert plain.text([moment]) == '["2026-01-02 00:00:00+00:00"]'
    assert plain.text({"set": frozenset({"b", "a"})}, sorted) == '{"set":["a","b"]}'


class Pair(NamedTuple):
    left: int
    right: str


def test_kinds_of_dicts_lists_and_tuples_are_what_they_are() -> None:
    value = [defaultdict(int, {"a": 1}), OrderedDict(b=2), Pair(3, "c"), Counter("d")]
    assert plain.read(plain.text(value)) == [{"a": 1}, {"b": 2}, [3, "c"], {"d": 1}]
    assert plain.canonical(value) == '[{"a":1},{"b":2},[3,"c"],{"d":1}]'


def test_broken_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        plain.read("{not json")
