"""Atlassian Document Format at the border: a tree outside, its JSON text inside; words that are no tree become one."""

from __future__ import annotations

import json

import pytest

from connectors import adf
from connectors.values import Field

DOC = {"type": "doc", "version": 1, "content": [{"type": "rule"}]}
RICH = Field("description", "rich", format="adf")


def test_a_tree_comes_in_as_text_and_goes_out_as_the_same_tree() -> None:
    told = RICH.decode({"version": 1, "content": [{"type": "rule"}], "type": "doc"})
    assert told == RICH.decode(DOC) and isinstance(told, str) and adf.tree(told) == DOC


def test_words_become_paragraphs_and_lines() -> None:
    found = adf.tree("one\ntwo\n\nthree")["content"]
    assert [[each.get("text", each["type"]) for each in block["content"]] for block in found] == [
        ["one", "hardBreak", "two"],
        ["three"],
    ]


@pytest.mark.parametrize("words", ["{not json", '{"type": "other"}', "{}", '{"a": ' * 9000])
def test_what_merely_looks_like_a_tree_is_words(words: str) -> None:
    (block,) = adf.tree(words)["content"]
    assert block["content"] == [{"type": "text", "text": words}]


def test_an_empty_text_empties_the_field_by_null_and_another_format_by_empty_text() -> None:
    sent = [Field("d", "rich", format=form, write=RICH.read, transition=True).encode("") for form in ("adf", "wiki")]
    assert sent == [None, ""]


def test_a_field_in_another_format_takes_the_text_as_it_is() -> None:
    text = json.dumps(DOC)
    assert Field("d", "rich", format="wiki", transition=True).encode(text) == text
    assert Field("d", "rich", format="adf", transition=True).encode(text) == DOC


@pytest.mark.parametrize("words", ["", "one", "one\ntwo\n\nthree", " led\n", "{braces}"])
def test_the_words_of_a_tree_are_those_it_was_made_of(words: str) -> None:
    assert adf.words(adf.tree(words)) == words
