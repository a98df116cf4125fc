"""Documents are read plainly or refused at the place that is wrong."""

import time

import pytest

from mappings.loader import load, plain
from mappings.model import MappingError


def refusal(text: str) -> tuple[int, int, str]:
    with pytest.raises(MappingError) as caught:
        load(text, "f.yaml")
    (told,) = caught.value.complaints
    assert (told.file, told.code, told.severity) == ("f.yaml", "M001", "E")
    return told.line, told.col, told.cause


def test_scalars_are_text_but_for_three_words() -> None:
    text = (
        "{a: 1, b: no, c: 2026-01-01, d: null, e: true, f: 'true', g: ~, h: , 1: x, on: \"null\", i: 1:30, j: [0x1f]}"
    )
    assert plain(load(text, "f")) == {
        "a": "1", "b": "no", "c": "2026-01-01", "d": None, "e": True, "f": "true", "g": "~", "h": "", "1": "x",
        "on": "null", "i": "1:30", "j": ["0x1f"],
    }  # fmt: skip


def test_every_node_knows_its_place_and_its_keys() -> None:
    root = load("fields:\n  status: {field: Zürich ☂, values: {a: b}}\n", "f")
    values = root.get("fields", "status", "values")
    assert (values.line, values.col) == (2, 37)
    assert (values.key_line, values.key_col) == (2, 29)
    assert (root.get("fields").line, root.get("fields").key_line) == (2, 1)


@pytest.mark.parametrize(
    ("text", "place", "cause"),
    [
        ("a: &x 1", (1, 4), "an anchor (&x)"),
        ("&k a: 1", (1, 1), "an anchor (&k)"),
        ("a: *x", (1, 4), "an alias (*x)"),
        ("a: !!str x", (1, 4), "a tag (tag:yaml.org,2002:str)"),
        ("a: 1\nb: 2\na: 3", (3, 1), "the key 'a' twice (first on line 1)"),
        ("x: {due: a,\n    due: b}", (2, 5), "the key 'due' twice (first on line 1)"),
        ("a: b\n---\nc: d", (2, 1), "more than one document"),
        ("", (1, 1), "empty"),
        ("? [a]\n: b", (1, 3), "a key that is not a word"),
        ("a:\n\tb", (2, 1), "not YAML: found character that cannot start any token"),
        ("a: \ud800", (1, 1), "not Unicode text"),
        ("[" * 13 + "]" * 13, (1, 13), "more than 12 levels deep"),
        ("a: [b", (2, 1), "not YAML: did not find expected ',' or ']'"),
    ],
)
def test_what_is_refused_and_where(text: str, place: tuple[int, int], cause: str) -> None:
    assert refusal(text) == (*place, cause)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[" * 20_000, "more than 12 levels deep"),
        ("x" * 300_000, "longer than 256 kB"),
        ("[" + "a," * 100_000 + "]", "more than 20,000 values"),
        ("a: &a [x,x]\n" + "\n".join(f"b{i}: [*a,*a]" for i in range(9000)), "an anchor (&a)"),
    ],
)
def test_bombs_are_refused_before_they_cost_anything(text: str, cause: str) -> None:
    began = time.perf_counter()
    assert refusal(text)[2] == cause
    assert time.perf_counter() - began < 0.5


def test_the_deepest_and_longest_that_is_allowed() -> None:
    assert plain(load("[" * 11 + "x" + "]" * 11, "f"))
    assert len(plain(load("[" + "a," * 19_998 + "]", "f"))) == 19_998
