"""Every example a mapping carries holds, and an example that does not is told with its place."""

import pytest

from mappings.engine import effective
from mappings.examples import failures
from tests.mappings import support


@pytest.mark.parametrize("name", [*support.NAMES, *support.WORKED])
def test_examples_hold(name: str) -> None:
    root = effective(support.source(name), None, name)
    assert len(root.get("examples").items) >= 3
    assert failures(support.compiled(name), root) == []


def test_examples_of_a_child_hold_and_the_parents_are_not_its_own() -> None:
    root = effective(support.source("acme-rt"), support.source("rt"), "acme-rt")
    assert len(root.get("examples").items) == 1
    assert failures(support.compiled("acme-rt"), root) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("status: pending_requester, impact", "status: new, impact"), '"status": "pending_requester"'),
        (("gives: {Status: resolved}", "gives: {Status: open}"), 'we close: gives is {"Status": "resolved"}, not'),
        (("held: [status]", "held: []"), 'held is ["status"], not []'),
        (("    gives: comment", "    gives: correspond"), 'gives is "comment", not "correspond"'),
    ],
)
def test_a_wrong_example_is_told_where_it_stands(change: tuple[str, str], told: str) -> None:
    text = support.source("rt").replace(*change)
    assert text != support.source("rt")
    found = failures(support.compiled("rt"), effective(text, None, "rt"))
    assert [complaint.code for complaint in found] == ["M007"]
    assert told in found[0].cause
    assert change[1].strip() in text.splitlines()[found[0].line - 1].strip()
