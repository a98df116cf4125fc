"""The vocabulary is the one DESIGN.md 1b lists, in the form mappings take."""

import itertools
import json

import pytest

from gateway.tickets import vocabulary
from gateway.tickets.priority import priority


def test_document_is_plain_data_with_the_installations_lists() -> None:
    document = vocabulary.document(categories=("printing",), custom={"site": {"type": "text", "max": 40}})
    assert json.loads(json.dumps(document)) == document
    assert document["category"]["values"] == ["printing"]
    assert document["custom.site"] == {"type": "text", "max": 40}
    assert "custom.provider_group" not in document


def test_building_a_document_leaves_the_constants_alone() -> None:
    vocabulary.document(categories=("printing",))["status"]["values"].append("lost")
    assert vocabulary.document()["category"]["values"] == list(vocabulary.CATEGORIES)
    assert "lost" not in vocabulary.document()["status"]["values"]


def test_required_fields_say_so() -> None:
    document = vocabulary.document()
    assert {name for name, field in document.items() if field.get("required")} == set(vocabulary.REQUIRED)


def test_every_synced_field_has_an_owner_or_is_derived() -> None:
    assert all("owner" in field or "derived" in field for field in vocabulary.document().values())


def test_priority_is_symmetric_and_falls_by_one_a_step() -> None:
    for impact, urgency in itertools.product(vocabulary.LEVELS, repeat=2):
        steps = vocabulary.LEVELS.index(impact) + vocabulary.LEVELS.index(urgency)
        assert priority(impact, urgency) == priority(urgency, impact) == vocabulary.PRIORITIES[steps]


def test_priority_of_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValueError, match="'urgent'"):
        priority("urgent", "low")
