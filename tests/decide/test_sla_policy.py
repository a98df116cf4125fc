"""The policy of targets: which rule decides for a clock, and what is wrong with a policy, each fault with its place."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from gateway.decide.hours import Calendars
from gateway.decide.language import BadPolicy, Known
from gateway.decide.sla import compile_targets, feasible
from gateway.decide.sla.targets import CLOCKS, About, Terms
from gateway.insight.estimates import Estimate
from mappings.loader import load, plain
from tests.architecture.tree import ROOT
from tests.decide.hours_world import H, at
from tests.decide.sla_world import MIN, OFFICE, policy, shipped

KNOWN = Known(frozenset({"desk", "network"}), frozenset({"acme", "globex"}), frozenset({"acme"}))
MONDAY = at("2026-11-16T00:00")


def faults(known: Known | None = None, **change: Any) -> list[tuple[str, str]]:
    """What is wrong with the shipped policy once it is changed: (place, title)."""
    with pytest.raises(BadPolicy) as bad:
        compile_targets({**shipped(), **change}, known)
    return [(fault.path, fault.title) for fault in bad.value.faults]


def rule(name: str = "r", when: Any = None, **targets: Any) -> dict[str, Any]:
    return {"name": name, "when": when or {"priority": "P1"}, "targets": targets}


# --- which rule decides ---


def test_the_first_rule_that_names_the_clock_decides_for_it() -> None:
    targets = policy(
        rules=[
            rule("vip", {"clientele": "customer", "priority": ["P1", "P2"]}, reply="10 min"),
            rule("p1", {"priority": "P1"}, reply="20 min", requester_wait="4 h"),
        ],
        reply="1 h",
    )
    customer = About("incident", "P1", "", "customer")
    reply, wait = targets.terms("reply", customer), targets.terms("requester_wait", customer)
    assert [(reply.rule, reply.within), (wait.rule, wait.within)] == [("vip", 10 * MIN), ("p1", 4 * H)]
    assert targets.terms("reply", About("incident", "P4")).rule == "default"
    assert targets.terms("acknowledge", customer) == Terms(None, "desk", (), ("resolved",), "none")


def test_a_service_is_the_same_in_upper_and_lower_case() -> None:
    targets = policy(rules=[rule("till", {"service": "Point of Sale"}, reply="10 min")], reply="1 h")
    assert targets.terms("reply", About(service="point of sale")).rule == "till"


def test_a_provider_s_rule_is_about_its_own_clocks() -> None:
    targets = policy(rules=[rule("acme", {"provider": "acme"}, provider_ack="10 min")], provider_ack="1 h")
    assert targets.terms("provider_ack", About(provider="acme")).within == 10 * MIN
    assert targets.terms("provider_ack", About(provider="globex")).within == H


@pytest.mark.parametrize(
    ("calendar", "team", "site", "who"),
    [
        ("desk", "team:network", "lab", "desk"),
        ("holder", "team:network", "lab", "team:network"),
        ("holder", "", "lab", "desk"),
        ("site", "team:network", "lab", "site:lab"),
        ("site", "team:network", "", "desk"),
        ("always", "", "", "always"),
        ("team:desk", "team:network", "", "team:desk"),
        ("site:lab", "", "", "site:lab"),
    ],
)
def test_whose_calendar_a_clock_goes_by(calendar: str, team: str, site: str, who: str) -> None:
    targets = policy(agent_work={"within": "4 h", "calendar": calendar})
    assert targets.terms("agent_work", About(), team, site).who == who


def test_terms_are_understood_from_their_text_alone() -> None:
    targets = compile_targets(shipped())
    for clock in CLOCKS:
        for priority in ("P1", "P3", "P5"):
            terms = targets.terms(clock, About("incident", priority, provider="acme"), "team:desk")
            assert Terms.read(terms.text) == terms
    nothing = policy().terms("requester_wait", About())
    assert Terms.read(nothing.text) == nothing
    assert nothing.text == "no target · desk · warn never · not while requester · rule none"


def test_the_shipped_policy_says_what_it_promises() -> None:
    told = compile_targets(shipped(), KNOWN).told()
    assert told[0] == "P1: acknowledgement within 15 min"
    assert told[-1] == "The time between solved and reopened counts as time that the requester waited."


def test_the_label_is_the_version_s_or_a_digest() -> None:
    assert compile_targets(shipped(), label="targets@3").label == "targets@3"
    assert compile_targets(shipped()).label == compile_targets(shipped()).label != policy(label="").label


def test_the_example_of_the_docs_is_a_policy() -> None:
    page = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8").split("## Targets\n")[1]
    block = page.split("\n\n| clock")[0].split("\n\n", 1)[1]
    doc = plain(load(textwrap.dedent(block), "targets.yaml"))
    targets = compile_targets(doc, KNOWN)
    assert [rule.name for rule in targets.rules] == ["customers, urgent", "acme", "default"]
    assert all(f"| `{clock}` |" in page for clock in CLOCKS)


def test_who_keeps_no_calendar_of_their_own_is_noted() -> None:
    doc = {**shipped(), "clocks": {"reply": {"calendar": "team:network"}, "requester_wait": {"calendar": "site:Lab"}}}
    known = Known(KNOWN.teams, policies={"calendars": OFFICE})
    assert compile_targets(doc, known).notes == (
        "clocks.reply.calendar: team:network has no calendar of its own: the one called office holds.",
        "clocks.requester_wait.calendar: site:Lab has no calendar of its own: the one called office holds.",
    )


# --- what is wrong ---


@pytest.mark.parametrize(
    ("clocks", "path", "title"),
    [
        (
            {"requester_wait": {"paused_by": ["provider"]}},
            "clocks.requester_wait.paused_by[0]",
            "requester_wait never pauses for that",
        ),
        (
            {"update_cadence": {"paused_by": ["provider"]}},
            "clocks.update_cadence.paused_by[0]",
            "update_cadence never pauses for that",
        ),
        (
            {"provider_resolve": {"paused_by": ["provider"]}},
            "clocks.provider_resolve.paused_by[0]",
            "provider_resolve never pauses for that",
        ),
        ({"reply": {"paused_by": ["requester"]}}, "clocks.reply.paused_by", "reply is never paused"),
        ({"acknowledge": {"paused_by": ["requester"]}}, "clocks.acknowledge.paused_by", "acknowledge is never paused"),
        ({"agent_work": {"paused_by": ["lunch"]}}, "clocks.agent_work.paused_by[0]", "no such reason to pause"),
        ({"solve": {}}, "clocks.solve", "there is no such key"),
        ({"reply": {"warn": "soon"}}, "clocks.reply.warn", "not a warning"),
        ({"reply": {"warn": "0 %"}}, "clocks.reply.warn", "not a warning"),
        ({"reply": {"warn": ["1 %", "2 %", "3 %", "4 %"]}}, "clocks.reply.warn", "more than 3 warnings"),
        ({"reply": {"calendar": "holder"}}, "clocks.reply.calendar", "not somebody with a calendar"),
        ({"agent_work": {"calendar": "team:nobody"}}, "clocks.agent_work.calendar", "no such team"),
        ({"provider_ack": {"calendar": "provider:initech"}}, "clocks.provider_ack.calendar", "no such provider"),
    ],
)
def test_what_cannot_be_said_of_a_clock(clocks: dict[str, Any], path: str, title: str) -> None:
    assert (path, title) in faults(KNOWN, clocks=clocks)


@pytest.mark.parametrize(
    ("rules", "path", "title"),
    [
        ([rule(reply="0 min")], "rules[0].targets.reply", "a length of time is expected"),
        ([rule(reply="soon")], "rules[0].targets.reply", "a length of time is expected"),
        ([rule(reply={"calendar": "desk"})], "rules[0].targets.reply.within", "is needed"),
        ([rule(when={"priority": "P9"}, reply="1 h")], "rules[0].when.priority", "no such word"),
        ([rule(when={"priority": ["P1", "P0"]}, reply="1 h")], "rules[0].when.priority[1]", "no such word"),
        ([rule(when={"priority": []}, reply="1 h")], "rules[0].when.priority", "no word is given"),
        ([rule(when={"colour": "red"}, reply="1 h")], "rules[0].when.colour", "there is no such key"),
        ([rule(when={"provider": "initech"}, provider_ack="1 h")], "rules[0].when.provider", "no such provider"),
        (
            [rule(when={"provider": "acme"}, reply="1 h")],
            "rules[0].targets.reply",
            "a rule for a provider is about its clocks alone",
        ),
        ([{"name": "r", "targets": {"reply": "1 h"}}], "rules[0].when", "a condition is expected"),
        ([rule("a", reply="1 h"), rule("a", reply="2 h")], "rules[1].name", "there is a rule of that name"),
        (
            [rule("a", reply="1 h"), rule("b", {"priority": "P1", "kind": "request"}, reply="2 h")],
            "rules[1].targets.reply",
            "is never reached: a comes first and decides all of it",
        ),
        (
            [rule(reply={"within": "30 min", "warn": "30 min left"})],
            "rules[0].targets.reply",
            "30 min left is all of the 30 min there is",
        ),
    ],
)
def test_what_cannot_be_a_rule(rules: list[Any], path: str, title: str) -> None:
    assert (path, title) in faults(KNOWN, rules=rules)


def test_a_policy_has_a_default_and_every_fault_is_told_at_once() -> None:
    doc = {
        "policy": "2",
        "name": "target",
        "reopened": "maybe",
        "rules": [rule(reply="soon"), rule("s", reply="later")],
    }
    with pytest.raises(BadPolicy) as bad:
        compile_targets(doc)
    places = [fault.path for fault in bad.value.faults]
    assert places == ["policy", "name", "reopened", "rules[0].targets.reply", "rules[1].targets.reply", "default"]
    assert all(fault.fix for fault in bad.value.faults)


def test_a_rule_that_is_wider_than_one_before_it_is_reached() -> None:
    rules = [rule("a", {"priority": "P1", "kind": "request"}, reply="1 h"), rule("b", {"priority": "P1"}, reply="2 h")]
    assert len(policy(rules=rules).rules) == 3


# --- whether targets can be met (REQUIREMENTS D2-11) ---


def took(p80: int | None, finished: int, **basis: str) -> Estimate:
    """How long such tickets took."""
    return Estimate(p80, p80, p80, finished, 0, tuple(basis.items()), MONDAY)


def test_a_target_that_history_does_not_keep_is_told_with_the_numbers() -> None:
    targets = policy(rules=[rule("urgent", {"priority": ["P1", "P2"]}, requester_wait="1 h")], requester_wait="2 d")
    known = {"P1": took(160 * H, 512, priority="P1"), "P2": took(20 * MIN, 90, priority="P2")}
    always = Calendars("c", {"x": OFFICE.of("desk")}, "x")
    notes = feasible(targets, lambda fields: known.get(fields.get("priority", "")), always, MONDAY)
    assert [(note.rule, note.clock, note.p80, note.n) for note in notes] == [("urgent", "requester_wait", 160 * H, 512)]
    assert "within 1 h" in notes[0].text
    assert "for priority P1 8 of 10 took up to 160 h (n = 512)" in notes[0].text


def test_where_too_little_is_known_nothing_is_said() -> None:
    targets = policy(requester_wait="1 h")
    assert feasible(targets, lambda _: None, OFFICE, MONDAY) == []
    assert feasible(targets, lambda _: took(None, 4), OFFICE, MONDAY) == []


def test_working_time_is_put_into_the_week_before_it_is_compared() -> None:
    """18 hours of work are two days at the desk: a ticket that came at noon has until the day after tomorrow."""
    targets = policy(requester_wait="18 h")
    assert feasible(targets, lambda _: took(47 * H, 100), OFFICE, MONDAY) == []
    notes = feasible(targets, lambda _: took(90 * H, 100), OFFICE, MONDAY)
    assert [note.within for note in notes] == [18 * H]
    assert "for all tickets 8 of 10" in notes[0].text
    assert 47 * H < notes[0].wall < 90 * H


def test_a_provider_that_may_take_longer_than_was_promised_is_told() -> None:
    targets = policy(
        rules=[
            rule("acme", {"provider": "acme"}, provider_resolve="3 d"),
            rule("p1", {"priority": "P1"}, provider_resolve="1 h"),
        ],
        requester_wait="2 d",
    )
    notes = feasible(targets, lambda _: None, OFFICE, MONDAY)
    assert [(note.rule, note.clock, note.n) for note in notes] == [("acme", "provider_resolve", 0)]


def test_the_shipped_policy_leaves_time_for_what_was_promised() -> None:
    assert feasible(compile_targets(shipped()), lambda _: None, OFFICE, MONDAY) == []
