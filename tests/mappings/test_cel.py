"""Expressions are one-way, typed, without loops, and never speak when they failed."""

import time

import pytest

from mappings import cel

TYPES = {"title": "text", "custom.site": "text", "tags": "set", "requester": "person", "impact": "choice"}


def test_an_expression_gives_text_and_knows_what_it_uses() -> None:
    made = cel.outward('title + " / " + custom_site', TYPES)
    assert made.uses == ("title", "custom.site")
    assert made.run({"title": "VPN", "custom.site": "Bilbao"}) == "VPN / Bilbao"
    assert made.run({"title": "VPN"}) == "VPN / "


def test_sets_are_lists_and_people_maps() -> None:
    assert cel.outward('tags.size() > 1 ? tags[1] : ""', TYPES).run({"tags": ["a", "b"]}) == "b"
    made = cel.outward('has(requester.email) ? requester.email : "?"', TYPES)
    assert made.run({"requester": {"email": "a@b.example", "name": None}}) == "a@b.example"
    assert made.run({"requester": None}) == "?"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("title + 1", "no matching overload"),
        ("nope", "undeclared reference to 'nope'"),
        ("1 + 1", "the result is int, not text"),
        ('tags.exists(t, t == "a") ? "x" : "y"', "undeclared reference"),
        ("tags.map(t, t)[0]", "undeclared reference"),
        ("title +", "Syntax error"),
        ("comments", "undeclared reference to 'comments'"),
        ('"' + "x" * 2000 + '"', "longer than 2,000 characters"),
        ("((" * 400 + "title" + "))" * 400, "recursion"),
    ],
)
def test_what_does_not_compile(source: str, told: str) -> None:
    with pytest.raises(cel.CelError, match=told):
        cel.outward(source, TYPES)


def test_the_place_of_a_mistake() -> None:
    with pytest.raises(cel.CelError) as caught:
        cel.outward("title +\n  zzz", TYPES)
    assert (caught.value.line, caught.value.col) == (2, 3)


@pytest.mark.parametrize("source", ["tags[5]", "requester.email", "string(1 / int(title))"])
def test_an_error_value_raises_and_is_never_text(source: str) -> None:
    with pytest.raises(cel.CelFailed):
        cel.outward(source, TYPES).run({"title": "0"})


def test_inward_reads_the_record_as_text() -> None:
    made = cel.inward('record["a"] + record["b"] + record["c"] + record["d"] + record["e"]')
    assert made.run({"a": 1, "b": None, "c": ["x", "y"], "d": {"id": "7"}, "e": True}) == "1x, y7true"
    with pytest.raises(cel.CelFailed, match="zip"):
        cel.inward('record["zip"]').run({})


def test_an_expression_is_linear_in_what_it_reads() -> None:
    made = cel.outward('title.matches("^(a+)+$") ? "y" : "n"', TYPES)
    began = time.perf_counter()
    assert made.run({"title": "a" * 60_000 + "!"}) == "n"
    assert time.perf_counter() - began < 1
