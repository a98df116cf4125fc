"""The short ways give exactly what the long ways give, on anything a record may hold."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings import catalogue as lists
from mappings import normal
from mappings.build import Built, build
from mappings.engine import effective
from mappings.model import Outward
from mappings.putting import Job
from mappings.resolve import resolve
from mappings.rules import Field
from mappings.seeing import see_each, see_rule
from tests.mappings import support

scalars = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(
        ["", " ", "x ", "x\n", "\x7f", "é", "e\u0301", "a\rb", "*", "2026-11-22T10:00:00Z", "1970-01-01T00:00:00Z"]
    ),
    st.sampled_from(["2026-11-22T10:00:00+01:00", "Nobody", "null", "1", "3", "4", "On Hold"]),
    st.integers(-5, 120),
    st.booleans(),
    st.lists(st.text(max_size=4), max_size=3),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "email", "login", "name"), st.text(max_size=6))),
)


def rules(name: str) -> list[tuple[Field, Built, dict[str, Any]]]:
    doc = support.catalogue(name)
    remote, ours = lists.catalogue(doc), lists.vocabulary(support.VOCABULARY)
    found, _ = resolve(effective(support.source(name), None, name), remote, ours)
    return [(rule, build(rule, remote, ours, found.defaults), doc["fields"]) for rule in found.fields.values()]


RULES = {name: rules(name) for name in (*support.NAMES, *support.WORKED, "desk")}


def value(entry: dict[str, Any]) -> st.SearchStrategy[Any]:
    values = entry.get("values") or {}
    ids = [id for table in values.values() for id in table] if entry.get("per") else list(values)
    return st.one_of(st.sampled_from(ids), scalars) if ids else scalars


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_quick_and_slow_agree(name: str, data: st.DataObject) -> None:
    for rule, built, fields in RULES[name]:
        names = [remote.name for remote in rule.remotes] + ([rule.per.name] if rule.per is not None else [])
        record = {each: data.draw(value(fields[each])) for each in names}
        slow = see_each(rule) if rule.expr is not None else see_rule(rule)
        assert built.see(record) == slow(record)
        if built.take is not None and built.mean is not None:
            assert built.take(record) == built.mean(slow(record), record)
            first = record[built.first]
            if built.known is not None and type(first) is str and first in built.known:
                assert built.known[first] == built.mean(slow(record), record)


def ours(rule: Field) -> st.SearchStrategy[Any]:
    texts = st.one_of(st.text(max_size=300), st.sampled_from(["", "a \n\nb", "a\r\nb\t", "e\u0301", "x "]))
    if rule.ours.type == "choice":
        return st.sampled_from([*(rule.ours.values or ()), "", None])
    if rule.ours.type == "set":
        return st.lists(texts, max_size=4)
    if rule.ours.type == "datetime":
        return st.one_of(st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}"), st.none(), texts)
    return texts


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_short_way_outward_writes_what_the_long_way_writes_and_would_be_seen(
    name: str, data: st.DataObject
) -> None:
    for rule, built, _ in RULES[name]:
        if built.give is None or built.put is None:
            continue
        value = data.draw(ours(rule))
        wire = built.give(value)
        if wire is None:
            continue
        job = Job(Outward(), {}, False, {})
        built.put(value, job)
        assert job.out.fields == {built.first: wire}
        assert (job.out.held, job.out.notes, job.out.comments, job.out.files) == ([], [], [], [])
        assert see_rule(rule)(job.out.fields) == wire


def test_there_is_a_short_way_outward_for_the_usual_kinds() -> None:
    given = {rule.name for rule, built, _ in RULES["servicenow"] if built.give is not None}
    assert {"title", "description", "impact", "urgency", "due"} <= given


@given(st.text(max_size=30))
def test_what_is_tidy_at_a_glance_is_its_own_normal_form(text: str) -> None:
    assert not normal.tidy(text) or normal.text(text) == text
