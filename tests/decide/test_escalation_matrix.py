"""Matrices that cannot be followed are rejected at the place that has to be mended (D1-15)."""

from __future__ import annotations

import copy
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.decide.escalation import compile_escalation
from gateway.decide.language import BadPolicy, Fault, Known
from gateway.tickets.vocabulary import PRIORITIES
from mappings.loader import load, plain
from tests.decide.escalation_stories import KNOWN

GOOD = """
policy: 1
name: escalation
services: [network, payroll]
roles:
  lead: {users: [ana@example.com]}
  manager: {email: [boss@example.com]}
acknowledge: 1 h
fallback: {to: team:service-desk, unassigned: 4 h, inform: [lead]}
deadlock: {returns: 2, messages: 10, inform: [manager]}
matrix:
  - name: p1
    priority: [P1]
    steps:
      - {name: lead, after: 15 min, clock: wall, do: hierarchical, inform: [lead]}
      - {name: network, after: 30 min, clock: wall, do: functional, to: "team:network"}
      - {name: acme, after: 1 h, clock: wall, do: functional, to: "provider:acme", otherwise: "team:last-resort"}
  - name: payroll
    service: [payroll]
    steps:
      - {name: globex, after: 2 h, since: holder, do: functional, to: "provider:globex", how: warm}
  - name: others
    steps:
      - {name: lead, after: 8 h, since: unacknowledged, do: hierarchical, inform: [lead]}
"""


def faults(change: dict[str, Any]) -> list[Fault]:
    """What is wrong with the good one after a change; keys are places, None takes away."""
    doc = copy.deepcopy(yaml.safe_load(GOOD))
    for path, value in change.items():
        *way, last = [int(one) if one.isdigit() else one for one in path.split("/")]
        at: Any = doc
        for one in way:
            at = at[one]
        if value is None:
            del at[last]
        elif isinstance(at, list) and isinstance(last, int):
            at.insert(last, value)
        else:
            at[last] = value
    with pytest.raises(BadPolicy) as caught:
        compile_escalation(doc, KNOWN)
    return list(caught.value.faults)


LEAD = {"name": "x", "after": "2 h", "clock": "wall", "do": "hierarchical", "inform": ["lead"]}
HAND = {"name": "x", "after": "2 h", "clock": "wall", "do": "functional", "to": "provider:globex"}

BROKEN: list[tuple[dict[str, Any], str, str]] = [
    # holes
    ({"matrix/2": None}, "matrix", "a hole"),
    ({"matrix/2/priority": ["P2", "P3", "P4"]}, "matrix", "a hole"),
    ({"matrix/2/service": ["network"]}, "matrix", "a hole"),
    ({"matrix/2/steps": []}, "matrix[2].steps", "a hole"),
    ({"matrix": []}, "matrix", "needed"),
    # loops
    ({"matrix/0/steps/3": {**HAND, "to": "team:network"}}, "matrix[0].steps[3].to", "a loop"),
    ({"matrix/0/steps/2/to": "team:network", "matrix/0/steps/2/otherwise": None}, "matrix[0].steps[2].to", "a loop"),
    ({"matrix/0/steps/2/otherwise": "team:network"}, "matrix[0].steps[2].otherwise", "a loop"),
    ({"matrix/0/steps/1/otherwise": "team:network"}, "matrix[0].steps[1].otherwise", "a loop"),
    # never reached
    ({"matrix/3": {"name": "late", "priority": ["P4"], "steps": [LEAD]}}, "matrix[3]", "unreachable"),
    ({"matrix/1/priority": ["P1", "P2", "P3"]}, "matrix[1].priority[0]", "unreachable"),
    ({"matrix/1/priority": ["P2", "P2"]}, "matrix[1].priority[1]", "unreachable"),
    ({"matrix/2": {"name": "b", "service": ["network", "payroll"], "steps": [LEAD]}}, "matrix[2].service[1]", "unrea"),
    ({"matrix/1/service": ["payroll", "printing"]}, "matrix[1].service[1]", "no such service"),
    ({"matrix/0/steps/1/ends": "true"}, "matrix[0].steps[2]", "unreachable"),
    ({"matrix/0/steps/1/after": "10 min"}, "matrix[0].steps[1].after", "timed before"),
    ({"matrix/0/steps/2/after": "30 min"}, "matrix[0].steps[2].after", "timed before"),
    # who
    ({"matrix/0/steps/1/to": "team:netwerk"}, "matrix[0].steps[1].to", "no such team"),
    ({"matrix/0/steps/2/to": "provider:nobody"}, "matrix[0].steps[2].to", "no such provider"),
    ({"matrix/0/steps/2/to": "provider:asleep"}, "matrix[0].steps[2].to", "no active connection"),
    ({"matrix/0/steps/2/to": "acme"}, "matrix[0].steps[2].to", "not somebody"),
    ({"matrix/0/steps/2/to": None}, "matrix[0].steps[2].to", "needed"),
    ({"matrix/0/steps/2/otherwise": "provider:globex"}, "matrix[0].steps[2].otherwise", "a team of ours"),
    ({"matrix/0/steps/1/how": "warm"}, "matrix[0].steps[1].how", "only a provider"),
    ({"matrix/0/steps/1/acknowledge": "1 h"}, "matrix[0].steps[1].acknowledge", "asked of providers"),
    ({"matrix/0/steps/0/inform": ["led"]}, "matrix[0].steps[0].inform[0]", "no such role"),
    ({"matrix/0/steps/0/inform": None}, "matrix[0].steps[0].inform", "needed"),
    ({"matrix/0/steps/0/to": "team:network"}, "matrix[0].steps[0].to", "no such key"),
    ({"roles/lead": {"users": []}}, "roles.lead", "nobody has this role"),
    ({"roles/manager/email": ["boss"]}, "roles.manager.email[0]", "not an e-mail"),
    ({"deadlock/inform": None}, "deadlock.inform", "needed"),
    ({"deadlock/returns": "0"}, "deadlock.returns", "a number"),
    ({"fallback/to": "provider:acme"}, "fallback.to", "a team of ours"),
    ({"fallback/inform": None}, "fallback.inform", "nobody is told"),
    # words and times
    ({"matrix/0/steps/0/do": "vertical"}, "matrix[0].steps[0].do", "no such way"),
    ({"matrix/0/steps/0/since": "creation"}, "matrix[0].steps[0].since", "no such beginning"),
    ({"matrix/0/steps/0/since": "breach:"}, "matrix[0].steps[0].since", "no such clock"),
    ({"matrix/0/steps/0/since": "breach:resolve"}, "matrix[0].steps[0].since", "no such clock"),
    ({"matrix/0/steps/0/after": "soon"}, "matrix[0].steps[0].after", "a length of time"),
    ({"matrix/0/steps/0/calendar": "desk"}, "matrix[0].steps[0].calendar", "every hour counts"),
    ({"calendar": "moon"}, "calendar", "no such calendar"),
    ({"calendar": "team:moon"}, "calendar", "no such team"),
    ({"matrix/0/steps/1/name": "lead"}, "matrix[0].steps[1].name", "two steps"),
    ({"matrix/1/name": "p1"}, "matrix[1].name", "two rows"),
    ({"waits": ["new"]}, "waits[0]", "no such status"),
    ({"follow": "nobody"}, "follow", "no such rule"),
    ({"matirx": []}, "matirx", "no such key"),
    ({"policy": "2"}, "policy", "version 1"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "said"), BROKEN, ids=[f"{n}-{p}" for n, (_, p, _) in enumerate(BROKEN)])
def test_what_is_wrong_is_told_at_its_place(change: dict[str, Any], path: str, said: str) -> None:
    found = faults(change)
    assert [one for one in found if one.path == path and said in one.title], [str(one) for one in found]
    assert all(one.fix for one in found), "and what to write instead"


def test_a_hole_names_the_cells() -> None:
    (hole,) = faults({"matrix/2/service": ["network"]})
    assert hole.value == "any other service x P2, P3, P4, P5"


def test_a_loop_shows_the_way() -> None:
    (loop,) = faults({"matrix/0/steps/3": {**HAND, "to": "team:network"}})
    assert loop.value == "team:network -> provider:acme -> team:network"


def test_every_fault_is_found_at_once() -> None:
    paths = {one.path for one in faults({"matrix/2": None, "calendar": "moon", "matrix/0/steps/2/to": "acme"})}
    assert {"matrix", "calendar", "matrix[0].steps[2].to"} <= paths


def test_the_good_one_has_a_path_for_every_cell() -> None:
    matrix = compile_escalation(yaml.safe_load(GOOD), KNOWN)
    rows = {(s, p): row.name for s in ("network", "Payroll", "x") for p in PRIORITIES if (row := matrix.row(s, p))}
    assert len(rows) == 15
    assert (rows["network", "P1"], rows["Payroll", "P2"], rows["x", "P5"]) == ("p1", "payroll", "others")


def test_what_was_published_is_loaded_though_its_provider_is_gone() -> None:
    doc = yaml.safe_load(GOOD.replace("provider:acme", "provider:gone"))
    assert compile_escalation(doc).rows[0].steps[2].to == "provider:gone"


def test_the_shipped_policy_hands_nothing_to_anybody_by_itself() -> None:
    text = files("gateway").joinpath("policies/escalation.yaml").read_text("utf-8")
    matrix = compile_escalation(plain(load(text, "escalation")), KNOWN)
    assert all(matrix.row("", priority) for priority in PRIORITIES)
    assert not any(step.functional for row in matrix.rows for step in row.steps)
    assert not matrix.acknowledge.length


def test_the_example_in_the_documentation_can_be_published() -> None:
    text = (Path(__file__).parents[2] / "docs" / "examples" / "escalation.yaml").read_text("utf-8")
    known = Known(frozenset({"service-desk", "network"}), frozenset({"acme", "bolt"}), frozenset({"acme", "bolt"}))
    matrix = compile_escalation(plain(load(text, "escalation")), known)
    assert [row.name for row in matrix.rows] == ["outages", "network", "all others"]
