"""The theorems that hold of every mapping, tried on random tickets: stability, round trip, and that nothing is lost
unsaid (MAPPINGS.md section 3, T2, T3, T7)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import normal, text
from mappings.engine import Mapping
from tests.mappings import support

COMPILED = {name: support.compiled(name) for name in (*support.NAMES, *support.WORKED)}
CATALOGUES = {name: support.catalogue(name) for name in COMPILED}
LOSSES = {
    "rt": {"status": {"pending_provider", "pending_problem", "closed"}},
    "servicenow": {"resolution_code": {"declined"}, "category": set()},
    "redmine": {"status": {"pending_provider", "pending_problem"}, "category": {"inquiry", "software"}},
    "memory": {"status": {"pending_problem"}},
    "jsm": {"status": {"pending_problem"}, "resolution_code": {"workaround", "by_requester", "user_error"}},
    "connectwise": {"status": {"pending_problem", "cancelled"}, "kind": {"problem"}},
}
"""Per mapping: the values that come back as others. Transforms (assets, tags, due) lose what they say they lose."""

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


def of(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    if field["type"] == "choice":
        return st.sampled_from(field["values"])
    if field["type"] == "set":
        return st.lists(words.map(str.strip).filter(bool), max_size=4).map(lambda parts: normal.normal_of(SET)(parts))
    if field["type"] == "datetime":
        near = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1))
        return near.map(lambda when: normal.stamp(when.replace(tzinfo=UTC, microsecond=0)))
    if field["type"] == "person":
        return st.just({"email": "paula@acme.example"})
    return words.map(normal.text).map(lambda text: text or "x")


SET = normal.Remote("s", "set")
tickets = st.fixed_dictionaries({}, optional={name: of(field) for name, field in support.VOCABULARY.items()})


def back(mapping: Mapping, record: dict[str, Any]) -> dict[str, Any]:
    """What we read of a record that was just written."""
    return mapping.inward(record)[0]


@pytest.mark.parametrize("name", COMPILED)
@settings(max_examples=150, deadline=None)
@given(ticket=tickets)
def test_writing_what_was_read_of_what_was_written_changes_nothing(name: str, ticket: dict[str, Any]) -> None:
    mapping = COMPILED[name]
    first = mapping.write(ticket, {}, True)
    assert first.wires == mapping.observe(first.fields)
    two_way = {field for field, rule in mapping.fields.items() if rule.direction == "both"}
    read = {field: value for field, value in back(mapping, first.fields).items() if field in two_way}
    again = mapping.write(read, first.fields, True)
    for field in read.keys() & first.wires.keys():
        if field in again.wires:
            assert again.wires[field] == first.wires[field], field


@pytest.mark.parametrize("name", COMPILED)
@settings(max_examples=150, deadline=None)
@given(ticket=tickets)
def test_what_is_written_reads_back_but_for_the_named_losses(name: str, ticket: dict[str, Any]) -> None:
    mapping = COMPILED[name]
    out = mapping.write(ticket, {}, True)
    read = back(mapping, out.fields)
    cut = {text for _, text in out.files} | set(out.comments)
    for field, rule in mapping.fields.items():
        document = mapping.document["fields"][field]
        lossy = "transform" in document or support.VOCABULARY[field]["type"] == "person"
        if (
            rule.direction != "both"
            or field not in ticket
            or field not in read
            or lossy
            or ticket[field] in LOSSES[name].get(field, ())
        ):
            continue
        if not isinstance(ticket[field], list) and ticket[field] in cut:
            continue
        entry = CATALOGUES[name]["fields"][rule.remote[0]]
        said = ticket[field]
        if (
            entry.get("format", "plain") != "plain"
        ):  # what a document keeps of plain text: no control characters, no tabs
            said = text.write(text.read(said, "plain"), "plain") or None
        assert read[field] == said, field


@pytest.mark.parametrize("name", COMPILED)
@settings(max_examples=150, deadline=None)
@given(ticket=tickets)
def test_every_value_is_written_or_said(name: str, ticket: dict[str, Any]) -> None:
    mapping = COMPILED[name]
    for field, value in ticket.items():
        out = mapping.write({field: value}, {}, True)
        rule = mapping.fields.get(field)
        assert rule is not None or field in mapping.unsupported
        if rule is not None and rule.direction != "in":
            assert field in out.wires or out.held or out.notes or out.later, field


@pytest.mark.parametrize("name", COMPILED)
@given(ids=st.data())
def test_nobody_is_unassigned_by_a_mapping(name: str, ids: st.DataObject) -> None:
    mapping = COMPILED[name]
    people = [field for field in mapping.fields if support.VOCABULARY[field]["type"] == "person"]
    shapes = (
        st.none() | words | st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "email", "login", "name"), words))
    )
    for field in people:
        record = {mapping.fields[field].remote[0]: ids.draw(shapes)}
        wire = mapping.observe(record)[field]
        reading = mapping.read(field, wire, record)
        assert reading.kind == "note" or reading.value
        for empty in (None, {}):
            assert mapping.write({field: empty}, {}, False).fields == {}


@pytest.mark.parametrize("name", COMPILED)
@given(data=st.data())
def test_every_value_of_theirs_has_a_meaning_or_is_said(name: str, data: st.DataObject) -> None:
    mapping, fields = COMPILED[name], CATALOGUES[name]["fields"]
    record: dict[str, Any] = {}
    for field, entry in fields.items():
        if entry["type"] == "choice" and not entry.get("per") and entry.get("values"):
            record[field] = data.draw(st.sampled_from([*entry["values"], "a value of tomorrow", None]))
    values, held, notes = mapping.inward(record)
    told = {field for field, _ in [*held, *notes]}
    for field, rule in mapping.fields.items():
        if rule.direction != "out" and rule.remote[0] in record:
            assert field in values or field in told
    assert not values.keys() & {field for field, _ in held}
