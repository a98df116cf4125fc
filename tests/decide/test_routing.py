"""Who should have a new ticket: ordered rules, the first that matches, and the reason kept with those that lost."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.decide.facts import Ticket
from gateway.decide.language import BadPolicy
from gateway.decide.routing import compile_policy, route

POLICY = {
    "policy": 1,
    "name": "routing",
    "rules": [
        {"name": "broken", "when": 'tags[3] == "x"', "to": "team:nobody"},
        {
            "name": "network",
            "when": 'category == "network" && impact == "high"',
            "to": "provider:acme",
            "because": "they run it",
        },
        {"name": "vip", "when": '"vip" in tags', "to": "team:front-office"},
    ],
    "default": "team:service-desk",
}


def ticket(**fields: Any) -> Ticket:
    return Ticket(
        1,
        1,
        0,
        {"title": "x", "kind": "incident", "status": "new", "impact": "medium", "urgency": "medium", **fields},
        "",
    )


def test_the_first_rule_that_matches_decides_and_says_why() -> None:
    decided = route(compile_policy(POLICY), ticket(category="network", impact="high", tags=["vip"]), {})
    assert (decided.to, decided.rule, decided.because) == ("provider:acme", "network", "they run it")
    assert [name for name, _ in decided.lost] == ["broken"]
    assert decided.policy.startswith("routing@")


def test_a_rule_that_errs_does_not_match_and_is_named() -> None:
    decided = route(compile_policy(POLICY), ticket(tags=["vip"]), {})
    assert decided.to == "team:front-office"
    assert [name for name, _ in decided.erred] == ["broken"]


def test_without_a_match_the_default_decides() -> None:
    decided = route(compile_policy(POLICY), ticket(), {"channel": "mail"})
    assert (decided.to, decided.rule, decided.inputs["channel"]) == ("team:service-desk", "default", "mail")


def test_a_person_decides_over_any_rule() -> None:
    decided = route(compile_policy(POLICY), ticket(category="network", impact="high"), {"holder": "team:network"})
    assert (decided.to, decided.rule) == ("team:network", "by hand")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"when": 'nope == "x"', "to": "team:x"}, "undeclared"),
        ({"when": "title == ", "to": "team:x"}, r"rules\[0\]"),
        ({"when": "true", "to": "somebody"}, "team:<slug>"),
        ({"when": "true || " * 400 + "true", "to": "team:x"}, "longer"),
        ({"when": "tags.exists(t, t == title)", "to": "team:x"}, r"rules\[0\]"),
    ],
)
def test_a_policy_that_cannot_be_used_names_the_rule(rule: dict[str, str], said: str) -> None:
    with pytest.raises(BadPolicy, match=said):
        compile_policy({"rules": [{"name": "a", **rule}]})
