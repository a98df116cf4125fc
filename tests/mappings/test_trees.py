"""Rich text that travels as a tree: a remote's ADF comes as JSON, and goes so."""

from __future__ import annotations

import json
from typing import Any

from mappings import text
from mappings.catalogue import catalogue
from mappings.rich import fitter, normal_of

TREE: dict[str, Any] = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Error 809."}]}],
}


def test_a_tree_and_its_json_say_the_same() -> None:
    assert text.convert(TREE, "adf", "plain") == text.convert(json.dumps(TREE), "adf", "plain") == "Error 809."


def test_words_where_a_tree_should_be_are_words() -> None:
    assert text.convert("{not} a tree", "adf", "plain") == "{not} a tree"
    assert text.convert('{"type": "other"}', "adf", "plain") == '{"type": "other"}'


def test_a_field_is_written_as_json_that_fits() -> None:
    fields = {"body": {"type": "text", "format": "adf", "max": 300}}
    remote = catalogue({"connector": "x", "fields": fields, "status": "body", "channels": {}}).fields["body"]
    told, cut = fitter(remote)("one\n\ntwo", 300)
    assert not cut and json.loads(told) == text.convert("one\n\ntwo", "plain", "adf")
    long, cut = fitter(remote)("word " * 200, 300)
    assert cut and len(long) <= 300 and json.loads(long)["type"] == "doc"
    assert normal_of(remote)(json.dumps(TREE, indent=1)) == normal_of(remote)(json.dumps(TREE)) == "Error 809."
