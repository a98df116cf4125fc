"""The effective document that is stored with a version: in ids, and the same mapping when it is read again."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from connectors import registry
from gateway.providers import meanings
from gateway.tickets.vocabulary import document
from mappings.engine import MappingError, compile_mapping
from tests.mappings.support import SHIPPED

KINDS = ("memory", "redmine", "rt", "servicenow")


def shipped(kind: str) -> tuple[str, Any]:
    text = (SHIPPED / f"{kind}.yaml").read_text()
    return text, meanings.assumed(registry.manifest(kind), text, None, kind)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_stored_is_the_mapping_itself(kind: str) -> None:
    text, catalogue = shipped(kind)
    compiled = compile_mapping(text, catalogue, document(), None, kind)
    stored = meanings.resolved(text, None, kind, [compiled])
    again = compile_mapping(meanings.readable(stored), catalogue, document(), None, kind)
    assert again.hash == compiled.hash


def test_a_label_that_is_renamed_there_breaks_nothing() -> None:
    text, catalogue = shipped("servicenow")
    compiled = compile_mapping(text, catalogue, document(), None, "servicenow")
    renamed = deepcopy(dict(catalogue))
    for field in renamed["fields"].values():
        if isinstance(field.get("values"), dict):
            field["values"] = {id: {"label": f"New word {id}"} for id in field["values"]}
    with pytest.raises(MappingError, match="M013"):
        compile_mapping(text, renamed, document(), None, "servicenow")
    stored = meanings.resolved(text, None, "servicenow", [compiled])
    assert compile_mapping(meanings.readable(stored), renamed, document(), None, "x").hash == compiled.hash


def test_desks_with_other_ids_share_the_labels_as_they_are_written() -> None:
    text, catalogue = shipped("servicenow")
    other = deepcopy(dict(catalogue))
    state = other["fields"]["state"]
    state["values"] = {f"{id}0": told for id, told in state["values"].items()}
    state["required"] = []
    other.pop("workflow", None)
    both = [compile_mapping(text, one, document(), None, "servicenow") for one in (catalogue, other)]
    assert both[0].hash != both[1].hash
    stored = meanings.resolved(text, None, "servicenow", both)
    assert "examples" not in json.loads(stored)
    for one, compiled in zip((catalogue, other), both, strict=True):
        assert compile_mapping(meanings.readable(stored), one, document(), None, "x").hash == compiled.hash


def test_what_changed_is_said_rule_by_rule() -> None:
    text, _ = shipped("memory")
    was = meanings.whole(text, None, "memory")
    child = "mapping: 1\nname: town\nextends: memory\nfields: {due: null, status: {avoid: [waiting]}}\nworklogs: in\n"
    now = meanings.whole(child + "unsupported: {due: not here}\n", text, "town")
    assert meanings.changes(was, now) == ["- due", "status: avoid", "unsupported", "worklogs"]
    assert meanings.changes(None, now) == ["there is none yet"]
