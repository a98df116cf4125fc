"""Templates, trees, paths, sources and matches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Refused
from connectors.paths import ABSENT, BadPath, Reply, check_source, matches, source
from connectors.paths import parse as path
from connectors.templates import BadTemplate, Missing, literal, parse, tree

DOC = {"a": {"b": [{"id": 1, "v": "x"}, {"id": "2", "v": "y"}], "n": None}, "c d": 3, "x.y": 4, "Content-Type": "t"}


@pytest.mark.parametrize(
    ("template", "names", "value"),
    [
        ("{a}", {"a": 5}, 5),
        ("{a}", {"a": False}, False),
        ("{a}", {"a": [1]}, [1]),
        ("x{a}y", {"a": 5}, "x5y"),
        ("x{a}y", {"a": True}, "xtruey"),
        ("{{{a}}}", {"a": 5}, "{5}"),
        ("{{a}}", {}, "{a}"),
        ("", {}, ""),
        ("{settings.url}/x", {"settings.url": "https://a"}, "https://a/x"),
    ],
)
def test_rendering(template: str, names: dict[str, Any], value: Any) -> None:
    assert parse(template).value(names) == value


@pytest.mark.parametrize(
    "text", ["{", "}", "{a", "a}", "{}", "{a b}", "{A}", "{a.}", "{0}", "{a!r}", "{a[0]}", "{a:x}"]
)
def test_what_is_no_template(text: str) -> None:
    with pytest.raises(BadTemplate):
        parse(text)


def test_a_value_is_never_rendered_again() -> None:
    assert parse("x{a}{b}").value({"a": "{b}", "b": "}}"}) == "x{b}}}"


def test_a_leaf_without_a_value_is_left_out() -> None:
    body = {"k": "{gone}", "l": ["{gone}", "{a}", "x{gone}"], "m": {"n": "{gone}"}, "o": 0, "p": False, "{a}": "v"}
    assert tree(body, {"a": 1, "gone": None}) == {"l": [1], "m": {}, "o": 0, "p": False, "1": "v"}
    with pytest.raises(Missing):
        parse("{gone}").value({})


@pytest.mark.parametrize(
    "bad", ["x^ORactive=true", "a'b", 'a"b', "a\nb", "a}b", "a;b", "a&b", "a%b", "a(b)", "ä", "a\\b"]
)
def test_only_safe_letters_enter_longer_query_text(bad: str) -> None:
    with pytest.raises(Refused, match="may not enter a query"):
        parse("field={v}").query({"v": bad}, frozenset())
    assert parse("{v}").query({"v": bad}, frozenset()) == bad, "alone it is only encoded"
    assert parse("field={v}").query({"v": bad}, frozenset({"v"})) == f"field={bad}", "the admin's own query"


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567-", max_size=50))
def test_our_references_are_safe(text: str) -> None:
    assert parse("ref='{ref}'").query({"ref": text}, frozenset()) == f"ref='{text}'"


@pytest.mark.parametrize(
    ("text", "names", "value"),
    [
        ("", {}, DOC),
        ("a.b[0].v", {}, "x"),
        ("a.b[1].id", {}, "2"),
        ("a.b[7].v", {}, ABSENT),
        ("a.b[*].v", {}, ["x", "y"]),
        ("a.q[*].v", {}, []),
        ("a.b[id=2].v", {}, "y"),
        ("a.b[id={key}].v", {"key": 2}, "y"),
        ("a.b[id={key}].v", {"key": 3}, ABSENT),
        ("a.n", {}, None),
        ("a.n.m", {}, ABSENT),
        ("/c d", {}, 3),
        ("/x.y", {}, 4),
        ("/{key}", {"key": "c d"}, 3),
        ("{key}", {"key": "x.y"}, 4),
        ("Content-Type", {}, "t"),
    ],
)
def test_reading(text: str, names: dict[str, Any], value: Any) -> None:
    assert path(text).read(DOC, names) == value


@pytest.mark.parametrize(
    ("text", "names", "doc", "written"),
    [
        ("a.b", {}, None, {"a": {"b": 1}}),
        ("a.b", {}, {"a": {"c": 2}}, {"a": {"c": 2, "b": 1}}),
        ("l[id={key}].value", {"key": 3}, {}, {"l": [{"id": 3, "value": 1}]}),
        ("l[id={key}].value", {"key": 3}, {"l": [{"id": 3, "x": 0}]}, {"l": [{"id": 3, "x": 0, "value": 1}]}),
        ("/CustomFields/{key}", {"key": "a.b[0]"}, {}, {"CustomFields": {"a.b[0]": 1}}),
        ("[0].x", {}, None, [{"x": 1}]),
        ("", {}, {"a": 1}, 1),
    ],
)
def test_writing(text: str, names: dict[str, Any], doc: Any, written: Any) -> None:
    assert path(text).write(doc, 1, names) == written


@pytest.mark.parametrize(
    "text", ["a..b", "a.", ".a", "a[", "a[]", "[x]", "a]b", "a{b}", "a[b=", "//", "a/b", "*", "a[=1]"]
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(BadPath):
        path(text)


def test_a_path_with_every_cannot_be_written() -> None:
    with pytest.raises(BadPath):
        path("a[*].b").write({}, 1)


@given(st.text(max_size=30), st.text(max_size=10))
def test_a_key_never_changes_the_structure(key: str, value: str) -> None:
    written = path("custom.{key}").write({}, value, {"key": key})
    assert written == {"custom": {key: value}}
    assert path("custom.{key}").read(written, {"key": key}) == value


def test_sources() -> None:
    headers = {"ETag": 'W/"49"', "Location": "/REST/2.0/transaction/53/"}
    reply = Reply({"id": 1}, headers, {"token": "t"}, {"id": 9})
    assert source("header:ETag", reply) == "49"
    assert source("header:Nope", reply) is ABSENT
    assert source("location", reply) == "53"
    assert source("first:token", reply) == "t"
    assert source("first:nope", reply) is ABSENT
    assert source("parent:id", reply) == 9
    assert source("id", reply) == 1
    assert source("location", Reply({})) is ABSENT
    with pytest.raises(BadPath):
        check_source("parent:a..b")


def test_the_parent_of_an_item_is_the_element_around_it() -> None:
    doc = {"c": [{"n": 1, "f": [{"id": "x"}, {"id": "y"}]}, {"n": 2, "f": []}]}
    found = [(parent["n"], row["id"]) for parent, row in path("c[*].f[*]").walk(doc)]
    assert found == [(1, "x"), (1, "y")]
    assert [parent for parent, _ in path("c[*]").walk(doc)] == [ABSENT, ABSENT]


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({}, True),
        ({"a": ["1"]}, True),
        ({"a": [1]}, True),
        ({"a": [2]}, False),
        ({"t": ["true"]}, True),
        ({"t": [True]}, True),
        ({"n": [None]}, True),
        ({"gone": [None]}, True),
        ({"gone": "any"}, False),
        ({"n": "any"}, False),
        ({"a": "any"}, True),
        ({"a": [1], "t": [False]}, False),
        ({"l[*].k": ["x"]}, True),
        ({"l[*].k": ["z"]}, False),
        ({"header:X": ["1"]}, True),
    ],
)
def test_matches(wanted: dict[str, Any], holds: bool) -> None:
    doc = {"a": 1, "t": True, "n": None, "l": [{"k": "x"}, {"k": "y"}]}
    assert matches(wanted, Reply(doc, {"X": "1"})) is holds


def test_a_literal_tree_means_itself() -> None:
    told = {"a": "{settings.url}", "b": ["}{", 7, {"c": "{{x}}"}], "d": None, "e": "plain"}
    assert tree(literal(told), {"settings.url": "never"}) == told
