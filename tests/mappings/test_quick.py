"""The short ways give exactly what the long ways give, on anything a record may hold."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings import catalogue as lists
from mappings.build import Built, build
from mappings.engine import effective
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
